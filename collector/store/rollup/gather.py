"""The facts that the edges of some minutes are computed from, gathered into temporary tables.

A delivery belongs to the minute in which it began, and its receive and process spans, and those
of its other attempts, may lie in several. So besides the operations of the minutes asked for,
those are gathered that share a message with them: from context to context, in `ROUNDS` steps
(a process span points at its receive span, that one at its producer's, and so do the other
attempts). The same steps lead from what was just stored to the minutes that change by it.
"""

from __future__ import annotations

from typing import Any

from collector.conventions.sql import normal_id
from collector.store.rollup.minutes import Seeds, within

APART = 900
"""Seconds between the spans of one delivery, at most, where only a name joins them."""

BESIDE = 60
"""Seconds between a message and the span that produced it, at most, where only the position
joins them."""

ROUNDS = 3

ONE_NAME_SYSTEMS = ("kafka", "redis", "pulsar")
"""Systems in which producers and consumers call a destination the same. Elsewhere a consumer
names its queue or subscription: the destination is then the producer's, the name the group."""


def hashed(trace_id: str, span_id: str) -> str:
    """A context as 16 bytes: joins by them cost a fraction of what they do by two texts."""
    return f"sipHash128({trace_id}, {span_id})"


_OPERATION = f"""trace_id, span_id, parent_span_id, environment, service, kind, type, system,
    cluster, destination, partition, offset, consumer_group, message_id, event_type, batch_count,
    server_address, start, duration, error, remote_parent, links,
    {hashed("trace_id", "span_id")} AS self,
    if(parent_span_id = '', toFixedString('', 16), {hashed("trace_id", "parent_span_id")})
        AS parent,
    arrayConcat(if(parent_span_id = '', [], [parent]),
        arrayMap(l -> {hashed("l.1", "l.2")}, links)) AS targets"""

_PRODUCING = "type IN ('create', 'send')"
_CONSUMING = "type IN ('receive', 'process')"
_ANY_TYPE = "type IN ('create', 'send', 'receive', 'process')"

_POSITION = "system, cluster, destination, incarnation, partition, offset"
_MESSAGE = f"{_POSITION}, time, received, environment, event_type, source, contexts"

_KEY = "cluster, consumer_group, destination, incarnation, partition"
_FROM = "(SELECT min(minute) FROM r_minutes)"

# Committed offsets of the groups that are active in the minutes, with the last one before:
# mostly some seconds ago, and else looked for in all that is stored.
_COMMITTED: tuple[str, ...] = (
    f"""CREATE TEMPORARY TABLE r_committed ENGINE = Memory AS
    SELECT DISTINCT {_KEY}, time, committed FROM progress
    WHERE committed >= 0 AND time >= {_FROM} - 600
        AND time <= (SELECT toDateTime64(max(minute), 3) + 60 FROM r_minutes)
        AND ({_KEY}) IN (SELECT DISTINCT {_KEY} FROM progress WHERE {within("time")})""",
    f"""INSERT INTO r_committed SELECT {_KEY}, max(time) AS newest, argMax(committed, time)
    FROM progress WHERE committed >= 0 AND time < {_FROM} - 600 AND ({_KEY}) IN (
        SELECT {_KEY} FROM r_committed GROUP BY {_KEY} HAVING min(time) >= {_FROM})
    GROUP BY {_KEY}""",
)

_TARGETS = """arrayConcat(if(parent_span_id = '', [], [(trace_id, parent_span_id)]),
    arrayMap(l -> (l.1, l.2), links))"""
"""The contexts that an operation points at, as texts: to be looked for in what is stored."""

_OWN = f"""SELECT c.1 AS trace_id, c.2 AS span_id FROM (
    SELECT arrayJoin(arrayPushBack({_TARGETS}, (trace_id, span_id))) AS c
    FROM r_operations WHERE seed AND {_PRODUCING})"""

_HERE = "SELECT trace_id, span_id FROM r_operations"

_CARRIED = """SELECT c.1 AS trace_id, c.2 AS span_id
    FROM (SELECT arrayJoin(contexts) AS c FROM r_messages WHERE asked)"""

_NAMELESS = f"""seed AND {_CONSUMING} AND empty(links) AND NOT remote_parent
    AND (message_id != '' OR offset IS NOT NULL)"""


class Gathering:
    """One run of statements that fill the temporary tables of one session."""

    def __init__(self, client: Any, seeds: Seeds, parameters: dict[str, str]) -> None:
        self._client = client
        self._seeds = seeds
        self._parameters = parameters

    def operations(self) -> None:
        """Fill `r_operations` with the seeds and all operations of the same deliveries."""
        seeds = self._seeds
        self._run(
            f"""CREATE TEMPORARY TABLE r_operations ENGINE = Memory AS
            SELECT {_OPERATION}, true AS seed, toUInt8(0) AS step FROM operations
            WHERE {seeds.operations} AND {_ANY_TYPE} LIMIT 1 BY trace_id, span_id"""
        )
        self._run(
            f"""CREATE TEMPORARY TABLE r_messages ENGINE = Memory AS
            SELECT {_MESSAGE}, true AS asked FROM messages WHERE {seeds.messages}
            LIMIT 1 BY {_POSITION}"""
        )
        self._run("CREATE TEMPORARY TABLE r_seen (trace_id String, span_id String) ENGINE = Memory")
        self._run(
            "CREATE TEMPORARY TABLE r_open (trace_id String, span_id String, destination String) "
            "ENGINE = Memory"
        )
        # Each statement costs some milliseconds, however little there is to do.
        producing, consuming, nameless, messages = self._numbers(
            f"""countIf({_PRODUCING}), countIf({_CONSUMING}), countIf({_NAMELESS}),
            (SELECT count() FROM r_messages) FROM r_operations"""
        )
        if producing or messages:
            self._add(0, f"{_OWN} UNION ALL {_CARRIED}", _PRODUCING)
        if producing:
            self._add(0, self._pointing(_OWN), _PRODUCING)
        if messages and not seeds.consumers:
            self._claiming()
            self._handing_on()
        if producing and seeds.consumers:
            self._add(
                0,
                """SELECT trace_id, parent_span_id AS span_id FROM r_operations
                WHERE type = 'send' AND parent_span_id != ''""",
                _CONSUMING,
            )
        if not consuming and not seeds.consumers:
            return
        for step in range(1, ROUNDS + 1):
            if not self._round(step, nameless=bool(nameless)):
                return
        # What the last ones point at says what they are, but leads no further.
        self._contexts(ROUNDS + 1)

    def _round(self, step: int, *, nameless: bool) -> bool:
        """From the operations of the step before, over contexts, to more; False at the end."""
        if not self._contexts(step):
            return False
        if step == 1 and nameless:
            self._nameless()
        # A parent that is no messaging span, nor in a message, may be that of a whole program.
        self._run(
            f"""INSERT INTO r_seen SELECT trace_id, span_id FROM r_round
            WHERE sure OR (trace_id, span_id) IN ({_HERE})
            OR (trace_id, span_id) IN (SELECT target_trace_id, target_span_id FROM relations
                WHERE kind = 'header' AND (target_trace_id, target_span_id) IN (
                    SELECT trace_id, span_id FROM r_round WHERE NOT sure))"""
        )
        targets = """SELECT trace_id, span_id FROM r_round
            WHERE (trace_id, span_id) IN (SELECT trace_id, span_id FROM r_seen)"""
        self._add(step, self._pointing(targets), _CONSUMING)
        return True

    def _contexts(self, step: int) -> int:
        """Fill `r_round` with the contexts that the step before leads to, and add the operations
        that are these contexts; says how many."""
        self._run("DROP TEMPORARY TABLE IF EXISTS r_round")
        carried = f"SELECT trace_id, span_id, true FROM ({_CARRIED})"
        produced = f"SELECT trace_id, span_id, true FROM r_operations WHERE seed AND {_PRODUCING}"
        also = f"UNION ALL {carried} UNION ALL {produced}" if self._seeds.consumers else ""
        self._run(
            f"""CREATE TEMPORARY TABLE r_round ENGINE = Memory AS
            SELECT trace_id, span_id, max(certain) AS sure FROM (
                SELECT c.1 AS trace_id, c.2 AS span_id, c.3 AS certain FROM (
                    SELECT arrayJoin(arrayConcat([(trace_id, span_id, true)],
                        if(parent_span_id = '', [], [(trace_id, parent_span_id, remote_parent)]),
                        arrayMap(l -> (l.1, l.2, true), links))) AS c
                    FROM r_operations WHERE step = {step - 1} AND {_CONSUMING})
                {also if step == 1 else ""}
            ) WHERE (trace_id, span_id) NOT IN (SELECT trace_id, span_id FROM r_seen)
            GROUP BY trace_id, span_id"""
        )
        count, missing = self._numbers(
            f"count(), countIf((trace_id, span_id) NOT IN ({_HERE})) FROM r_round"
        )
        if missing:
            self._add(step, "SELECT trace_id, span_id FROM r_round")
        return count

    def _claiming(self) -> None:
        """Producing spans that name the position of a message, at about its time."""
        unclaimed = f"""r_messages WHERE NOT arrayExists(c -> c IN (
            SELECT (trace_id, span_id) FROM r_operations WHERE {_PRODUCING}), contexts)"""
        if not self._numbers(f"count() FROM {unclaimed}")[0]:
            return
        self._add(
            0,
            f"""SELECT trace_id, span_id FROM operations WHERE {_PRODUCING}
            AND start >= (SELECT min(time) - {BESIDE} FROM {unclaimed})
            AND start <= (SELECT max(time) + {BESIDE} FROM {unclaimed})
            AND (destination, partition, offset) IN (
                SELECT destination, partition, toNullable(offset) FROM {unclaimed})""",
        )

    def _handing_on(self) -> None:
        """Sends in the handling of what has the context of a message that no send to where that
        lies claims: it may carry that context instead of its own."""
        self._run(
            f"""INSERT INTO r_open
            SELECT DISTINCT c.1, c.2, destination FROM r_messages ARRAY JOIN contexts AS c
            WHERE asked AND NOT arrayExists(c -> (c.1, c.2, destination) IN (
                SELECT trace_id, span_id, destination FROM r_operations WHERE {_PRODUCING}),
                contexts)"""
        )
        if not self._numbers("count() FROM r_open")[0]:
            return
        self._add(0, self._pointing("SELECT trace_id, span_id FROM r_open"), _CONSUMING)
        handling = f"""SELECT trace_id, span_id FROM r_operations WHERE {_CONSUMING}
            AND arrayExists(c -> c IN (SELECT trace_id, span_id FROM r_open), {_TARGETS})"""
        self._add(0, self._pointing(handling), "type = 'send'")

    def _nameless(self) -> None:
        """Consuming spans that point at no producer are joined by the message that they name."""
        self._run(
            f"""CREATE TEMPORARY TABLE r_alone ENGINE = Memory AS
            SELECT start, destination, partition, offset, {normal_id("message_id")} AS id
            FROM r_operations WHERE {_NAMELESS} AND (trace_id, parent_span_id) NOT IN (
                SELECT trace_id, span_id FROM r_operations WHERE {_PRODUCING})"""
        )
        if not self._numbers("count() FROM r_alone")[0]:
            return
        about = f"""start >= (SELECT min(start) - {APART} FROM r_alone)
            AND start <= (SELECT max(start) + {APART} FROM r_alone)"""
        self._add(
            1,
            f"""SELECT trace_id, span_id FROM operations WHERE {_CONSUMING} AND {about}
            AND (destination, partition, offset) IN (
                SELECT destination, partition, offset FROM r_alone WHERE offset IS NOT NULL)""",
            _CONSUMING,
        )
        self._add(
            1,
            """SELECT trace_id, span_id FROM ids WHERE kind = 'message' AND trace_id != ''
            AND id IN (SELECT id FROM r_alone WHERE id != '')""",
            f"{_CONSUMING} AND {about}",
        )

    def _add(self, step: int, keys: str, also: str = "1") -> None:
        """Add the operations with these keys that are not there yet."""
        self._run(
            f"""INSERT INTO r_operations SELECT {_OPERATION}, false AS seed, toUInt8({step}) AS step
            FROM operations WHERE (trace_id, span_id) IN (
                SELECT trace_id, span_id FROM ({keys})
                WHERE (trace_id, span_id) NOT IN ({_HERE}))
            AND {also} AND {self._seeds.related} AND {_ANY_TYPE} LIMIT 1 BY trace_id, span_id"""
        )

    def _pointing(self, targets: str) -> str:
        """Keys of the operations that point at these contexts."""
        return f"""SELECT trace_id, span_id FROM relations
            WHERE kind != 'header' AND {self._seeds.related}
            AND (target_trace_id, target_span_id) IN ({targets})"""

    def _run(self, sql: str) -> None:
        self._client.command(sql, parameters=self._parameters)

    def _numbers(self, select: str) -> list[int]:
        row = self._client.query(f"SELECT {select}", parameters=self._parameters).result_rows[0]
        return [int(number) for number in row]


_POINTED = f"""SELECT c.1, c.2 FROM (SELECT arrayJoin(
    arrayPushBack({_TARGETS}, (trace_id, span_id))) AS c FROM r_operations)
    UNION DISTINCT {_CARRIED}"""

BESIDES: tuple[str, ...] = (
    # A callback of a send, or an inner span of the same send, is not another one: of nested
    # sends of one service the innermost counts, because its context is in the message.
    """CREATE TEMPORARY TABLE r_nested ENGINE = Memory AS
    SELECT if(i.kind = 'Internal', i.self, o.self) AS uncounted
    FROM r_operations AS i INNER JOIN r_operations AS o ON o.self = i.parent
    WHERE i.type = 'send' AND o.type = 'send' AND i.service = o.service
        AND i.destination = o.destination""",
    # Messages that carry a context of theirs: how many, where, since when.
    f"""CREATE TEMPORARY TABLE r_headers ENGINE = Memory AS
    SELECT {hashed("target_trace_id", "target_span_id")} AS self, destination,
        max(cluster) AS cluster, uniqExact(cluster, incarnation, partition, offset) AS messages,
        min(time) AS time
    FROM relations WHERE kind = 'header' AND (target_trace_id, target_span_id) IN ({_POINTED})
    GROUP BY self, destination""",
    # Besides the messages of the minutes those that the operations are about, and their types.
    f"""INSERT INTO r_messages SELECT {_MESSAGE}, false AS asked FROM messages
    WHERE ({_POSITION}) IN (
        SELECT {_POSITION.replace("offset", "assumeNotNull(offset)")} FROM relations
        WHERE kind = 'header' AND (target_trace_id, target_span_id) IN ({_POINTED})
        AND ({_POSITION}) NOT IN (SELECT {_POSITION} FROM r_messages))
    LIMIT 1 BY {_POSITION}""",
    f"""CREATE TEMPORARY TABLE r_types ENGINE = Memory AS
    SELECT {hashed("c.1", "c.2")} AS self, destination, max(event_type) AS event_type,
        max(cluster) AS cluster
    FROM (SELECT arrayJoin(contexts) AS c, destination, event_type, cluster FROM r_messages)
    GROUP BY self, destination""",
    # Contexts that messages carry instead of their sends' own, because these were made while what
    # has that context was handled: where there are as many sends as messages.
    f"""CREATE TEMPORARY TABLE r_handed ENGINE = Memory AS
    SELECT s.origin AS self, s.destination AS destination FROM (
        SELECT p.origin AS origin, o.destination AS destination, uniqExact(o.self) AS sends
        FROM r_operations AS o INNER JOIN (
            SELECT self, service, destination, arrayJoin(targets) AS origin FROM r_operations
            WHERE {_CONSUMING} AND destination != '' AND (SELECT count() FROM r_open) > 0
        ) AS p ON p.self = o.parent
        WHERE o.type = 'send' AND o.service = p.service AND o.destination != ''
            AND o.destination != p.destination AND o.offset IS NULL
            AND (o.self, o.destination) NOT IN (SELECT self, destination FROM r_headers)
        GROUP BY origin, destination
    ) AS s INNER JOIN r_headers AS h ON h.self = s.origin AND h.destination = s.destination
    WHERE s.sends >= h.messages""",
    *_COMMITTED,
)
"""Further tables, once the operations are there."""

TEMPORARY = (
    *("r_minutes", "r_operations", "r_seen", "r_open", "r_round", "r_alone"),
    *("r_nested", "r_headers", "r_messages", "r_types", "r_handed", "r_committed"),
)
