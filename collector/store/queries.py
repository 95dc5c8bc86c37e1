"""What is shown besides chains: edges of a window, groups' members, brokers' producers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from collector.store.client import Store
from collector.store.rows import nanoseconds
from graph.edges import EdgeRow, Role
from graph.model import Evidence
from graph.producers import BrokerProducer

_CURRENT = """minute >= toStartOfMinute(toDateTime({start:Int64}))
    AND minute < toDateTime({end:Int64})
    AND (minute, version) IN (SELECT minute, max(version) FROM edges
        WHERE minute >= toStartOfMinute(toDateTime({start:Int64}))
        AND minute < toDateTime({end:Int64}) GROUP BY minute)"""
"""Rows of the window in the newest computation of their minute."""


def _window(start_ns: int, end_ns: int) -> dict[str, int]:
    return {"start": max(0, start_ns // 10**9), "end": min(2**32 - 1, -(-end_ns // 10**9))}


def edge_rows(store: Store, start_ns: int, end_ns: int) -> list[EdgeRow]:
    """The edges of the minutes that overlap the window, summed over it. Raises `StoreError`."""
    sql = f"""SELECT role, environment, service, consumer_group,
        if(role = 'call', peer, '') AS called, system, cluster, destination,
        event_type, evidence, sum(count), sum(errors),
        {nanoseconds("max(last_seen)")},
        quantilesTDigestMerge(0.5, 0.95, 0.99)(latency),
        quantilesTDigestMerge(0.5, 0.95, 0.99)(wait)
    FROM edges WHERE {_CURRENT} AND role != 'empty'
    GROUP BY role, environment, service, consumer_group, called, system, cluster, destination,
        event_type, evidence
    ORDER BY ALL"""
    return [
        EdgeRow(
            Role(row[0]),
            *(row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8]),
            Evidence(row[9]),
            *(row[10], row[11], row[12]),
            *_quantiles(row[13]),
            *_quantiles(row[14]),
        )
        for row in store.query(sql, _window(start_ns, end_ns))
    ]


def _quantiles(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    p50, p95, p99 = (None if math.isnan(value) else round(value, 6) for value in values)
    return p50, p95, p99


class EventEdge(NamedTuple):
    """How many messages of one service reached another through one destination."""

    producer: str
    destination: str
    consumer: str
    messages: int


def event_edges(store: Store, start_ns: int, end_ns: int) -> list[EventEdge]:
    """Service to service through destinations, where a trace context proves who produced."""
    sql = f"""SELECT peer, destination, service, sum(count) FROM edges
    WHERE {_CURRENT} AND role = 'consume' AND peer != '' AND service != ''
    GROUP BY peer, destination, service ORDER BY ALL"""
    return [EventEdge(*row) for row in store.query(sql, _window(start_ns, end_ns))]


def client_ids(store: Store) -> dict[str, set[str]]:
    """Client ids of each consumer group's members, as last seen."""
    found: dict[str, set[str]] = {}
    for group, client in store.query(
        "SELECT DISTINCT consumer_group, client_id FROM members WHERE client_id != ''"
    ):
        found.setdefault(group, set()).add(client)
    return found


def producers(store: Store, since_ns: int) -> list[BrokerProducer]:
    """Who wrote to which destination in the minute of `since_ns` or later, as brokers told it."""
    sql = f"""SELECT system, cluster, destination, producer_id, max(transactional_id),
        {nanoseconds("min(first_time)")}, {nanoseconds("max(last_time)")}
    FROM producers GROUP BY system, cluster, destination, producer_id
    HAVING max(last_time) >= toStartOfMinute(toDateTime({{start:Int64}}))
    ORDER BY ALL"""
    start = _window(since_ns, since_ns)["start"]
    return [BrokerProducer(*row) for row in store.query(sql, {"start": start})]


def counted(store: Store) -> dict[str, Any]:
    """Unique rows of the main tables, for health and the demo's report."""
    spans, messages = store.query(
        "SELECT (SELECT uniqExact(TraceId, SpanId, SpanKind) FROM otel_traces), "
        "(SELECT uniqExact(system, cluster, destination, incarnation, partition, offset) "
        "FROM messages)"
    )[0]
    return {"spans": spans, "messages": messages}
