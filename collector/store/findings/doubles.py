"""What was done twice: handled by one consumer, or produced under one id.

By a hash of what would be the same first, which is a few bytes for each event, and then exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from collector.store.findings.asked import (
    CANDIDATES,
    MOST,
    ONE_MESSAGE,
    REPEATED,
    Asked,
    minute,
    proofs,
    within,
)
from collector.store.rows import nanoseconds
from graph.findings.facts import Run, Twice
from graph.findings.model import MINUTE, PROOFS, Proof

BEFORE = 60
"""Seconds before a run in which the first of two may lie."""


class Doubles(Asked):
    """Questions of the kind `duplicate`."""

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
                AND {ONE_MESSAGE} AND about != '' AND cityHash64(about) % {{share:UInt32}} = 0"""
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
