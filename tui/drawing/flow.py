"""What a flow is: a topology laid out in blocks, one destination each, causes above effects.

Also how much flows over an edge, or how that changed, in the few columns that a line has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from graph.layers import destinations_in_order
from graph.topology import Edge, EdgeKey, NodeKey, NodeKind, Role, Topology
from graph.topology_diff import Change, EdgeChange
from tui.drawing import figures
from tui.drawing.finding_flags import Found, flag
from tui.drawing.segments import Segment, SegmentRole, cells, cut, printable

MARKS = {
    NodeKind.SERVICE: "●",
    NodeKind.GROUP: "◇",
    NodeKind.PEER: "○",
    NodeKind.UNKNOWN: "?",
    NodeKind.DESTINATION: "▪",
    NodeKind.EVENT: "▫",
}

ROLES: dict[NodeKind, SegmentRole] = {
    NodeKind.SERVICE: "service",
    NodeKind.GROUP: "group",
    NodeKind.PEER: "service",
    NodeKind.UNKNOWN: "unknown",
    NodeKind.DESTINATION: "destination",
    NodeKind.EVENT: "event",
}


class Spot(NamedTuple):
    """A place in the drawing that can be selected: one node in one block."""

    block: NodeKey | None
    """The block's destination; None in the block of calls, and on a map. The node in the middle
    where one is."""
    node: NodeKey
    column: int
    """0 producers, 1 destination, 2 consumers; around a node in the middle how many edges away
    it is, to its left below 0."""
    edge: EdgeKey | None = None


@dataclass(frozen=True)
class Flow:
    """What is drawn: a topology with its live rates (messages a second) and lags (messages).

    Without rates (a recording has none) edges show their counts; with changes, what became of
    them since an earlier window.
    """

    topology: Topology
    rates: Mapping[EdgeKey, float] | None = None
    lags: Mapping[EdgeKey, int] = field(default_factory=dict)
    laid_out: tuple[Block, ...] = ()
    """The topology's blocks, where they were made beforehand (`blocks_of`)."""
    changes: Mapping[EdgeKey, EdgeChange] | None = None
    matches: frozenset[NodeKey] | None = None
    """Nodes that somebody looks for; only blocks with one of them are drawn."""
    found: Found = field(default_factory=dict)
    """What is found wrong with nodes just now, the worst first."""
    busy_only: bool = False
    """Only edges that carried something, or, where windows are compared, that changed."""

    def pace(self, edges: Iterable[Edge]) -> Segment:
        """How much flows over these edges together: their rate, or else their count.

        A rate that is not known yet is `…`; `idle` flowed before, `quiet` not in this window.
        """
        together = list(edges)
        if not any(edge.count for edge in together):
            return Segment("quiet", "dim")
        if self.rates is None:
            return Segment(figures.count(sum(edge.count for edge in together)), "number")
        known = [self.rates[edge.key] for edge in together if edge.key in self.rates]
        if not known:
            return Segment("…", "dim")
        flowing = figures.rate(sum(known))
        return Segment(flowing, "dim" if flowing == "idle" else "number")

    def flag(self, key: NodeKey) -> Segment:
        """The mark of the worst that is found wrong with a node, with a space before it."""
        return flag(self.found.get(key, ()))

    def title(self, key: NodeKey) -> str:
        """A node's name, with its mark, as one text."""
        return printable(self.topology.node(key).title) + self.flag(key).text

    def named(self, key: NodeKey, width: int) -> list[Segment]:
        """A node's name in at most so many columns, and its mark, which is never cut off; one that
        somebody looks for stands out."""
        mark = self.flag(key)
        role = "match" if self.matches is not None and key in self.matches else ROLES[key.kind]
        name = cut(printable(self.topology.node(key).title), max(1, width - cells(mark.text)))
        return [Segment(name, role), mark] if mark.text else [Segment(name, role)]

    def said(self, edge: Edge) -> Segment:
        """What stands on an edge, in at most seven columns: its pace, or how that changed."""
        if self.changes is None:
            return self.pace([edge])._replace(target=edge.key)
        change = self.changes.get(edge.key)
        if change is None:
            return Segment("quiet", "dim", edge.key)
        return changed(change)._replace(target=edge.key)

    def failures(self, edge: Edge) -> str:
        """How many failed, and, where windows are compared, whether that is new or changed."""
        change = self.changes.get(edge.key) if self.changes is not None else None
        sign = _ERROR_SIGNS.get(change.errors, "") if change else ""
        return f"✗{figures.count(edge.errors)}{sign}" if edge.errors or sign else ""

    def shows(self, edge: Edge) -> bool:
        """Whether an edge is busy enough to be drawn."""
        if not self.busy_only:
            return True
        if self.changes is not None:
            change = self.changes.get(edge.key)
            return change is not None and change.changed
        return edge.count > 0

    def matching(self, text: str) -> frozenset[NodeKey]:
        """Nodes whose title has this text in it, any case."""
        wanted = text.casefold()
        return frozenset(
            node.key for node in self.topology.nodes if wanted in node.title.casefold()
        )

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """One for each destination, causes first; then one for calls, if there are any."""
        blocks = self.laid_out or blocks_of(self.topology)
        if self.busy_only:
            busy = (
                replace(
                    block,
                    incoming=tuple(filter(self.shows, block.incoming)),
                    outgoing=tuple(filter(self.shows, block.outgoing)),
                )
                for block in blocks
            )
            blocks = tuple(block for block in busy if block.incoming or block.outgoing)
        if self.matches is not None:
            blocks = tuple(filter(None, (self._narrowed(block) for block in blocks)))
        return blocks

    def _narrowed(self, block: Block) -> Block | None:
        """A block that has a match: whole, but of calls only those that have one."""
        matches = self.matches or frozenset()
        if block.place is None:
            calls = [edge for edge in block.incoming if not matches.isdisjoint(edge.key[:2])]
            return replace(block, incoming=tuple(calls)) if calls else None
        ends = {block.place, *(edge.source for edge in block.incoming)}
        ends.update(edge.target for edge in block.outgoing)
        return None if matches.isdisjoint(ends) else block

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.blocks

    def __contains__(self, key: NodeKey) -> bool:
        return bool(self.touching(key))

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
        return self.topology.touching(key)


_ERROR_SIGNS = {Change.NEW: " new", Change.MORE: "▲", Change.LESS: "▼", Change.GONE: "▼"}

_CHANGES: dict[Change, tuple[str, SegmentRole]] = {
    Change.SAME: ("=", "dim"),
    Change.NEW: ("+ new", "ok"),
    Change.GONE: ("- gone", "error"),
    Change.MORE: ("▲ ×", "warning"),
    Change.LESS: ("▼ ÷", "warning"),
}


def changed(change: EdgeChange) -> Segment:
    """What became of an edge's traffic by sign and word: `+ new`, `- gone`, `▲ ×3.2`, `▼ ÷12`."""
    text, role = _CHANGES[change.traffic]
    if change.traffic is Change.MORE:
        text += _times(change.factor)
    elif change.traffic is Change.LESS:
        text += _times(1 / change.factor)
    return Segment(text, role)


def _times(factor: float) -> str:
    return f"{factor:.1f}" if factor < 9.95 else figures.count(round(factor))


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
