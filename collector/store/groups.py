"""Consumer groups by SQL: who is in them, how far they have got, how fast they go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from collector.store.client import Store
from collector.store.rows import nanoseconds
from graph.facts import RATE_SECONDS
from graph.listing import Consumer, Member
from graph.model import Progress

_NEWEST = f"""SELECT cluster, consumer_group, destination, partition, committed, end_offset,
    {nanoseconds("time")}, incarnation
FROM progress_newest FINAL ORDER BY destination, toUInt64OrZero(partition)"""

_PACES = f"""WITH (SELECT max(time) FROM progress_newest) AS newest
SELECT cluster, consumer_group, sum(done), sum(added) FROM (
    SELECT cluster, consumer_group, dateDiff('ms', min(time), newest) / 1000 AS seconds,
        greatest(argMax(committed, time) - argMin(committed, time), 0) / seconds AS done,
        (max(end_offset) - min(end_offset)) / seconds AS added
    FROM progress WHERE time > newest - {RATE_SECONDS} AND committed >= 0 AND NOT assumed
    GROUP BY cluster, consumer_group, destination, incarnation, partition
    HAVING seconds > 0
) GROUP BY cluster, consumer_group"""
"""Of each group, messages a second since it was first seen in the last minutes."""


_NAMED = """SELECT DISTINCT consumer_group, service FROM (
    SELECT consumer_group, service FROM edges WHERE role = 'consume'
    UNION ALL
    SELECT consumer_group, service FROM operations WHERE received > now64(9) - INTERVAL 2 MINUTE
) WHERE consumer_group != '' AND service != ''"""
"""Which services name which group: as the edges have it, for spans are many, and besides what may
not have been counted yet."""


def consumers(store: Store, *, paces: bool = True) -> list[Consumer]:
    """Consumer groups as their broker last told them, with the services that name them.

    Without `paces`, how fast they go and how old what waits is are left out.
    """
    groups: dict[tuple[str, str], dict[str, Any]] = {}

    def group(cluster: str, name: str) -> dict[str, Any]:
        blank = {"state": "", "members": [], "progress": [], "time": 0, "asked": 0}
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
    for row in store.query(_NEWEST):
        entry = group(row[0], row[1])
        entry["progress"].append(Progress(*row))
        entry["asked"] = max(entry["asked"], row[6])
    services: dict[str, set[str]] = {}
    for name, service in store.query(_NAMED):
        services.setdefault(name, set()).add(service)
    waiting = [one for entry in groups.values() for one in entry["progress"] if _waits(one)]
    times = _times(store, waiting) if paces and waiting else {}
    rates = _rates(store, groups) if paces else {}
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
            rate=rates.get((cluster, name), _UNKNOWN)[0],
            growth=rates.get((cluster, name), _UNKNOWN)[1],
        )
        for (cluster, name), entry in sorted(groups.items())
    ]


_UNKNOWN = (None, None)


def _rates(
    store: Store, groups: Mapping[tuple[str, str], Mapping[str, Any]]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Messages a second, committed and added, of the groups that are known for long enough."""
    rates = {(row[0], row[1]): (round(row[2], 3), round(row[3], 3)) for row in store.query(_PACES)}
    since = max((entry["asked"] for entry in groups.values()), default=0) - RATE_SECONDS * 10**9
    for key, entry in groups.items():
        if 0 < entry["asked"] <= since:
            rates[key] = (0.0, 0.0)  # What changes is told: nothing did.
    return rates


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
