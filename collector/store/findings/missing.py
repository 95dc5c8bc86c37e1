"""What is missing: messages of sends, and handlings of messages.

Candidates come from a few minutes' rows; each of them is then looked for at whatever time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from collector.store.findings.asked import (
    AT,
    CANDIDATES,
    MOST,
    ONE_MESSAGE,
    Asked,
    minute,
    within,
)
from collector.store.pointing import KEYS, MAY_POINT_THERE, POINTS_AT, asked
from collector.store.rows import POSITION, nanoseconds
from graph.findings.facts import Missing, Run
from graph.findings.model import PROOFS, Proof

AROUND = 10
"""Seconds by which a message's time may differ from its send's."""

BEGUN = 600
"""Seconds before a run in which a message shows that the tap read there already."""

HANDLED_WITHIN = 60
"""Seconds after a run in which its messages are looked for among what was handled."""

MOST_SHARE = 0.2
"""Of a consumer's messages that may lack a span, at most: whose lacks more is sampled, whatever a
rule says."""

_HASHES = """arrayConcat(if(parent_span_id = '', [], [cityHash64(trace_id, parent_span_id)]),
    arrayMap(l -> cityHash64(l.1, l.2), links))"""
"""`POINTS_AT` in eight bytes each: a join by them costs a fraction of one by texts."""


class Absences(Asked):
    """Questions of the kind `lost`."""

    def vanished(self, run: Run) -> Sequence[Missing]:
        if not self._some(run, "type = 'send'"):
            return []
        rows = self._rows(
            f"""SELECT {minute("start")} AS minute, environment, service, '' AS consumer_group,
                system, '' AS cluster, destination, any(event_type), count() AS sends,
                countIf(NOT there) AS missing,
                groupArrayIf({CANDIDATES})((trace_id, span_id, {nanoseconds("start")}), NOT there)
            FROM (
                SELECT start, environment, service, system, destination, scope, name, event_type,
                    trace_id, span_id, (trace_id, span_id) IN (
                        SELECT arrayJoin(arrayFilter(c -> cityHash64(c.1) % {{share:UInt32}} = 0,
                            contexts)) FROM messages
                        WHERE {within("time", before=AROUND, after=AROUND)}) AS there
                FROM operations
                WHERE {within("start")} AND type = 'send' AND NOT error AND {ONE_MESSAGE}
                    AND destination IN (SELECT destination FROM positions)
                    AND cityHash64(trace_id) % {{share:UInt32}} = 0
                LIMIT 1 BY trace_id, span_id
            )
            GROUP BY minute, environment, service, system, destination, scope, name
            HAVING missing > 0 AND missing < sends LIMIT {MOST}""",
            run,
        )
        if not rows:
            return []
        destinations = {row[6] for row in rows}
        there = self._in_messages(
            {(trace, span) for row in rows for trace, span, _ in row[10]}, destinations
        )
        began = self._first_messages(run, destinations)
        found = []
        for row in rows:
            missing = sorted(
                ((trace, span, int(start)) for trace, span, start in row[10]),
                key=lambda one: one[2],
            )
            # What was sent before the first that is there may be from before the tap began.
            first = began.get(row[6], run.end)
            missing = [one for one in missing if one[:2] not in there and one[2] > first]
            if not missing:
                continue
            found.append(
                Missing._make(
                    (
                        *row[:8],
                        *(int(row[8]), len(missing)),
                        *(missing[0][2], missing[-1][2]),
                        tuple(
                            Proof(f"{trace}/{span}", start, "sent without an error")
                            for trace, span, start in missing[:PROOFS]
                        ),
                        len(missing),
                    )
                )
            )
        return found

    def _first_messages(self, run: Run, destinations: Iterable[str]) -> dict[str, int]:
        """When the first message came to each destination, shortly before the run or in it."""
        rows = self._rows(
            f"""SELECT destination, {nanoseconds("min(time)")} FROM messages
            WHERE {within("time", before=BEGUN)} AND destination IN {{names:Array(String)}}
            GROUP BY destination""",
            run,
            names=sorted(destinations),
        )
        return {name: int(first) for name, first in rows}

    def _in_messages(
        self, contexts: Iterable[tuple[str, str]], destinations: Iterable[str]
    ) -> set[tuple[str, str]]:
        """Of these contexts those that some message carries, at whatever time, or that messages of
        a span below or linked to it carry, or whose span names a position that is stored."""
        wanted = sorted(set(contexts))
        if not wanted:
            return set()
        rows = self._rows(
            f"""SELECT target_trace_id, target_span_id FROM relations
                WHERE kind = 'header' AND (target_trace_id, target_span_id) IN {KEYS}
            UNION DISTINCT
            SELECT i.1, i.2 FROM (
                SELECT arrayJoin({POINTS_AT}) AS i FROM operations
                WHERE type IN ('create', 'send') AND {MAY_POINT_THERE})
            WHERE i IN {KEYS}
            UNION DISTINCT
            SELECT trace_id, span_id FROM operations WHERE (trace_id, span_id) IN {KEYS}
                AND (arrayExists(l -> l.1 != '', links)
                    OR offset IS NOT NULL AND (destination, partition, offset) IN (
                        SELECT destination, partition, toNullable(offset) FROM messages
                        WHERE destination IN {{names:Array(String)}}
                        AND (destination, partition, offset) IN (
                            SELECT destination, partition, assumeNotNull(offset) FROM operations
                            WHERE (trace_id, span_id) IN {KEYS} AND offset IS NOT NULL)))""",
            **asked(wanted),
            names=sorted(set(destinations)),
        )
        return {(row[0], row[1]) for row in rows}

    def _some(self, run: Run, condition: str) -> bool:
        """Whether the run has such an operation; sets of messages are made only then."""
        sql = f"SELECT 1 FROM operations WHERE {within('start')} AND {condition} LIMIT 1"
        return bool(self._rows(sql, run))

    def unhandled(self, run: Run) -> Sequence[Missing]:
        if not self._some(run, "type IN ('receive', 'process')"):
            return []
        sampled = "% {share:UInt32} = 0"
        handled = f"""SELECT context, groupUniqArray((environment, service)) AS services
            FROM (SELECT environment, service, arrayJoin(arrayFilter(c -> c {sampled},
                    {_HASHES})) AS context FROM operations
                WHERE {within("start", before=AROUND, after=HANDLED_WITHIN)}
                    AND type IN ('receive', 'process'))
            GROUP BY context"""
        sent = f"""SELECT {POSITION}, offset, time, environment, event_type,
                (contexts[1].1, contexts[1].2) AS carried,
                cityHash64(carried.1, carried.2) AS context
            FROM messages WHERE {within("time")} AND length(contexts) = 1 AND copied.kind = ''
                AND context {sampled}
                AND context IN (SELECT cityHash64(trace_id, span_id) AS own FROM operations
                    WHERE {within("start", before=AROUND, after=AROUND)}
                    AND type IN ('create', 'send') AND own {sampled})
            LIMIT 1 BY {POSITION}, offset"""
        joined = f"""({sent}) AS m LEFT JOIN ({handled}) AS h ON h.context = m.context"""
        counts = self._rows(
            f"""SELECT system, cluster, destination, event_type, one.1 AS environment,
                one.2 AS service, sum(n) AS done, any(sent) AS sent FROM (
                SELECT system, cluster, destination, event_type, services, n,
                    sum(n) OVER (PARTITION BY system, cluster, destination, event_type) AS sent
                FROM (SELECT m.system AS system, m.cluster AS cluster,
                    m.destination AS destination, m.event_type AS event_type,
                    h.services AS services, count() AS n FROM {joined}
                    GROUP BY system, cluster, destination, event_type, services)
            ) ARRAY JOIN services AS one
            GROUP BY system, cluster, destination, event_type, environment, service
            HAVING done > sent / 2 ORDER BY done = sent, sent DESC LIMIT {MOST}""",
            run,
        )
        found = []
        for system, cluster, destination, event_type, environment, service, done, sent_ in counts:
            of, lacking = int(sent_), int(sent_) - int(done)
            whole = Missing(
                *(run.start, environment, service, "", system, cluster, destination, event_type),
                of=of,
                number=0,
                first=0,
                last=0,
                proof=(),
                lacking=lacking,
            )
            if not lacking or lacking > max(1, MOST_SHARE * of):
                found.append(whole)
                continue
            lying = self._rows(
                f"""SELECT {minute("time")} AS minute, {AT}, {nanoseconds("time")}, contexts
                FROM (
                    SELECT {POSITION}, offset, time, [carried] AS contexts,
                        has(services, ({{environment:String}}, {{service:String}})) AS done,
                        maxIf(offset, done) OVER (PARTITION BY incarnation, partition) AS newest
                    FROM (SELECT m.system AS system, m.cluster AS cluster,
                        m.destination AS destination, m.incarnation AS incarnation,
                        m.partition AS partition, m.offset AS offset, m.time AS time,
                        m.carried AS carried, h.services AS services
                        FROM {joined}
                        WHERE m.system = {{system:String}} AND m.cluster = {{cluster:String}}
                        AND m.destination = {{destination:String}}
                        AND m.event_type = {{event_type:String}})
                ) WHERE NOT done AND offset < newest ORDER BY time LIMIT {CANDIDATES}""",
                run,
                environment=environment,
                service=service,
                system=system,
                cluster=cluster,
                destination=destination,
                event_type=event_type,
            )
            seen = self._touched(service, {tuple(row[3][0]) for row in lying}, destination)
            by_minute: dict[int, list[tuple[str, int]]] = defaultdict(list)
            for at, place, sent_at, contexts in lying:
                if tuple(contexts[0]) not in seen and place not in seen:
                    by_minute[at].append((place, sent_at))
            if lacking <= CANDIDATES:  # Each was looked at.
                lacking = sum(map(len, by_minute.values()))
            found.append(whole._replace(lacking=lacking))
            for at, missing in by_minute.items():
                times = [time for _, time in missing]
                found.append(
                    whole._replace(
                        minute=at,
                        number=len(missing),
                        lacking=lacking,
                        first=min(times),
                        last=max(times),
                        proof=tuple(
                            Proof(place, time, f"no span of {service} is about it")
                            for place, time in missing[:PROOFS]
                        ),
                    )
                )
        return found

    def _touched(
        self, service: str, contexts: Iterable[tuple[str, str]], destination: str
    ) -> set[Any]:
        """Contexts that any span of a service points at, at whatever time, or through any spans of
        its trace; and places of the destination that one names."""
        wanted = sorted(set(contexts))
        if not wanted:
            return set()
        # Also in the producer's trace, but below another span of it.
        rows = self._rows(
            f"""SELECT trace_id,
                groupUniqArrayArray(arrayFilter(i -> i IN {KEYS}, {POINTS_AT})) AS pointed,
                max(destination = {{destination:String}} AND type IN ('receive', 'process'))
            FROM operations WHERE service = {{service:String}} AND {MAY_POINT_THERE}
            GROUP BY trace_id""",
            **asked(wanted),
            service=service,
            destination=destination,
        )
        seen: set[Any] = {tuple(one) for _, pointed, _ in rows for one in pointed}
        traces = {trace for trace, _, inside in rows if inside}
        return seen | {one for one in wanted if one[0] in traces}
