"""Consumer groups by SQL: who is in them, how far they have got, how fast they go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from collector.store.client import Store
from collector.store.rows import nanoseconds
from graph.facts import RATE_SECONDS
from graph.listing import Consumer, Member
from graph.model import Progress

_REAL = "committed >= 0 AND NOT assumed"

_PROGRESS = f"""WITH (SELECT max(time) FROM progress) AS newest, newest - {RATE_SECONDS} AS since
SELECT cluster, consumer_group, destination, partition, incarnation,
    argMax(committed, time), argMax(end_offset, time), {nanoseconds("max(time)")},
    countIf(time <= since AND {_REAL}), argMaxIf(committed, time, time <= since AND {_REAL}),
    argMaxIf(end_offset, time, time <= since AND {_REAL}), countIf({_REAL}),
    argMinIf(committed, time, {_REAL}), argMinIf(end_offset, time, {_REAL}),
    {nanoseconds(f"minIf(time, {_REAL})")}, {nanoseconds("newest")}
FROM progress GROUP BY cluster, consumer_group, destination, partition, incarnation
ORDER BY destination, toUInt64OrZero(partition)"""
"""Each pair's newest observation, and where it was when the time of its rate began."""


def consumers(store: Store, *, ages: bool = True) -> list[Consumer]:
    """Consumer groups as their broker last told them, with the services that name them.

    Without `ages`, `oldest` is left out, which costs a look-up of the messages that wait.
    """
    groups: dict[tuple[str, str], dict[str, Any]] = {}

    def group(cluster: str, name: str) -> dict[str, Any]:
        blank = {"state": "", "members": [], "progress": [], "time": 0, "asked": 0, "paces": []}
        return groups.setdefault((cluster, name), blank)

    for row in store.query(
        f"SELECT cluster, consumer_group, member_id, client_id, host, state, assignment, "
        f"{nanoseconds('time')} AS at FROM members FINAL ORDER BY at"
    ):
        entry = group(row[0], row[1])
        if row[7] > entry["time"]:
            # Members that the newest answer does not name are gone.
            entry.update(time=row[7], state=row[5], members=[])
        if row[2]:
            assignment = tuple((a["destination"], a["partition"]) for a in row[6])
            entry["members"].append(Member(row[2], row[3], row[4], assignment))
    for row in store.query(_PROGRESS):
        entry = group(row[0], row[1])
        entry["progress"].append(
            Progress(row[0], row[1], row[2], row[3], row[5], row[6], row[7], row[4])
        )
        entry["asked"] = max(entry["asked"], row[7])
        entry["paces"].append(_pace(row))
    services: dict[str, set[str]] = {}
    for name, service in store.query(
        "SELECT DISTINCT consumer_group, service FROM operations "
        "WHERE consumer_group != '' AND service != ''"
    ):
        services.setdefault(name, set()).add(service)
    waiting = [one for entry in groups.values() for one in entry["progress"] if _waits(one)]
    times = _times(store, waiting) if ages and waiting else {}
    return [
        Consumer(
            group=name,
            cluster=cluster,
            state=entry["state"],
            members=tuple(entry["members"]),
            progress=tuple(entry["progress"]),
            services=tuple(sorted(services.get(name, ()))),
            time=max(entry["time"], entry["asked"]),
            oldest=min((times[one] for one in entry["progress"] if one in times), default=0),
            rate=_sum(pace and pace[0] for pace in entry["paces"]),
            growth=_sum(pace and pace[1] for pace in entry["paces"]),
        )
        for (cluster, name), entry in sorted(groups.items())
    ]


def _pace(row: Sequence[Any]) -> tuple[float, float] | None:
    """Messages a second that a group committed on a partition, and that were added there."""
    committed, end, early = row[5], row[6], row[8]
    if not row[11] or committed < 0:
        return None
    start = row[15] - RATE_SECONDS * 10**9 if early else row[14]
    seconds = (row[15] - start) / 1e9
    if seconds <= 0:
        return None
    from_committed, from_end = (row[9], row[10]) if early else (row[12], row[13])
    return max(0, committed - from_committed) / seconds, max(0, end - from_end) / seconds


def _sum(paces: Iterable[float | None]) -> float | None:
    """Of those that are known; None when none is."""
    known = [pace for pace in paces if pace is not None]
    return sum(known) if known else None


def _waits(progress: Progress) -> bool:
    return 0 <= progress.committed < progress.end


def _times(store: Store, waiting: Sequence[Progress]) -> dict[Progress, int]:
    """When the first message that waits was produced, where a tap saw it."""
    keys = sorted({_place(one) for one in waiting})
    found = {
        tuple(row[:5]): row[5]
        for row in store.query(
            f"SELECT cluster, destination, incarnation, partition, offset, {nanoseconds('time')} "
            "FROM messages WHERE system IN (SELECT DISTINCT system FROM positions) "
            "AND (cluster, destination, incarnation, partition, offset) IN "
            "{keys:Array(Tuple(String, String, String, String, Int64))}",
            {"keys": keys},
        )
    }
    return {one: found[_place(one)] for one in waiting if _place(one) in found}


def _place(one: Progress) -> tuple[str, str, str, str, int]:
    """Where the first message lies that waits."""
    return one.cluster, one.destination, one.incarnation, one.partition, one.committed
