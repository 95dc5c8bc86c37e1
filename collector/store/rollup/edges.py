"""Edges out of what `gather` gathered: who produced, who consumed, who called, and how often.

Each statement yields rows of `slices_table`, in the order of its columns; minutes are summed up
from these. To plan a statement costs more than to run it where there is little, so what cannot
yield anything is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from collector.conventions.spans import PEER
from collector.conventions.sql import array, quote
from collector.store.rollup.gather import APART
from collector.store.rollup.gathered import NOWHERE, ONE_NAME_SYSTEMS, lies
from collector.store.rollup.minutes import MINUTE, Slices

_KEYS = """role, environment, service, consumer_group, peer, system, cluster, destination,
    event_type, evidence"""

_LATENCY = "quantilesTDigestState(0.5, 0.95, 0.99)"
_LATENCY_IF = "quantilesTDigestStateIf(0.5, 0.95, 0.99)"
_NEITHER = "toInt64(0) AS created, toInt64(0) AS loose"
_NO_MORE = f"toInt64(0) AS errors, {_NEITHER}"
NO_TIMES = "arrayReduce('quantilesTDigestState(0.5, 0.95, 0.99)', emptyArrayFloat32())"


class Found(NamedTuple):
    """How many rows there are of what the statements are about."""

    producing: int
    creating: int
    consuming: int
    silent: int
    """Sends of which there is no message."""
    pointing: int
    """At operations of their own service that consume."""
    many: int
    """Operations about several contexts."""
    messages: int
    handed: int
    committed: int
    calls: int


# Where each consuming operation points, and what that is; `times` numbers equal links.
POINTED_AT = """CREATE TEMPORARY TABLE r_targets ENGINE = Memory AS
    SELECT o.self AS self, o.type AS type, o.c.1 AS target,
        multiIf(t.type IN ('create', 'send'), 'producer',
            target IN (SELECT self FROM r_headers), 'producer',
            t.type != '', if(t.service = o.service, 'consumer', 'other'),
            o.c.2 = 'link' OR o.remote_parent, 'producer', 'other') AS what,
        o.c.2 AS how, o.c.3 AS link_place, o.c.4 AS link_id, o.c.5 AS link_destination,
        o.c.6 AS times
    FROM (
        SELECT self, service, type, remote_parent, arrayJoin(arrayConcat(
            if(parent_span_id = '', [], [(parent, 'parent', '', '', '', toUInt32(1))]),
            arrayMap((l, h, n) -> (h, 'link',
                if(l.5 IS NULL, '', concat(l.4, '/', toString(l.5))), l.6, l.3, n),
                links, linked, if(length(links) < 2, arrayWithConstant(length(links), toUInt32(1)),
                    arrayEnumerateUniq(links))))) AS c
        FROM r_operations WHERE type IN ('receive', 'process')
    ) AS o
    LEFT ANY JOIN (SELECT self, type, service FROM r_operations) AS t ON t.self = target"""

# What each of them is about: one context can stand for several messages, each with a link of
# its own.
ABOUT = """CREATE TEMPORARY TABLE r_about ENGINE = Memory AS
    SELECT self, target, toInt64(max(times)) AS times,
        arrayDistinct(groupArrayIf((link_destination, link_place, link_id),
            link_place != '' OR link_id != '')) AS named,
        arrayJoin(if(empty(named), [(max(link_destination), '', '')], named)) AS one,
        one.1 AS link_destination, one.2 AS link_place, one.3 AS link_id
    FROM r_targets WHERE what = 'producer' GROUP BY self, target"""

STEPS: tuple[str, ...] = (POINTED_AT, ABOUT)
"""Further tables, that the edges of messages are made from."""


def edges(slices: Slices, found: Found) -> str:
    """All edges of these slices, and that these were computed, in the columns of `slices_table`."""
    parts = [_nothing(slices)]
    if found.producing:
        parts.append(_produced(slices, found))
    if found.messages:
        parts.append(_unclaimed(slices, found))
    if found.silent:
        parts.append(_silent(slices))
    if found.consuming:
        parts.append(_consumed(slices, found))
    if found.committed:
        parts.append(_passed(slices))
    if found.calls:
        parts += [_called(slices), _called_silent(slices)]
    return " UNION ALL ".join(parts)


# What `creates` says of sends and create operations where there are create operations.
_CREATES = """
    -- create operations that this one links to, whose contexts are in the messages
    LEFT JOIN (
        SELECT s.self AS self, count() AS n, max(h.event_type) AS event_type,
            max(h.cluster) AS cluster
        FROM (
            SELECT self, destination, arrayJoin(arrayDistinct(targets)) AS c
            FROM r_operations WHERE type = 'send'
        ) AS s LEFT JOIN r_headers AS h ON h.self = s.c AND h.destination = s.destination
        WHERE s.c IN (SELECT self FROM r_operations WHERE type = 'create')
        GROUP BY s.self
    ) AS creates ON creates.self = o.self
    -- sends that point at this one
    LEFT JOIN (
        SELECT c AS self, count() AS n FROM r_operations ARRAY JOIN targets AS c
        WHERE type = 'send' GROUP BY c
    ) AS k ON k.self = o.self
    -- a send that is this one's parent
    LEFT JOIN (
        SELECT self, count() AS n FROM r_operations WHERE type = 'send' GROUP BY self
    ) AS parents ON parents.self = o.parent"""


def _produced(slices: Slices, found: Found) -> str:
    """A send span stands for the messages that carry its context; for its batch; or for one.

    Create spans count where no send is about them: linked or related by parent, or, for a batch
    whose spans do not point at each other, by number. A callback of a send, or an inner span of
    the same send, is not another one: of nested sends of one service the innermost counts,
    because its context is in the message.
    """
    created, cluster, event_type, covered = "toUInt64(0)", "''", "''", "false"
    if found.creating:
        created, cluster, event_type = "creates.n", "creates.cluster", "creates.event_type"
        covered = "o.type = 'create' AND (k.n > 0 OR parents.n > 0)"
    return f"""SELECT slice, 'produce' AS role, environment, service, '' AS consumer_group,
    '' AS peer, system, cluster, destination, event_type, 'observed' AS evidence,
    sumIf(n, sends) AS count, sumIf(n, error) AS errors,
    sumIf(n, NOT sends AND NOT covered) AS created, sumIf(n, sends AND loose) AS loose,
    max(ended) AS last_seen,
    {_LATENCY_IF}(toFloat32(duration / 1e9), sends) AS latency, any({NO_TIMES}) AS wait
FROM (
    SELECT {slices.of("o.start")} AS slice, o.environment AS environment,
        o.service AS service, o.system AS system, o.destination AS destination,
        multiIf(o.cluster != '', o.cluster, o.destination = '', o.server_address,
            h.cluster != '', h.cluster, {cluster}) AS cluster,
        multiIf(h.event_type != '', h.event_type, o.event_type != '', o.event_type,
            {event_type}) AS event_type,
        o.type = 'send' AS sends, o.error AS error, o.duration AS duration,
        o.start + toIntervalNanosecond(o.duration) AS ended,
        {created} AS created, {covered} AS covered,
        o.type = 'send' AND ifNull(o.batch_count, 0) > 1 AND created = 0 AND h.messages = 0
            AS loose,
        multiIf(h.messages > 0, toInt64(h.messages), ifNull(o.batch_count, 0) > 0,
            toInt64(assumeNotNull(o.batch_count)), created > 0, toInt64(created), toInt64(1)) AS n
    FROM (
        SELECT *, {lies("self", "destination")} AS at FROM r_operations
        WHERE type IN ('create', 'send') AND {slices.has(slices.of("start"))}
            AND (destination != '' OR system != '' OR server_address != '')
            AND self NOT IN (
                SELECT if(i.kind = 'Internal', i.self, o.self)
                FROM (SELECT * FROM r_operations WHERE type = 'send') AS i
                INNER JOIN (SELECT * FROM r_operations WHERE type = 'send') AS o
                    ON o.self = i.parent
                WHERE i.service = o.service AND i.destination = o.destination)
    ) AS o
    LEFT ANY JOIN r_headers AS h ON h.at = o.at{_CREATES if found.creating else ""}
)
GROUP BY slice, environment, service, system, cluster, destination, event_type"""


def _unclaimed(slices: Slices, found: Found) -> str:
    """Messages that no producing span claims. A source header declares who produced them."""
    handed = "UNION ALL SELECT self, destination FROM r_handed" if found.handed else ""
    return f"""SELECT {slices.of("time")} AS slice, 'produce' AS role, environment,
    extract(source, '([^/:]+)/*$') AS service, '' AS consumer_group, '' AS peer, system, cluster,
    destination, event_type, if(service = '', 'matched', 'declared') AS evidence,
    toInt64(count()) AS count, {_NO_MORE}, max(toDateTime64(time, 9)) AS last_seen,
    any({NO_TIMES}) AS latency, any({NO_TIMES}) AS wait
FROM r_messages
WHERE asked AND received <= {{settled:DateTime64(9)}}
    AND NOT arrayExists(c -> (c, destination) IN (
        SELECT self, destination FROM r_operations WHERE type IN ('create', 'send') {handed}),
        carried)
    AND (destination, partition, offset) NOT IN (
        SELECT destination, partition, assumeNotNull(offset) FROM r_operations
        WHERE type IN ('create', 'send') AND offset IS NOT NULL)
GROUP BY slice, environment, service, system, cluster, destination, event_type"""


_SILENT = f"""type = 'send' AND NOT error AND service != ''
    AND {lies("self", "destination")} NOT IN (SELECT at FROM r_headers)"""


FOUND = f"""SELECT countIf(type IN ('create', 'send')), countIf(type = 'create'),
    countIf(type IN ('receive', 'process')), countIf({_SILENT}),
    (SELECT countIf(what = 'consumer') FROM r_targets),
    (SELECT count() - uniqExact(self) FROM r_about),
    (SELECT countIf(asked) FROM r_messages), (SELECT count() FROM r_open),
    (SELECT count() FROM r_committed), (SELECT count() FROM r_calls) FROM r_operations"""


def _silent(slices: Slices) -> str:
    """A service's sends without a message: of those that it declares, as many are the same."""
    return f"""SELECT {slices.of("start")} AS slice, 'silent' AS role, '' AS environment, service,
    '' AS consumer_group, '' AS peer, '' AS system, '' AS cluster, destination, '' AS event_type,
    '' AS evidence, toInt64(count()) AS count, {_NO_MORE}, max(start) AS last_seen,
    any({NO_TIMES}) AS latency, any({NO_TIMES}) AS wait
FROM r_operations WHERE {_SILENT} AND {slices.has(slices.of("start"))}
GROUP BY slice, service, destination"""


# What the receive span that a process span points at is about.
_POLLED = """
    LEFT JOIN (
        SELECT r.self AS self, i.target AS target, i.link_place AS link_place,
            i.link_id AS link_id, i.times AS times
        FROM r_targets AS r INNER JOIN r_about AS i ON i.self = r.target
        WHERE r.what = 'consumer' AND r.type = 'process'
            AND r.self NOT IN (SELECT self FROM r_about)
    ) AS b ON b.self = o.self"""

# A receive span is no delivery when it only points at other consuming spans (a poll around them),
# nor when one descends from it or one that is a delivery links to it.
_NO_POLLS = """
        AND (o.type = 'process' OR o.self NOT IN (
            SELECT target FROM r_targets WHERE what = 'consumer' AND (how = 'parent'
                OR type = 'process' OR self IN (SELECT self FROM r_about))))
        AND (o.type = 'process' OR o.self NOT IN (
            SELECT self FROM r_targets GROUP BY self
            HAVING countIf(what = 'consumer') > 0 AND countIf(what = 'producer') = 0))"""

_MANY = "SELECT self FROM r_about GROUP BY self HAVING uniqExact(target) > 1"

# Where the messages of operations about several contexts went.
_WENT = f"""
    LEFT JOIN (
        SELECT self, arraySort(groupUniqArray(destination)) AS destinations FROM (
            SELECT self, destination FROM r_headers
            UNION ALL SELECT self, destination FROM r_operations
            WHERE type IN ('create', 'send') AND destination != '')
        WHERE self IN (SELECT target FROM r_about WHERE self IN ({_MANY}))
        GROUP BY self
    ) AS w ON w.self = a.target"""


def _handlings(found: Found) -> str:
    """One row for each operation and each message that it is about. A batch may be of several
    destinations and name only its first: where each of its messages went is then known from the
    message itself."""
    destination = "o.destination"
    if found.many:
        destination = f"""o.self IN ({_MANY}) AND notEmpty(w.destinations)
            AND NOT has(w.destinations, o.destination), w.destinations[1], o.destination"""
    target, place, id_, times = NOWHERE, "", "", "1"
    if found.pointing:
        target, times = "b.target", "b.times"
        place, id_ = "b.link_place != '', b.link_place,", "b.link_id != '', b.link_id,"
    return f"""SELECT o.environment AS environment, o.service AS service, o.type AS type,
        o.start AS start, o.duration AS duration, o.error AS error,
        o.consumer_group AS consumer_group, o.system AS system,
        multiIf(a.link_destination != '', a.link_destination, {destination}) AS destination,
        if(o.destination = '' AND o.cluster = '', o.server_address, o.cluster) AS cluster,
        o.event_type AS event_type, o.batch_count AS batch_count,
        if(a.target != {NOWHERE}, a.target, {target}) AS target,
        multiIf(a.link_place != '', a.link_place, {place}
            o.offset IS NULL, '', concat(o.partition, '/', toString(o.offset))) AS place,
        multiIf(a.link_id != '', a.link_id, {id_} o.message_id) AS id,
        greatest(a.times, {times}, 1) AS times, o.self AS self
    FROM r_operations AS o
    LEFT JOIN r_about AS a ON a.self = o.self{_POLLED if found.pointing else ""}
    {_WENT if found.many else ""}
    WHERE o.type IN ('receive', 'process')
        AND (o.destination != '' OR o.system != '' OR o.server_address != '')
        {_NO_POLLS if found.pointing else ""}"""


def _consumed(slices: Slices, found: Found) -> str:
    """A delivery: everything that one service did with one message of one destination. Messages
    that share a context (a batch of one send) are told apart by position or message id."""
    return f"""SELECT slice, 'consume' AS role, environment, service, consumer_group, peer, system,
    cluster, destination, event_type, evidence, sum(n) AS count,
    sumIf(n, failed) AS errors, {_NEITHER}, max(ended) AS last_seen,
    {_LATENCY}(toFloat32(handled / 1e9)) AS latency,
    {_LATENCY_IF}(waited, waited IS NOT NULL) AS wait
FROM (
    SELECT {slices.of("d.began")} AS slice, d.environment AS environment, d.service AS service,
        if(d.about, toInt64(greatest(1, d.places, d.ids, least(d.spans, greatest(h.messages,
            if(p.destination = d.destination, toUInt64(ifNull(p.batch_count, 1)), 0))))),
            d.batch) AS n,
        d.failed AS failed, d.ended AS ended, d.handled AS handled, d.event_type AS own_type,
        p.service != '' AND (p.destination = d.destination OR d.destination = ''
            OR d.system NOT IN ({array(ONE_NAME_SYSTEMS)[1:-1]}) AND h.messages = 0) AS known,
        if(known, p.service, '') AS peer,
        if(d.system = '', p.system, d.system) AS system,
        multiIf(d.cluster != '', d.cluster, h.cluster != '', h.cluster, p.cluster) AS cluster,
        if(known AND p.destination != '', p.destination, d.destination) AS destination,
        if(d.consumer_group = '' AND known AND d.destination != p.destination, d.destination,
            d.consumer_group) AS consumer_group,
        multiIf(h.event_type != '', h.event_type, own_type != '', own_type, p.event_type)
            AS event_type,
        'observed' AS evidence,
        multiIf(p.service != '', toNullable(toFloat32(
                (toUnixTimestamp64Nano(d.began) - toUnixTimestamp64Nano(p.sent)) / 1e9)),
            h.messages > 0, toNullable(toFloat32((toUnixTimestamp64Nano(d.began)
                - toUnixTimestamp64Nano(toDateTime64(h.time, 9))) / 1e9)),
            NULL) AS waited
    FROM (
        SELECT any(r.environment) AS environment, any(r.service) AS service,
            any(r.system) AS system, any(r.destination) AS destination, any(r.target) AS target,
            any(r.at) AS at, any(r.about) AS about, max(r.cluster) AS cluster,
            max(r.event_type) AS event_type, min(r.start) AS began,
            max(r.start + toIntervalNanosecond(r.duration)) AS ended,
            if(countIf(r.type = 'process') > 0, maxIf(r.duration, r.type = 'process'),
                max(r.duration)) AS handled,
            modulo(max(r.last), 2) = 1 AS failed,
            arrayDistinct(groupArrayIf(r.consumer_group, r.consumer_group != '')) AS groups,
            arrayJoin(if(empty(groups), [''], groups)) AS consumer_group,
            arrayUniq(groupArrayIf(sipHash64(r.place), r.place != '')) AS places,
            arrayUniq(groupArrayIf(sipHash64(r.id), r.id != '')) AS ids,
            greatest(arrayUniq(groupArrayIf(r.self, r.type = 'receive')),
                arrayUniq(groupArrayIf(r.self, r.type = 'process')), max(r.times)) AS spans,
            toInt64(max(ifNull(r.batch_count, 1))) AS batch
        FROM (
            SELECT *, target != {NOWHERE} AS about, {lies("target", "destination")} AS at,
                sipHash128(environment, service, system, destination, target,
                    multiIf(about, '', place != '', place, id != '', id, toString(self)))
                    AS delivery,
                -- what was done with it last, and in its lowest bit how that ended
                bitOr(bitOr(bitShiftLeft(toUInt128(type = 'process'), 127),
                        bitShiftLeft(toUInt128(toUnixTimestamp64Nano(start)), 64)),
                    toUInt128(bitShiftLeft(toUInt64(self), 1) + error)) AS last
            FROM ({_handlings(found)})
        ) AS r
        GROUP BY r.delivery
        HAVING {slices.has(slices.of("began"))}
    ) AS d
    LEFT ANY JOIN (
        SELECT self, service, destination, system, cluster, event_type, start AS sent, batch_count
        FROM r_operations WHERE type IN ('create', 'send')
    ) AS p ON p.self = d.target
    LEFT ANY JOIN r_headers AS h ON h.at = d.at
)
WHERE n > 0
GROUP BY slice, environment, service, consumer_group, peer, system, cluster, destination,
    event_type, evidence"""


def _passed(slices: Slices) -> str:
    """What a group's committed offset passed between two looks at it; the first look is where
    counting starts."""
    return f"""SELECT slice, 'consume' AS role, '' AS environment, '' AS service, consumer_group,
    '' AS peer, 'kafka' AS system, cluster, destination, '' AS event_type, 'matched' AS evidence,
    sum(passed) AS count, {_NO_MORE}, max(toDateTime64(time, 9)) AS last_seen,
    any({NO_TIMES}) AS latency, any({NO_TIMES}) AS wait
FROM (
    SELECT {slices.of("time")} AS slice, cluster, consumer_group, destination, time,
        committed - lagInFrame(toNullable(committed)) OVER (
            PARTITION BY cluster, consumer_group, destination, incarnation, partition
            ORDER BY time, committed ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS passed
    FROM r_committed
)
WHERE passed > 0 AND {slices.has("slice")}
GROUP BY slice, consumer_group, cluster, destination"""


_KEY = "cluster, consumer_group, destination, incarnation, partition"


def committed(slices: Slices) -> tuple[str, ...]:
    """Committed offsets of the groups that are active in the minutes, with the last one before:
    mostly some seconds ago, and else looked for in all that is stored."""
    first = slices.first
    return (
        f"""CREATE TEMPORARY TABLE r_committed ENGINE = Memory AS
    SELECT DISTINCT {_KEY}, time, committed FROM progress
    WHERE committed >= 0 AND {slices.between("time", 600)}
        AND ({_KEY}) IN (SELECT DISTINCT {_KEY} FROM progress WHERE {slices.within("time")})""",
        f"""INSERT INTO r_committed SELECT {_KEY}, max(time) AS newest, argMax(committed, time)
    FROM progress WHERE committed >= 0 AND time < {first} - 600 AND ({_KEY}) IN (
        SELECT {_KEY} FROM r_committed GROUP BY {_KEY} HAVING min(time) >= {first})
    GROUP BY {_KEY}""",
    )


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
    toInt64(count()) AS count, toInt64(countIf(failed)) AS errors, {_NEITHER},
    max(ended) AS last_seen, {_LATENCY}(toFloat32(Duration / 1e9)) AS latency,
    any({NO_TIMES}) AS wait"""


def _called(slices: Slices) -> str:
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


def _called_silent(slices: Slices) -> str:
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


def _nothing(slices: Slices) -> str:
    """That a slice was computed, whether or not anything was found."""
    return f"""SELECT arrayJoin([{", ".join(map(str, slices.starts))}]) AS slice, 'empty' AS role,
    '' AS environment, '' AS service, '' AS consumer_group, '' AS peer, '' AS system, '' AS cluster,
    '' AS destination, '' AS event_type, '' AS evidence, toInt64(0) AS count, {_NO_MORE},
    toDateTime64(0, 9) AS last_seen, {NO_TIMES} AS latency, {NO_TIMES} AS wait"""


_TIMES = "AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32)"


MINUTE_OF_SLICE = f"intDiv(slice, {MINUTE}) * {MINUTE}"


def slices_table(name: str) -> str:
    """A table of edges of slices, which minutes are summed up from."""
    texts = ", ".join(f"{key.strip()} LowCardinality(String)" for key in _KEYS.split(","))
    return f"""CREATE TEMPORARY TABLE {name} (slice Int64, {texts}, count Int64, errors Int64,
        created Int64, loose Int64, last_seen DateTime64(9), latency {_TIMES}, wait {_TIMES})
        ENGINE = Memory"""


def summed(name: str, minutes: Iterable[int], version: int) -> str:
    """Rows of `edges`, of these minutes, out of those of their slices.

    Create spans count as far as loose batches, whose spans do not point at them, leave some; and
    declared messages where there are more of them than the service's own silent sends.
    """
    minute = MINUTE_OF_SLICE
    asked = f"{minute} IN ({', '.join(map(str, minutes))})"
    return f"""SELECT toDateTime(s.at, 'UTC'), {version}, {_KEYS},
    toUInt64(s.sent - silent.n) AS counted, toUInt64(least(counted, s.failed)), s.last, s.latencies,
    s.waits, now()
FROM (
    SELECT {minute} AS at, {_KEYS}, sum(count) + greatest(0, sum(created) - sum(loose)) AS sent,
        sum(errors) AS failed, max(last_seen) AS last,
        quantilesTDigestMergeState(0.5, 0.95, 0.99)(latency) AS latencies,
        quantilesTDigestMergeState(0.5, 0.95, 0.99)(wait) AS waits
    FROM {name} WHERE role != 'silent' AND {asked} GROUP BY at, {_KEYS}
) AS s
LEFT JOIN (
    SELECT {minute} AS at, 'declared' AS evidence, service, destination, sum(count) AS n
    FROM {name} WHERE role = 'silent' AND {asked} GROUP BY at, service, destination
) AS silent USING (at, evidence, service, destination)
WHERE s.role = 'empty' OR s.sent > silent.n"""


TEMPORARY = ("r_targets", "r_about", "r_committed", "r_calls")
