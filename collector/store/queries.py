"""What is shown besides chains: edges of a window, groups' members, brokers' producers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from collector.store.client import Store
from collector.store.rows import nanoseconds
from graph.edges import ALL_EDGES, MOST_EDGES, EdgeRow, Edges, LeftOut, Patterns, Role
from graph.model import Evidence
from graph.producers import BrokerProducer
from graph.series import MinuteCount
from graph.topology import NodeKey, NodeKind

_WITHIN = """minute >= toStartOfMinute(toDateTime({start:Int64}))
    AND minute < toDateTime({end:Int64})"""

_NEWEST = f"SELECT minute, max(version) FROM edges WHERE {_WITHIN} GROUP BY minute"

_CURRENT = f"{_WITHIN} AND (minute, version) IN ({_NEWEST})"
"""Rows of the window in the newest computation of their minute."""

_TOLD = f"{_WITHIN} AND (minute, version) IN {{versions:Array(Tuple(DateTime, UInt64))}}"
"""The same where that is known already."""

MOST_MINUTES = 1_500
"""Of which the newest computations are told one by one."""

Versions = tuple[tuple[int, int], ...]
"""Minutes, in seconds since 1970, and their newest computations."""


def _window(start_ns: int, end_ns: int) -> dict[str, int]:
    return {"start": max(0, start_ns // 10**9), "end": min(2**32 - 1, -(-end_ns // 10**9))}


_EDGE = "role, environment, service, consumer_group, called, system, cluster, destination"
"""What tells one edge from another; each has a row for each event type and evidence."""


def newest_versions(store: Store, start_ns: int, end_ns: int) -> Versions | None:
    """Of each minute that overlaps the window its newest computation: as long as they are the same,
    so are its edges. None where there are too many minutes to tell them all. Raises `StoreError`.
    """
    sql = f"""SELECT toUnixTimestamp(minute), max(version) FROM edges WHERE {_WITHIN}
    GROUP BY minute LIMIT {MOST_MINUTES + 1}"""
    found = store.query(sql, _window(start_ns, end_ns))
    return tuple(sorted(map(tuple, found))) if len(found) <= MOST_MINUTES else None


def edge_rows(
    store: Store,
    start_ns: int,
    end_ns: int,
    limit: int = MOST_EDGES,
    wanted: Patterns = ALL_EDGES,
    *,
    by_producer: bool = False,
    versions: Versions | None = None,
) -> Edges:
    """The edges of the minutes that overlap the window, summed over it. Raises `StoreError`.

    Where there are more than `limit` rows, those that fit the patterns go before others, which
    only complete them, and those that carried most before the rest. With `by_producer` rows of
    what was consumed are apart by who produced it, as far as contexts tell. `versions` are the
    window's `newest_versions`, where somebody knows them.
    """
    fits, patterns = _fitting(wanted)
    parameters: dict[str, Any] = {**_window(start_ns, end_ns), **patterns}
    current = _CURRENT
    if versions is not None:
        current, parameters["versions"] = _TOLD, list(versions)
    told = f"FROM edges WHERE {current} AND role != 'empty'"
    called = "peer" if by_producer else "if(role = 'call', peer, '')"
    edge = _EDGE.replace("called", f"{called} AS called")
    sql = f"""SELECT {edge}, event_type, evidence,
        sum(count) AS carried, sum(errors), {nanoseconds("max(last_seen)")},
        quantilesTDigestMerge(0.5, 0.95, 0.99)(latency),
        quantilesTDigestMerge(0.5, 0.95, 0.99)(wait)
    {told} GROUP BY {_EDGE}, event_type, evidence"""
    found = store.query(f"{sql} LIMIT {limit + 1}", parameters)
    if len(found) > limit:
        # Nearly always they are fewer, and to have them in order costs more than to sort them here.
        # The engine sorts wrongly by a constant.
        order = f"{fits} DESC, carried DESC" if patterns else "carried DESC"
        ordered = f"{sql} ORDER BY {order}, {_EDGE}, event_type, evidence LIMIT {limit + 1}"
        found = store.query(ordered, parameters)
    else:
        found = sorted(found, key=lambda row: (-row[10], row[:10]))
    rows = [
        EdgeRow(
            Role(row[0]),
            *(row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8]),
            Evidence(row[9]),
            *(row[10], row[11], row[12]),
            *_quantiles(row[13]),
            *_quantiles(row[14]),
        )
        for row in found[:limit]
    ]
    if len(found) <= limit:
        return Edges(rows)
    sql = f"""SELECT count(), sum(carried), uniqExact({_EDGE}) FROM (
        SELECT {edge}, sum(count) AS carried {told} AND {fits}
        GROUP BY {_EDGE}, event_type, evidence)"""
    ((fitting, carried, edges),) = store.query(sql, parameters)
    if fitting <= limit:
        return Edges(rows)
    kept = {tuple(row[:8]) for row in found[:limit]}
    return Edges(rows, LeftOut(edges - len(kept), carried - sum(row.count for row in rows)))


def _fitting(wanted: Patterns) -> tuple[str, dict[str, str]]:
    """A condition on rows of edges that holds where the patterns fit, and sometimes beyond: a
    set of characters counts as any one."""
    columns = {
        "services": ("service", "consumer_group", "called"),
        "destinations": ("destination",),
        "event_types": ("event_type",),
        "environments": ("environment",),
    }
    conditions = ["true"]
    parameters = {}
    for name, patterns in wanted._asdict().items():
        if patterns:
            any_of = " OR ".join(
                f"match(lowerUTF8({column}), {{{name}:String}})" for column in columns[name]
            )
            conditions.append(f"({any_of})")
            parameters[name] = "^(?s:" + "|".join(map(_regular, patterns)) + ")$"
    return f"({' AND '.join(conditions)})", parameters


def _regular(pattern: str) -> str:
    parts = re.split(r"(\*|\?|\[!?\]?[^]]*\])", pattern.lower())
    plain = {"*": ".*", "?": "."}
    return "".join(
        plain.get(part, ".") if at % 2 else re.escape(part) for at, part in enumerate(parts)
    )


_OWN = {
    NodeKind.SERVICE: "service = {name:String}",
    NodeKind.PEER: "role = 'call' AND peer = {name:String}",
    NodeKind.GROUP: "role = 'consume' AND service = '' AND consumer_group = {name:String}",
    NodeKind.UNKNOWN: "role = 'produce' AND service = '' AND destination = {name:String}",
    NodeKind.DESTINATION: "role != 'call' AND destination = {name:String}",
    NodeKind.EVENT: "role != 'call' AND event_type = {name:String}",
}
"""Whose rows are a node's own, by its kind."""


def minute_counts(store: Store, node: NodeKey, start_ns: int, end_ns: int) -> list[MinuteCount]:
    """What went over a node's own edges in each minute. What a row leaves out may be the node's."""
    alike = "".join(
        f" AND {column} IN ('', {{{column}:String}})"
        for column in ("environment", "system", "cluster")
        if getattr(node, column)
    )
    sql = f"""SELECT toInt64(toUnixTimestamp(minute)), role, sum(count), sum(errors) FROM edges
    WHERE {_CURRENT} AND role != 'empty' AND {_OWN[node.kind]}{alike}
    GROUP BY minute, role ORDER BY ALL"""
    parameters = {
        **_window(start_ns, end_ns),
        "name": node.name,
        **{name: getattr(node, name) for name in ("environment", "system", "cluster")},
    }
    return [
        MinuteCount(minute * 10**9, Role(role), count, errors)
        for minute, role, count, errors in store.query(sql, parameters)
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
