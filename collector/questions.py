"""What people ask, whether by HTTP or in process: the thinking of `graph` over a backend."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from importlib.metadata import version
from typing import Any

from collector.api.backend import Backend
from graph.chain import Chain, Limits, NoEvent, find
from graph.direction import Direction, directed
from graph.lookup import Unknown, focused, look_up
from graph.remembered import Remembered
from graph.series import MinuteCount
from graph.topology import NodeKey, Topology

SEARCHED = (
    "Looked for it as message, causation and correlation id, record key, trace id, span id and "
    "destination/partition/offset."
)
"""What a look-up that found nothing has tried."""


def topology(
    backend: Backend,
    *,
    start: int = 0,
    end: int = 0,
    services: Collection[str] = (),
    destinations: Collection[str] = (),
    event_types: Collection[str] = (),
    environments: Collection[str] = (),
) -> Topology:
    """The topology of a window (0: not bounded), up to this moment, as the patterns select it."""
    backend.refresh()
    whole = Topology.build(backend.edges(start, end), backend.members(), start=start, end=end)
    if not (services or destinations or event_types or environments):
        return whole
    return whole.filtered(
        services=services,
        destinations=destinations,
        event_types=event_types,
        environments=environments,
    )


def minutes(backend: Backend, node: NodeKey, *, start: int, end: int = 0) -> list[MinuteCount]:
    """What went over a node's edges minute by minute, up to this moment."""
    backend.refresh()
    return list(backend.minutes(node, start, end))


def chain(
    backend: Backend,
    text: str,
    *,
    direction: Direction = Direction.BOTH,
    limits: Limits | None = None,
) -> Chain:
    """The chain of what a text names. Raises `graph.lookup`'s Unknown and SeveralMeanings."""
    facts = Remembered(backend.facts)
    named = look_up(facts, text, time.monotonic)
    try:
        whole = find(
            facts,
            named.start,
            limits,
            clock=time.monotonic,
            subscribers=_Subscribers(backend),
        )
    except NoEvent:
        raise Unknown(text) from None
    return directed(focused(whole, named.focus), direction)


class _Subscribers(Mapping[str, Collection[str]]):
    """Names of those who read each destination, as far as the brokers tell; asked for only when
    somebody looks."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getitem__(self, destination: str) -> Collection[str]:
        return self._names[destination]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        names: dict[str, set[str]] = defaultdict(set)
        for consumer in self._backend.consumers():
            for destination in consumer.destinations:
                names[destination].add(consumer.group)
                names[destination].update(consumer.services)
        return dict(names)


def health(backend: Backend) -> dict[str, Any]:
    """How each part is doing, as JSON: `status`, `version`, `components`."""
    parts = backend.health()
    return {
        "status": "ok" if all(part.ok for part in parts) else "degraded",
        "version": version("flowtap"),
        "components": [
            {
                "name": part.name,
                "ok": part.ok,
                "detail": part.detail,
                "figures": dict(part.figures or {}),
            }
            for part in parts
        ],
    }
