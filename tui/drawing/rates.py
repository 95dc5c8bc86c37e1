"""How fast messages flow, from topologies asked one after the other, and how far consumers lag."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graph.listing import Consumer
from graph.topology import EdgeKey, Role, Topology

MEMORY = 30.0
"""Seconds over which a rate is taken."""

PATIENCE = 10.0
"""Seconds without any growth after which everything is idle."""

SECOND = 1_000_000_000


class _Step(NamedTuple):
    """What came between two answers."""

    seconds: float
    more: Mapping[EdgeKey, int]


class FlowMeter:
    """Rates of edges out of growing counts; counts of a window that has moved do not compare."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque()
        self._last: tuple[Topology, int] | None = None

    def observe(self, topology: Topology, now: int) -> None:
        """The newest answer, and when it was asked for (nanoseconds since the Unix epoch)."""
        last = self._last
        self._last = topology, now
        if last is None or last[0].start != topology.start or now <= last[1]:
            return
        before = {edge.key: edge.count for edge in last[0].edges}
        more = {edge.key: edge.count - before.get(edge.key, 0) for edge in topology.edges}
        grown = {key: count for key, count in more.items() if count > 0}
        self._steps.append(_Step((now - last[1]) / SECOND, grown))
        while sum(step.seconds for step in self._steps) - self._steps[0].seconds > MEMORY:
            self._steps.popleft()

    @property
    def rates(self) -> dict[EdgeKey, float]:
        """Messages a second by edge; none of them before it is known.

        Counts grow in steps, when the collector computes them: that none grew at first says
        nothing, until it has been so for a while.
        """
        seconds = sum(step.seconds for step in self._steps)
        grew = any(step.more for step in self._steps)
        if self._last is None or not (grew or seconds >= PATIENCE):
            return {}
        return {
            edge.key: sum(step.more.get(edge.key, 0) for step in self._steps) / seconds
            for edge in self._last[0].edges
        }


def lags_of(topology: Topology, consumers: Iterable[Consumer]) -> dict[EdgeKey, int]:
    """Messages that wait, by consuming edge; edges whose group the broker does not know lack."""
    waiting: dict[tuple[str, str], dict[str, int]] = {}
    for consumer in consumers:
        for at in consumer.progress:
            behind = max(0, at.end - at.committed) if at.committed >= 0 else 0
            clusters = waiting.setdefault((consumer.group, at.destination), {})
            clusters[consumer.cluster] = clusters.get(consumer.cluster, 0) + behind
    lags: dict[EdgeKey, int] = {}
    for edge in topology.edges:
        if edge.role is not Role.CONSUME or not edge.group:
            continue
        place = edge.source
        found = [
            behind
            for cluster, behind in waiting.get((edge.group, place.name), {}).items()
            if not place.cluster or not cluster or cluster == place.cluster
        ]
        if len(found) == 1:
            lags[edge.key] = found[0]
    return lags
