"""What most kinds of findings ask, by SQL: each a statement over a few minutes' rows.

What a minute holds is read in few columns, by the times that parts know the range of. Of very many
single events a sample is looked at, by a hash of their ids, so that memory is bounded too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from collector.store import gaps, groups
from collector.store.client import Store
from collector.store.rows import POSITION, nanoseconds
from graph.findings.facts import Attempts, Copies, Departures, End, Run, Skew
from graph.findings.model import PROOFS, Proof
from graph.gaps import Gap
from graph.listing import Consumer

DAY = 86_400

MOST = 500
"""Rows of one answer; more subjects than that in a few minutes are no list for a person."""

SETTINGS = "SETTINGS max_memory_usage = 1000000000, max_execution_time = 20"

KEPT_SECONDS = 300.0
"""For which what a whole day tells is good."""

APART = 900
"""Seconds between two attempts of one event, at most, that are seen to be of one."""


def minute(column: str) -> str:
    """The beginning of the minute, nanoseconds."""
    return f"toInt64(toUnixTimestamp(toStartOfMinute({column}))) * 1000000000"


def within(column: str, before: int = 0, after: int = 0) -> str:
    """That a time lies in the run, or so many seconds before it or after."""
    return (
        f"{column} >= fromUnixTimestamp64Nano({{start:Int64}} - {before * 10**9}) "
        f"AND {column} < fromUnixTimestamp64Nano({{end:Int64}} + {after * 10**9})"
    )


REPEATED = 5_000
"""Hashes of what was seen twice, at most."""

CANDIDATES = 50
"""Single events of one answer that are looked at one by one."""

ONE_MESSAGE = "ifNull(batch_count, 1) <= 1"
"""Operations that are about a single message."""

AT = "concat(destination, '/', partition, '/', toString(offset))"
"""A message as it is looked up."""

SPAN = "concat(trace_id, '/', span_id)"

EDGES = """(SELECT * FROM edges WHERE minute >= toDateTime({since:Int64}) AND role != 'empty'
    AND (minute, version) IN (SELECT minute, max(version) FROM edges
        WHERE minute >= toDateTime({since:Int64}) GROUP BY minute))"""


class Asked:
    """`graph.findings.facts.FindingFacts` over a store, but for what looks at single events."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._kept: dict[str, tuple[float, Any]] = {}
        self.memory: dict[str, Any] = {}

    def _remembered(self, name: str, ask: Callable[[], Any], seconds: float = KEPT_SECONDS) -> Any:
        asked, answer = self._kept.get(name, (float("-inf"), None))
        if self._clock() > asked + seconds:
            answer = ask()
            self._kept[name] = (self._clock(), answer)
        return answer

    def _rows(self, sql: str, run: Run | None = None, **parameters: Any) -> Sequence[Any]:
        bounds = {"start": run.start, "end": run.end, "share": run.share} if run else {}
        return self._store.query(f"{sql} {SETTINGS}", {**bounds, **parameters})

    def _since(self) -> int:
        """A day before the newest minute that has edges."""
        ((newest,),) = self._store.query(
            "SELECT toInt64(toUnixTimestamp(max(minute))) FROM edges WHERE minute <= now()"
        )
        return max(0, int(newest) - DAY)

    def ends(self) -> Sequence[End]:
        def ask() -> list[End]:
            key = (
                "role, environment, service, consumer_group, system, cluster, destination, "
                "event_type, evidence"
            )
            rows = self._rows(
                f"""SELECT {key}, sum(count), uniqExact(minute), {nanoseconds("min(minute)")},
                    {nanoseconds("max(last_seen)")}
                FROM {EDGES} WHERE role != 'call' GROUP BY {key} LIMIT 20000""",
                since=self._since(),
            )
            return [End(*row) for row in rows]

        answer: list[End] = self._remembered("ends", ask, 30.0)
        return answer

    def consumers(self) -> Sequence[Consumer]:
        answer: Sequence[Consumer] = self._remembered(
            "consumers", lambda: groups.consumers(self._store), 10.0
        )
        return answer

    def usual_waits(self) -> dict[tuple[str, str], float]:
        def ask() -> dict[tuple[str, str], float]:
            rows = self._rows(
                f"""SELECT if(consumer_group = '', service, consumer_group) AS consumer,
                    destination, quantilesTDigestMerge(0.5, 0.95, 0.99)(wait)[2] AS slow
                FROM {EDGES} WHERE role = 'consume' AND consumer != ''
                GROUP BY consumer, destination HAVING isFinite(slow)""",
                since=self._since(),
            )
            return {(row[0], row[1]): float(row[2]) for row in rows}

        answer: dict[tuple[str, str], float] = self._remembered("waits", ask)
        return answer

    def departures(self, since: int) -> Sequence[Departures]:
        rows = self._rows(
            f"""SELECT cluster, consumer_group, count(), {nanoseconds("min(time)")},
                {nanoseconds("max(time)")}, arraySlice(groupUniqArray(client_id), 1, 5)
            FROM (SELECT cluster, consumer_group, member_id, client_id, time,
                max(time) OVER (PARTITION BY cluster, consumer_group) AS newest
                FROM members FINAL)
            WHERE member_id != '' AND time < newest
                AND time >= fromUnixTimestamp64Nano({{since:Int64}})
            GROUP BY cluster, consumer_group LIMIT {MOST}""",
            since=since,
        )
        return [Departures._make((*row[:5], tuple(row[5]))) for row in rows]

    def gaps(self) -> Sequence[Gap]:
        answer: Sequence[Gap] = self._remembered("gaps", lambda: gaps.gaps(self._store), 10.0)
        return answer

    def transactional(self) -> Collection[str]:
        def ask() -> set[str]:
            rows = self._rows(
                "SELECT DISTINCT destination FROM producers WHERE transactional_id != ''"
            )
            return {name for (name,) in rows}

        answer: set[str] = self._remembered("transactional", ask)
        return answer

    def read_to(self, destinations: Collection[str], at: int) -> Collection[str]:
        """By the ends that brokers told with groups' progress, which is kept when it changes: of
        several partitions all. Where no group is, by a later message."""
        place = "cluster, destination, incarnation, partition"
        told = "time >= fromUnixTimestamp64Nano({at:Int64})"
        names = "destination IN {names:Array(String)}"
        asked: dict[str, Any] = {"names": sorted(destinations), "at": at}
        if not destinations:
            return set()
        by_end = self._rows(
            f"""SELECT destination, min(end <= next_offset) FROM (
                SELECT {place}, if(later, a.end_offset, n.end_offset) AS end, next_offset
                FROM (SELECT {place}, max(end_offset) AS end_offset FROM progress_newest FINAL
                    WHERE {names} GROUP BY {place}) AS n
                LEFT JOIN (SELECT {place}, argMin(end_offset, time) AS end_offset, true AS later
                    FROM progress WHERE {names} AND {told} AND NOT assumed GROUP BY {place}) AS a
                USING ({place})
                LEFT JOIN (SELECT {place}, max(next_offset) AS next_offset FROM positions
                    WHERE {names} GROUP BY {place}) AS t USING ({place})
                WHERE cluster IN (SELECT cluster FROM members WHERE {told})
            ) GROUP BY destination""",
            **asked,
        )
        ends = {name: bool(there) for name, there in by_end}
        later = self._rows(
            f"SELECT DISTINCT destination FROM messages WHERE {names} AND {told}", **asked
        )
        return {name for name in destinations if ends.get(name)} | {
            name for (name,) in later if name not in ends
        }

    def copies(self, run: Run) -> Sequence[Copies]:
        named = self._named()
        rows = self._rows(
            f"""SELECT {minute("time")} AS minute, toString(copied.kind) AS kind, environment,
                system, cluster, destination, copied.destination AS original,
                copied.consumer AS consumer, event_type, copied.error_type AS error_type, count(),
                {nanoseconds("min(time)")}, {nanoseconds("max(time)")},
                groupArray({PROOFS})(({AT}, {nanoseconds("time")}, copied.error_message)),
                any(copied.error_message)
            FROM (SELECT {POSITION}, offset, time, environment, event_type, copied FROM messages
                WHERE {within("time")} AND (copied.kind IN ('dead-letter', 'retry')
                    OR copied.kind = '' AND destination IN {{named:Array(String)}})
                LIMIT 1 BY {POSITION}, offset)
            GROUP BY minute, kind, environment, system, cluster, destination, original, consumer,
                event_type, error_type
            ORDER BY count() DESC LIMIT {MOST}""",
            run,
            named=named,
        )
        return [Copies._make((*row[:13], proofs(row[13]), row[14])) for row in rows]

    def _named(self) -> list[str]:
        """Destinations whose name may say that dead letters lie there."""

        def ask() -> list[str]:
            rows = self._rows(
                "SELECT DISTINCT destination FROM positions "
                "WHERE match(destination, '(?i)(dlt|dlq|dead)')"
            )
            return [name for (name,) in rows]

        answer: list[str] = self._remembered("named", ask, 30.0)
        return answer

    def tried(self, run: Run, least: int) -> Sequence[Attempts]:
        """By failed spans that point at the same, and by copies for retry of the same message."""
        failed = self._rows(
            f"""SELECT environment, service, consumer_group, system, '' AS cluster, destination,
                any(event_type), count() AS tries, {nanoseconds("min(start)")},
                {nanoseconds("max(start)")},
                groupArray({PROOFS})(({SPAN}, {nanoseconds("start")}, error_message)),
                anyLast(error_message)
            FROM (
                SELECT trace_id, span_id, environment, service, consumer_group, system,
                    destination, event_type, start, error_message,
                    multiIf(offset IS NOT NULL, concat(partition, '/', toString(offset)),
                        message_id != '', message_id,
                        length(links) = 1, concat(links[1].1, '/', links[1].2),
                        empty(links) AND remote_parent, concat(trace_id, '/', parent_span_id), '')
                        AS about
                FROM operations WHERE error AND type = 'process' AND {within("start", before=APART)}
                ORDER BY start LIMIT 1 BY trace_id, span_id
            )
            WHERE about != '' GROUP BY environment, service, consumer_group, system, destination,
                about
            HAVING tries >= {{least:UInt32}} AND {within("max(start)")}
            ORDER BY tries DESC LIMIT {MOST}""",
            run,
            least=least,
        )
        copied = self._rows(
            f"""SELECT environment, '' AS service, any(copied.consumer), system, cluster,
                any(copied.destination), any(event_type),
                greatest(uniqExact(incarnation, partition, offset, destination),
                    toUInt64(ifNull(max(copied.attempt), 0))) AS tries,
                {nanoseconds("min(time)")}, {nanoseconds("max(time)")},
                groupArray({PROOFS})(({AT}, {nanoseconds("time")}, copied.error_message)),
                anyLast(copied.error_message)
            FROM (SELECT {POSITION}, offset, time, environment, event_type, copied,
                    multiIf(copied.message_id != '', copied.message_id, message_id != '',
                        message_id, copied.offset IS NULL, '',
                        concat(copied.destination, '/', copied.partition, '/',
                            toString(copied.offset))) AS about
                FROM messages WHERE copied.kind = 'retry' AND {within("time", before=APART)}
                ORDER BY time LIMIT 1 BY {POSITION}, offset)
            WHERE about != '' GROUP BY environment, system, cluster, about
            HAVING tries >= {{least:UInt32}} AND {within("max(time)")}
            ORDER BY tries DESC LIMIT {MOST}""",
            run,
            least=least,
        )
        return [Attempts._make((*row[:10], proofs(row[10]), row[11])) for row in (*failed, *copied)]

    def skews(self, run: Run) -> Sequence[Skew]:
        rows = self._rows(
            f"""SELECT toInt64(toUnixTimestamp(minute)) * 1000000000, environment, peer, service,
                destination, sum(count) AS n, quantilesTDigestMerge(0.5, 0.95, 0.99)(wait) AS waits,
                {nanoseconds("max(last_seen)")}
            FROM (SELECT * FROM {EDGES} WHERE role = 'consume' AND peer != '' AND service != ''
                AND {within("minute")})
            GROUP BY minute, environment, peer, service, destination
            HAVING waits[1] < 0 ORDER BY waits[1] LIMIT {MOST}""",
            run,
            since=run.start // 10**9,
        )
        return [Skew._make((*row[:6], float(row[6][0]), float(row[6][1]), row[7])) for row in rows]


def proofs(found: Sequence[Any]) -> tuple[Proof, ...]:
    """(what to look up, time, note) as they come from the store."""
    return tuple(Proof(str(one[0]), int(one[1]), str(one[2])[:200]) for one in found)
