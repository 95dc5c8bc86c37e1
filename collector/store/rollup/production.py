"""Edges of who produced: by spans, by messages that no span claims, and what sends left none."""

from __future__ import annotations

from collector.store.rollup.columns import LATENCY_IF, NO_MORE, NO_TIMES, Found
from collector.store.rollup.gathered import lies
from collector.store.rollup.minutes import Slices

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


def produced(slices: Slices, found: Found) -> str:
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
    {LATENCY_IF}(toFloat32(duration / 1e9), sends) AS latency, any({NO_TIMES}) AS wait
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


def unclaimed(slices: Slices, found: Found) -> str:
    """Messages that no producing span claims. A source header declares who produced them."""
    handed = "UNION ALL SELECT self, destination FROM r_handed" if found.handed else ""
    return f"""SELECT {slices.of("time")} AS slice, 'produce' AS role, environment,
    extract(source, '([^/:]+)/*$') AS service, '' AS consumer_group, '' AS peer, system, cluster,
    destination, event_type, if(service = '', 'matched', 'declared') AS evidence,
    toInt64(count()) AS count, {NO_MORE}, max(toDateTime64(time, 9)) AS last_seen,
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


SILENT = f"""type = 'send' AND NOT error AND service != ''
    AND {lies("self", "destination")} NOT IN (SELECT at FROM r_headers)"""


def silent(slices: Slices) -> str:
    """A service's sends without a message: of those that it declares, as many are the same."""
    return f"""SELECT {slices.of("start")} AS slice, 'silent' AS role, '' AS environment, service,
    '' AS consumer_group, '' AS peer, '' AS system, '' AS cluster, destination, '' AS event_type,
    '' AS evidence, toInt64(count()) AS count, {NO_MORE}, max(start) AS last_seen,
    any({NO_TIMES}) AS latency, any({NO_TIMES}) AS wait
FROM r_operations WHERE {SILENT} AND {slices.has(slices.of("start"))}
GROUP BY slice, service, destination"""
