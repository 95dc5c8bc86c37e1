"""How fast messages flow, from topologies asked one after the other, and how far consumers lag."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graph.listing import Consumer
from graph.topology import Edge, EdgeKey, Role, Topology

MEMORY = 30.0
"""Seconds over which a rate is taken."""

SILENCE = 75.0
"""Seconds without a message after which all is idle; a busy collector may compute counts as
seldom as once a minute."""

SECOND = 1_000_000_000


class _Step(NamedTuple):
    """What came between two times at which counts grew."""

    seconds: float
    more: Mapping[EdgeKey, int]


class FlowMeter:
    """Rates of edges out of growing counts; counts of a window that has moved do not compare.

    A collector computes counts every few seconds, all at once: growth belongs to the time
    between the newest messages of both counts, or, where clocks do not tell, to the time since
    counts grew before; not to the time between two questions.
    """

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque()
        self._last: tuple[Topology, int] | None = None
        self._grew: int | None = None
        """When counts last grew; None where that was not seen since the window moved."""

    def observe(self, topology: Topology, now: int) -> None:
        """The newest answer, and when it was asked for (nanoseconds since the Unix epoch)."""
        last = self._last
        self._last = topology, now
        if last is None or now <= last[1]:
            return
        if last[0].start != topology.start:
            self._grew = None
            return
        before = {edge.key: edge.count for edge in last[0].edges}
        more = {edge.key: edge.count - before.get(edge.key, 0) for edge in topology.edges}
        grown = {key: count for key, count in more.items() if count > 0}
        if grown:
            between = _newest(topology) - _newest(last[0])
            if not 0 < between < SILENCE * SECOND or _newest(topology) > now + SECOND:
                between = now - self._grew if self._grew is not None else 0
            if between:
                self._steps.append(_Step(between / SECOND, grown))
            self._grew = now
        elif self._silent:
            self._steps.clear()
            self._grew = None
        while sum(step.seconds for step in list(self._steps)[1:]) > MEMORY:
            self._steps.popleft()

    @property
    def _silent(self) -> bool:
        """Nothing was seen for a while, and no count grew either: clocks may be wrong."""
        if self._last is None:
            return False
        topology, now = self._last
        return now - max(_newest(topology), self._grew or 0) > SILENCE * SECOND

    @property
    def rates(self) -> dict[EdgeKey, float]:
        """Messages a second by edge; none of them before it is known."""
        if self._last is None:
            return {}
        keys = [edge.key for edge in self._last[0].edges]
        if self._steps:
            seconds = sum(step.seconds for step in self._steps)
            return {key: sum(s.more.get(key, 0) for s in self._steps) / seconds for key in keys}
        return dict.fromkeys(keys, 0.0) if self._silent else {}


def _newest(topology: Topology) -> int:
    """When the newest message was produced or handled, by its producer's or consumer's clock."""
    return max((edge.last_seen for edge in topology.edges), default=0)


def consuming(consumer: Consumer, edges: Iterable[Edge]) -> Edge | None:
    """The edge over which a group consumes: where the most of it waits, else any of its."""
    waiting = {at.destination: at.end - at.committed for at in consumer.progress}
    found = [
        edge
        for edge in edges
        if edge.role is Role.CONSUME
        and edge.group == consumer.group
        and (consumer.cluster in (edge.source.cluster, "") or not edge.source.cluster)
    ]
    return max(found, key=lambda edge: waiting.get(edge.source.name, 0), default=None)


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
