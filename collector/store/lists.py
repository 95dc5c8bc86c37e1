"""Lists by SQL: recent events, and what was just stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from collector.store.client import Store
from collector.store.rows import nanoseconds, readable
from graph.listing import Activity, EventFilter, EventRow

_HOUR = 3600 * 10**9

LOOKS_BACK = (_HOUR // 12, _HOUR, 24 * _HOUR)
"""Windows tried in turn, nanoseconds; the newest events are mostly in the first."""

_MESSAGE = f"""destination, partition, offset, {nanoseconds("m.time")} AS at, system, cluster,
    environment, event_type, {readable("key")}, {readable("message_id")},
    {readable("correlation_id")}, source, {nanoseconds("m.received")} AS stored_at, contexts"""

_OPERATION = f"""trace_id, span_id, {nanoseconds("start")} AS at, toValidUTF8(destination), system,
    cluster, environment, event_type, {readable("key")}, {readable("message_id")}, event_id,
    {readable("conversation_id")}, service, error, {nanoseconds("received")} AS stored_at, type,
    consumer_group, duration"""


def recent(store: Store, wanted: EventFilter) -> list[EventRow]:
    """The newest events that fit, newest first. Raises `StoreError`."""
    end = wanted.until or time.time_ns() + _HOUR
    found: list[EventRow] = []
    for back in LOOKS_BACK:
        since = max(wanted.since, end - back)
        found = _between(store, wanted, since, end)
        if len(found) >= wanted.limit or since == wanted.since:
            return found
    return _between(store, wanted, wanted.since, wanted.until or 2**62)


def _between(store: Store, wanted: EventFilter, since: int, until: int) -> list[EventRow]:
    parameters = {
        "since": _time(since),
        "until": _time(until),
        "limit": wanted.limit,
        "destination": wanted.destination,
        "type": wanted.event_type,
        "key": wanted.key,
        "environment": wanted.environment,
        "service": wanted.service,
    }
    tests = ["time >= {since:DateTime64(9)}", "time < {until:DateTime64(9)}"]
    for column, name in (
        ("destination", "destination"),
        ("event_type", "type"),
        ("key", "key"),
        ("environment", "environment"),
    ):
        if parameters[name]:
            tests.append(f"{column} = {{{name}:String}}")
    claimed = ""
    if wanted.service:
        claimed = (
            " AND (extract(source, '([^/:]+)/*$') = {service:String} OR "
            "arrayExists(c -> c IN (SELECT (trace_id, span_id) FROM operations WHERE "
            "service = {service:String} AND type IN ('create', 'send') "
            "AND start >= {since:DateTime64(9)} - 60), contexts))"
        )
    sql = (
        f"SELECT {_MESSAGE} FROM messages AS m WHERE {' AND '.join(tests)}{claimed} "
        "ORDER BY m.time DESC LIMIT 1 BY system, cluster, destination, incarnation, partition, "
        "offset LIMIT {limit:UInt32}"
    )
    rows = store.query(sql, parameters)
    found = _with_producers(store, rows)
    found += _untapped(store, parameters)
    found.sort(key=lambda row: row.time, reverse=True)
    return found[: wanted.limit]


def _with_producers(store: Store, rows: Sequence[Sequence[Any]]) -> list[EventRow]:
    """Tapped messages, each with the service whose span produced it."""
    contexts = sorted({(c["trace_id"], c["span_id"]) for row in rows for c in row[13]})
    producers: dict[tuple[str, str, str], tuple[str, bool]] = {}
    if contexts:
        for trace, span, destination, service, error in store.query(
            "SELECT trace_id, span_id, destination, service, error FROM operations "
            "WHERE (trace_id, span_id) IN {contexts:Array(Tuple(String, String))} "
            "AND type IN ('create', 'send')",
            {"contexts": contexts},
        ):
            producers[trace, span, destination] = (service, bool(error))
    found = []
    for row in rows:
        service, error = row[11], False
        for c in row[13]:
            if (c["trace_id"], c["span_id"], row[0]) in producers:
                service, error = producers[c["trace_id"], c["span_id"], row[0]]
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
                error=error,
                received=row[12],
            )
        )
    return found


def _untapped(store: Store, parameters: dict[str, Any]) -> list[EventRow]:
    """Producing spans whose message no tap saw."""
    tests = ["start >= {since:DateTime64(9)}", "start < {until:DateTime64(9)}", "type = 'send'"]
    for column, name in (
        ("destination", "destination"),
        ("event_type", "type"),
        ("key", "key"),
        ("environment", "environment"),
        ("service", "service"),
    ):
        if parameters[name]:
            tests.append(f"{column} = {{{name}:String}}")
    sql = (
        f"SELECT {_OPERATION} FROM operations WHERE {' AND '.join(tests)} "
        "AND destination NOT IN (SELECT DISTINCT destination FROM positions) "
        "ORDER BY start DESC LIMIT 1 BY trace_id, span_id LIMIT {limit:UInt32}"
    )
    return [_operation_row(row) for row in store.query(sql, parameters)]


def _operation_row(row: Sequence[Any]) -> EventRow:
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


def stored_since(store: Store, mark: int, limit: int) -> tuple[list[Activity], int, bool]:
    """What was stored after the mark in its order, the new mark, and whether more is there."""
    parameters = {"mark": _time(mark), "limit": limit + 1}
    messages = store.query(
        f"SELECT {_MESSAGE} FROM messages AS m WHERE received > {{mark:DateTime64(9)}} "
        "ORDER BY m.received, m.time LIMIT {limit:UInt32}",
        parameters,
    )
    operations = store.query(
        f"SELECT {_OPERATION} FROM operations WHERE received > {{mark:DateTime64(9)}} "
        "ORDER BY received, start LIMIT {limit:UInt32}",
        parameters,
    )
    found = [Activity(event) for event in _with_producers(store, messages)]
    found += (Activity(_operation_row(row), row[15], row[16], row[17]) for row in operations)
    found.sort(key=lambda activity: (activity.event.received, activity.event.time))
    more = len(found) > limit
    if more:
        # Whole instants only: one segment's rows share their time of receipt.
        last = found[limit].event.received
        whole = [activity for activity in found[:limit] if activity.event.received < last]
        found = whole or found[:limit]
    return found, (found[-1].event.received if found else mark), more


def newest_mark(store: Store) -> int:
    """The time of receipt of what was stored last."""
    row = store.query(
        f"SELECT greatest((SELECT {nanoseconds('max(received)')} FROM messages), "
        f"(SELECT {nanoseconds('max(received)')} FROM operations))"
    )[0]
    return int(row[0] or 0)


def _time(ns: int) -> str:
    """A DateTime64(9) parameter; beyond its range the nearest that fits."""
    ns = min(max(ns, 0), 2**63 - 2**33)
    return f"{ns // 10**9}.{ns % 10**9:09d}"
