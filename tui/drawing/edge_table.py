"""The graph as a table: one edge a line, sorted by any column."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import NamedTuple

from graph.topology import Edge, NodeKey, NodeKind, Role
from graph.topology_diff import Change
from tui.drawing import figures
from tui.drawing.evidence import DASHES, HEADS
from tui.drawing.flow import MARKS, ROLES, Flow, Spot
from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    cut_middle,
    fit,
    line,
    pad,
    printable,
)
from tui.drawing.sorting import Sort, draw_head

BUSIEST = Sort("count", down=True)


class _Column(NamedTuple):
    width: int
    role: SegmentRole
    value: Callable[[Flow, Edge], float | str | None]
    """What is sorted by; None is last either way."""
    text: Callable[[Flow, Edge], Segment]


def _plain(text: str) -> Segment:
    return Segment(text)


def _rate(flow: Flow, edge: Edge) -> float | None:
    return flow.rates.get(edge.key, 0.0) if flow.rates is not None else None


def _change(flow: Flow, edge: Edge) -> float | None:
    """The greatest news first: new, then more and less by how much, then gone, then the same."""
    change = (flow.changes or {}).get(edge.key)
    if change is None:
        return None
    if change.traffic is Change.NEW:
        return 1e12
    if change.traffic is Change.GONE:
        return 1e11
    if change.errors in (Change.NEW, Change.MORE):
        return 1e10
    return max(change.factor, 1 / change.factor) if change.changed else 0.0


COLUMNS: dict[str, _Column] = {
    "rate": _Column(8, "number", _rate, lambda flow, edge: flow.pace([edge])),
    "change": _Column(8, "", _change, lambda flow, edge: flow.said(edge)),
    "count": _Column(
        7, "number", lambda _, edge: edge.count, lambda _, edge: _plain(figures.count(edge.count))
    ),
    "errors": _Column(
        8, "error", lambda _, edge: edge.errors, lambda flow, edge: _plain(flow.failures(edge))
    ),
    "p50": _Column(
        8, "work", lambda _, edge: edge.p50, lambda _, edge: _plain(figures.seconds(edge.p50))
    ),
    "p95": _Column(
        8, "work", lambda _, edge: edge.p95, lambda _, edge: _plain(figures.seconds(edge.p95))
    ),
    "p99": _Column(
        8, "work", lambda _, edge: edge.p99, lambda _, edge: _plain(figures.seconds(edge.p99))
    ),
    "lag": _Column(
        7,
        "warning",
        lambda flow, edge: flow.lags.get(edge.key),
        lambda flow, edge: _plain(
            figures.count(flow.lags[edge.key]) if flow.lags.get(edge.key) else ""
        ),
    ),
    "last": _Column(
        9,
        "time",
        lambda _, edge: edge.last_seen or None,
        lambda _, edge: _plain(figures.clock(edge.last_seen)[:8]),
    ),
}
"""After the names of both ends, in this order."""

ENDS = ("from", "to")
_WORTH = ("change", "rate", "errors", "lag", "p95", "count", "last", "p99", "p50")
"""Which columns stay where there is not room for all."""
LEAST_NAME = 18


def columns_of(flow: Flow) -> list[str]:
    """All that can be sorted by, left to right."""
    without = {"change"} if flow.changes is None else set()
    if flow.rates is None:
        without.add("rate")
    return [*ENDS, *(name for name in COLUMNS if name not in without)]


class EdgeTable:
    """A `Drawing` of edges; a target is one end of an edge, as in the flow."""

    def __init__(self, flow: Flow, sort: Sort, width: int) -> None:
        self.flow = flow
        self.sort = sort
        self.width = width
        known = columns_of(flow)
        self.sorted_by = sort.column if sort.column in known else "count"
        wanted = [self.sorted_by, *_WORTH]
        room = width - 4 - 2 * LEAST_NAME
        shown: set[str] = set()
        for name in dict.fromkeys(wanted):
            if name in known and name not in ENDS and COLUMNS[name].width <= room:
                shown.add(name)
                room -= COLUMNS[name].width
        self.figures = [name for name in COLUMNS if name in shown]
        both = width - 4 - sum(COLUMNS[name].width for name in self.figures)
        self.names = self._shared(both)
        self.edges = self._sorted()
        self._rows = {edge.key: y for y, edge in enumerate(self.edges)}

    def _shared(self, both: int) -> tuple[int, int]:
        """Widths of the two names: half of the room, or what one leaves over where the other has
        a longer name. Of all edges, so that a search moves no column."""
        half, title = both // 2, self.flow.title
        edges = self.flow.topology.edges
        first = max((3 + cells(title(edge.source)) for edge in edges), default=0)
        second = max((3 + cells(title(edge.target) + _call(edge)) for edge in edges), default=0)
        if first > half:
            half = min(first, max(half, both - second))
        elif second > both - half:
            half = max(first, both - second)
        return half, both - half

    def _sorted(self) -> list[Edge]:
        flow, matches = self.flow, self.flow.matches
        edges: Iterable[Edge] = filter(flow.shows, flow.topology.edges)
        if matches is not None:
            edges = (edge for edge in edges if not matches.isdisjoint(edge.key[:2]))
        ordered = sorted(
            edges, key=lambda edge: (self._title(edge.source), self._title(edge.target))
        )
        if self.sorted_by in ENDS:
            end = ENDS.index(self.sorted_by)
            return sorted(
                ordered, key=lambda edge: self._title(_end_of(edge, end)), reverse=self.sort.down
            )
        value = COLUMNS[self.sorted_by].value
        known = [(found, edge) for edge in ordered if (found := value(flow, edge)) is not None]
        known.sort(key=lambda one: one[0], reverse=self.sort.down)
        rest = [edge for edge in ordered if value(flow, edge) is None]
        return [*(edge for _, edge in known), *rest]

    def _title(self, key: NodeKey) -> str:
        return self.flow.topology.node(key).title.casefold()

    @property
    def height(self) -> int:
        return len(self.edges)

    @property
    def heading(self) -> Line:
        """Names of the columns; the one that is sorted by has an arrow. Targets are `SortBy`."""
        sort = self.sort._replace(column=self.sorted_by)
        parts = [Segment(" ")]
        for name, width in zip(ENDS, self.names, strict=True):
            parts += [
                draw_head(name, width - 1, sort),
                Segment("   " if name == "from" else ""),
            ]
        parts[-1] = Segment(" ")
        parts += [draw_head(name, COLUMNS[name].width, sort, right=True) for name in self.figures]
        return fit(line(*parts), self.width)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self.edges):
            return ()
        flow, edge = self.flow, self.edges[y]
        chosen = selected if isinstance(selected, Spot) and selected.edge == edge.key else None
        role: SegmentRole = "edge.inferred" if DASHES[edge.evidence] != "─" else "edge"
        parts = [
            *self._end(edge, 0, chosen),
            Segment(f"{DASHES[edge.evidence]}{HEADS[edge.evidence]}", role, edge.key),
            *self._end(edge, 1, chosen),
        ]
        for name in self.figures:
            column = COLUMNS[name]
            said = column.text(flow, edge)
            parts.append(
                Segment(pad(said.text, column.width, "right"), said.role or column.role, edge.key)
            )
        return fit(line(*parts), self.width)

    def _end(self, edge: Edge, end: int, chosen: Spot | None) -> list[Segment]:
        key, width = _end_of(edge, end), self.names[end]
        spot = _spot(edge, end)
        node = self.flow.topology.node(key)
        call = _call(edge) if end == 1 else ""
        room = width - 3 - len(call)
        mark = self.flow.flag(key)
        name = cut_middle(printable(node.title), max(1, room - cells(mark.text)))
        return [
            Segment("▸" if spot == chosen else " ", "title", spot),
            Segment(f"{MARKS[key.kind]} ", ROLES[key.kind], spot),
            Segment(name, self.flow.named(key, room)[0].role, spot),
            mark._replace(target=spot),
            Segment(call, "dim", edge.key),
            Segment(" " * (room - cells(name) - cells(mark.text) + 1)),
        ]

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return self.flow.lit(selected if isinstance(selected, Spot) else None)

    def rows_of(self, target: Hashable) -> range | None:
        if not isinstance(target, Spot) or target.edge not in self._rows:
            return None
        y = self._rows[target.edge]
        if target not in self._ends(y):
            return None
        return range(y, y + 1)

    def first(self) -> Hashable | None:
        return self._ends(0)[0] if self.edges else None

    def spot_of(self, key: NodeKey) -> Spot | None:
        """The first end of an edge that is this node."""
        return next(
            (
                spot
                for y in self._of_node.get(key, ())
                for spot in self._ends(y)
                if spot.node == key
            ),
            None,
        )

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        if self.rows_of(target) is None or not isinstance(target, Spot) or target.edge is None:
            return self.first()
        y = self._rows[target.edge]
        end = self._ends(y).index(target)
        if rows:
            beside = max(0, min(len(self.edges) - 1, y + rows))
            return self._ends(beside)[end] if beside != y else None
        return self._ends(y)[end + columns] if 0 <= end + columns <= 1 else None

    def _ends(self, y: int) -> tuple[Spot, Spot]:
        edge = self.edges[y]
        return _spot(edge, 0), _spot(edge, 1)

    @cached_property
    def _of_node(self) -> dict[NodeKey, list[int]]:
        of_node: dict[NodeKey, list[int]] = {}
        for y, edge in enumerate(self.edges):
            for key in dict.fromkeys((edge.source, edge.target)):
                of_node.setdefault(key, []).append(y)
        return of_node


def _call(edge: Edge) -> str:
    """What stands behind the name of who is called."""
    return " call" if edge.role is Role.CALL else ""


def _end_of(edge: Edge, end: int) -> NodeKey:
    return edge.target if end else edge.source


def _spot(edge: Edge, end: int) -> Spot:
    ends = (edge.source, edge.target)
    place = next((key for key in ends if key.kind is NodeKind.DESTINATION), None)
    return Spot(place, ends[end], end * 2, edge.key)
