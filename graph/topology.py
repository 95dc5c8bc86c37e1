"""Who produces and consumes what: aggregated edges in, a graph of services and destinations out.

Plain data; `graph.network` turns it into a networkx graph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

from graph.edges import NOTHING_LEFT, EdgeRow, LeftOut, Role, View, completed
from graph.model import Evidence
from graph.payloads import Payloads
from graph.producers import BrokerProducer, with_producers

__all__ = ["Edge", "EdgeKey", "EdgeRow", "Node", "NodeKey", "NodeKind", "Role", "Topology"]


class NodeKind(StrEnum):
    """What a node stands for."""

    SERVICE = "service"
    DESTINATION = "destination"
    EVENT = "event"
    """An event type, where these stand in the place of destinations."""
    GROUP = "group"
    """A consumer group that no service's span speaks for."""
    PEER = "peer"
    """Called, but nothing of it is seen besides."""
    UNKNOWN = "unknown"
    """The producers of a destination's messages that nobody claims; one for each destination,
    and named like it."""


class NodeKey(NamedTuple):
    """Names a node. Services, groups and peers have no system and cluster."""

    kind: NodeKind
    name: str
    environment: str = ""
    system: str = ""
    cluster: str = ""


class EdgeKey(NamedTuple):
    """Names an edge: between two nodes there is one for each role and consumer group."""

    source: NodeKey
    target: NodeKey
    role: Role
    group: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A service, a destination, a consumer group, a peer, or an unknown producer."""

    key: NodeKey
    label: str
    """Its name; with cluster, system or environment where that alone tells it from others."""
    incoming: int = 0
    """Sum of the counts of the edges that end here."""
    outgoing: int = 0
    errors: int = 0
    """On its edges, in both directions."""
    last_seen: int = 0

    @property
    def kind(self) -> NodeKind:
        return self.key.kind

    @property
    def id(self) -> str:
        """Unique in its topology: kind and label."""
        return f"{self.kind}:{self.label}"

    @property
    def title(self) -> str:
        """What to show."""
        if self.kind is NodeKind.UNKNOWN:
            return "unknown producer"
        return self.label or "(no name)"


@dataclass(frozen=True, slots=True)
class Edge:
    """Messages, or calls, that flow from one node to another.

    `produce` goes from service to destination, `consume` from destination to service or
    group, `call` and `deliver` from service to service. An edge of several rows has the sum of
    their counts, the mean of their p50 weighted by count, and the largest p95 and p99, which are
    upper bounds then.
    """

    key: EdgeKey
    rows: tuple[EdgeRow, ...]
    """What it is made of: one for each event type and evidence, surest, then busiest first."""
    evidence: Evidence
    """The surest of its rows."""
    count: int
    errors: int
    last_seen: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    wait_p50: float | None = None
    wait_p95: float | None = None
    wait_p99: float | None = None

    @property
    def source(self) -> NodeKey:
        return self.key.source

    @property
    def target(self) -> NodeKey:
        return self.key.target

    @property
    def role(self) -> Role:
        return self.key.role

    @property
    def group(self) -> str:
        return self.key.group

    @property
    def event_types(self) -> tuple[str, ...]:
        """By name; rows that say none are left out."""
        return tuple(sorted({row.event_type for row in self.rows} - {""}))


@dataclass(frozen=True)
class Topology:
    """The graph of who produces, consumes and calls."""

    nodes: tuple[Node, ...] = ()
    """By kind, then by label."""
    edges: tuple[Edge, ...] = ()
    """By their keys."""
    start: int = 0
    """The window, nanoseconds since the Unix epoch; 0 where it is open."""
    end: int = 0
    left: LeftOut = NOTHING_LEFT
    """What there was no room for, beside these edges."""
    covered_from: int = 0
    """What was received before this has left the store; 0: nothing has."""
    view: View = View.DESTINATIONS
    payloads: Payloads = field(default_factory=dict, hash=False)
    """What bodies look like, where somebody asked."""

    @property
    def cut(self) -> bool:
        """Whether the window begins before what is covered."""
        return self.start < self.covered_from

    @classmethod
    def build(
        cls,
        rows: Iterable[EdgeRow],
        members: Mapping[str, Collection[str]] | None = None,
        producers: Iterable[BrokerProducer] = (),
        *,
        start: int = 0,
        end: int = 0,
    ) -> Topology:
        """The topology of these rows, in any order; `members` are client ids by group,
        `producers` those that wrote since `start`."""
        full = with_producers(completed(rows, members), producers, members or (), end=end)
        seen = {row.service for row in full if row.service}
        seen |= {row.peer for row in full if row.evidence is Evidence.OBSERVED}
        parts: dict[EdgeKey, list[EdgeRow]] = defaultdict(list)
        for row in full:
            parts[_edge_key(row, seen)].append(row)
        return cls.of(parts, start=start, end=end)

    @classmethod
    def of(
        cls, parts: Mapping[EdgeKey, Iterable[EdgeRow]], *, start: int = 0, end: int = 0
    ) -> Topology:
        """The topology whose edges are made of these rows, taken as they are."""
        return cls.of_edges((_edge(key, part) for key, part in parts.items()), start, end)

    @classmethod
    def of_edges(cls, edges: Iterable[Edge], start: int = 0, end: int = 0) -> Topology:
        """The topology of these edges, each key once, with the nodes at their ends."""
        ordered = tuple(sorted(edges, key=lambda edge: edge.key))
        return cls(_nodes(ordered), ordered, start, end)

    def node(self, key: NodeKey) -> Node:
        """Raises KeyError when there is no such node."""
        return self._nodes[key]

    def touching(self, key: NodeKey) -> Sequence[Edge]:
        """The edges that begin or end at a node."""
        return self._touching.get(key, ())

    def named(self, text: str) -> tuple[Node, ...]:
        """Nodes with this id, label or name; several when the name alone is not enough."""
        exact = [node for node in self.nodes if node.id == text]
        fitting = [node for node in self.nodes if text in (node.label, node.key.name)]
        return tuple(exact or fitting)

    def filtered(
        self,
        *,
        services: Collection[str] = (),
        destinations: Collection[str] = (),
        event_types: Collection[str] = (),
        environments: Collection[str] = (),
        evidence: Collection[Evidence] = (),
    ) -> Topology:
        """Only edges that touch one of each that is given; shell patterns, any case. Of `evidence`
        and of event types, only the rows that fit.

        Calls have neither destination nor event type and go when one is asked for. `services`
        fit groups and peers too.
        """
        wanted = [pattern.casefold() for pattern in event_types]
        sure = frozenset(evidence)
        kept = []
        for edge in self.edges:
            ends = (edge.source, edge.target)
            places = [key for key in ends if key.kind is NodeKind.DESTINATION]
            others = [key for key in ends if key.kind is not NodeKind.DESTINATION]
            names = [*(key.name for key in others if key.kind is not NodeKind.UNKNOWN), edge.group]
            if services and not _any_fits(names, services):
                continue
            if destinations and not _any_fits([key.name for key in places], destinations):
                continue
            if environments and not _any_fits([key.environment for key in ends], environments):
                continue
            if wanted and edge.role is Role.CALL:
                continue
            if wanted or sure:
                rows = [
                    row
                    for row in edge.rows
                    if (not wanted or _any_fits([row.event_type], wanted))
                    and (not sure or row.evidence in sure)
                ]
                if not rows:
                    continue
                edge = _edge(edge.key, rows)
            kept.append(edge)
        return replace(self.of_edges(kept, self.start, self.end), view=self.view)

    def neighbourhood(self, center: NodeKey, hops: int = 1) -> Topology:
        """What lies within so many edges of a node, whichever way they point."""
        reached = {center}
        border = {center}
        for _ in range(hops):
            border = {other for key in border for other in self._beside.get(key, ())} - reached
            reached |= border
        edges = [edge for edge in self.edges if edge.source in reached and edge.target in reached]
        return replace(self.of_edges(edges, self.start, self.end), view=self.view)

    @cached_property
    def _nodes(self) -> dict[NodeKey, Node]:
        return {node.key: node for node in self.nodes}

    @cached_property
    def _touching(self) -> dict[NodeKey, list[Edge]]:
        touching: dict[NodeKey, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            touching[edge.source].append(edge)
            if edge.target != edge.source:
                touching[edge.target].append(edge)
        return touching

    @cached_property
    def _beside(self) -> dict[NodeKey, set[NodeKey]]:
        beside: dict[NodeKey, set[NodeKey]] = defaultdict(set)
        for edge in self.edges:
            beside[edge.source].add(edge.target)
            beside[edge.target].add(edge.source)
        return beside


def _any_fits(names: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(
        fnmatchcase(name.casefold(), pattern.casefold())
        for name in names
        if name
        for pattern in patterns
    )


def _edge_key(row: EdgeRow, seen: set[str]) -> EdgeKey:
    service = NodeKey(NodeKind.SERVICE, row.service, row.environment)
    if row.role is Role.CALL:
        kind = NodeKind.SERVICE if row.peer in seen else NodeKind.PEER
        return EdgeKey(service, NodeKey(kind, row.peer, row.environment), row.role)
    place = (row.destination, row.environment, row.system, row.cluster)
    destination = NodeKey(NodeKind.DESTINATION, *place)
    if row.role is Role.PRODUCE:
        if not row.service:
            service = NodeKey(NodeKind.UNKNOWN, *place)
            if row.group:
                service = NodeKey(NodeKind.GROUP, row.group, row.environment)
        return EdgeKey(service, destination, row.role)
    if not row.service:
        service = NodeKey(NodeKind.GROUP, row.group, row.environment)
    return EdgeKey(destination, service, row.role, row.group)


def _edge(key: EdgeKey, parts: Iterable[EdgeRow]) -> Edge:
    rows = sorted(parts, key=lambda row: (row.evidence.rank, -row.count, row.event_type, repr(row)))
    return Edge(
        key=key,
        rows=tuple(rows),
        evidence=rows[0].evidence,
        count=sum(row.count for row in rows),
        errors=sum(row.errors for row in rows),
        last_seen=max(row.last_seen for row in rows),
        p50=_mean(rows, lambda row: row.p50),
        p95=_largest(row.p95 for row in rows),
        p99=_largest(row.p99 for row in rows),
        wait_p50=_mean(rows, lambda row: row.wait_p50),
        wait_p95=_largest(row.wait_p95 for row in rows),
        wait_p99=_largest(row.wait_p99 for row in rows),
    )


def _mean(rows: Sequence[EdgeRow], value: Callable[[EdgeRow], float | None]) -> float | None:
    known = [(found, row.count) for row in rows if (found := value(row)) is not None]
    if len(known) == 1:
        return known[0][0]
    weight = sum(count for _, count in known)
    return sum(found * count for found, count in known) / weight if weight else None


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _nodes(edges: Sequence[Edge]) -> tuple[Node, ...]:
    sums: dict[NodeKey, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for edge in edges:
        sums[edge.source][1] += edge.count
        sums[edge.target][0] += edge.count
        for total in (sums[edge.source], sums[edge.target]):
            total[2] += edge.errors
            total[3] = max(total[3], edge.last_seen)
    nodes = [Node(key, label, *sums[key]) for key, label in _labels(sums).items()]
    order = list(NodeKind)
    return tuple(sorted(nodes, key=lambda node: (order.index(node.kind), node.label)))


def _labels(keys: Iterable[NodeKey]) -> dict[NodeKey, str]:
    """Names, and where a kind has one twice, all that tells it from its namesakes."""
    namesakes: dict[tuple[NodeKind, str], list[NodeKey]] = defaultdict(list)
    for key in keys:
        namesakes[key.kind, key.name].append(key)
    labels = {}
    for (_, name), group in namesakes.items():
        for key in group:
            differing = [
                own
                for own, column in zip(
                    key[2:], zip(*(k[2:] for k in group), strict=True), strict=True
                )
                if len(set(column)) > 1
            ]
            detail = ", ".join(part or "?" for part in differing)
            labels[key] = f"{name} ({detail})" if differing else name
    return labels
