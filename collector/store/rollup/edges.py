"""Edges out of what `gather` gathered: who produced, who consumed, who called, and how often.

Each statement yields the columns of `edges` from `minute` to `wait`, without the version.
"""

from __future__ import annotations

from collector.conventions.spans import PEER
from collector.conventions.sql import array, quote
from collector.store.rollup.gather import ONE_NAME_SYSTEMS, hashed
from collector.store.rollup.minutes import minute, within

COLUMNS = """minute, role, environment, service, consumer_group, peer, system, cluster, destination,
    event_type, evidence, count, errors, last_seen, latency, wait"""

_LATENCY = "quantilesTDigestState(0.5, 0.95, 0.99)"
_LATENCY_IF = "quantilesTDigestStateIf(0.5, 0.95, 0.99)"
NO_TIMES = "arrayReduce('quantilesTDigestState(0.5, 0.95, 0.99)', emptyArrayFloat32())"

_ASKED = "(SELECT minute FROM r_minutes)"

# A send span stands for the messages that carry its context; for its batch; or for one. Create
# spans count where no send is about them: linked or related by parent, or, for a batch whose
# spans do not point at each other, by number.
PRODUCED = f"""SELECT minute, 'produce' AS role, environment, service, '' AS consumer_group,
    '' AS peer, system, cluster, destination, event_type, 'observed' AS evidence,
    toUInt64(sumIf(n, sends) + greatest(0, sumIf(n, NOT sends AND NOT covered)
        - sumIf(n, sends AND loose))) AS count,
    toUInt64(least(count, sumIf(n, error))) AS errors, max(ended) AS last_seen,
    {_LATENCY_IF}(toFloat32(duration / 1e9), sends) AS latency, any({NO_TIMES}) AS wait
FROM (
    SELECT {minute("o.start")} AS minute, o.environment AS environment,
        o.service AS service, o.system AS system, o.destination AS destination,
        multiIf(o.cluster != '', o.cluster, o.destination = '', o.server_address,
            h.cluster != '', h.cluster, creates.cluster) AS cluster,
        multiIf(t.event_type != '', t.event_type, o.event_type != '', o.event_type,
            creates.event_type) AS event_type,
        o.type = 'send' AS sends, o.error AS error, o.duration AS duration,
        o.start + toIntervalNanosecond(o.duration) AS ended,
        creates.n AS created, o.type = 'create' AND (k.n > 0 OR parents.n > 0) AS covered,
        o.type = 'send' AND ifNull(o.batch_count, 0) > 1 AND created = 0 AND h.messages = 0
            AS loose,
        multiIf(h.messages > 0, toInt64(h.messages), ifNull(o.batch_count, 0) > 0,
            toInt64(assumeNotNull(o.batch_count)), created > 0, toInt64(created), toInt64(1)) AS n
    FROM r_operations AS o
    LEFT JOIN r_headers AS h ON h.self = o.self AND h.destination = o.destination
    LEFT JOIN r_types AS t ON t.self = o.self AND t.destination = o.destination
    -- create operations that this one links to, whose contexts are in the messages
    LEFT JOIN (
        SELECT s.self AS self, count() AS n, max(t.event_type) AS event_type,
            max(t.cluster) AS cluster
        FROM (
            SELECT self, destination, arrayJoin(arrayDistinct(targets)) AS c
            FROM r_operations WHERE type = 'send'
        ) AS s LEFT JOIN r_types AS t ON t.self = s.c AND t.destination = s.destination
        WHERE s.c IN (SELECT self FROM r_operations WHERE type = 'create')
        GROUP BY s.self
    ) AS creates ON creates.self = o.self
    -- sends that point at this one
    LEFT JOIN (
        SELECT c AS self, count() AS n FROM r_operations ARRAY JOIN targets AS c
        WHERE type = 'send' AND (SELECT count() FROM r_operations WHERE type = 'create') > 0
        GROUP BY c
    ) AS k ON k.self = o.self
    -- a send that is this one's parent
    LEFT JOIN (
        SELECT self, count() AS n FROM r_operations
        WHERE type = 'send' AND (SELECT count() FROM r_operations WHERE type = 'create') > 0
        GROUP BY self
    ) AS parents ON parents.self = o.parent
    WHERE o.type IN ('create', 'send')
        AND o.self NOT IN (SELECT uncounted FROM r_nested)
        AND (o.destination != '' OR o.system != '' OR o.server_address != '')
)
WHERE minute IN {_ASKED}
GROUP BY minute, environment, service, system, cluster, destination, event_type
HAVING count > 0"""

# Messages that no producing span claims. A source header declares who produced them; as many as
# that service's own sends without a message are the same ones and are not counted twice.
UNCLAIMED = f"""SELECT minute, 'produce' AS role, environment, service, '' AS consumer_group,
    '' AS peer, system, cluster, destination, event_type,
    if(service = '', 'matched', 'declared') AS evidence, toUInt64(found - silent.n) AS count,
    toUInt64(0) AS errors, last_seen, {NO_TIMES} AS latency, {NO_TIMES} AS wait
FROM (
    SELECT {minute("time")} AS minute, environment,
        extract(source, '([^/:]+)/*$') AS service, system, cluster, destination, event_type,
        toInt64(count()) AS found, max(toDateTime64(time, 9)) AS last_seen
    FROM r_messages
    WHERE asked AND received <= {{settled:DateTime64(9)}}
    AND (system, cluster, destination, incarnation, partition, offset) NOT IN (
        SELECT system, cluster, destination, incarnation, partition, offset
        FROM r_messages ARRAY JOIN contexts AS c
        WHERE ({hashed("c.1", "c.2")}, destination) IN (
            SELECT self, destination FROM r_operations WHERE type IN ('create', 'send')
            UNION ALL SELECT self, destination FROM r_handed))
    AND (destination, partition, offset) NOT IN (
        SELECT destination, partition, assumeNotNull(offset) FROM r_operations
        WHERE type IN ('create', 'send') AND offset IS NOT NULL)
    GROUP BY minute, environment, service, system, cluster, destination, event_type
) AS unclaimed
LEFT JOIN (
    SELECT {minute("o.start")} AS minute, o.service AS service,
        o.destination AS destination, toInt64(count()) AS n
    FROM r_operations AS o
    LEFT JOIN r_headers AS h ON h.self = o.self AND h.destination = o.destination
    WHERE o.type = 'send' AND NOT o.error AND h.messages = 0 AND o.service != ''
    GROUP BY minute, service, destination
) AS silent USING (minute, service, destination)
WHERE minute IN {_ASKED} AND found > silent.n"""

# Where each consuming operation points, and what that is.
POINTED_AT = f"""CREATE TEMPORARY TABLE r_targets ENGINE = Memory AS
    SELECT o.self AS self, o.type AS type, c.1 AS target,
        multiIf(t.type IN ('create', 'send'), 'producer',
            target IN (SELECT self FROM r_headers), 'producer',
            t.type != '', if(t.service = o.service, 'consumer', 'other'),
            c.2 = 'link' OR o.remote_parent, 'producer', 'other') AS what,
        c.2 AS how, c.3 AS link_place, c.4 AS link_id, c.5 AS link_destination,
        toInt64(o.times) AS times
    FROM (
        SELECT self, service, type, remote_parent, arrayJoin(arrayConcat(
            if(parent_span_id = '', [], [(parent, 'parent', '', '', '')]),
            arrayMap(l -> ({hashed("l.1", "l.2")}, 'link',
                if(l.5 IS NULL, '', concat(l.4, '/', toString(l.5))), l.6, l.3), links))) AS c,
            count() AS times
        FROM r_operations WHERE type IN ('receive', 'process')
        GROUP BY self, service, type, remote_parent, c
    ) AS o
    LEFT JOIN (SELECT self, max(type) AS type, max(service) AS service
        FROM r_operations GROUP BY self) AS t ON t.self = c.1"""

_NOWHERE = "toFixedString('', 16)"

# One row for each operation and each message that it is about. A receive span is no delivery
# when it only points at other consuming spans (a poll around them), nor when one descends from
# it or one that is a delivery links to it. A batch may be of several destinations and name only
# its first: where each of its messages went is then known from the message itself.
HANDLINGS = f"""CREATE TEMPORARY TABLE r_handlings ENGINE = Memory AS
    WITH about AS (
        -- one context can stand for several messages, each with a link of its own
        SELECT self, target, max(times) AS times,
            groupUniqArrayIf((link_destination, link_place, link_id),
                link_place != '' OR link_id != '') AS named,
            arrayJoin(if(empty(named), [(max(link_destination), '', '')], named)) AS one,
            one.1 AS link_destination, one.2 AS link_place, one.3 AS link_id
        FROM r_targets WHERE what = 'producer' GROUP BY self, target
    ),
    many AS (SELECT self FROM about GROUP BY self HAVING uniqExact(target) > 1),
    went AS (
        SELECT self, arraySort(groupUniqArray(destination)) AS destinations FROM (
            SELECT self, destination FROM r_headers
            UNION ALL SELECT self, destination FROM r_operations
            WHERE type IN ('create', 'send') AND destination != '')
        GROUP BY self
    )
    SELECT o.environment AS environment, o.service AS service, o.type AS type, o.start AS start,
        o.duration AS duration, o.error AS error, o.consumer_group AS consumer_group,
        o.system AS system,
        multiIf(a.link_destination != '', a.link_destination,
            o.self IN (SELECT self FROM many)
                AND notEmpty(w.destinations) AND NOT has(w.destinations, o.destination),
            w.destinations[1], o.destination) AS destination,
        if(o.destination = '' AND o.cluster = '', o.server_address, o.cluster) AS cluster,
        o.event_type AS event_type, o.batch_count AS batch_count,
        if(a.target != {_NOWHERE}, a.target, b.target) AS target,
        multiIf(a.link_place != '', a.link_place, b.link_place != '', b.link_place,
            o.offset IS NULL, '', concat(o.partition, '/', toString(o.offset))) AS place,
        multiIf(a.link_id != '', a.link_id, b.link_id != '', b.link_id, o.message_id) AS id,
        greatest(a.times, b.times, 1) AS times, o.self AS self
    FROM r_operations AS o
    LEFT JOIN about AS a ON a.self = o.self
    -- what the receive span that it points at is about
    LEFT JOIN (
        SELECT r.self AS self, i.target AS target, i.link_place AS link_place,
            i.link_id AS link_id, i.times AS times
        FROM r_targets AS r INNER JOIN about AS i ON i.self = r.target
        WHERE r.what = 'consumer' AND r.type = 'process' AND r.self NOT IN (SELECT self FROM about)
    ) AS b ON b.self = o.self
    LEFT JOIN went AS w ON w.self = a.target
    WHERE o.type IN ('receive', 'process')
        AND (o.destination != '' OR o.system != '' OR o.server_address != '')
        AND (o.type = 'process' OR o.self NOT IN (
            SELECT target FROM r_targets WHERE what = 'consumer' AND (how = 'parent'
                OR type = 'process' OR self IN (SELECT self FROM about))))
        AND (o.type = 'process' OR o.self NOT IN (
            SELECT self FROM r_targets GROUP BY self
            HAVING countIf(what = 'consumer') > 0 AND countIf(what = 'producer') = 0))"""

# A delivery: everything that one service did with one message of one destination. Messages that
# share a context (a batch of one send) are told apart by position or message id.
CONSUMED = f"""SELECT minute, 'consume' AS role, environment, service, consumer_group, peer, system,
    cluster, destination, event_type, evidence, toUInt64(sum(n)) AS count,
    toUInt64(sumIf(n, failed)) AS errors, max(ended) AS last_seen,
    {_LATENCY}(toFloat32(handled / 1e9)) AS latency,
    {_LATENCY_IF}(waited, waited IS NOT NULL) AS wait
FROM (
    SELECT {minute("d.began")} AS minute, d.environment AS environment,
        d.service AS service, d.n AS n, d.failed AS failed, d.ended AS ended,
        d.handled AS handled, d.event_type AS own_type,
        p.service != '' AND (p.destination = d.destination OR d.destination = ''
            OR d.system NOT IN ({array(ONE_NAME_SYSTEMS)[1:-1]}) AND h.messages = 0) AS known,
        if(known, p.service, '') AS peer,
        if(d.system = '', p.system, d.system) AS system,
        multiIf(d.cluster != '', d.cluster, h.cluster != '', h.cluster, p.cluster) AS cluster,
        if(known AND p.destination != '', p.destination, d.destination) AS destination,
        if(d.consumer_group = '' AND known AND d.destination != p.destination, d.destination,
            d.consumer_group) AS consumer_group,
        multiIf(t.event_type != '', t.event_type, own_type != '', own_type, p.event_type)
            AS event_type,
        'observed' AS evidence,
        multiIf(p.service != '', toNullable(toFloat32(
                (toUnixTimestamp64Nano(d.began) - toUnixTimestamp64Nano(p.sent)) / 1e9)),
            h.messages > 0, toNullable(toFloat32((toUnixTimestamp64Nano(d.began)
                - toUnixTimestamp64Nano(toDateTime64(h.time, 9))) / 1e9)),
            NULL) AS waited
    FROM (
        SELECT environment, service, system, destination, target,
            target != {_NOWHERE} AS about, max(cluster) AS cluster, max(event_type) AS event_type,
            min(start) AS began, max(start + toIntervalNanosecond(duration)) AS ended,
            if(countIf(type = 'process') > 0, maxIf(duration, type = 'process'), max(duration))
                AS handled,
            argMax(error, (type = 'process', start, self)) AS failed,
            groupUniqArrayIf(consumer_group, consumer_group != '') AS groups,
            arrayJoin(if(empty(groups), [''], groups)) AS consumer_group,
            uniqExactIf(place, place != '') AS places, uniqExactIf(id, id != '') AS ids,
            greatest(uniqExactIf(self, type = 'receive'), uniqExactIf(self, type = 'process'),
                toUInt64(max(times))) AS spans,
            max(batch.n) AS together,
            if(about, toInt64(greatest(1, places, ids, least(together, spans))),
                toInt64(max(ifNull(batch_count, 1)))) AS n
        FROM r_handlings AS r
        LEFT JOIN (
            SELECT self, destination, max(n) AS n FROM (
                SELECT self, destination, messages AS n FROM r_headers
                UNION ALL
                SELECT self, destination, toUInt64(ifNull(batch_count, 1))
                FROM r_operations WHERE type IN ('create', 'send'))
            GROUP BY self, destination
        ) AS batch ON batch.self = r.target AND batch.destination = r.destination
        GROUP BY environment, service, system, destination, target,
            if(about, '', multiIf(place != '', place, id != '', id, self))
    ) AS d
    LEFT JOIN (
        SELECT self, max(service) AS service, max(destination) AS destination,
            max(system) AS system, max(cluster) AS cluster, max(event_type) AS event_type,
            min(start) AS sent
        FROM r_operations WHERE type IN ('create', 'send') GROUP BY self
    ) AS p ON p.self = d.target
    LEFT JOIN r_headers AS h ON h.self = d.target AND h.destination = d.destination
    LEFT JOIN r_types AS t ON t.self = d.target AND t.destination = d.destination
)
WHERE minute IN {_ASKED} AND n > 0
GROUP BY minute, environment, service, consumer_group, peer, system, cluster, destination,
    event_type, evidence"""

# What a group's committed offset passed between two looks at it; the first look is where
# counting starts.
PASSED = f"""SELECT minute, 'consume' AS role, '' AS environment, '' AS service, consumer_group,
    '' AS peer, 'kafka' AS system, cluster, destination, '' AS event_type, 'matched' AS evidence,
    toUInt64(sum(passed)) AS count, toUInt64(0) AS errors, max(toDateTime64(time, 9)) AS last_seen,
    any({NO_TIMES}) AS latency, any({NO_TIMES}) AS wait
FROM (
    SELECT {minute("time")} AS minute, cluster, consumer_group, destination, time,
        committed - lagInFrame(toNullable(committed)) OVER (
            PARTITION BY cluster, consumer_group, destination, incarnation, partition
            ORDER BY time, committed ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS passed
    FROM r_committed
)
WHERE passed > 0 AND minute IN {_ASKED}
GROUP BY minute, consumer_group, cluster, destination"""

_PEER = "''"
for _name in reversed(PEER):
    _PEER = f"if(SpanAttributes[{quote(_name)}] = '', {_PEER}, SpanAttributes[{quote(_name)}])"

_CALL_COLUMNS = f"""TraceId, SpanId, ParentSpanId, SpanKind, ServiceName, Timestamp, Duration,
    StatusCode = 'Error' AS failed, {_PEER} AS peer_name,
    if(ResourceAttributes['deployment.environment.name'] = '',
        ResourceAttributes['deployment.environment'],
        ResourceAttributes['deployment.environment.name']) AS environment"""

CALL_SPANS: tuple[str, ...] = (
    f"""CREATE TEMPORARY TABLE r_asked ENGINE = Memory AS SELECT DISTINCT TraceId FROM otel_traces
    WHERE {within("Timestamp")} AND SpanKind IN ('Client', 'Server')""",
    f"""CREATE TEMPORARY TABLE r_calls ENGINE = Memory AS SELECT {_CALL_COLUMNS} FROM otel_traces
    WHERE TraceId IN (SELECT TraceId FROM r_asked)
    AND (SpanKind IN ('Client', 'Server') OR SpanKind = 'Producer')
    AND (SpanKind = 'Server' OR NOT mapContains(SpanAttributes, 'messaging.system')
        OR SpanKind = 'Producer')
    LIMIT 1 BY TraceId, SpanId, SpanKind""",
)

_CALLED = f"""minute, 'call' AS role, environment, service, '' AS consumer_group, peer,
    '' AS system, '' AS cluster, '' AS destination, '' AS event_type, 'observed' AS evidence,
    toUInt64(count()) AS count, toUInt64(countIf(failed)) AS errors,
    max(ended) AS last_seen, {_LATENCY}(toFloat32(Duration / 1e9)) AS latency,
    any({NO_TIMES}) AS wait"""

# A server span whose parent is a client's (or, in Zipkin, which shares the client's id); a call
# is counted in its client's minute, one by a producing span in its server's.
CALLED = f"""SELECT {_CALLED} FROM (
    SELECT {minute("if(c.SpanKind = 'Producer', s.Timestamp, c.Timestamp)")} AS minute,
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
WHERE minute IN {_ASKED}
GROUP BY minute, environment, service, peer"""

# A client span that no server span answers, but which names its callee; and a server span
# without a client's, which names its caller.
CALLED_SILENT = f"""SELECT {_CALLED} FROM (
    SELECT {minute("Timestamp")} AS minute, environment,
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
WHERE minute IN {_ASKED}
GROUP BY minute, environment, service, peer"""

# That a minute was computed, whether or not anything was found.
NOTHING = f"""SELECT minute, 'empty' AS role, '' AS environment, '' AS service,
    '' AS consumer_group, '' AS peer, '' AS system, '' AS cluster, '' AS destination,
    '' AS event_type, '' AS evidence, toUInt64(0) AS count, toUInt64(0) AS errors,
    toDateTime64(0, 9) AS last_seen, {NO_TIMES} AS latency, {NO_TIMES} AS wait
FROM r_minutes"""

STEPS: tuple[str, ...] = (POINTED_AT, HANDLINGS)

EDGES: tuple[tuple[str, str], ...] = (
    ("r_operations", PRODUCED),
    ("r_messages", UNCLAIMED),
    ("r_handlings", CONSUMED),
    ("r_committed", PASSED),
    ("r_calls", CALLED),
    ("r_calls", CALLED_SILENT),
)
"""Statements, each with the table without whose rows it yields none."""

TEMPORARY = ("r_targets", "r_handlings", "r_asked", "r_calls")
