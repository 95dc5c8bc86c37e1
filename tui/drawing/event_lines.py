"""Around a list of events: what is asked for, how it stands, and how many of each type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graph.filter import FilterError
from tui.drawing import figures
from tui.drawing.facts import wrap
from tui.drawing.passing import KEPT, OTHERS, Kind, Passing
from tui.drawing.segments import Line, Segment, cells, fit, line, pad, printable, width_of

_RATE = 7
_COUNT = 5
_BAR = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"


HINT = " f  filters: topic:order.* type:paid key:42 service:payment error:yes since:10m"


def filter_line(text: str, width: int, hint: str = HINT) -> Line:
    """The filter in force, or what can be written; targets lead to its input."""
    if text:
        parts = line(Segment(" filter ", "label"), Segment(printable(text), "title"))
    else:
        parts = line(Segment(hint[:2], "key"), Segment(hint[2:], "dim"))
    return tuple(part._replace(target="filter") for part in fit(parts, width))


@dataclass(frozen=True, slots=True)
class Standing:
    """How the list stands, besides what it holds."""

    live: bool = True
    away: bool = False
    following: bool = False
    """The stream of what is stored is open."""
    oldest: bool = False
    """The oldest that fit are listed, and stay."""
    more: bool = False
    """Others fit: after the oldest, or before the newest."""


def state_line(passing: Passing, standing: Standing, rate: float | None, width: int) -> Line:
    """Whether it follows; paused, how many came below; what is not shown, and why."""
    if passing.held:
        new = f"{passing.new:,} new below" if passing.new else "nothing new"
        left = line(
            Segment(" ‖ paused, ", "warning"),
            Segment(new, "warning"),
            Segment("   p ", "key"),
            Segment("follows again", "dim"),
        )
    elif standing.oldest:
        count = len(passing.rows)
        beyond = "; more come after them" if standing.more else ", all that fit"
        left = line(
            Segment(f" ▪ the oldest {count:,}" if standing.more else f" ▪ {count:,}", "label"),
            Segment(beyond, "warning" if standing.more else "dim"),
            Segment("   ○ the collector is away" if standing.away else "", "error"),
        )
    elif not standing.live:
        newest = "the newest " if standing.more else ""
        left = line(Segment(f" ▪ {newest}{len(passing.rows):,} events", "label"))
    elif standing.away:
        left = line(Segment(" ○ the collector is away, it is asked again", "error"))
    elif standing.following:
        pace = figures.rate(rate) if rate is not None else "…"
        left = line(Segment(" ● following  ", "ok"), Segment(pace, "number"))
    else:
        left = line(Segment(" ◌ asking", "label"))
    missed = f"{passing.missed:,} dropped, they came too fast" if passing.missed else ""
    beyond = ""
    if passing.held and passing.new > KEPT:
        beyond = f"the newest {KEPT:,} of them are kept"
    elif passing.seen > len(passing.rows) and not passing.held:
        beyond = f"newest {len(passing.rows):,} of {passing.seen:,}"
    elif standing.more and not standing.oldest:
        beyond = "more came before"
    right = line(
        Segment(missed, "error"),
        Segment(" · " if missed and beyond else "", "dim"),
        Segment(beyond, "dim"),
        " ",
    )
    if width_of(left) + width_of(right) > width:
        right = line(Segment(f" {passing.missed:,} dropped ", "error")) if missed else ()
    room = max(0, width - width_of(right))
    return fit((*fit(left, room), *right), width)


def type_lines(passing: Passing, rates: Mapping[Kind, float], width: int) -> list[Line]:
    """Each type, how many were seen, how many a second, and its share; targets are `Kind`s."""
    lines = [types_heading(width)]
    most = max(passing.counts.values(), default=1)
    name_room = _name_room(width)
    named = sorted((kind for kind in passing.counts if kind != OTHERS), key=lambda one: one.value)
    for kind in [*named, *([OTHERS] if OTHERS in passing.counts else [])]:
        count = passing.counts[kind]
        rate = figures.rate(rates[kind]) if kind in rates else ""
        row = line(
            Segment(" "),
            Segment(pad(printable(kind.value) or "unnamed", name_room), "event"),
            Segment(pad(figures.count(count), _COUNT + 1, "right"), "number"),
            Segment(pad(rate, _RATE + 1, "right"), "dim"),
            Segment(f" {_bar(count / most)}" if _has_bar(width) else "", "work"),
        )
        target = None if kind == OTHERS else kind
        lines.append(tuple(part._replace(target=target) for part in fit(row, width)))
    return lines


def types_heading(width: int) -> Line:
    """Names the columns of `type_lines`."""
    parts = (
        " ",
        pad("type", _name_room(width)),
        pad("seen", _COUNT + 1, "right"),
        pad("rate", _RATE + 1, "right"),
    )
    return fit(line(Segment("".join(parts), "label")), width)


def _has_bar(width: int) -> bool:
    return width >= 40


def _name_room(width: int) -> int:
    bar = _BAR + 1 if _has_bar(width) else 0
    return max(4, width - 1 - (_COUNT + 1) - (_RATE + 1) - bar)


def _bar(share: float) -> str:
    """A bar of at most eight columns, in eighths of one; what there is at all shows."""
    eighths = max(1, round(share * _BAR * 8))
    whole, part = divmod(eighths, 8)
    return pad("█" * whole + (_EIGHTHS[part] if part else ""), _BAR)


def mistake_lines(text: str, error: FilterError, width: int) -> list[Line]:
    """The text with its mistake underlined, and what would be right."""
    start, end = cells(text[: error.start]), cells(text[: error.end])
    shift = max(0, end + 1 - width)
    shown = printable(text)[shift:] if shift else printable(text)
    mark = " " * max(0, start - shift) + "^" * max(1, end - max(start, shift))
    return [
        fit(line(shown), width),
        fit(line(Segment(mark, "error")), width),
        *(line(*part) for part in wrap([Segment(error.detail, "warning")], width)),
    ]
