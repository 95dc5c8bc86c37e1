"""The facts that the edges of some minutes are computed from, gathered into temporary tables.

A delivery belongs to the minute in which it began, and its receive, process and settle spans
may lie in several. So besides the operations of the minutes asked for, those are gathered that
share a creation context with them, point at them, or are pointed at by them.
"""

from __future__ import annotations

LATE = 900
"""Seconds of receipt, before the newest, in which what a late span changes is looked for."""

ONE_NAME_SYSTEMS = ("kafka", "redis", "pulsar")
"""Systems in which producers and consumers call a destination the same. Elsewhere a consumer
names its queue or subscription: the destination is then the producer's, the name the group."""

CHANGED_MINUTES = f"""SELECT DISTINCT minute FROM (
    SELECT toStartOfMinute(toDateTime(start)) AS minute FROM operations
        WHERE received > {{since:DateTime64(9)}}
    UNION ALL
    SELECT toStartOfMinute(toDateTime(time)) FROM messages WHERE received > {{since:DateTime64(9)}}
    UNION ALL
    SELECT toStartOfMinute(toDateTime(time)) FROM progress
        WHERE time > {{since:DateTime64(9)}} - 10
    UNION ALL
    SELECT toStartOfMinute(toDateTime(Timestamp)) FROM otel_traces
        WHERE ReceivedAt > {{since:DateTime64(9)}} AND SpanKind IN ('Client', 'Server')
    UNION ALL
    SELECT toStartOfMinute(toDateTime(time)) FROM relations
        WHERE received > {{since:DateTime64(9)}} - {LATE}
        AND (target_trace_id, target_span_id) IN (
            SELECT trace_id, span_id FROM operations
                WHERE received > {{since:DateTime64(9)}} AND type IN ('create', 'send')
            UNION ALL
            SELECT target_trace_id, target_span_id FROM relations
                WHERE received > {{since:DateTime64(9)}}
        )
    UNION ALL
    SELECT toStartOfMinute(toDateTime(start)) FROM operations
        WHERE received > {{since:DateTime64(9)}} - {LATE} AND type IN ('create', 'send')
        AND (trace_id, span_id) IN (SELECT target_trace_id, target_span_id FROM relations
            WHERE received > {{since:DateTime64(9)}})
    UNION ALL
    SELECT toStartOfMinute(toDateTime(Timestamp)) FROM otel_traces
        WHERE ReceivedAt > {{since:DateTime64(9)}} - {LATE} AND SpanKind IN ('Client', 'Server')
        AND TraceId IN (SELECT TraceId FROM otel_traces
            WHERE ReceivedAt > {{since:DateTime64(9)}} AND SpanKind IN ('Client', 'Server'))
)"""
"""Minutes whose edges may differ after what was received since."""

ALL_MINUTES = """SELECT DISTINCT minute FROM (
    SELECT toStartOfMinute(toDateTime(start)) AS minute FROM operations
    UNION ALL SELECT toStartOfMinute(toDateTime(time)) FROM messages
    UNION ALL SELECT toStartOfMinute(toDateTime(time)) FROM progress
    UNION ALL SELECT toStartOfMinute(toDateTime(Timestamp)) FROM otel_traces
        WHERE SpanKind IN ('Client', 'Server')
    UNION ALL SELECT minute FROM edges
) ORDER BY minute"""
"""Minutes that have edges, or may have."""

_WITHIN = "toStartOfMinute(toDateTime({column})) IN (SELECT minute FROM r_minutes)"


def within(column: str) -> str:
    """That a time lies in the minutes to compute; the range lets whole granules be skipped."""
    return (
        f"{column} >= (SELECT min(minute) FROM r_minutes) "
        f"AND {column} < (SELECT max(minute) + 60 FROM r_minutes) AND "
        + _WITHIN.format(column=column)
    )


_OPERATION = """trace_id, span_id, parent_span_id, environment, service, kind, type, system,
    cluster, destination, partition, offset, consumer_group, message_id, event_type, batch_count,
    server_address, start, duration, error, remote_parent, links"""

GATHER: tuple[str, ...] = (
    # Operations of the minutes, then those that belong to the same deliveries.
    f"""CREATE TEMPORARY TABLE r_operations ENGINE = Memory AS
    SELECT {_OPERATION} FROM operations WHERE {within("start")}
    AND type IN ('create', 'send', 'receive', 'process')
    LIMIT 1 BY trace_id, span_id""",
    # Where consuming operations point; a link's own attributes come along.
    """CREATE TEMPORARY TABLE r_contexts ENGINE = Memory AS SELECT DISTINCT c.1 AS trace_id,
    c.2 AS span_id FROM (
        SELECT arrayJoin(arrayConcat([(trace_id, span_id)],
            if(parent_span_id = '', [], [(trace_id, parent_span_id)]),
            arrayMap(l -> (l.1, l.2), links))) AS c
        FROM r_operations WHERE type IN ('receive', 'process', 'create', 'send')
    )""",
    f"""INSERT INTO r_operations SELECT {_OPERATION} FROM operations
    WHERE (trace_id, span_id) IN (
        SELECT trace_id, span_id FROM relations WHERE kind != 'header'
            AND (target_trace_id, target_span_id) IN (SELECT trace_id, span_id FROM r_contexts)
        UNION DISTINCT SELECT trace_id, span_id FROM r_contexts
    )
    AND (trace_id, span_id) NOT IN (SELECT trace_id, span_id FROM r_operations)
    AND type IN ('create', 'send', 'receive', 'process')
    LIMIT 1 BY trace_id, span_id""",
    # A process span may point at its receive span only: the producers behind that one, too.
    """INSERT INTO r_contexts SELECT DISTINCT c.1, c.2 FROM (
        SELECT arrayJoin(arrayConcat(
            if(parent_span_id = '', [], [(trace_id, parent_span_id)]),
            arrayMap(l -> (l.1, l.2), links))) AS c
        FROM r_operations WHERE type IN ('receive', 'process')
    ) WHERE c NOT IN (SELECT trace_id, span_id FROM r_contexts)""",
    f"""INSERT INTO r_operations SELECT {_OPERATION} FROM operations
    WHERE (trace_id, span_id) IN (SELECT trace_id, span_id FROM r_contexts)
    AND (trace_id, span_id) NOT IN (SELECT trace_id, span_id FROM r_operations)
    AND type IN ('create', 'send') LIMIT 1 BY trace_id, span_id""",
    # A callback of a send, or an inner span of the same send, is not another one: of nested
    # sends of one service the innermost counts, because its context is in the message.
    """CREATE TEMPORARY TABLE r_nested ENGINE = Memory AS
    SELECT i.trace_id AS trace_id, i.span_id AS inner_span, o.span_id AS outer_span,
        i.kind = 'Internal' AS callback
    FROM r_operations AS i INNER JOIN r_operations AS o
        ON o.trace_id = i.trace_id AND o.span_id = i.parent_span_id
    WHERE i.type = 'send' AND o.type = 'send' AND i.service = o.service
        AND i.destination = o.destination""",
    # Messages that carry a context of theirs: how many, where, since when.
    f"""CREATE TEMPORARY TABLE r_headers ENGINE = Memory AS
    SELECT target_trace_id AS trace_id, target_span_id AS span_id, destination,
        any(cluster) AS cluster, uniqExact(cluster, incarnation, partition, offset) AS messages,
        min(time) AS time
    FROM relations WHERE kind = 'header' AND (target_trace_id, target_span_id) IN (
        SELECT trace_id, span_id FROM r_contexts
        UNION DISTINCT SELECT trace_id, span_id FROM r_operations
        UNION DISTINCT SELECT c.1, c.2 FROM (
            SELECT arrayJoin(contexts) AS c FROM messages WHERE {within("time")})
    )
    GROUP BY target_trace_id, target_span_id, destination""",
    # The messages of the minutes, and the types of those that the operations are about.
    f"""CREATE TEMPORARY TABLE r_messages ENGINE = Memory AS
    SELECT system, cluster, destination, incarnation, partition, offset, time, received,
        environment, event_type, source, contexts, {within("time")} AS asked
    FROM messages WHERE {within("time")} OR (system, cluster, destination, incarnation, partition,
        offset) IN (
            SELECT system, cluster, destination, incarnation, partition, assumeNotNull(offset)
            FROM relations WHERE kind = 'header' AND (target_trace_id, target_span_id) IN (
                SELECT trace_id, span_id FROM r_contexts))
    LIMIT 1 BY system, cluster, destination, incarnation, partition, offset""",
    """CREATE TEMPORARY TABLE r_types ENGINE = Memory AS
    SELECT c.1 AS trace_id, c.2 AS span_id, destination, any(event_type) AS event_type,
        any(cluster) AS cluster
    FROM (SELECT arrayJoin(contexts) AS c, destination, event_type, cluster FROM r_messages)
    GROUP BY trace_id, span_id, destination""",
)

GATHERED = (
    "r_minutes",
    "r_operations",
    "r_contexts",
    "r_nested",
    "r_headers",
    "r_messages",
    "r_types",
)
