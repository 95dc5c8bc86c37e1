"""A map of the graph: nodes in layers as boxes, edges as lines that run to the right.

╭────────────╮    ╓───────────────╖    ╭────────────╮
│● storefront│──▶ ║▪ order.created║─┬─▶│● inventory │
╰─── 2.0/s ──╯    ╙──── 2.0/s ────╜ ╰─▶│ ...
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from graph.topology import Edge, EdgeKey, NodeKey, NodeKind
from tui.drawing import figures
from tui.drawing.evidence import DASHES, HEADS
from tui.drawing.flow import MARKS, ROLES, Flow, Spot
from tui.drawing.map_layout import MOST_EDGES, MOST_NODES, Layout, Link, Point, layout
from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    cut,
    fit,
    line,
    pad,
    printable,
)

NEAR, FAR = 1, 0
"""How close one looks: boxes with figures, or names alone."""
MOST_NAME = {NEAR: 26, FAR: 14}

NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8
_GLYPHS = " ╵╶╰╷│╭├╴╯─┴╮┤┬┼"
"""By the sum of the sides that a line leaves to."""


class _Shape(NamedTuple):
    corners: str
    across: str
    down: str
    flat: tuple[str, str]
    """Around a name that stands alone on its line."""


_SHAPES = {
    NodeKind.SERVICE: _Shape("╭╮╰╯", "─", "│", ("(", ")")),
    NodeKind.DESTINATION: _Shape("╓╖╙╜", "─", "║", ("[", "]")),
    NodeKind.GROUP: _Shape("╭╮╰╯", "╌", "╎", ("{", "}")),
    NodeKind.PEER: _Shape("╭╮╰╯", "╌", "╎", ("(", ")")),
    NodeKind.UNKNOWN: _Shape("╭╮╰╯", "╌", "╎", ("<", ">")),
}


def too_large(flow: Flow) -> bool:
    """Whether a map would be more than somebody can read."""
    edges = [edge for edge in flow.topology.edges if flow.shows(edge)]
    nodes = {key for edge in edges for key in (edge.source, edge.target)}
    return len(nodes) > MOST_NODES or len(edges) > MOST_EDGES


@dataclass
class _Cell:
    """One place of a line: where it goes on, and whose it is."""

    sides: int = 0
    edges: list[Edge] = field(default_factory=list)
    upright: bool = False
    """Another line crosses below it."""


class MapDrawing:
    """A `Drawing` that moves both ways."""

    def __init__(self, flow: Flow, zoom: int, width: int) -> None:
        self.flow = flow
        self.zoom = zoom
        self.layout: Layout = layout(filter(flow.shows, flow.topology.edges), 3 if zoom else 1)
        self.height = self.layout.height
        self._cells: dict[int, dict[int, _Cell]] = defaultdict(dict)
        self._heads: dict[int, dict[int, Edge]] = defaultdict(dict)
        self._begins: list[int] = []
        self._widths: list[int] = []
        self._points: dict[int, list[tuple[int, Point]]] = defaultdict(list)
        x = 1
        links: dict[int, list[Link]] = defaultdict(list)
        for link in self.layout.links:
            links[link.source.layer].append(link)
        for column in self.layout.columns:
            wide = max((self._size(point) for point in column), default=0)
            self._begins.append(x)
            self._widths.append(wide)
            for point in column:
                top = self.layout.tops[point]
                for y in range(top, top + self.layout.heights[point]):
                    self._points[y].append((x, point))
            x += wide
            x = self._route(links.get(column[0].layer, []), x)
        self.width = max(width, x + 1)

    # Where things are

    def _size(self, point: Point) -> int:
        if point.node is None:
            return 1
        title = cells(printable(self.flow.topology.node(point.node).title))
        mark = 0 if point.number else cells(self.flow.flag(point.node).text)
        return min(title, MOST_NAME[self.zoom]) + mark + (3 if point.number else 5)

    def _route(self, links: list[Link], x: int) -> int:
        """Draws the links of a layer to the next; gives where that begins."""
        fans: dict[Point, list[Link]] = defaultdict(list)
        for link in links:
            fans[link.source].append(link)
        middle = self.layout.middle
        tracks: list[list[tuple[int, int]]] = []
        where: dict[Point, int] = {}
        spans = {
            source: (
                min(middle(one) for one in (source, *(link.target for link in fan))),
                max(middle(one) for one in (source, *(link.target for link in fan))),
            )
            for source, fan in fans.items()
        }
        for source, (low, high) in sorted(spans.items(), key=lambda one: one[1]):
            if low == high:
                continue
            free = (
                number
                for number, taken in enumerate(tracks)
                if all(high < a or low > b for a, b in taken)
            )
            number = next(free, len(tracks))
            if number == len(tracks):
                tracks.append([])
            tracks[number].append((low, high))
            where[source] = number
        end = x + 2 * max(1, len(tracks)) + 3
        for source, fan in fans.items():
            bend = x + 1 + 2 * where.get(source, 0)
            for link in fan:
                self._line(link, x, bend, end)
        return end

    def _line(self, link: Link, x: int, bend: int, end: int) -> None:
        y1, y2 = self.layout.middle(link.source), self.layout.middle(link.target)
        begin = x
        if link.source.node is not None:
            # A narrower box leaves room up to the widest of its layer.
            begin = self._begins[-1] + self._size(link.source)
        elif self._widths[-1] > 1:
            begin = self._begins[-1] + 1
        last = end - 1
        for at in range(begin, bend):
            self._mark(at, y1, EAST | WEST, link.edge)
        if y1 == y2:
            self._mark(bend, y1, EAST | WEST, link.edge)
        else:
            down = y2 > y1
            self._mark(bend, y1, WEST | (SOUTH if down else NORTH), link.edge)
            step = 1 if down else -1
            for y in range(y1 + step, y2, step):
                self._mark(bend, y, NORTH | SOUTH, link.edge)
            self._mark(bend, y2, EAST | (NORTH if down else SOUTH), link.edge)
        for at in range(bend + 1, last):
            self._mark(at, y2, EAST | WEST, link.edge)
        if link.target.node is None:
            self._mark(last, y2, EAST | WEST, link.edge)
            self._mark(end, y2, EAST | WEST, link.edge)
        else:
            self._heads[y2][last] = link.edge

    def _mark(self, x: int, y: int, sides: int, edge: Edge) -> None:
        cell = self._cells[y].setdefault(x, _Cell())
        foreign = cell.edges and not any(
            edge.source == other.source or edge.target == other.target for other in cell.edges
        )
        if foreign and {cell.sides, sides} == {NORTH | SOUTH, EAST | WEST}:
            # Two that only cross: the upright one goes over the other.
            cell.upright = True
        cell.sides |= sides
        cell.edges.append(edge)

    # What a line looks like

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < self.height:
            return ()
        lit = self._lit_edges(selected)
        parts: dict[int, tuple[int, Line]] = {}
        for x, cell in self._cells.get(y, {}).items():
            parts[x] = (1, (self._glyph(cell, lit),))
        for x, edge in self._heads.get(y, {}).items():
            parts[x] = (1, (Segment(HEADS[edge.evidence], _role(edge), edge.key),))
        for x, point in self._points.get(y, ()):
            drawn = self._box(point, y - self.layout.tops[point], selected)
            if drawn:
                parts[x] = (sum(cells(one.text) for one in drawn), drawn)
        done: list[Segment | str] = []
        at = 0
        for x in sorted(parts):
            if x < at:
                continue
            size, drawn = parts[x]
            done += [" " * (x - at), *drawn]
            at = x + size
        return line(*done, " " * (self.width - at))

    def _glyph(self, cell: _Cell, lit: frozenset[EdgeKey]) -> Segment:
        shown = next((edge for edge in cell.edges if edge.key in lit), cell.edges[0])
        glyph = "│" if cell.upright else _GLYPHS[cell.sides]
        dashes = {DASHES[edge.evidence] for edge in cell.edges}
        if "─" not in dashes:
            dash = DASHES[shown.evidence]
            glyph = {"─": dash, "│": "┆" if dash == "┄" else "╎"}.get(glyph, glyph)
        return Segment(glyph, _role(shown), shown.key)

    def _box(self, point: Point, row: int, selected: Hashable | None) -> Line:
        key = point.node
        if key is None:
            return ()
        spot = Spot(None, key, point.layer) if not point.number else None
        node = self.flow.topology.node(key)
        title = cut(printable(node.title), MOST_NAME[self.zoom])
        if spot is None:
            return (Segment(f"↺ {title}", "dim", Spot(None, key, point.number + 1_000)),)
        inner = self._size(point) - 2
        shape, role = _SHAPES[key.kind], ROLES[key.kind]
        pointer = "▸" if spot == selected else MARKS[key.kind]
        name_and_mark = line(*self.flow.named(key, inner - 3))
        name = (
            Segment(f"{pointer} ", "title" if spot == selected else role, spot),
            *(part._replace(target=spot) for part in fit(name_and_mark, inner - 2)),
        )
        if not self.zoom:
            return line(
                Segment(shape.flat[0], role, spot), *name, Segment(shape.flat[1], role, spot)
            )
        if row == 1:
            side = Segment(shape.down, role, spot)
            return line(side, *name, side)
        begin, finish = (shape.corners[at] for at in ((0, 1) if row == 0 else (2, 3)))
        if row == 0:
            return (Segment(begin + shape.across * inner + finish, role, spot),)
        return self._foot(key, spot, shape, begin, finish, inner)

    def _foot(
        self, key: NodeKey, spot: Spot, shape: _Shape, begin: str, finish: str, inner: int
    ) -> Line:
        """The lower side of a box, with how much flows, and errors."""
        role = ROLES[key.kind]
        edges = self.flow.touching(key)
        into = [edge for edge in edges if edge.target == key]
        out = [edge for edge in edges if edge.source == key]
        # Of a service what it does most; what a destination sends out is the same messages again.
        busiest = max(into, out, key=lambda some: sum(edge.count for edge in some))
        pace = self.flow.pace(into if into and key.kind is NodeKind.DESTINATION else busiest)
        failed = sum(edge.errors for edge in edges)
        errors = f" ✗{figures.count(failed)}" if failed else ""
        said = cells(pace.text) + cells(errors) + 2
        if said > inner:
            errors, said = "", cells(pace.text) + 2
        if said > inner:
            return (Segment(begin + shape.across * inner + finish, role, spot),)
        return line(
            Segment(begin + shape.across * (inner - said), role, spot),
            Segment(" ", role, spot),
            pace._replace(target=spot),
            Segment(errors, "error", spot),
            Segment(" ", role, spot),
            Segment(finish, role, spot),
        )

    @property
    def heading(self) -> Line:
        """Which way it is read."""
        return line(Segment(pad(" causes at the left, effects at the right", self.width), "label"))

    # Moving

    @cached_property
    def _spots(self) -> dict[Spot, Point]:
        return {
            Spot(None, point.node, point.layer): point
            for column in self.layout.columns
            for point in column
            if point.node is not None and not point.number
        }

    def _lit_edges(self, selected: Hashable | None) -> frozenset[EdgeKey]:
        if not isinstance(selected, Spot):
            return frozenset()
        return frozenset(edge.key for edge in self.flow.touching(selected.node))

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return self.flow.lit(selected if isinstance(selected, Spot) else None)

    def rows_of(self, target: Hashable) -> range | None:
        point = self._spots.get(target) if isinstance(target, Spot) else None
        if point is None:
            return None
        top = self.layout.tops[point]
        return range(top, top + self.layout.heights[point])

    def columns_of(self, target: Hashable) -> range | None:
        """The columns that show a target."""
        point = self._spots.get(target) if isinstance(target, Spot) else None
        if point is None:
            return None
        number = next(n for n, column in enumerate(self.layout.columns) if point in column)
        return range(self._begins[number], self._begins[number] + self._size(point))

    def first(self) -> Hashable | None:
        return next(iter(self._spots), None)

    def spot_of(self, key: NodeKey) -> Spot | None:
        """Where a node stands."""
        return next((spot for spot in self._spots if spot.node == key), None)

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        if not isinstance(target, Spot) or target not in self._spots:
            return self.first()
        here = self._spots[target]
        if rows:
            column = [spot for spot in self._spots if spot.column == target.column]
            column.sort(key=lambda spot: self.layout.tops[self._spots[spot]])
            at = max(0, min(len(column) - 1, column.index(target) + rows))
            return column[at] if column[at] != target else None
        beside = [
            spot
            for edge in self.flow.touching(target.node)
            for key in (edge.target if columns > 0 else edge.source,)
            if key != target.node and (spot := self.spot_of(key)) is not None
        ]
        ahead = [spot for spot in beside if (spot.column - target.column) * columns > 0]
        return min(
            ahead or beside,
            key=lambda spot: (
                abs(spot.column - target.column),
                abs(self.layout.tops[self._spots[spot]] - self.layout.tops[here]),
            ),
            default=None,
        )


def _role(edge: Edge) -> SegmentRole:
    return "edge.inferred" if DASHES[edge.evidence] != "─" else "edge"
