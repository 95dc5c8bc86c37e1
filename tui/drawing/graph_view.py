"""How the graph is looked at: as a flow, around one node, as a table; and the drawing of that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

from graph.topology import NodeKey, Topology
from tui.drawing.drawing import Drawing
from tui.drawing.edge_table import BUSIEST, EdgeTable, columns_of
from tui.drawing.facts import wrap
from tui.drawing.flow import Flow, Spot
from tui.drawing.flow_drawing import FlowDrawing
from tui.drawing.focus import HOPS, side
from tui.drawing.focus_drawing import FocusDrawing
from tui.drawing.map_drawing import FAR, NEAR, MapDrawing, too_large
from tui.drawing.segments import Line, Segment, cells, cut, fit, line, printable, width_of
from tui.drawing.sorting import Sort


class GraphDrawing(Drawing, Protocol):
    """A drawing of the graph."""

    @property
    def heading(self) -> Line:
        """The line that names the columns."""

    def spot_of(self, key: NodeKey) -> Spot | None:
        """Where a node is drawn, first or nearest; None where it is not."""


class Shape(StrEnum):
    """What the graph is drawn as."""

    FLOW = "flow"
    TABLE = "table"
    MAP = "map"


class Crumb(NamedTuple):
    """The target of a part of the way: so many nodes of it are kept."""

    kept: int


@dataclass(frozen=True, slots=True)
class View:
    """What somebody has chosen to see."""

    shape: Shape = Shape.FLOW
    way: tuple[NodeKey, ...] = ()
    """Nodes that were put in the middle one after the other; the last one is there."""
    hops: int = 1
    zoom: int = NEAR
    sort: Sort = BUSIEST
    busy_only: bool = False
    looking_for: str | None = None
    """What is being typed to find a node; None when nobody does."""

    @property
    def middle(self) -> NodeKey | None:
        """The node in the middle, unless another is being looked for."""
        return self.way[-1] if self.way and self.looking_for is None else None

    def moved_to(self, key: NodeKey) -> View:
        """The node in the middle; one that is on the way already is gone back to."""
        at = self.way.index(key) if key in self.way else len(self.way)
        return replace(self, way=(*self.way[:at], key), looking_for=None)

    def shaped(self, shape: Shape) -> View:
        """The whole graph in this shape, or, where it is so already, as a flow."""
        there = self.shape is shape and self.middle is None
        return replace(self, shape=Shape.FLOW if there else shape, way=())

    def closer(self, more: int) -> View:
        """Further away from the middle, or less far; of a map larger or smaller."""
        if self.middle is not None:
            return self.hopping(more)
        return replace(self, zoom=max(FAR, min(NEAR, self.zoom + more)))

    def hopping(self, more: int) -> View:
        """Further away from the middle, or less far."""
        return replace(self, hops=max(HOPS[0], min(HOPS[-1], self.hops + more)))

    def sorted_by(self, column: str) -> View:
        """By this column, the largest first; asked for again the other way round."""
        again = self.sort.column == column
        return replace(self, sort=Sort(column, not self.sort.down if again else column not in _UP))

    def sorted_by_next(self, flow: Flow) -> View:
        """By the column to the right of that which is sorted by."""
        known = columns_of(flow)
        at = known.index(self.sort.column) + 1 if self.sort.column in known else 0
        return self.sorted_by(known[at % len(known)])

    def of(self, flow: Flow) -> Flow:
        """The flow as far as it is to be seen; itself, with what it has worked out, if all is."""
        if not self.looking_for and not self.busy_only:
            return flow
        matches = flow.matching(self.looking_for) if self.looking_for else None
        return replace(flow, matches=matches, busy_only=self.busy_only)

    @property
    def _as_map(self) -> bool:
        return self.shape is Shape.MAP and self.middle is None

    def why_not(self, flow: Flow) -> str:
        """Why there is nothing to draw, and what to do; empty where there is."""
        if flow.nothing:
            if self.looking_for:
                return "Nothing is called like this."
            return "Nothing has changed. i shows all." if flow.changes is not None else _ALL_QUIET
        if self._as_map and self.looking_for is None and too_large(flow):
            count = len({key for edge in flow.topology.edges for key in edge.key[:2]})
            return (
                f"{count:,} nodes with {len(flow.topology.edges):,} edges are too many for a map. "
                "f finds a node and puts it in the middle of its own map; m shows the flow again."
            )
        return ""

    def shown(self, flow: Flow) -> Topology:
        """What is drawn of a flow that `of` gave."""
        edges = flow.topology.edges
        if self.middle is not None and self.middle in flow:
            sides = (side(flow, self.middle, self.hops, forward=one) for one in (True, False))
            drawn = {step.edge.key for one in sides for step in one.steps}
            kept = [edge for edge in edges if edge.key in drawn]
        else:
            kept = [edge for edge in edges if flow.shows(edge)]
        return Topology.of_edges(kept, flow.topology.start, flow.topology.end)

    def drawing(self, flow: Flow, width: int) -> GraphDrawing:
        """The drawing of a flow that `of` gave."""
        if self.middle is not None and self.middle in flow:
            return FocusDrawing(flow, self.middle, self.hops, width)
        if self.shape is Shape.TABLE:
            return EdgeTable(flow, self.sort, width)
        # Who looks for a node of a graph that is too large for a map gets it as a flow meanwhile.
        if self._as_map and not (self.looking_for is not None and too_large(flow)):
            return MapDrawing(flow, self.zoom, width)
        return FlowDrawing(flow, width)


_ALL_QUIET = "Everything was quiet in this time. i shows it, w counts over another."

_UP = ("from", "to")
"""Columns that are read from A to Z."""


def draw_graph_way(view: View, flow: Flow, said: Line, width: int) -> Line:
    """What is looked at, back to the whole graph by clicks, and at its right what else holds."""
    most = width - (30 if view.way else 10)
    right = fit(said, most) if width_of(said) > most else said
    room = width - width_of(right) - 2
    titles = [
        printable(flow.topology.node(key).title if key in flow else key.name) for key in view.way
    ]
    hops = f"  {view.hops} {'hop' if view.hops == 1 else 'hops'}" if titles else ""
    start = view.shape.value if view.shape is not Shape.FLOW else "graph"
    parts = [Segment(f" {start}", "event" if titles else "title", Crumb(0))]
    shown = list(enumerate(titles, 1))
    while len(shown) > 1 and sum(cells(title) + 3 for _, title in shown) + 8 + len(hops) > room:
        del shown[0]
    if len(shown) < len(titles):
        parts.append(Segment(" › …", "edge"))
    for number, title in shown:
        last = number == len(titles)
        parts.append(Segment(" › ", "edge"))
        parts.append(
            Segment(cut(title, max(8, room - 12)), "title" if last else "event", Crumb(number))
        )
    left = fit(line(*parts, Segment(hops, "dim")), max(0, room))
    return fit(line(*left, " ", *right, " "), width)


def excuse_lines(text: str, width: int) -> list[Line]:
    """What stands where there is nothing to draw."""
    return [(), *(line("  ", *part) for part in wrap([Segment(text, "dim")], width - 4))]
