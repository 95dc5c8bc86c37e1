"""Edges of who called whom, by client and server spans."""

from __future__ import annotations

from collector.conventions.spans import PEER
from collector.conventions.sql import array, quote
from collector.store.rollup.columns import LATENCY, NEITHER, NO_TIMES
from collector.store.rollup.gather import APART
from collector.store.rollup.minutes import MINUTE, Slices

_PEER = "''"
for _name in reversed(PEER):
    _PEER = f"if(SpanAttributes[{quote(_name)}] = '', {_PEER}, SpanAttributes[{quote(_name)}])"

_NAMES_PEER = f"hasAny(SpanAttributes.keys, {array(PEER)})"


def call_spans(slices: Slices) -> str:
    """Client and server spans, with producing ones, of the traces that may have calls in the
    minutes: only server spans that are a trace's beginning, and name nobody, are no call's."""
    return f"""CREATE TEMPORARY TABLE r_calls ENGINE = Memory AS
    SELECT TraceId, SpanId, ParentSpanId, SpanKind, ServiceName, Timestamp, Duration,
        StatusCode = 'Error' AS failed, if({_NAMES_PEER}, {_PEER}, '') AS peer_name,
        if(ResourceAttributes['deployment.environment.name'] = '',
            ResourceAttributes['deployment.environment'],
            ResourceAttributes['deployment.environment.name']) AS environment
    FROM otel_traces
    WHERE {slices.between("Timestamp", APART)}
    AND (SpanKind IN ('Server', 'Producer')
        OR SpanKind = 'Client' AND NOT has(SpanAttributes.keys, 'messaging.system'))
    AND TraceId IN (SELECT TraceId FROM otel_traces
        WHERE {slices.within("Timestamp")} AND (SpanKind = 'Client'
            OR SpanKind = 'Server' AND (ParentSpanId != '' OR {_NAMES_PEER}))
        -- In Zipkin a server's span can share the id of what called it.
        UNION ALL SELECT TraceId FROM otel_traces
        WHERE {slices.between("Timestamp", MINUTE)} AND SpanKind IN ('Server', 'Producer')
        GROUP BY TraceId, SpanId HAVING uniqExact(SpanKind) > 1)
    LIMIT 1 BY TraceId, SpanId, SpanKind"""


_CALLED = f"""slice, 'call' AS role, environment, service, '' AS consumer_group, peer,
    '' AS system, '' AS cluster, '' AS destination, '' AS event_type, 'observed' AS evidence,
    toInt64(count()) AS count, toInt64(countIf(failed)) AS errors, {NEITHER},
    max(ended) AS last_seen, {LATENCY}(toFloat32(Duration / 1e9)) AS latency,
    any({NO_TIMES}) AS wait"""


def called(slices: Slices) -> str:
    """A server span whose parent is a client's (or, in Zipkin, which shares the client's id); a
    call is counted in its client's minute, one by a producing span in its server's."""
    return f"""SELECT {_CALLED} FROM (
    SELECT {slices.of("if(c.SpanKind = 'Producer', s.Timestamp, c.Timestamp)")} AS slice,
        c.environment AS environment, c.ServiceName AS service, s.ServiceName AS peer,
        c.failed OR s.failed AND s.SpanKind = 'Server' AS failed,
        c.Duration AS Duration, s.Timestamp + toIntervalNanosecond(s.Duration) AS ended
    -- A client below another service's client speaks for the server span that is missing.
    FROM r_calls AS s INNER JOIN r_calls AS c ON c.TraceId = s.TraceId
        AND c.SpanId = if(s.SpanKind = 'Server' AND (s.TraceId, s.SpanId) IN (
            SELECT TraceId, SpanId FROM r_calls WHERE SpanKind != 'Server'),
            s.SpanId, s.ParentSpanId)
    WHERE (s.SpanKind = 'Server' AND c.SpanKind IN ('Client', 'Producer')
            OR s.SpanKind = 'Client' AND c.SpanKind = 'Client' AND s.SpanId != c.SpanId
                AND s.ServiceName != c.ServiceName AND (s.TraceId, s.ParentSpanId) NOT IN (
                    SELECT TraceId, SpanId FROM r_calls WHERE SpanKind = 'Server'))
        AND c.ServiceName != '' AND s.ServiceName != ''
)
WHERE {slices.has("slice")}
GROUP BY slice, environment, service, peer"""


def called_silent(slices: Slices) -> str:
    """A client span that no server span answers, but which names its callee; and a server span
    without a client's, which names its caller."""
    return f"""SELECT {_CALLED} FROM (
    SELECT {slices.of("Timestamp")} AS slice, environment,
        if(SpanKind = 'Client', ServiceName, peer_name) AS service,
        if(SpanKind = 'Client', peer_name, ServiceName) AS peer, failed, Duration,
        Timestamp + toIntervalNanosecond(Duration) AS ended
    FROM r_calls
    WHERE peer_name != '' AND ServiceName != '' AND (
        SpanKind = 'Client' AND (TraceId, SpanId) NOT IN (
            SELECT TraceId, ParentSpanId FROM r_calls WHERE SpanKind = 'Server'
            UNION ALL SELECT TraceId, SpanId FROM r_calls WHERE SpanKind = 'Server'
            UNION ALL SELECT s.TraceId, s.ParentSpanId FROM r_calls AS s INNER JOIN r_calls AS c
                ON c.TraceId = s.TraceId AND c.SpanId = s.ParentSpanId
                WHERE s.SpanKind = 'Client' AND c.ServiceName != s.ServiceName)
        OR SpanKind = 'Server' AND (TraceId, SpanId) NOT IN (
            SELECT TraceId, SpanId FROM r_calls WHERE SpanKind != 'Server')
            AND (TraceId, ParentSpanId) NOT IN (
            SELECT TraceId, SpanId FROM r_calls WHERE SpanKind != 'Server')
    )
)
WHERE {slices.has("slice")}
GROUP BY slice, environment, service, peer"""
