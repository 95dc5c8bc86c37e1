"""Findings as text: a line for each, and below it what is the matter and what proves it.

✗ dead-letter    open    12×  14:03:12.004 - 14:09:55.120
  12 messages from orders given up by inventory and put on orders.DLT: no stock level.
  orders.DLT/0/3, orders.DLT/0/4
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graph.figures import SECOND, date
from graph.findings.model import Finding, Findings, Kind, Severity, State
from tui.drawing.facts import wrap
from tui.drawing.segments import Line, Segment, SegmentRole, line, pad

LONGEST = 110
"""Columns of a sentence; longer lines are hard to read."""

LEAST_WIDTH = 60
INDENT = 2
KIND = max(len(kind) for kind in Kind)
STATE = max(len(state) for state in State)
PROOFS = 3

MARKS: dict[Severity, tuple[str, SegmentRole]] = {
    Severity.ERROR: ("✗", "error"),
    Severity.WARNING: ("!", "warning"),
    Severity.NOTICE: ("·", "dim"),
}


def finding_lines(findings: Sequence[Finding], width: int = 80) -> list[Line]:
    """All of them, an empty line between; segments have the finding's id as target."""
    lines: list[Line] = []
    for number, one in enumerate(findings):
        lines += [()] if number else []
        lines += _lines(one, max(width, LEAST_WIDTH))
    return lines


def summary(found: Findings) -> str:
    """How many there are, and up to when was looked."""
    open_ = sum(one.state is State.OPEN for one in found.findings)
    many = len(found.findings)
    if not found.until:
        return "nothing was looked at yet: a minute is complete some time after its end"
    until = f"looked until {date(found.until)[:16]} UTC"
    if not many:
        return f"nothing found; {until}"
    more = "; there are more: --limit shows them" if found.more else ""
    return f"{many:,} finding{'' if many == 1 else 's'}, {open_:,} open; {until}{more}"


def _lines(one: Finding, width: int) -> Iterator[Line]:
    mark, role = MARKS[one.severity]
    if one.state is State.CLOSED or one.muted:
        role = "dim"
    yield tuple(
        part._replace(target=one.id)
        for part in line(
            Segment(f"{mark} ", role),
            Segment(pad(one.kind.value, KIND), role),
            Segment(f"  {pad(one.state.value, STATE)}", role if one.state is State.OPEN else "dim"),
            Segment(f"  {one.count:,}×", "number"),
            Segment(f"  {_when(one)}", "time"),
        )
    )
    room = min(width, LONGEST) - INDENT
    yield from _wrapped([Segment(one.sentence)], room)
    if one.muted:
        yield from _wrapped([Segment(f"Muted: {one.muted}", "dim")], room)
    if one.advice:
        yield from _wrapped([Segment(one.advice, "label")], room)
    ids = [proof.id for proof in one.proof if proof.id]
    if ids:
        more = f" and {len(ids) - PROOFS} more" if len(ids) > PROOFS else ""
        yield from _wrapped([Segment(", ".join(ids[:PROOFS]), "id"), Segment(more, "dim")], room)
    if one.coverage:
        yield from _wrapped([Segment(one.coverage, "dim")], room)


def _when(one: Finding) -> str:
    """From first to last; a day that is the same is told once."""
    first, last = date(one.first)[:19], date(one.last)[:19]
    if one.last - one.first < SECOND:
        return f"{first} UTC"
    return f"{first} - {last[11:] if first[:10] == last[:10] else last} UTC"


def _wrapped(parts: list[Segment], room: int) -> Iterator[Line]:
    for each in wrap(parts, room):
        yield (Segment(" " * INDENT), *each)
