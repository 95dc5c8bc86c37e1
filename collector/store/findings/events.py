"""All that kinds of findings ask of a store."""

from __future__ import annotations

from collections.abc import Sequence

from collector.store.findings.asked import (
    AT,
    MOST,
    ONE_MESSAGE,
    SPAN,
    minute,
    proofs,
    within,
)
from collector.store.findings.doubles import Doubles
from collector.store.findings.missing import Absences
from collector.store.findings.order import Order
from collector.store.rows import nanoseconds
from graph.findings.dead_letter import NAMED
from graph.findings.facts import Contexts, Flow, Run
from graph.findings.model import PROOFS

RATE_OVER = 120 * 10**9
"""Nanoseconds over which it is counted how many messages there are."""

FLOW_ROWS = 10_000_000
"""Messages among which flows are looked for, at most."""


class StoreFindingFacts(Doubles, Absences, Order):
    """`graph.findings.facts.FindingFacts` over a store. Not for several threads at once."""

    def consumer_contexts(self, run: Run) -> Sequence[Contexts]:
        nowhere = "parent_span_id = '' AND empty(links)"
        rows = self._rows(
            f"""SELECT {minute("start")} AS minute, environment, service, consumer_group, system,
                '' AS cluster, destination, scope, count(), countIf({nowhere}) AS without,
                {nanoseconds("min(start)")}, {nanoseconds("max(start)")},
                groupArrayIf({PROOFS})(({SPAN}, {nanoseconds("start")}, name), {nowhere})
            FROM (SELECT * FROM operations WHERE {within("start")} AND type = 'process'
                AND {ONE_MESSAGE} LIMIT 1 BY trace_id, span_id)
            GROUP BY minute, environment, service, consumer_group, system, destination, scope
            HAVING without > 0 ORDER BY without DESC LIMIT {MOST}""",
            run,
        )
        return [Contexts._make((*row[:12], proofs(row[12]))) for row in rows]

    def message_contexts(self, run: Run) -> Sequence[Contexts]:
        rows = self._rows(
            f"""SELECT {minute("time")} AS minute, environment,
                extract(source, '([^/:]+)/*$') AS service, '' AS consumer_group, system, cluster,
                destination, '' AS library, count(), countIf(empty(contexts)) AS without,
                {nanoseconds("min(time)")}, {nanoseconds("max(time)")},
                groupArrayIf({PROOFS})(({AT}, {nanoseconds("time")}, ''), empty(contexts))
            FROM messages WHERE {within("time")} AND copied.kind = ''
            GROUP BY minute, environment, service, system, cluster, destination
            ORDER BY without DESC LIMIT {MOST}""",
            run,
        )
        return [Contexts._make((*row[:12], proofs(row[12]))) for row in rows]

    def flow_span(self, until: int) -> int:
        since = until - RATE_OVER
        ((many,),) = self._rows(
            "SELECT count() FROM messages WHERE correlation_id != '' AND " + within("time"),
            Run(since, until),
        )
        return RATE_OVER * FLOW_ROWS // max(1, int(many))

    def flows(self, start: int, end: int, *, until: int, most: int) -> Sequence[Flow]:
        ((many,),) = self._rows(
            "SELECT uniq(correlation_id) FROM messages WHERE correlation_id != '' "
            f"AND {within('time')}",
            Run(start, end),
        )
        if not many:
            return []
        share = max(1, -(-int(many) // most))
        begun = f"""SELECT DISTINCT correlation_id FROM messages WHERE {within("time")}
            AND correlation_id != '' AND cityHash64(correlation_id) % {{share:UInt32}} = 0"""
        rows = self._rows(
            f"""SELECT correlation_id, groupArrayIf((destination, event_type, first, place, system,
                    cluster), NOT dead), groupUniqArrayIf(original, dead) FROM (
                SELECT correlation_id, destination, event_type, system, cluster,
                    {nanoseconds("min(time)")} AS first, argMin({AT}, time) AS place,
                    copied.kind = 'dead-letter' OR destination IN {{letters:Array(String)}} AS dead,
                    copied.destination AS original
                FROM messages WHERE time >= fromUnixTimestamp64Nano({{start:Int64}})
                    AND time < fromUnixTimestamp64Nano({{until:Int64}})
                    AND copied.kind IN ('', 'dead-letter') AND correlation_id IN ({begun})
                GROUP BY correlation_id, destination, event_type, system, cluster, dead, original
            ) GROUP BY correlation_id LIMIT {most * 2}""",
            Run(start, end, share),
            until=until,
            letters=[name for name in self._named() if NAMED.search(name)],
        )
        return [Flow(row[0], tuple(tuple(one) for one in row[1]), tuple(row[2])) for row in rows]
