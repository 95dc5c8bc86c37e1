"""The facts that the edges of some minutes are computed from, gathered into temporary tables.

A delivery belongs to the minute in which it began, and its receive and process spans, and those
of its other attempts, may lie in several. So besides the operations of the minutes asked for,
those are gathered that share a message with them: from context to context, in `ROUNDS` steps
(a process span points at its receive span, that one at its producer's, and so do the other
attempts). The same steps lead from what was just stored to the minutes that change by it.

Ids are random, so a question for many of them reads the whole of a table. Each step asks two:
`relations`, which knows of each context which messages carry it and what links to it from another
trace, and `operations` of these traces; what is in memory already is looked for there, by hashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.conventions.sql import normal_id
from collector.store.rollup.gathered import (
    ANY_TYPE,
    CONSUMING,
    CREATED,
    MESSAGE,
    NAMELESS,
    OPERATION,
    PLACE,
    POSITION,
    PRODUCING,
    hashed,
    lies,
)
from collector.store.rollup.minutes import Seeds

APART = 900
"""Seconds between the spans of one delivery, at most, where only a name joins them."""

BESIDE = 60
"""Seconds between a message and the span that produced it, at most, where only the position
joins them."""

ROUNDS = 3

NEAR = 120 * 10**9
"""Nanoseconds of receipt before the seeds' in which what belongs to them is looked for first."""

BEFORE = 60 * 10**9
"""Nanoseconds by which what points at a context is received, at most, before that begins: clocks
differ. What begins so much after the nearer time has nothing farther that belongs to it."""

_REST = 255
"""The step of contexts that lead no further."""

_HERE = "(SELECT self FROM r_operations)"
_OPEN = "SELECT self FROM r_open"


def _around(itself: str, above: str, others: str) -> str:
    """An operation's own context, its parent's, and those that it links to, each with the three
    marks that `r_round` has."""
    return f"""arrayConcat([(trace_id, span_id, self, {itself})],
        if(parent_span_id = '' OR has(linked, parent), [],
            [(trace_id, parent_span_id, parent, {above})]),
        arrayMap((l, h) -> (l.1, l.2, h, {others}), links, linked))"""


def _points_at(contexts: str) -> str:
    """That an operation points at one of these hashed contexts."""
    return f"arrayExists(c -> c IN ({contexts}), targets)"


def _traces(contexts: str) -> str:
    """That an operation lies in the trace of one of these contexts, or in one that links there."""
    return f"""trace_id IN (SELECT trace_id FROM {contexts}
        UNION ALL SELECT trace_id FROM r_relations
            WHERE NOT header AND self IN (SELECT self FROM {contexts}))"""


def _unseen(step: int) -> str:
    """The contexts of a step that are known to be those of messages, or of operations, of which
    deliveries are wanted and were not looked for."""
    # A parent that is neither may be that of a whole program.
    return f"""r_round WHERE step = {step} AND wanted AND self NOT IN (SELECT self FROM r_seen)
        AND (sure OR self IN {_HERE} OR self IN (SELECT self FROM r_relations WHERE header
            UNION ALL SELECT arrayJoin(carried) FROM r_messages))"""


def _unrelated(step: int) -> str:
    """That what is related to a context of `r_round` was not looked for in a step before."""
    return f"self NOT IN (SELECT self FROM r_round WHERE step < {step})" if step > 1 else "1"


class Gathering:
    """One run of statements that fill the temporary tables of one session."""

    def __init__(self, client: Any, seeds: Seeds, parameters: Mapping[str, Any]) -> None:
        self._client = client
        self._seeds = seeds
        self._parameters = parameters
        self._near = ""
        self._after = ""
        self._farther = False

    def operations(self) -> None:
        """Fill `r_operations` with the seeds and all operations of the same deliveries, and
        `r_relations` with what points at their contexts or carries them."""
        seeds = self._seeds
        self._run(
            f"""CREATE TEMPORARY TABLE r_operations ENGINE = Memory AS
            SELECT {OPERATION}, true AS seed, toUInt8(0) AS step FROM operations
            WHERE {seeds.operations} AND {ANY_TYPE} LIMIT 1 BY trace_id, span_id"""
        )
        self._run(
            f"""CREATE TEMPORARY TABLE r_messages ENGINE = Memory AS
            SELECT {MESSAGE}, true AS asked FROM messages WHERE {seeds.messages}
            LIMIT 1 BY {POSITION}"""
        )
        for statement in CREATED:
            self._run(statement)
        # Each statement costs some milliseconds, however little there is to do.
        operations, nameless, messages, first, tapped = self._numbers(
            f"""count(), countIf({NAMELESS}), (SELECT count() FROM r_messages),
            toUnixTimestamp64Nano(min(received)),
            (SELECT toUnixTimestamp64Nano(min(received)) FROM r_messages) FROM r_operations"""
        )
        if not operations and not messages:
            return
        low = min(at for at, some in ((first, operations), (tapped, messages)) if some) - NEAR
        self._near = f"received >= fromUnixTimestamp64Nano({low})"
        self._after = f"fromUnixTimestamp64Nano({low + BEFORE})"
        for step in range(1, ROUNDS + 1):
            contexts = self._contexts(step)
            if step == 1 and messages and not seeds.consumers:
                self._claiming()
                self._handing_on()
            if step == 1 and nameless:
                self._nameless()
            if contexts:
                self._late(step)
            elif step > 1:
                return
        # What the last ones point at says what they are, but leads no further.
        self._contexts(ROUNDS + 1)

    def _contexts(self, step: int) -> int:
        """Add the contexts that the step before leads to, the operations that they are, and what
        is related to them; says how many they are."""
        handled = _around("true, true, false", "true, remote_parent, false", "true, true, false")
        found = f"""SELECT {handled} AS contexts FROM r_operations
            WHERE step = {step - 1} AND {CONSUMING}"""
        if step == 1:
            wanted = str(self._seeds.consumers).lower()
            sent = _around(f"{wanted}, true, true", *["false, false, true"] * 2)
            carried = f"arrayMap((c, h) -> (c.1, c.2, h, {wanted}, true, false), contexts, carried)"
            found += f""" UNION ALL SELECT {sent} FROM r_operations WHERE {PRODUCING}
                UNION ALL SELECT {carried} FROM r_messages WHERE asked"""
        self._run(
            f"""INSERT INTO r_round SELECT {step}, any(c.1), any(c.2), c.3 AS self, max(c.4),
                max(c.5), max(c.6)
            FROM (SELECT arrayJoin(contexts) AS c FROM ({found}))
            WHERE self NOT IN (SELECT self FROM r_seen) GROUP BY self"""
        )
        return self._look(step)

    def _look(self, step: int) -> int:
        """Look for the contexts of a step: among what was received lately, and farther back for
        those of which not all can be there."""
        contexts, missing, new = self._numbers(
            f"""count(), countIf(self NOT IN {_HERE}), countIf({_unrelated(step)})
            FROM r_round WHERE step = {step}"""
        )
        here = f"r_round WHERE step = {step}"
        if new:
            self._relate(f"SELECT trace_id, span_id FROM {here} AND {_unrelated(step)}", self._near)
        if contexts and step <= ROUNDS:
            self._see(step)
        if missing if step > ROUNDS else contexts:
            self._belonging(step, here, self._near)
        if new:
            self._look_far(step)
        return contexts

    def _look_far(self, step: int) -> None:
        """Look for what was received before the nearer time: of contexts that neither an operation
        nor a message tells to have begun after it."""
        old = f"""r_round WHERE step = {step} AND {_unrelated(step)} AND self NOT IN (
            SELECT self FROM r_operations WHERE start >= {self._after} AND received >= {self._after}
            UNION ALL SELECT self FROM r_relations WHERE header AND time >= {self._after}
            UNION ALL SELECT arrayJoin(carried) FROM r_messages
                WHERE time >= {self._after} AND received >= {self._after})"""
        if not self._numbers(f"count() FROM {old}")[0]:
            return
        # Mostly spans that have nothing to do with messages.
        self._run(
            f"""INSERT INTO r_far SELECT {step}, trace_id, span_id, self FROM {old}
            AND (trace_id, span_id) NOT IN (SELECT TraceId, SpanId FROM otel_traces
                WHERE ReceivedAt >= {self._after} AND Timestamp >= {self._after}
                AND (TraceId, SpanId) IN (SELECT trace_id, span_id FROM {old}))"""
        )
        far = f"r_far WHERE step = {step}"
        if self._numbers(f"count() FROM {far}")[0]:
            self._farther = True
            self._relate(f"SELECT trace_id, span_id FROM {far}", f"NOT {self._near}")
            self._belonging(step, far, f"NOT {self._near}")

    def _see(self, step: int, *, late: bool = False) -> None:
        self._run(f"INSERT INTO r_seen SELECT step, {late}, self FROM {_unseen(step)}")

    def _late(self, step: int) -> None:
        """Add what points at contexts that only what was found in this step says what they are."""
        if not self._numbers(f"count() FROM {_unseen(step)}")[0]:
            return
        self._see(step, late=True)
        seen = f"(SELECT self FROM r_seen WHERE step = {step} AND late)"
        for contexts, when in self._everywhere(f"r_round WHERE step = {step} AND self IN {seen}"):
            self._belonging(step, contexts, when, late=True)

    def _everywhere(self, contexts: str) -> list[tuple[str, str]]:
        """Contexts, and when what belongs to them was received: all of them lately, and those that
        were looked for farther back before that."""
        near = [(contexts, self._near)]
        far = [(f"{contexts} AND self IN (SELECT self FROM r_far)", f"NOT {self._near}")]
        return near + far if self._farther else near

    def _belonging(self, step: int, contexts: str, when: str, *, late: bool = False) -> None:
        """Add the operations that these contexts are, and those that point at them: for what is
        wanted of them, all in one look at their traces and at those that link to them."""
        if step == _REST:
            return
        seen = f"SELECT self FROM r_seen WHERE step = {step} AND late = {late}"
        own = f"SELECT self FROM r_round WHERE step = {step} AND own"
        self._take(
            step,
            f"{_traces(contexts)} AND {when}",
            f"""(self IN (SELECT self FROM {contexts}) OR {CONSUMING} AND {_points_at(seen)}
                OR {PRODUCING} AND {_points_at(own)})""",
        )

    def _relate(self, contexts: str, when: str) -> None:
        """Add what is related to these contexts and was received then."""
        self._run(
            f"""INSERT INTO r_relations
            SELECT {hashed("target_trace_id", "target_span_id")} AS self,
                if(kind = 'header', {PLACE}, {hashed("trace_id", "span_id")}) AS source,
                kind = 'header' AS header, trace_id, span_id, system, cluster, destination,
                incarnation, partition, ifNull(offset, -1), time
            FROM relations WHERE {when} AND {self._seeds.related} AND NOT {self._seeds.known}
            AND (target_trace_id, target_span_id) IN ({contexts})
            -- Older versions stored what points from the same trace too.
            AND trace_id != target_trace_id"""
        )

    def _claiming(self) -> None:
        """Producing spans that name the position of a message, at about its time."""
        unclaimed = f"""r_messages WHERE NOT arrayExists(
            c -> c IN (SELECT self FROM r_operations WHERE {PRODUCING}), carried)"""
        count, first, last = self._numbers(
            f"""count(), toUnixTimestamp64Milli(min(time)), toUnixTimestamp64Milli(max(time))
            FROM {unclaimed}"""
        )
        placed = f"""operations WHERE {PRODUCING} AND offset IS NOT NULL
            AND start >= fromUnixTimestamp64Milli({first}) - {BESIDE}
            AND start <= fromUnixTimestamp64Milli({last}) + {BESIDE}"""
        if not count or not self._numbers(f"count() FROM {placed}")[0]:
            return
        self._add(
            1,
            f"""SELECT trace_id, span_id FROM {placed} AND (destination, partition, offset) IN (
                SELECT destination, partition, toNullable(offset) FROM {unclaimed})""",
        )

    def _handing_on(self) -> None:
        """Sends in the handling of what has the context of a message that no send to where that
        lies claims: it may carry that context instead of its own."""
        self._run(
            f"""INSERT INTO r_open
            SELECT DISTINCT k.1, c, destination FROM r_messages
            ARRAY JOIN contexts AS k, carried AS c
            WHERE asked AND NOT arrayExists(c -> (c, destination) IN (
                SELECT self, destination FROM r_operations WHERE {PRODUCING}), carried)"""
        )
        if not self._numbers("count() FROM r_open")[0]:
            return
        for contexts, when in self._everywhere("r_open WHERE 1"):
            lying = f"{_traces(contexts)} AND {when}"
            self._take(1, lying, f"{CONSUMING} AND {_points_at(_OPEN)}")
        handling = f"r_operations WHERE {CONSUMING} AND {_points_at(_OPEN)}"
        self._take(
            1,
            f"trace_id IN (SELECT trace_id FROM {handling})",
            f"type = 'send' AND parent IN (SELECT self FROM {handling})",
        )

    def _nameless(self) -> None:
        """Consuming spans that point at no producer are joined by the message that they name."""
        self._run(
            f"""CREATE TEMPORARY TABLE r_alone ENGINE = Memory AS
            SELECT start, destination, partition, offset, {normal_id("message_id")} AS id
            FROM r_operations WHERE {NAMELESS} AND parent NOT IN (
                SELECT self FROM r_operations WHERE {PRODUCING})"""
        )
        if not self._numbers("count() FROM r_alone")[0]:
            return
        about = f"""start >= (SELECT min(start) - {APART} FROM r_alone)
            AND start <= (SELECT max(start) + {APART} FROM r_alone)"""
        self._add(
            1,
            f"""SELECT trace_id, span_id FROM operations WHERE {CONSUMING} AND {about}
            AND (destination, partition, offset) IN (
                SELECT destination, partition, offset FROM r_alone WHERE offset IS NOT NULL)""",
            CONSUMING,
        )
        named = "SELECT id FROM r_alone WHERE id != ''"
        self._add(
            1,
            f"""SELECT trace_id, span_id FROM operations WHERE {CONSUMING} AND {about}
            AND trace_id IN (SELECT trace_id FROM ids WHERE kind = 'message' AND trace_id != ''
                AND id IN ({named}))
            AND ({normal_id("message_id")} IN ({named}) OR {normal_id("event_id")} IN ({named}))""",
            CONSUMING,
        )

    def _add(self, step: int, keys: str, also: str = "1", when: str = "1") -> None:
        """Add the operations with these keys that are not there yet."""
        self._take(step, f"(trace_id, span_id) IN ({keys}) AND {when}", also)

    def _take(self, step: int, lying: str, also: str) -> None:
        """Add the operations that lie there, and of which the other is true, that are not there
        yet."""
        # What the seeds are falls away before anything else is looked at: mostly that is all.
        self._run(
            f"""INSERT INTO r_operations SELECT * FROM (
                SELECT {OPERATION}, false AS seed, toUInt8({step}) AS step FROM operations
                WHERE {lying} AND NOT ({self._seeds.operations}) AND {self._seeds.related}
                AND {ANY_TYPE} LIMIT 1 BY trace_id, span_id, kind)
            WHERE self NOT IN {_HERE} AND {also} LIMIT 1 BY trace_id, span_id"""
        )

    def beside(self) -> None:
        """Add the relations that still lack and the messages, besides the seeds, that the
        operations are about; fill `r_headers`, and `r_handed` where it is needed."""
        # Those that were come upon last have contexts that were not looked at.
        around = _around(*["false, false, false"] * 3)
        self._run(
            f"""INSERT INTO r_round SELECT {_REST}, any(c.1), any(c.2), c.3 AS self, max(c.4),
                max(c.5), max(c.6)
            FROM (SELECT arrayJoin({around}) AS c FROM r_operations WHERE NOT seed)
            WHERE self NOT IN (SELECT self FROM r_round) GROUP BY self"""
        )
        if self._near:
            self._look(_REST)
        lacking = "r_relations WHERE header AND source NOT IN (SELECT place FROM r_messages)"
        lack, handed = self._numbers(
            f"(SELECT count() FROM {lacking}), (SELECT count() FROM r_open)"
        )
        if lack:
            self._run(
                f"""INSERT INTO r_messages SELECT {MESSAGE}, false AS asked FROM messages
                WHERE ({POSITION}) IN (SELECT {POSITION} FROM {lacking}) LIMIT 1 BY {POSITION}"""
            )
        self._run(HEADERS)
        if handed:
            self._run(HANDED)

    def _run(self, sql: str) -> None:
        self._client.command(sql, parameters=self._parameters)

    def _numbers(self, select: str) -> list[int]:
        row = self._client.query(f"SELECT {select}", parameters=self._parameters).result_rows[0]
        return [int(number) for number in row]


HEADERS = f"""CREATE TEMPORARY TABLE r_headers ENGINE = Memory AS
    SELECT {lies("c", "destination")} AS at, any(c) AS self, any(destination) AS destination,
        max(cluster) AS cluster, count() AS messages, min(time) AS time,
        max(event_type) AS event_type
    FROM (SELECT arrayJoin(arrayDistinct(carried)) AS c, destination, cluster, time, event_type
        FROM r_messages)
    GROUP BY at"""
"""Messages that carry a context, by context and destination: how many, since when, their type."""

HANDED = f"""CREATE TEMPORARY TABLE r_handed ENGINE = Memory AS
    SELECT s.origin AS self, s.destination AS destination FROM (
        SELECT p.origin AS origin, o.destination AS destination, uniqExact(o.self) AS sends
        FROM r_operations AS o INNER JOIN (
            SELECT self, service, destination, arrayJoin(targets) AS origin FROM r_operations
            WHERE {CONSUMING} AND destination != ''
        ) AS p ON p.self = o.parent
        WHERE o.type = 'send' AND o.service = p.service AND o.destination != ''
            AND o.destination != p.destination AND o.offset IS NULL
            AND {lies("o.self", "o.destination")} NOT IN (SELECT at FROM r_headers)
        GROUP BY origin, destination
    ) AS s INNER JOIN r_headers AS h ON h.self = s.origin AND h.destination = s.destination
    WHERE s.sends >= h.messages"""
"""Contexts that messages carry instead of their sends' own, because these were made while what has
that context was handled: where there are as many sends as messages."""

TEMPORARY = (
    *("r_operations", "r_messages", "r_round", "r_seen", "r_far", "r_relations", "r_open"),
    *("r_alone", "r_headers", "r_handed"),
)
