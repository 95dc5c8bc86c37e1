"""A large system as data: as many services and edges as a real one is known to have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random

from graph.edges import EdgeRow
from graph.listing import Consumer
from graph.model import Progress
from graph.topology import NodeKey, Role, Topology
from graph.wire.topology import topology_from_dict, topology_to_dict
from tests.tui import shop
from tests.tui.fake import FakeSource

SERVICES, EDGES = 1_238, 4_271

_AREAS = ("order", "payment", "stock", "parcel", "customer", "price", "search", "fraud", "mail")
_THINGS = ("created", "changed", "checked", "failed", "settled", "requested", "expired")


def rows(services: int = SERVICES, edges: int = EDGES, seed: int = 7) -> list[EdgeRow]:
    """So many services and edges: mostly small flows, some hubs, loops, calls, and errors."""
    random = Random(seed)
    names = [f"{random.choice(_AREAS)}-service-{number:04}" for number in range(services)]
    topics = [
        f"{random.choice(_AREAS)}.{random.choice(_THINGS)}.{number:03}"
        for number in range(services // 3)
    ]
    hub, listener = "audit.log", names[0]
    made: dict[tuple[str, str, str], EdgeRow] = {}

    def add(row: EdgeRow) -> None:
        if len(made) < edges:
            made.setdefault((row.role.value, row.service, row.destination or row.peer), row)

    for number, name in enumerate(names):
        add(shop.produce(name, topics[number % len(topics)], random.randrange(1, 9_000)))
    for name in names[: services // 4]:
        add(shop.consume(name, hub, random.randrange(1, 9_000)))
    for topic in topics[::2]:
        add(shop.consume(listener, topic, random.randrange(1, 900), errors=random.randrange(3)))
    while len(made) < edges:
        name, count = random.choice(names), random.randrange(1, 9_000)
        kind = random.random()
        if kind < 0.6:
            failed = random.randrange(count) if random.random() < 0.1 else 0
            add(shop.consume(name, random.choice(topics), count, errors=failed))
        elif kind < 0.8:
            add(shop.produce(name, random.choice(topics), count))
        elif (peer := random.choice(names)) != name:
            add(shop.call(name, peer, count))
    return list(made.values())


class LargeSource(FakeSource):
    """Answers as a collector's API does: each time as JSON that has to be read."""

    def __init__(self, answers: list[EdgeRow] | None = None) -> None:
        super().__init__(rows() if answers is None else answers)
        built = Topology.build(self.rows)
        self._told = json.dumps(topology_to_dict(built)).encode()
        self._sums: dict[NodeKey, dict[Role, int]] = {}
        for edge in built.edges:
            for node in {edge.source, edge.target}:
                sums = self._sums.setdefault(node, {})
                sums[edge.role] = sums.get(edge.role, 0) + edge.count

    def topology(self, *, start: int = 0, end: int = 0, **_: object) -> Topology:
        self._answers("topology")
        self.answered += 1
        told = json.loads(self._told)
        told["start_ns"], told["end_ns"] = start, end
        return topology_from_dict(told)

    def sums(self, node: NodeKey) -> Mapping[Role, int]:
        # Counted once: a collector would count them in a process of its own.
        return self._sums.get(node, {})

    def consumers(self) -> list[Consumer]:
        self._answers("consumers")
        return [
            Consumer(
                row.group,
                "shop",
                "Stable",
                progress=(Progress("shop", row.group, row.destination, "0", 7, 9, shop.NOON),),
            )
            for row in self.rows
            if row.group
        ]
