"""Lists by SQL: recent events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from collector.store.client import Store
from collector.store.failures import POINTED_AT, Failures
from collector.store.filters import (
    FEW,
    SOURCE,
    Tests,
    message_tests,
    moment,
    operation_tests,
    producing_tests,
    short_way,
)
from collector.store.rows import POSITION, nanoseconds, readable
from graph.listing import EventFilter, EventRow

_MINUTE = 60 * 10**9

LOOKS_BACK = tuple(_MINUTE * minutes for minutes in (5, 60, 24 * 60, 7 * 24 * 60))
"""Windows tried in turn, nanoseconds back from the end, then all that is left: the newest events
are mostly in the first. The oldest are looked for in the same ones, on from the beginning."""

_END = 2**62
"""No event is as late as this."""

_LONGER = 4
"""A page of which too few rows fit is asked for again, so many times as long."""

MESSAGE = f"""destination, partition, offset, {nanoseconds("m.time")} AS at, system, cluster,
    environment, event_type, {readable("key")}, {readable("message_id")},
    {readable("correlation_id")}, {SOURCE}, {nanoseconds("m.received")} AS stored_at, contexts,
    value_size, incarnation"""

OPERATION = f"""trace_id, span_id, {nanoseconds("start")} AS at, toValidUTF8(destination), system,
    cluster, environment, event_type, {readable("key")}, {readable("message_id")}, event_id,
    {readable("conversation_id")}, service, error, {nanoseconds("received")} AS stored_at, type,
    consumer_group, duration"""

_PRODUCES = "type IN ('create', 'send')"
UNTAPPED = "type = 'send' AND destination NOT IN (SELECT DISTINCT destination FROM positions)"


def recent(store: Store, wanted: EventFilter) -> list[EventRow]:
    """The newest events that fit, newest first, or the oldest, oldest first. Raises
    `StoreError`."""
    few = _few(store, wanted)
    whole = [(wanted.since, wanted.until or _END)]
    found: list[EventRow] = []
    for since, until in _looks(wanted, time.time_ns()) if few is None else whole:
        left = replace(wanted, since=since, until=until, limit=wanted.limit - len(found))
        seen = _messages(store, left, few) + _untapped(store, left)
        found += sorted(seen, key=lambda row: row.time, reverse=not wanted.oldest)[: left.limit]
        if len(found) >= wanted.limit:
            break
    return found


def _looks(wanted: EventFilter, now: int) -> list[tuple[int, int]]:
    """Where each look begins and ends, each beside the one before it."""
    end = wanted.until or _END
    if wanted.oldest:
        # Without a beginning nothing tells where the oldest lie.
        ends = [wanted.since + on for on in LOOKS_BACK] if wanted.since else []
        borders = [wanted.since, *(one for one in ends if one < end), end]
        return list(pairwise(borders))
    begins = [(wanted.until or now) - back for back in LOOKS_BACK]
    borders = [end, *(begin for begin in begins if begin > wanted.since), wanted.since]
    return [(since, until) for until, since in pairwise(borders)]


def _order(wanted: EventFilter) -> str:
    return "ASC" if wanted.oldest else "DESC"


def _few(store: Store, wanted: EventFilter) -> Tests | None:
    """The short way to the messages that fit, where `ids` knows few of them."""
    tests = short_way(wanted)
    if tests is None:
        return None
    counted = f"SELECT count() FROM (SELECT 1 FROM ids WHERE {tests.where} LIMIT {FEW + 1})"
    return tests if store.query(counted, tests.parameters)[0][0] <= FEW else None


def _messages(store: Store, wanted: EventFilter, few: Tests | None) -> list[EventRow]:
    """Tapped messages that fit, in the filter's order, with who sent each."""
    tests = message_tests(wanted)
    if few is not None:
        places = f"SELECT {POSITION}, offset FROM ids WHERE {tests.taken(few)}"
        tests.conditions.append(f"({POSITION}, offset) IN ({places})")
    else:
        if (claimed := _claimed(wanted, tests)) is not None:
            tests.conditions.append(claimed)
        if wanted.failed_only:
            tests.conditions.append(f"arrayExists(c -> c IN ({_failed(wanted, tests)}), contexts)")
    tests.between("m.time", wanted)
    # Not LIMIT BY: with it, the engine reads and sorts all columns of everything that fits.
    sql = (
        f"SELECT {MESSAGE} FROM messages AS m WHERE {tests.where} "
        f"ORDER BY m.time {_order(wanted)} LIMIT "
    )

    def page(limit: int) -> tuple[int, list[EventRow]]:
        rows = store.query(f"{sql}{limit:d}", tests.parameters)
        once = {(*row[0:3], *row[4:6], row[15]): row for row in rows}
        return len(rows), message_rows(store, list(once.values()), failures=True)

    return _fitting(wanted, page)


def _untapped(store: Store, wanted: EventFilter) -> list[EventRow]:
    """Producing spans that fit and whose message no tap saw, in the filter's order."""
    tests = operation_tests(wanted)
    if wanted.failed_only:
        tests.conditions.append(f"(trace_id, span_id) IN ({_failed(wanted, tests)})")
    tests.between("start", wanted)
    sql = (
        f"SELECT {OPERATION} FROM operations WHERE {tests.where} AND {UNTAPPED} "
        f"ORDER BY start {_order(wanted)} LIMIT 1 BY trace_id, span_id LIMIT "
    )

    def page(limit: int) -> tuple[int, list[EventRow]]:
        rows = store.query(f"{sql}{limit:d}", tests.parameters)
        failures = Failures(store, [(row[0], row[1]) for row in rows])
        told = [operation_row(row) for row in rows]
        return len(rows), [
            replace(one, error=one.error or failures.of([row[:2]], one.destination, "", -1))
            for row, one in zip(rows, told, strict=True)
        ]

    return _fitting(wanted, page)


def _fitting(
    wanted: EventFilter, page: Callable[[int], tuple[int, list[EventRow]]]
) -> list[EventRow]:
    """The first rows that fit; a page of which too few do is asked for again, longer."""
    limit = wanted.limit
    while True:
        size, rows = page(limit)
        fitting = [row for row in rows if wanted.accepts(row)]
        if size < limit or len(fitting) >= wanted.limit:
            return fitting[: wanted.limit]
        limit *= _LONGER


def _failed(wanted: EventFilter, tests: Tests) -> str:
    """Contexts of what failed, handled any time after it was sent."""
    since = tests.bind(moment(wanted.since - _MINUTE), "DateTime64(9)")
    return f"{POINTED_AT} AND start >= {since}"


def _claimed(wanted: EventFilter, tests: Tests) -> str | None:
    """Narrows messages to those that a fitting span may have produced, or a source header names."""
    producing = producing_tests(wanted)
    if producing is None:
        return None
    producing.span.between("start", wanted, slack=_MINUTE)
    return (
        f"({tests.taken(producing.source)} OR arrayExists(c -> c IN (SELECT (trace_id, span_id) "
        f"FROM operations WHERE {tests.taken(producing.span)} AND {_PRODUCES}), contexts))"
    )


def message_rows(store: Store, rows: Sequence[Sequence[Any]], *, failures: bool) -> list[EventRow]:
    """Tapped messages, each with the service whose span produced it; with `failures` also
    whether handling it failed, which nobody can know of what came just now."""
    contexts = sorted({(c["trace_id"], c["span_id"]) for row in rows for c in row[13]})
    failed = Failures(store, contexts if failures else ())
    producers: dict[tuple[str, str, str], tuple[str, bool]] = {}
    if contexts:
        # A span comes after what was sent in it. So what came long before is not read at all: it is
        # nearly all of the table, in which as many traces lie anywhere.
        earliest = min(min(row[3], row[12]) for row in rows) - _MINUTE
        for trace, span, destination, service, error in store.query(
            "SELECT trace_id, span_id, destination, service, error FROM operations "
            "WHERE (trace_id, span_id) IN {contexts:Array(Tuple(String, String))} "
            f"AND {_PRODUCES} AND received >= {{earliest:DateTime64(9)}}",
            {"contexts": contexts, "earliest": moment(earliest)},
        ):
            producers[trace, span, destination] = (service, bool(error))
    found = []
    for row in rows:
        service, error = row[11], False
        carried = [(c["trace_id"], c["span_id"]) for c in row[13]]
        for context in carried:
            if (*context, row[0]) in producers:
                service, error = producers[*context, row[0]]
        found.append(
            EventRow(
                id=f"{row[0]}/{row[1]}/{row[2]}",
                time=row[3],
                destination=row[0],
                system=row[4],
                cluster=row[5],
                environment=row[6],
                event_type=row[7],
                key=row[8],
                message_id=row[9],
                correlation_id=row[10],
                service=service,
                source=row[11],
                error=error or failed.of(carried, row[0], row[1], row[2]),
                received=row[12],
                size=max(0, row[14]),
            )
        )
    return found


def operation_row(row: Sequence[Any]) -> EventRow:
    return EventRow(
        id=f"{row[0]}/{row[1]}",
        time=row[2],
        destination=row[3],
        system=row[4],
        cluster=row[5],
        environment=row[6],
        event_type=row[7],
        key=row[8],
        message_id=row[9] or row[10],
        correlation_id=row[11],
        service=row[12],
        tapped=False,
        error=bool(row[13]),
        received=row[14],
    )
