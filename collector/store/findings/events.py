"""What looks at single events of a run of minutes: done twice, missing, out of order, without
context; and flows. Where there are very many, a sample of them by a hash of their ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from collector.store.findings.asked import (
    AT,
    MOST,
    SPAN,
    Asked,
    minute,
    proofs,
    within,
)
from collector.store.rows import POSITION, nanoseconds
from graph.findings.facts import Contexts, Flow, Missing, Run, Twice
from graph.findings.model import MINUTE, PROOFS, Proof

BEFORE = 60
"""Seconds before a run in which the first of two may lie."""

DISORDER = 30
"""Seconds before a run in which what overtook may have begun."""

AROUND = 10
"""Seconds by which a message's time may differ from its send's."""

HANDLED_WITHIN = 60
"""Seconds after a run in which its messages are looked for among what was handled."""

REPEATED = 5_000
"""Hashes of what was seen twice, at most."""

RATE_OVER = 120 * 10**9
"""Nanoseconds over which it is counted how many messages there are."""

FLOW_ROWS = 10_000_000
"""Messages among which flows are looked for, at most."""

CANDIDATES = 50
"""Single events of one answer that are looked at one by one."""

KEYED = 100_000
"""Operations of partitions with disorder that are held against keys, at most."""

_ALONE = "ifNull(batch_count, 1) <= 1"

_POINTS_AT = """arrayConcat(if(parent_span_id = '', [], [(trace_id, parent_span_id)]),
    arrayMap(l -> (l.1, l.2), links))"""


_HASHES = """arrayConcat(if(parent_span_id = '', [], [cityHash64(trace_id, parent_span_id)]),
    arrayMap(l -> cityHash64(l.1, l.2), links))"""
"""As above, in eight bytes each: a join by them costs a fraction of one by texts."""


class StoreFindingFacts(Asked):
    """`graph.findings.facts.FindingFacts` over a store. Not for several threads at once."""

    def handled_twice(self, run: Run) -> Sequence[Twice]:
        # Spans of one scope and name that do not overlap: nested ones are one handling.
        seen = f"""SELECT environment, service, consumer_group, system, destination, scope, name,
                event_type, start, duration, trace_id, span_id, instance,
                if(offset IS NULL, '', concat(partition, '/', toString(offset))) AS place,
                multiIf(length(links) = 1, (links[1].1, links[1].2),
                    empty(links) AND remote_parent, (trace_id, parent_span_id), ('', ''))
                    AS pointed,
                if(place != '', place, pointed.2) AS about,
                if(place != '', ('', ''), pointed) AS context,
                cityHash64(service, consumer_group, destination, name, about) AS same
            FROM operations
            WHERE {within("start", before=BEFORE)} AND type = 'process' AND NOT error
                AND {_ALONE} AND about != '' AND cityHash64(about) % {{share:UInt32}} = 0"""
        repeated = self._column(
            f"SELECT same FROM ({seen}) GROUP BY same HAVING count() > 1 LIMIT {REPEATED}", run
        )
        if not repeated:
            return []
        subject = "environment, service, consumer_group, system, destination, scope, name"
        rows = self._rows(
            f"""SELECT {subject}, any(event_type), max(n),
                groupArrayIf({CANDIDATES})((about, context,
                    arrayMap(s -> (toUnixTimestamp64Nano(s.1), toUnixTimestamp64Nano(s.2), s.3, s.4,
                        s.5), spans)), {within("latest")}) AS doubled
            FROM (
                SELECT {subject}, about, context, any(event_type) AS event_type, count() AS n,
                    max(start) AS latest,
                    arraySort(groupArray(4)((start, start + toIntervalNanosecond(duration),
                        trace_id, span_id, instance))) AS spans
                FROM (SELECT * FROM ({seen}) WHERE same IN {{same:Array(UInt64)}}
                    LIMIT 1 BY trace_id, span_id)
                GROUP BY {subject}, about, context HAVING n > 1
            )
            GROUP BY {subject} HAVING notEmpty(doubled) LIMIT {MOST}""",
            run,
            same=repeated,
        )
        if not rows:
            return []
        counts = self._rows(
            f"SELECT {subject}, uniq(same) FROM ({seen}) GROUP BY {subject}",
            run,
        )
        of = {tuple(row[:7]): int(row[7]) for row in counts}
        batched = self._batched({tuple(one[1]) for row in rows for one in row[9] if one[1][1]})
        found = []
        for row in rows:
            by_minute: dict[int, list[tuple[int, int, str, str, str]]] = defaultdict(list)
            pairs: dict[int, int] = defaultdict(int)
            for about, context, spans in row[9]:
                if context[1] and tuple(context) in batched:
                    continue
                apart = [spans[0]]
                for span in spans[1:]:
                    if span[0] >= apart[-1][1]:
                        apart.append(span)
                if len(apart) < 2:
                    continue
                at = apart[-1][0] // MINUTE * MINUTE
                pairs[at] += 1
                place = f"{row[4]}/{about}" if not context[1] else ""
                by_minute[at] += [(*span[:2], span[2], span[3], place) for span in apart]
            for at, spans in by_minute.items():
                found.append(
                    Twice(
                        at,
                        environment=row[0],
                        service=row[1],
                        group=row[2],
                        system=row[3],
                        cluster="",
                        destination=row[4],
                        event_type=row[7],
                        of=of.get(tuple(row[:7]), 0) * run.share,
                        number=pairs[at] * run.share,
                        most=int(row[8]),
                        first=min(span[0] for span in spans),
                        last=max(span[1] for span in spans),
                        proof=tuple(
                            Proof(place or f"{trace}/{span}", start, f"span {trace}/{span}")
                            for start, _, trace, span, place in spans[: PROOFS + 1]
                        ),
                    )
                )
        return found

    def _column(self, sql: str, run: Run) -> list[int]:
        return [int(value) for (value,) in self._rows(sql, run)]

    def _batched(self, contexts: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Contexts that do not stand for just one message: of a batch, or of one nobody saw."""
        wanted = sorted(set(contexts))
        if not wanted:
            return set()
        rows = self._rows(
            "SELECT target_trace_id, target_span_id FROM relations WHERE kind = 'header' "
            "AND (target_trace_id, target_span_id) IN {keys:Array(Tuple(String, String))} "
            "GROUP BY target_trace_id, target_span_id, destination "
            "HAVING uniqExact(cluster, incarnation, partition, offset) = 1",
            keys=wanted,
        )
        return set(wanted) - {(trace, span) for trace, span in rows}

    def produced_twice(self, run: Run) -> Sequence[Twice]:
        # Whole partitions, other ones in each run: what is not looked at is not even read.
        alike = f"""{within("time", before=BEFORE)} AND message_id != '' AND copied.kind = ''
            AND cityHash64(partition, {{start:Int64}}) % {{share:UInt32}} = 0"""
        same = "cityHash64(destination, message_id)"
        repeated = self._column(
            f"""SELECT {same} AS same FROM messages WHERE {alike}
            GROUP BY same HAVING count() > 1 LIMIT {REPEATED}""",
            run,
        )
        if not repeated:
            return []
        subject = "environment, source, system, cluster, destination, event_type"
        rows = self._rows(
            f"""SELECT {minute("latest")} AS minute, environment, source, '' AS consumer_group,
                system, cluster, destination, event_type, count(), max(n),
                {nanoseconds("min(earliest)")}, {nanoseconds("max(latest)")},
                arraySlice(arrayFlatten(groupArray({PROOFS})(arrayMap(p -> (concat(destination, '/',
                    p.1, '/', toString(p.2)), {nanoseconds("p.3")}, concat('message id ', id)),
                    places))), 1, {PROOFS + 1})
            FROM (
                SELECT {subject}, incarnation, key, value_size, message_id AS id,
                    uniqExact(partition, offset) AS n, min(time) AS earliest,
                    max(time) AS latest,
                    arraySort(p -> p.3, groupUniqArray(4)((partition, offset, time))) AS places
                FROM messages WHERE {alike} AND {same} IN {{same:Array(UInt64)}}
                GROUP BY {subject}, incarnation, key, value_size, id
            )
            WHERE n > 1 AND {within("latest")}
            GROUP BY minute, environment, source, system, cluster, destination, event_type
            LIMIT {MOST}""",
            run,
            same=repeated,
        )
        if not rows:
            return []
        counts = self._rows(
            f"SELECT {subject}, count() FROM messages WHERE {alike} GROUP BY {subject}", run
        )
        of = {tuple(row[:6]): int(row[6]) for row in counts}
        return [
            Twice._make(
                (
                    *row[:8],
                    of.get((row[1], row[2], *row[4:8]), 0) * run.share,
                    int(row[8]) * run.share,
                    int(row[9]),
                    *(row[10], row[11], proofs(row[12])),
                )
            )
            for row in rows
        ]

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
                WHERE {within("start")} AND type = 'send' AND NOT error AND {_ALONE}
                    AND destination IN (SELECT destination FROM positions)
                    AND cityHash64(trace_id) % {{share:UInt32}} = 0
                LIMIT 1 BY trace_id, span_id
            )
            GROUP BY minute, environment, service, system, destination, scope, name
            HAVING missing > 0 AND missing < sends LIMIT {MOST}""",
            run,
        )
        there = self._in_messages(
            {(trace, span) for row in rows for trace, span, _ in row[10]}, {r[6] for r in rows}
        )
        found = []
        for row in rows:
            missing = sorted(
                ((trace, span, int(start)) for trace, span, start in row[10]),
                key=lambda one: one[2],
            )
            missing = [one for one in missing if one[:2] not in there]
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
                    )
                )
            )
        return found

    def _in_messages(
        self, contexts: Iterable[tuple[str, str]], destinations: Iterable[str]
    ) -> set[tuple[str, str]]:
        """Of these contexts those that some message carries, at whatever time, or that messages of
        a span below or linked to it carry, or whose span names a position that is stored."""
        wanted = sorted(set(contexts))
        if not wanted:
            return set()
        keys = "{keys:Array(Tuple(String, String))}"
        rows = self._rows(
            f"""SELECT target_trace_id, target_span_id FROM relations
                WHERE kind = 'header' AND (target_trace_id, target_span_id) IN {keys}
            UNION DISTINCT
            SELECT i.1, i.2 FROM (
                SELECT arrayJoin({_POINTS_AT}) AS i, trace_id, span_id FROM operations
                WHERE type IN ('create', 'send') AND (trace_id, span_id) IN (
                    SELECT trace_id, span_id FROM relations WHERE kind != 'header'
                    AND (target_trace_id, target_span_id) IN {keys}))
            WHERE i IN {keys}
            UNION DISTINCT
            SELECT trace_id, span_id FROM operations WHERE (trace_id, span_id) IN {keys}
                AND (arrayExists(l -> l.1 != '', links)
                    OR offset IS NOT NULL AND (destination, partition, offset) IN (
                        SELECT destination, partition, toNullable(offset) FROM messages
                        WHERE destination IN {{names:Array(String)}}
                        AND (destination, partition, offset) IN (
                            SELECT destination, partition, assumeNotNull(offset) FROM operations
                            WHERE (trace_id, span_id) IN {keys} AND offset IS NOT NULL)))""",
            keys=wanted,
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
                WHERE {within("start", after=HANDLED_WITHIN)} AND type IN ('receive', 'process'))
            GROUP BY context"""
        sent = f"""SELECT {POSITION}, offset, time, environment, event_type,
                contexts[1] AS carried, cityHash64(carried.1, carried.2) AS context
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
            HAVING done < sent AND done > sent / 2 LIMIT {MOST}""",
            run,
        )
        found = []
        for system, cluster, destination, event_type, environment, service, _, sent_ in counts:
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
            for at, missing in by_minute.items():
                found.append(
                    Missing(
                        at,
                        environment,
                        service,
                        "",
                        system,
                        cluster,
                        destination,
                        event_type,
                        of=int(sent_),
                        number=len(missing),
                        first=min(time for _, time in missing),
                        last=max(time for _, time in missing),
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
        rows = self._rows(
            """SELECT target_trace_id, target_span_id FROM relations WHERE kind != 'header'
                AND (target_trace_id, target_span_id) IN {keys:Array(Tuple(String, String))}
                AND (trace_id, span_id) IN (SELECT trace_id, span_id FROM operations
                    WHERE service = {service:String} AND (trace_id, span_id) IN (
                        SELECT trace_id, span_id FROM relations WHERE kind != 'header' AND
                        (target_trace_id, target_span_id)
                            IN {keys:Array(Tuple(String, String))}))""",
            keys=wanted,
            service=service,
        )
        seen: set[Any] = {(row[0], row[1]) for row in rows}
        # In the producer's trace, but below another span of it.
        traces = sorted({trace for trace, _ in wanted})
        within_trace = self._rows(
            "SELECT DISTINCT trace_id FROM operations WHERE trace_id IN {traces:Array(String)} "
            "AND service = {service:String} AND destination = {destination:String} "
            "AND type IN ('receive', 'process')",
            traces=traces,
            service=service,
            destination=destination,
        )
        inside = {trace for (trace,) in within_trace}
        return seen | {one for one in wanted if one[0] in inside}

    def disordered(self, run: Run) -> Sequence[Missing]:
        key = "environment, service, consumer_group, system, destination, partition"
        placed = f"""{within("start", before=DISORDER)} AND type = 'process'
            AND offset IS NOT NULL AND {_ALONE}
            AND cityHash64(destination, partition, {{start:Int64}}) % {{share:UInt32}} = 0"""
        backwards = self._rows(
            f"""SELECT {key}, arrayMin(arrayDifference(arrayMap(
                    h -> h.2, arraySort(groupArray((start, assumeNotNull(offset))))))) AS step
            FROM operations WHERE {placed} GROUP BY {key} HAVING step < 0
            ORDER BY step LIMIT {CANDIDATES}""",
            run,
        )
        if not backwards:
            return []
        rows = self._rows(
            f"""SELECT {key}, assumeNotNull(offset), {nanoseconds("min(start)")} AS began,
                argMin((trace_id, span_id, instance, key, event_type), start)
            FROM operations WHERE {placed} AND (service, destination, partition)
                IN {{places:Array(Tuple(String, String, String))}}
            GROUP BY {key}, offset ORDER BY began LIMIT {KEYED}""",
            run,
            places=[(row[1], row[4], row[5]) for row in backwards],
        )
        handled = [_Handled._make((*row[:8], *row[8])) for row in rows]
        nameless = [one for one in handled if not one.key]
        keys = self._keys(run, nameless)
        late = list(_disorder(handled, keys, run))
        again = self._handled_before([one for one, _ in late])
        counted = _by_consumer([pair for pair in late if pair[0] not in again])
        return [_missing(handled, consumer, at, pairs) for (consumer, at), pairs in counted.items()]

    def _handled_before(self, late: Sequence[_Handled]) -> set[_Handled]:
        """Those that were handled before the time looked at: they are handled once more."""
        if not late:
            return set()
        rows = self._rows(
            "SELECT service, destination, partition, assumeNotNull(offset), "
            f"{nanoseconds('min(start)')} FROM operations WHERE type = 'process' "
            "AND (destination, partition, offset) IN {places:Array(Tuple(String, String, Int64))} "
            "GROUP BY service, destination, partition, offset",
            places=sorted({(one.destination, one.partition, one.offset) for one in late})[:KEYED],
        )
        first = {tuple(row[:4]): row[4] for row in rows}
        return {
            one
            for one in late
            if first.get((one.service, one.destination, one.partition, one.offset), one.began)
            < one.began
        }

    def _keys(self, run: Run, handled: Sequence[_Handled]) -> Mapping[tuple[str, str, int], str]:
        """Record keys by destination, partition and offset."""
        if not handled:
            return {}
        places = {(one.destination, one.partition) for one in handled}
        rows = self._rows(
            "SELECT destination, partition, offset, key FROM messages "
            "WHERE (destination, partition) IN {places:Array(Tuple(String, String))} "
            "AND offset >= {first:Int64} AND offset <= {last:Int64} AND key != '' "
            f"LIMIT {KEYED}",
            run,
            places=sorted(places),
            first=min(one.offset for one in handled),
            last=max(one.offset for one in handled),
        )
        return {(row[0], row[1], int(row[2])): row[3] for row in rows}

    def consumer_contexts(self, run: Run) -> Sequence[Contexts]:
        nowhere = "parent_span_id = '' AND empty(links)"
        rows = self._rows(
            f"""SELECT {minute("start")} AS minute, environment, service, consumer_group, system,
                '' AS cluster, destination, scope, count(), countIf({nowhere}) AS without,
                {nanoseconds("min(start)")}, {nanoseconds("max(start)")},
                groupArrayIf({PROOFS})(({SPAN}, {nanoseconds("start")}, name), {nowhere})
            FROM (SELECT * FROM operations WHERE {within("start")} AND type = 'process'
                AND {_ALONE} LIMIT 1 BY trace_id, span_id)
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
            f"""SELECT correlation_id, groupArray((destination, event_type, first, place, system,
                    cluster)) FROM (
                SELECT correlation_id, destination, event_type, system, cluster,
                    {nanoseconds("min(time)")} AS first, argMin({AT}, time) AS place
                FROM messages WHERE time >= fromUnixTimestamp64Nano({{start:Int64}})
                    AND time < fromUnixTimestamp64Nano({{until:Int64}})
                    AND copied.kind = '' AND correlation_id IN ({begun})
                GROUP BY correlation_id, destination, event_type, system, cluster
            ) GROUP BY correlation_id LIMIT {most * 2}""",
            Run(start, end, share),
            until=until,
        )
        return [Flow(row[0], tuple(tuple(one) for one in row[1])) for row in rows]


class _Handled(NamedTuple):
    """A message that a consumer began to handle for the first time."""

    environment: str
    service: str
    group: str
    system: str
    destination: str
    partition: str
    offset: int
    began: int
    trace_id: str
    span_id: str
    instance: str
    key: str
    event_type: str


def _disorder(
    handled: Sequence[_Handled], keys: Mapping[tuple[str, str, int], str], run: Run
) -> Iterable[tuple[_Handled, _Handled]]:
    """Those of the run that began after a later one of their key, each with that one."""
    of_key: dict[tuple[str, ...], list[_Handled]] = defaultdict(list)
    for one in handled:
        if key := one.key or keys.get((one.destination, one.partition, one.offset), ""):
            of_key[(*_consumer(one), one.partition, key)].append(one)
    for each in of_key.values():
        furthest = each[0]
        for one in each[1:]:
            if one.offset > furthest.offset:
                furthest = one
            # Two instances' clocks may differ.
            elif run.start <= one.began < run.end and (
                one.instance == furthest.instance or one.began - furthest.began > 10**9
            ):
                yield one, furthest


def _consumer(one: _Handled) -> tuple[str, str, str, str, str]:
    return one.environment, one.service, one.group, one.system, one.destination


_Late = dict[tuple[tuple[str, ...], int], list[tuple[_Handled, _Handled]]]


def _by_consumer(late: Sequence[tuple[_Handled, _Handled]]) -> _Late:
    """By consumer and minute."""
    found: _Late = defaultdict(list)
    for pair in late:
        found[_consumer(pair[0]), pair[0].began // MINUTE * MINUTE].append(pair)
    return found


def _missing(
    handled: Sequence[_Handled],
    consumer: tuple[str, ...],
    at: int,
    pairs: Sequence[tuple[_Handled, _Handled]],
) -> Missing:
    environment, service, group, system, destination = consumer
    return Missing(
        at,
        environment,
        service,
        group,
        system,
        "",
        destination,
        pairs[0][0].event_type,
        of=sum(_consumer(one) == consumer for one in handled),
        number=len(pairs),
        first=min(late.began for late, _ in pairs),
        last=max(late.began for late, _ in pairs),
        proof=tuple(
            Proof(
                f"{late.destination}/{late.partition}/{late.offset}",
                late.began,
                f"began after {early.destination}/{early.partition}/{early.offset} "
                f"(span {late.trace_id}/{late.span_id})",
            )
            for late, early in pairs[:PROOFS]
        ),
    )
