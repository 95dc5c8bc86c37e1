"""Less of a chain's rows: only what is wrong, or only the way to what ended last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from graph.chain.critical import Step, critical_path
from graph.chain.result import Chain
from tui.drawing import figures
from tui.drawing.chain_bundles import members_of
from tui.drawing.chain_fates import (
    NO_FATES,
    ConsumerFates,
    KnownFates,
    fate_of,
    is_trouble,
    trouble_besides,
)
from tui.drawing.chain_tree import Row, RowKey, RowKind, counted, tree
from tui.drawing.segments import Line, Segment, line


class Only(StrEnum):
    """Which rows are shown; those above them are, too."""

    ALL = "all"
    PROBLEMS = "problems"
    CRITICAL = "critical path"


def filtered(
    rows: Sequence[Row], chain: Chain, only: Only, fates: KnownFates = NO_FATES
) -> list[Row]:
    """The rows of a whole tree that are asked for, with all that led to them."""
    if only is Only.ALL:
        return list(rows)
    on_way = _on_way(critical_path(chain)) if only is Only.CRITICAL else set()
    kept: list[Row] = []
    way: list[tuple[Row, bool]] = []
    for row in rows:
        while way and way[-1][0].depth >= row.depth:
            way.pop()
        way.append((row, False))
        if row.key in on_way or (only is Only.PROBLEMS and is_problem(row, fates)):
            kept += [above for above, already in way if not already]
            way = [(above, True) for above, _ in way]
    return counted(_relaid(kept))


def narrowed(chain: Chain, only: Only) -> Chain:
    """The events and deliveries whose rows are asked for, and what joins them."""
    if only is Only.ALL:
        return chain
    rows = filtered(tree(chain), chain, only)
    events = {row.event.key for row in rows if row.event is not None}
    deliveries = {row.delivery.key for row in rows if row.delivery is not None}
    kept = tuple(event for event in chain.events if event.key in events)
    return replace(
        chain,
        focus=chain.focus if chain.focus in events or not kept else kept[0].key,
        starts=tuple(key for key in chain.starts if key in events),
        events=kept,
        deliveries=tuple(one for one in chain.deliveries if one.key in deliveries),
        causes=tuple(
            one
            for one in chain.causes
            if one.cause in events and one.effect in events and one.delivery in deliveries
        ),
        related=tuple(key for key in chain.related if key in events),
    )


def is_problem(row: Row, fates: KnownFates = NO_FATES) -> bool:
    """Whether something went wrong there: failed, tried again, given up, out of time, or as
    far as fates are known not handled where it should have been."""
    if row.delivery is not None:
        fate = fate_of(row.delivery, fates)
        known = fate is not None and is_trouble(fate)
        return known or row.delivery.error or len(row.delivery.attempts) > 1
    if row.key.kind is not RowKind.EVENT or row.event is None:
        return False
    skewed = row.cause is not None and row.cause.delay < 0
    if trouble_besides(row.event.key, fates):
        return True
    return row.event.error or skewed or any(message.copied for message in row.event.messages)


def told(only: Only, chain: Chain, rows: Sequence[Row], fates: KnownFates = NO_FATES) -> Line:
    """One line on what is shown of the chain."""
    if only is Only.CRITICAL:
        way = critical_path(chain)
        waited = figures.duration(sum(step.waited for step in way))
        handled = figures.duration(sum(step.handled for step in way))
        return line(
            Segment("critical path", "title"),
            Segment(f" · waited {waited} · handled {handled}", "dim"),
        )
    found = sum(is_problem(one, fates) for row in rows for one in members_of(row))
    count = len(chain.events)
    known = sum(isinstance(fates.get(event.key), ConsumerFates) for event in chain.events)
    said = f"only problems: {found:,}" if found else "no problems in this chain"
    if known == count:
        return line(Segment(said, "warning" if found else "ok"))
    # Without its fate nobody knows whether an event was handled everywhere.
    said = said if found else "no problems so far"
    asked = Segment(f" · fates known {known:,} of {count:,}", "dim")
    return line(Segment(said, "warning"), asked)


def _on_way(way: Sequence[Step]) -> set[RowKey]:
    keys = {RowKey(RowKind.EVENT, step.event) for step in way}
    return keys | {
        RowKey(RowKind.DELIVERY, step.event, step.delivery) for step in way if step.delivery
    }


def _relaid(rows: Sequence[Row]) -> list[Row]:
    """The same rows with the lines of a tree that holds nothing else."""
    lasts = [True] * len(rows)
    below: dict[int, bool] = {}
    for index in range(len(rows) - 1, -1, -1):
        depth = rows[index].depth
        lasts[index] = not below.get(depth, False)
        below = {level: more for level, more in below.items() if level <= depth}
        below[depth] = True
    laid: list[Row] = []
    way: list[Row] = []
    for row, last in zip(rows, lasts, strict=True):
        way = way[: row.depth]
        guides: tuple[bool, ...] = ()
        if way:
            guides = (*way[-1].guides, not way[-1].last) if way[-1].guides else (False,)
        row = replace(row, last=last if row.depth else row.last, guides=guides)
        laid.append(row)
        way.append(row)
    return laid
