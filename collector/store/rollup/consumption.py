"""Edges of who consumed: by spans, and by the offsets that groups committed."""

from __future__ import annotations

from collector.conventions.sql import array
from collector.store.rollup.columns import (
    LATENCY,
    LATENCY_IF,
    NEITHER,
    NO_MORE,
    NO_TIMES,
    Found,
)
from collector.store.rollup.gathered import NOWHERE, ONE_NAME_SYSTEMS, lies
from collector.store.rollup.minutes import Slices

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


def consumed(slices: Slices, found: Found) -> str:
    """A delivery: everything that one service did with one message of one destination. Messages
    that share a context (a batch of one send) are told apart by position or message id."""
    return f"""SELECT slice, 'consume' AS role, environment, service, consumer_group, peer, system,
    cluster, destination, event_type, evidence, sum(n) AS count,
    sumIf(n, failed) AS errors, {NEITHER}, max(ended) AS last_seen,
    {LATENCY}(toFloat32(handled / 1e9)) AS latency,
    {LATENCY_IF}(waited, waited IS NOT NULL) AS wait
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


def passed(slices: Slices) -> str:
    """What a group's committed offset passed between two looks at it; the first look is where
    counting starts."""
    return f"""SELECT slice, 'consume' AS role, '' AS environment, '' AS service, consumer_group,
    '' AS peer, 'kafka' AS system, cluster, destination, '' AS event_type, 'matched' AS evidence,
    sum(passed) AS count, {NO_MORE}, max(toDateTime64(time, 9)) AS last_seen,
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
