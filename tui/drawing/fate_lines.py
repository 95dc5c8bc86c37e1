"""Fates as text: a line for each consumer, and below it why that is said.

CONSUMER                                 FATE            EVIDENCE   AT
✗ inventory (group inventory-workers)    dead-lettered   declared   14:03:12.004
  inventory gave it up after 2 attempts; a copy lies at order.created.dlt/0/3.
"""

from __future__ import annotations

from collections.abc import Iterator

from graph.fate.result import Fate, Fates, GroupKnown, Status
from tui.drawing import evidence as marks
from tui.drawing import figures
from tui.drawing.facts import wrap
from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    cut_middle,
    line,
    pad,
    printable,
    width_of,
)

STATUS = 14
EVIDENCE = 9
TIME = 14
LEAST_WIDTH = 60
INDENT = 4
LONGEST = 110
"""Columns of a sentence; longer lines are hard to read."""

_MARKS: dict[Status, tuple[str, SegmentRole]] = {
    Status.DEAD_LETTERED: ("✗", "error"),
    Status.FAILED: ("✗", "error"),
    Status.RETRIED: ("↻", "warning"),
    Status.PENDING: ("…", "wait"),
    Status.NO_EVIDENCE: ("?", "unknown"),
    Status.NOT_SUBSCRIBED: ("-", "dim"),
    Status.SKIPPED: ("-", "dim"),
    Status.PASSED: ("›", "warning"),
    Status.HANDLED: ("✓", "ok"),
}

_KNOWN = {
    GroupKnown.CONFIGURATION: "The configuration says that group {group} is {services}.",
    GroupKnown.NAME: "Group {group} is taken for {services} by its name or its members' client id.",
}
"""How a group's service is known, where its spans do not say it."""


def fate_lines(fates: Fates, width: int = 80) -> list[Line]:
    """The whole answer; segments of consumers have (services, group) as target."""
    drawing = _Drawing(fates, max(width, LEAST_WIDTH))
    lines = [*drawing.summary()]
    if fates.consumers:
        lines += [(), drawing.heading()]
        for fate in fates.consumers:
            lines += drawing.fate(fate)
    return lines


class _Drawing:
    def __init__(self, fates: Fates, width: int) -> None:
        self.fates = fates
        self.width = width
        longest = max((width_of(_names(fate)) for fate in fates.consumers), default=0)
        self.name = min(2 + longest, width - STATUS - EVIDENCE - TIME - 6)

    def summary(self) -> Iterator[Line]:
        """Which event this is, and what became of it in a word."""
        event = self.fates.event
        title = event.event_type or event.destination or event.id
        yield line(Segment(printable(title), "title", event.id))
        names = [name for name in (event.message_id, event.id) if name]
        yield line(Segment(printable("  ".join(dict.fromkeys(names))), "id"))
        by = event.service or "an unknown producer"
        role: SegmentRole = "service" if event.service else "unknown"
        yield line(
            Segment(f"{figures.date(event.time)} UTC", "time"), " by ", Segment(printable(by), role)
        )
        if self.fates.copies:
            places = ", ".join(map(str, self.fates.copies))
            yield from self._sentence("copies ", Segment(places, "id"), indent=0)
        counts = self.fates.counts
        parts: list[Segment | str] = []
        for status in Status:
            if counts.get(status):
                _, role = _MARKS[status]
                parts += [", " if parts else "", Segment(f"{counts[status]} {status.value}", role)]
        count = len(self.fates.consumers)
        if parts:
            total = f"{count} consumer{'' if count == 1 else 's'}: "
            yield from self._sentence(total, *parts, indent=0)
        for note in self.fates.notes:
            yield from self._sentence(Segment(note, "warning"), indent=0)
        if self.fates.others:
            more = self.fates.others
            told = (
                f"This is the earliest of {more + 1:,} events by that id: ask for another by its "
                "own, as flowtap trace shows it."
            )
            yield from self._sentence(Segment(told, "dim"), indent=0)

    def heading(self) -> Line:
        return line(
            Segment(pad("CONSUMER", self.name), "label"),
            Segment(f"  {pad('FATE', STATUS)}  {pad('EVIDENCE', EVIDENCE)}  AT", "label"),
        )

    def fate(self, fate: Fate) -> Iterator[Line]:
        """Its line, then its sentences."""
        mark, role = _MARKS[fate.status]
        room = self.name - 2
        shown = []
        for name in _names(fate):
            text = cut_middle(name.text, room)
            shown.append(name._replace(text=text))
            room -= cells(text)
        evidence = (
            Segment(pad(fate.evidence.value, EVIDENCE), marks.ROLES[fate.evidence])
            if fate.evidence
            else Segment(pad("-", EVIDENCE), "dim")
        )
        yield line(
            Segment(f"{mark} ", role),
            *shown,
            " " * room,
            "  ",
            Segment(pad(fate.status.value, STATUS), role),
            "  ",
            evidence,
            "  ",
            Segment(self._at(fate.time), "time"),
        )
        yield from self._sentence(Segment(fate.explanation))
        for note in fate.notes:
            yield from self._sentence(Segment(note))
        if fate.group_known in _KNOWN and (fate.group,) != fate.services:
            known = _KNOWN[fate.group_known].format(
                group=fate.group, services=", ".join(fate.services)
            )
            yield from self._sentence(Segment(known, "dim"))
        if fate.needed:
            yield from self._sentence(
                Segment("To know more: ", "label"), Segment(f"{fate.needed}.")
            )

    def _at(self, time: int) -> str:
        """A time of day; with its date where that is another than the event's."""
        if not time or figures.date(time)[:10] == figures.date(self.fates.event.time)[:10]:
            return figures.clock(time)
        return figures.date(time)[5:19]

    def _sentence(self, *parts: Segment | str, indent: int = INDENT) -> Iterator[Line]:
        pieces = [Segment(part) if isinstance(part, str) else part for part in parts]
        for row in wrap(pieces, min(self.width - indent, LONGEST)):
            yield line(" " * indent, *row)


def _names(fate: Fate) -> list[Segment]:
    """The services, and the group where it is called otherwise."""
    target = (fate.services, fate.group)
    names = []
    if fate.services:
        names.append(Segment(printable(", ".join(fate.services)), "service", target))
    if not fate.services or fate.group not in ("", *fate.services):
        text = printable(f"group {fate.group}")
        names.append(Segment(f" ({text})" if names else text, "group", target))
    return names
