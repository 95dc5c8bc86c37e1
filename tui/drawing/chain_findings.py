"""Findings on the rows of a chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graph.chain.result import DeliveryKey, EventKey
from graph.findings.model import Finding
from tui.drawing.chain_tree import Row, RowKind

FoundInChain = Mapping[EventKey | DeliveryKey, Sequence[Finding]]
"""Findings of events and of their deliveries, the worst first."""

NOTHING_FOUND: FoundInChain = {}


def found_at(row: Row, found: FoundInChain) -> Sequence[Finding]:
    """The findings of a row: of its delivery, its event, or all that are alike in it."""
    if not found or row.key.kind in (RowKind.REFERENCE, RowKind.RELATED):
        return ()
    if row.alike:
        every = {one.id: one for each in row.alike for one in found_at(each, found)}
        return sorted(every.values(), key=lambda one: (one.severity.rank, one.kind.rank))
    if row.delivery is not None:
        return found.get(row.delivery.key, ())
    return found.get(row.event.key, ()) if row.event is not None else ()
