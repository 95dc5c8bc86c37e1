"""One node in the middle: what comes in on its left, what goes out on its right, hop by hop.

Each side is a tree of edges, one a row, so that every edge keeps its figures. A node that is
reached twice is followed where it is nearest, and only named elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from graph.topology import Edge, EdgeKey, NodeKey, Role
from tui.drawing.flow import Flow

HOPS = range(1, 7)
"""How far can be looked from the middle."""

MOST_ROWS = 2_000
"""Of one side; nothing is followed further then, and `more` says so."""


class Step(NamedTuple):
    """An edge, and the node at its far end."""

    edge: Edge
    node: NodeKey
    depth: int
    """Edges away from the middle; 1 is beside it."""
    row: int
    parent: int
    """Row of the node that this one hangs on."""
    first: bool
    """The first, the last of those that hang on the same node."""
    last: bool
    more: int
    """Edges that lead on from here and are not drawn."""
    again: bool
    """What leads on from here is drawn elsewhere."""


@dataclass(frozen=True)
class Side:
    """What is left, or right, of the middle, in the order of rows."""

    steps: tuple[Step, ...]
    rows: int

    @property
    def depth(self) -> int:
        """How many columns there are."""
        return max((step.depth for step in self.steps), default=0)


def side(flow: Flow, middle: NodeKey, hops: int, *, forward: bool) -> Side:
    """What goes out of a node (forward), or comes in, in at most so many hops."""

    @cache
    def leading(key: NodeKey) -> Sequence[Edge]:
        edges = [edge for edge in flow.touching(key) if _near(edge, forward) == key]
        shown = [edge for edge in edges if flow.shows(edge)]
        return sorted(shown, key=lambda edge: (edge.role is Role.CALL, _far(edge, forward)))

    followed = _followed(middle, hops, leading, forward)
    steps: list[Step] = []

    def place(key: NodeKey, depth: int, row: int) -> int:
        """Places all that leads on from a node; gives the first free row below."""
        edges, parent = leading(key), row
        for number, edge in enumerate(edges):
            node = _far(edge, forward)
            goes_on = followed.get(node) == edge.key
            onward = len(leading(node)) if node != middle else 0
            again = node == middle or (not goes_on and node in followed)
            steps.append(
                Step(
                    edge,
                    node,
                    depth,
                    row,
                    parent,
                    number == 0,
                    number == len(edges) - 1,
                    0 if goes_on or again else onward,
                    again and (node == middle or onward > 0),
                )
            )
            row = max(row + 1, place(node, depth + 1, row) if goes_on else 0)
        return row

    rows = place(middle, 1, 0)
    return Side(tuple(sorted(steps, key=lambda step: (step.row, step.depth))), rows)


def _followed(
    middle: NodeKey, hops: int, leading: Callable[[NodeKey], Sequence[Edge]], forward: bool
) -> dict[NodeKey, EdgeKey]:
    """For each node that is followed the edge by which it is, nearest first."""
    followed: dict[NodeKey, EdgeKey] = {}
    border, rows = [middle], 0
    for depth in range(1, hops + 1):
        beyond: list[NodeKey] = []
        for key in border:
            for edge in leading(key):
                rows += 1
                node = _far(edge, forward)
                if depth < hops and node != middle and node not in followed and rows < MOST_ROWS:
                    followed[node] = edge.key
                    beyond.append(node)
        border = beyond
    return followed


def _near(edge: Edge, forward: bool) -> NodeKey:
    return edge.source if forward else edge.target


def _far(edge: Edge, forward: bool) -> NodeKey:
    return edge.target if forward else edge.source
