"""Consumer groups of the shop in every way that a group can stand. Every figure is made up."""

from __future__ import annotations

from typing import Any

from graph.listing import Consumer, Member
from graph.model import Progress
from tests.tui.shop import NOON

SECOND = 1_000_000_000


def group(
    name: str,
    *places: tuple[str, int, int],
    members: int = 1,
    waits: float | None = 0.0,
    **rest: Any,
) -> Consumer:
    """A group with (destination, committed, end) for each partition, and so many members that
    share these; what waits is `waits` seconds old, None when no tap saw it."""
    cluster = rest.pop("cluster", "shop")
    counted: dict[str, int] = {}
    progress = []
    for destination, committed, end in places:
        partition = str(counted.setdefault(destination, 0))
        counted[destination] += 1
        progress.append(Progress(cluster, name, destination, partition, committed, end, NOON))
    joined = tuple(
        Member(
            f"{name}-{number}-7d1e",
            f"{name}-{number}",
            f"/10.0.3.{number + 11}",
            tuple((at.destination, at.partition) for at in progress[number::members]),
        )
        for number in range(members)
    )
    oldest = NOON - int(waits * SECOND) if waits else 0
    return Consumer(
        name,
        cluster,
        rest.pop("state", "Stable" if members else "Empty"),
        joined,
        tuple(progress),
        rest.pop("services", (name,)),
        NOON,
        oldest,
        **rest,
    )


def groups() -> list[Consumer]:
    """One group of each standing, as their broker would list them."""
    return [
        group(
            "analytics-batch",
            ("order.created", 88_204, 1_288_204),
            ("payment.captured", 4_012, 71_044),
            waits=45_310,
            rate=412.0,
            growth=2.1,
            services=("analytics",),
        ),
        group(
            "audit",
            ("order.created", -1, 1_204),
            services=(),
        ),
        group(
            "crm-sync",
            ("user.registered", 52, 61),
            members=0,
            waits=4_210,
            rate=0.0,
            growth=0.1,
            services=(),
        ),
        group("inventory", ("order.created", 1_203, 1_204), waits=0.4, rate=2.0, growth=2.0),
        group(
            "mailer",
            ("order.cancelled", 31, 36),
            ("payment.captured", 1_167, 1_167),
            waits=912,
            rate=0.0,
            growth=0.02,
        ),
        group("old-report", ("order.created", 400, 400), members=0, services=()),
        group("points", ("payment.captured", 1_100, 1_167), waits=None, services=()),
        group(
            "recommendation",
            ("order.created", 441, 601),
            ("order.created", 451, 603),
            members=2,
            waits=156,
            rate=1.4,
            growth=2.0,
        ),
        group("search", ("order.created", 1_104, 1_204), waits=50, rate=2.0, growth=2.0),
    ]
