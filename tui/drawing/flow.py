"""What a flow is: a topology laid out in blocks, one destination each, causes above effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from graph.topology import Edge, EdgeKey, NodeKey, NodeKind, Role, Topology
from tui.drawing import figures
from tui.drawing.layers import destinations_in_order
from tui.drawing.segments import Segment, SegmentRole

MARKS = {
    NodeKind.SERVICE: "●",
    NodeKind.GROUP: "◇",
    NodeKind.PEER: "○",
    NodeKind.UNKNOWN: "?",
    NodeKind.DESTINATION: "▪",
}

ROLES: dict[NodeKind, SegmentRole] = {
    NodeKind.SERVICE: "service",
    NodeKind.GROUP: "group",
    NodeKind.PEER: "service",
    NodeKind.UNKNOWN: "unknown",
    NodeKind.DESTINATION: "destination",
}


class Spot(NamedTuple):
    """A place in the drawing that can be selected: one node in one block."""

    block: NodeKey | None
    """The block's destination; None in the block of calls."""
    node: NodeKey
    column: int
    """0 producers, 1 destination, 2 consumers."""
    edge: EdgeKey | None = None


@dataclass(frozen=True)
class Flow:
    """What is drawn: a topology with its live rates (messages a second) and lags (messages).

    Without rates (a recording has none) edges show their counts.
    """

    topology: Topology
    rates: Mapping[EdgeKey, float] | None = None
    lags: Mapping[EdgeKey, int] = field(default_factory=dict)
    laid_out: tuple[Block, ...] = ()
    """The topology's blocks, where they were made beforehand (`blocks_of`)."""

    def pace(self, edges: Iterable[Edge]) -> Segment:
        """How much flows over these edges together: their rate, or else their count.

        A rate that is not known yet is `…`.
        """
        if self.rates is None:
            return Segment(figures.count(sum(edge.count for edge in edges)), "number")
        known = [self.rates[edge.key] for edge in edges if edge.key in self.rates]
        if not known:
            return Segment("…", "dim")
        flowing = figures.rate(sum(known))
        return Segment(flowing, "dim" if flowing == "idle" else "number")

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """One for each destination, causes first; then one for calls, if there are any."""
        return self.laid_out or blocks_of(self.topology)

    def __contains__(self, key: NodeKey) -> bool:
        return key in self._touching

    def lit(self, spot: Spot | None) -> frozenset[object]:
        """Targets that light up with a selected spot: its node everywhere, and its neighbours."""
        if spot is None:
            return frozenset()
        lit: set[object] = {spot.node}
        for edge in self.touching(spot.node):
            lit.update((edge.source, edge.target, edge.key))
        return frozenset(lit)

    def touching(self, key: NodeKey) -> Sequence[Edge]:
        """The edges that begin or end at a node."""
        return self._touching.get(key, ())

    @cached_property
    def _touching(self) -> dict[NodeKey, list[Edge]]:
        touching: dict[NodeKey, list[Edge]] = {}
        for edge in self.topology.edges:
            for key in {edge.source, edge.target}:
                touching.setdefault(key, []).append(edge)
        return touching


@dataclass(frozen=True, slots=True)
class Block:
    """A destination with what comes in and what goes out, or all calls between services."""

    place: NodeKey | None
    incoming: tuple[Edge, ...]
    outgoing: tuple[Edge, ...]

    @property
    def rows(self) -> int:
        """Lines inside its frame."""
        return max(1, len(self.incoming), len(self.outgoing))


def blocks_of(topology: Topology) -> tuple[Block, ...]:
    """What a flow of this topology is made of, in order."""
    into: dict[NodeKey, list[Edge]] = {}
    out: dict[NodeKey, list[Edge]] = {}
    calls: list[Edge] = []
    for edge in topology.edges:
        if edge.role is Role.PRODUCE:
            into.setdefault(edge.target, []).append(edge)
        elif edge.role is Role.CONSUME:
            out.setdefault(edge.source, []).append(edge)
        else:
            calls.append(edge)
    blocks = [
        Block(place, tuple(into.get(place, ())), tuple(out.get(place, ())))
        for place in destinations_in_order(topology)
    ]
    return (*blocks, *([Block(None, tuple(calls), ())] if calls else []))
