"""The lines around a screen: its title with the others beside it, and the keys that work."""

from __future__ import annotations

from collections.abc import Sequence

from tui.actions import Action
from tui.drawing.segments import Line, Segment, cells, cut, fit, line, width_of

TABS = (
    ("graph", "1 Graph"),
    ("events", "2 Events"),
    ("chain", "3 Chain"),
    ("consumers", "4 Consumers"),
    ("findings", "5 Findings"),
)
"""Action that leads there, and name."""


def draw_title(current: str, right: Line, width: int) -> Line:
    """The first line: the name, the screens (targets are actions), and what is shown."""
    left = _tabs(current, len(TABS))
    for named in reversed(range(len(TABS))):
        # What is shown matters more than the names of what is not.
        if width_of(left) + width_of(right) + 2 > width:
            left = _tabs(current, named)
    room = max(0, width - width_of(left) - 2)
    shown = fit(right, room) if width_of(right) > room else right
    return fit(line(*left, " " * (1 + room - width_of(shown)), *shown, " "), width)


def _tabs(current: str, named: int) -> Line:
    """The first `named` and the current one with their names, the others by their keys."""
    tabs: list[Segment] = []
    for number, (action, name) in enumerate(TABS):
        here = action == current
        shown = name if here or number < named else name.partition(" ")[0]
        text = f"[{shown}]" if here else f" {shown} "
        tabs.append(Segment(text, "title" if here else "label", action))
    return line(Segment(" flowtap ", "event", "command_palette"), *tabs)


def draw_keys(actions: Sequence[Action], width: int) -> Line:
    """The last line: as many keys as fit, each with its label; targets are the actions' names."""
    parts: list[Segment] = []
    room = width - 1
    for action in actions:
        key, label = f" {action.key}", f" {action.label} "
        size = cells(key) + cells(label)
        if size > room:
            break
        parts += [Segment(key, "key", action.name), Segment(label, "dim", action.name)]
        room -= size
    return fit(line(*parts), width)


def draw_way(titles: Sequence[str], focus: str, right: Line, width: int) -> Line:
    """A breadcrumb: the root, what lies between as far as there is room, and what is selected."""
    room = max(8, width - width_of(right) - 2)
    shown = list(titles)
    while len(shown) > 2 and sum(cells(title) + 3 for title in shown) + cells(focus) > room:
        del shown[1 if shown[1] != "…" else 2]
        if len(shown) > 1 and shown[1] != "…":
            shown.insert(1, "…")
        if len(shown) <= 3:
            break
    parts: list[Segment] = [Segment(" ")]
    for number, title in enumerate(shown):
        last = number == len(shown) - 1
        parts.append(Segment(cut(title, max(8, room - 3)), "title" if last else "event"))
        if not last:
            parts.append(Segment(" › ", "edge"))
    if focus:
        parts.append(Segment(f"  {focus}", "id"))
    gap = "  " if right else ""
    left = fit(line(*parts), max(0, width - len(gap) - width_of(right) - 1))
    return fit(line(*left, gap, *right, " "), width)
