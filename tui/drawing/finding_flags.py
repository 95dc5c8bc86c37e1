"""Findings in place: the mark of the worst one, and what details tell of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graph.findings.model import Finding, State
from graph.topology import NodeKey
from tui.drawing.facts import fact
from tui.drawing.finding_lines import MARKS
from tui.drawing.segments import Line, Segment

Found = Mapping[NodeKey, Sequence[Finding]]
"""Findings of nodes, the worst first."""

MOST = 3
"""Findings that details tell of one place."""

FLAG = 3
"""Columns of `flag`."""


def flag(found: Sequence[Finding]) -> Segment:
    """The mark of the first of some findings, a space before it: ` ⚑✗`; empty for none."""
    if not found:
        return Segment("")
    mark, role = MARKS[found[0].severity]
    return Segment(f" ⚑{mark}", role)


def finding_facts(found: Sequence[Finding], width: int) -> list[Line]:
    """The worst of some findings among the details of what they stand on."""
    lines: list[Line] = []
    for one in found[:MOST]:
        mark, role = MARKS[one.severity]
        lines += fact(
            "finding",
            Segment(f"⚑{mark} {one.kind.value}: ", role),
            Segment(one.sentence),
            Segment(" (closed)" if one.state is State.CLOSED else "", "dim"),
            width=width,
        )
    if len(found) > MOST:
        lines += fact("", Segment(f"and {len(found) - MOST:,} more: key 5", "dim"), width=width)
    return lines
