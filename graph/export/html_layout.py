"""Where the nodes of a page's graph stand: layers from left to right, neighbours nearby."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from graph.layers import layers
from graph.topology import NodeKey, NodeKind, Topology

SWEEPS = 8
LETTER = 7.5
"""Pixels that a letter takes, a little more than it does."""
HEIGHT, LEAST, MOST = 34, 70, 320
BETWEEN, APART = 120, 26
"""Pixels from layer to layer, and between two that stand below each other."""


class Box(NamedTuple):
    """A node's place in pixels."""

    x: float
    y: float
    width: float
    height: float


def boxes(topology: Topology) -> dict[NodeKey, Box]:
    """A box for each node."""
    # A loop is entered at the service that sends most beyond what it gets: there things begin.
    begins = sorted(
        topology.nodes,
        key=lambda node: (
            node.kind is NodeKind.DESTINATION,
            node.incoming - node.outgoing,
            node.key,
        ),
    )
    leads: dict[NodeKey, dict[NodeKey, None]] = {node.key: {} for node in begins}
    beside: dict[NodeKey, set[NodeKey]] = defaultdict(set)
    for edge in topology.edges:
        if edge.source != edge.target:
            leads[edge.source][edge.target] = None
            beside[edge.source].add(edge.target)
            beside[edge.target].add(edge.source)
    at = layers({key: list(targets) for key, targets in leads.items()})
    columns: list[list[NodeKey]] = [[] for _ in range(max(at.values(), default=-1) + 1)]
    for node in topology.nodes:
        columns[at[node.key]].append(node.key)
    _order(columns, beside)
    widths = {
        node.key: min(MOST, max(LEAST, 28 + LETTER * len(node.title))) for node in topology.nodes
    }
    return _placed(columns, widths)


def _order(columns: list[list[NodeKey]], beside: Mapping[NodeKey, set[NodeKey]]) -> None:
    """Orders each layer by the mean place of its neighbours, there and back some times."""
    place = {key: row - len(column) / 2 for column in columns for row, key in enumerate(column)}
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            means = {}
            for key in column:
                near = [place[other] for other in beside.get(key, ())]
                means[key] = sum(near) / len(near) if near else place[key]
            column.sort(key=lambda key: (means[key], key))
            place.update((key, row - len(column) / 2) for row, key in enumerate(column))


def _placed(columns: list[list[NodeKey]], widths: Mapping[NodeKey, float]) -> dict[NodeKey, Box]:
    tallest = max((len(column) for column in columns), default=0)
    found, x = {}, 20.0
    for column in columns:
        wide = max(widths[key] for key in column)
        top = 20 + (tallest - len(column)) * (HEIGHT + APART) / 2
        for row, key in enumerate(column):
            y = top + row * (HEIGHT + APART)
            found[key] = Box(x + (wide - widths[key]) / 2, y, widths[key], HEIGHT)
        x += wide + BETWEEN
    return found
