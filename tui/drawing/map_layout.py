"""Where the nodes of a map stand: in layers from causes to effects, near to what they lead to.

A way that leads back, in a loop, ends at a sign that names where it goes: so all lines run to the
right, and each can be followed with the eye.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from graph.layers import layers
from graph.topology import Edge, NodeKey, NodeKind

MOST_NODES, MOST_EDGES = 90, 200
"""What somebody can still read."""

SWEEPS = 6
GAP = 1
"""Free lines between two that stand below each other."""


class Point(NamedTuple):
    """What stands in a layer: a node, the sign of one, or a bend of a line that goes on."""

    layer: int
    node: NodeKey | None
    """None for a bend."""
    number: int = 0
    """Tells signs and bends from others; 0 is the node itself."""


@dataclass(frozen=True, slots=True)
class Link:
    """A piece of an edge, from one layer to the next."""

    source: Point
    target: Point
    edge: Edge


@dataclass
class Layout:
    """Points by layer, top to bottom, and the links between them."""

    columns: list[list[Point]]
    links: list[Link]
    tops: dict[Point, int] = field(default_factory=dict)
    """First line of each point."""
    heights: dict[Point, int] = field(default_factory=dict)

    def middle(self, point: Point) -> int:
        """The line that links leave from and lead to."""
        return self.tops[point] + self.heights[point] // 2

    @property
    def height(self) -> int:
        return max((self.tops[one] + self.heights[one] for one in self.tops), default=0)


def layout(edges: Iterable[Edge], tall: int) -> Layout:
    """Lays out these edges; a node takes so many lines."""
    drawn = list(edges)
    surplus: dict[NodeKey, int] = defaultdict(int)
    for edge in drawn:
        surplus[edge.source] += edge.count
        surplus[edge.target] -= edge.count
    # A loop is entered at the service that sends most beyond what it gets: there things begin.
    begins = sorted(surplus, key=lambda key: (key.kind is NodeKind.DESTINATION, -surplus[key], key))
    leads: dict[NodeKey, list[NodeKey]] = {key: [] for key in begins}
    for edge in drawn:
        leads[edge.source].append(edge.target)
    at = _pulled(layers(leads), leads)
    made = Layout([[] for _ in range(max(at.values(), default=-1) + 2)], [])
    for node in sorted(leads, key=lambda key: (at[key], key)):
        made.columns[at[node]].append(Point(at[node], node))
    numbers = 0
    bends: dict[tuple[NodeKey, int], Point] = {}
    for edge in drawn:
        source, target = Point(at[edge.source], edge.source), Point(at[edge.target], edge.target)
        if target.layer <= source.layer:
            numbers += 1
            sign = Point(source.layer + 1, edge.target, numbers)
            made.columns[sign.layer].append(sign)
            made.links.append(Link(source, sign, edge))
            continue
        before = source
        for layer in range(source.layer + 1, target.layer):
            # Lines to one target run together.
            bend = bends.get((edge.target, layer))
            if bend is None:
                numbers += 1
                bend = bends[edge.target, layer] = Point(layer, None, numbers)
                made.columns[layer].append(bend)
            made.links.append(Link(before, bend, edge))
            before = bend
        made.links.append(Link(before, target, edge))
    made.columns = [column for column in made.columns if column]
    _order(made)
    _place(made, tall)
    return made


def _pulled(
    at: Mapping[NodeKey, int], leads: Mapping[NodeKey, list[NodeKey]]
) -> dict[NodeKey, int]:
    """Nodes that nothing leads to stand just before the first that they lead to."""
    entered = {target for source in leads for target in leads[source]}
    pulled = dict(at)
    for node, targets in leads.items():
        beyond = [at[target] for target in targets if at[target] > at[node]]
        if node not in entered and beyond:
            pulled[node] = min(beyond) - 1
    return pulled


def _order(made: Layout) -> None:
    """Orders each layer by the mean place of what it is linked to, up and down some times."""
    into: dict[Point, list[Point]] = defaultdict(list)
    out: dict[Point, list[Point]] = defaultdict(list)
    for link in made.links:
        into[link.target].append(link.source)
        out[link.source].append(link.target)
    place = {point: y for column in made.columns for y, point in enumerate(column)}
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        beside = into if forward else out
        for column in made.columns if forward else reversed(made.columns):
            column.sort(key=lambda point: (_mean(beside[point], place, place[point]), place[point]))
            place.update({point: y for y, point in enumerate(column)})


def _mean(points: list[Point], place: Mapping[Point, int], otherwise: int) -> float:
    return sum(place[one] for one in points) / len(points) if points else float(otherwise)


def _place(made: Layout, tall: int) -> None:
    """Gives each point its lines: as near as there is room to what it is linked to."""
    for column in made.columns:
        y = 0
        for point in column:
            made.heights[point] = tall if point.node is not None and not point.number else 1
            made.tops[point] = y
            y += made.heights[point] + GAP
    into: dict[Point, list[Point]] = defaultdict(list)
    out: dict[Point, list[Point]] = defaultdict(list)
    for link in made.links:
        into[link.target].append(link.source)
        out[link.source].append(link.target)
    for beside, columns in ((into, made.columns), (out, made.columns[::-1]), (into, made.columns)):
        for column in columns:
            free = 0
            for point in column:
                wanted = made.tops[point]
                if beside[point]:
                    lines = sorted(made.middle(one) for one in beside[point])
                    wanted = lines[(len(lines) - 1) // 2] - made.heights[point] // 2
                made.tops[point] = max(free, wanted)
                free = made.tops[point] + made.heights[point] + GAP
    _close_up(made)


def _close_up(made: Layout) -> None:
    """Takes out lines on which nothing stands, but for one between two that something does."""
    taken = {y + line for point, y in made.tops.items() for line in range(made.heights[point])}
    moved: dict[int, int] = {}
    line = -1
    for y in sorted(taken):
        line += 1 if y - 1 in taken or line < 0 else 1 + GAP
        moved[y] = line
    made.tops = {point: moved[y] for point, y in made.tops.items()}
