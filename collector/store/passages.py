"""How consumer groups came by positions, by SQL: one statement for all that is asked.

Offsets that are asked for on one partition cut a group's observations into buckets: in the first
are those at or before the first offset, in the next those beyond it, and so on. Each bucket
comes back as one row, however many observations it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from collector.store.client import Store
from collector.store.rows import nanoseconds
from graph.facts import RATE_SECONDS
from graph.model import Passage, Position, Progress

_COMMITS = "committed >= 0 AND NOT assumed"


def _end(which: str, when: str) -> str:
    """The first (`Min`) or last (`Max`) observation among some: time, committed, end. Each by
    itself: of tuples it would take the engine several times as long."""
    time = nanoseconds(f"{which.lower()}If(time, {when})")
    return (
        f"({time}, arg{which}If(committed, time, {when}), arg{which}If(end_offset, time, {when}))"
    )


_BUCKETS = f"""WITH (SELECT max(time) FROM progress_newest
    WHERE destination IN {{destinations:Array(String)}}) AS newest,
    newest - {RATE_SECONDS} AS since
SELECT number, cluster, consumer_group, incarnation,
    arrayCount(offset -> offset < committed, offsets) AS bucket,
    countIf(NOT assumed), {_end("Min", "NOT assumed")}, {_end("Max", "NOT assumed")},
    ({_end("Max", "true")}, argMax(assumed, time)), {nanoseconds("maxIf(time, assumed)")},
    countIf(time <= since AND {_COMMITS}), {_end("Max", f"time <= since AND {_COMMITS}")},
    countIf({_COMMITS}), {_end("Min", _COMMITS)},
    maxIf(committed, NOT assumed) AS furthest,
    {nanoseconds("argMinIf(time, (-committed, time), NOT assumed)")}, {nanoseconds("any(newest)")}
FROM progress INNER JOIN (
    SELECT k.1 AS number, k.2 AS asked_cluster, k.3 AS destination, k.4 AS asked_incarnation,
        k.5 AS partition, k.6 AS offsets
    FROM (SELECT arrayJoin({{keys:Array(
        Tuple(UInt32, String, String, String, String, Array(Int64)))}}) AS k)
) AS asked USING (destination, partition)
WHERE destination IN {{destinations:Array(String)}} AND partition IN {{partitions:Array(String)}}
    AND (asked_cluster = '' OR asked_cluster = cluster)
    AND (asked_incarnation = '' OR asked_incarnation = incarnation)
GROUP BY number, cluster, consumer_group, incarnation, bucket ORDER BY bucket"""

_Seen = Sequence[int]
"""Time, committed, end."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    """A row of the statement."""

    number: int
    cluster: str
    group: str
    incarnation: str
    index: int
    real: int
    first: _Seen
    last: _Seen
    last_of_all: tuple[_Seen, bool]
    absent: int
    early: int
    last_early: _Seen
    commits: int
    first_commit: _Seen
    furthest: int
    reached: int
    newest: int


def passages(store: Store, positions: Collection[Position]) -> list[Passage]:
    """How each group came by these positions. Raises `StoreError`."""
    if not positions:
        return []
    by_place: dict[tuple[str, str, str, str], set[int]] = defaultdict(set)
    for one in positions:
        by_place[one.cluster, one.destination, one.incarnation, one.partition].add(one.offset)
    places = [(*place, sorted(offsets)) for place, offsets in by_place.items()]
    rows = store.query(
        _BUCKETS,
        {
            "keys": [(number, *place) for number, place in enumerate(places)],
            "destinations": sorted({place[1] for place in places}),
            "partitions": sorted({place[3] for place in places}),
        },
    )
    groups: dict[tuple[int, str, str, str], list[_Bucket]] = defaultdict(list)
    for row in rows:
        bucket = _Bucket(*row)
        key = (bucket.number, bucket.cluster, bucket.group, bucket.incarnation)
        groups[key].append(bucket)
    asked = dict.fromkeys(positions)
    return [
        passage
        for (number, *_), buckets in groups.items()
        if any(bucket.real for bucket in buckets)
        for passage in _passages(asked, places[number], buckets)
    ]


def _passages(
    asked: Iterable[Position], place: tuple[Any, ...], buckets: Sequence[_Bucket]
) -> Iterable[Passage]:
    """Those of one group on one partition; `buckets` by index."""
    cluster, destination, incarnation, partition, offsets = place
    index_of = {offset: index for index, offset in enumerate(offsets)}
    real = [one for one in buckets if one.real]
    began = min((one.first for one in real), key=_time)
    latest = max((one.last for one in real), key=_time)
    furthest, reached = max((one.furthest, -one.reached) for one in real)
    rate = _rate(buckets, latest)
    absent = max(one.absent for one in buckets)
    (found, *_) = buckets

    def seen(at: _Seen, assumed: bool = False) -> Progress:
        return Progress(
            found.cluster,
            found.group,
            destination,
            partition,
            *(at[1], at[2], at[0], found.incarnation, assumed),
        )

    for position in asked:
        if (position.cluster, position.incarnation) != (cluster, incarnation):
            continue
        if (position.destination, position.partition) != (destination, partition):
            continue
        index = index_of[position.offset]
        before = [one.last_of_all for one in buckets if one.index <= index]
        beyond = [one.first for one in real if one.index > index]
        last = max(before, key=lambda one: one[0][0], default=None)
        yield Passage(
            position,
            found.group,
            began=seen(began),
            latest=seen(latest),
            before=seen(last[0], bool(last[1])) if last else None,
            after=seen(min(beyond, key=_time)) if beyond else None,
            moved=-reached if furthest == latest[1] else 0,
            absent=absent,
            rate=rate,
        )


def _rate(buckets: Sequence[_Bucket], latest: _Seen) -> float | None:
    """Messages a second up to the newest observation of any group."""
    newest = buckets[0].newest
    commits = [one.first_commit for one in buckets if one.commits]
    if not commits or latest[1] < 0:
        return None
    start, at = min(commits, key=_time)[:2]
    early = [one.last_early for one in buckets if one.early]
    if early:
        start, at = newest - RATE_SECONDS * 10**9, max(early, key=_time)[1]
    done = max(0, latest[1] - at)
    return round(done * 1e9 / (newest - start), 3) if newest > start else None


def _time(seen: _Seen) -> int:
    return seen[0]
