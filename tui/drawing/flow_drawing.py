"""The flow as a drawing to move in: which lines are whose, what lies beside what."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from functools import cached_property

from graph.topology import NodeKey
from tui.drawing.flow import Flow, Spot
from tui.drawing.flow_blocks import BlockDrawing, Columns, draw_heading
from tui.drawing.segments import Line


class FlowDrawing:
    """A `Drawing` of a flow in a width; lines are drawn when they are asked for."""

    def __init__(self, flow: Flow, width: int) -> None:
        self.flow = flow
        self.columns = Columns.for_width(flow, width)
        self._starts: list[int] = []
        self._spots: dict[Spot, range] = {}
        self._blocks: dict[int, BlockDrawing] = {}
        self._lines: dict[int, tuple[Spot | None, Line]] = {}
        """As they were drawn last, with what was selected in them."""
        y = 0
        for block in flow.blocks:
            self._starts.append(y)
            if block.place is not None:
                height = block.rows + 2
                self._spots[Spot(block.place, block.place, 1)] = range(y, y + height)
                for row, edge in enumerate(block.incoming):
                    self._spots[Spot(block.place, edge.source, 0, edge.key)] = _one(y + 1 + row)
                for row, edge in enumerate(block.outgoing):
                    self._spots[Spot(block.place, edge.target, 2, edge.key)] = _one(y + 1 + row)
            else:
                height = block.rows + 1
                for row, edge in enumerate(block.incoming):
                    self._spots[Spot(None, edge.source, 0, edge.key)] = _one(y + 1 + row)
                    self._spots[Spot(None, edge.target, 2, edge.key)] = _one(y + 1 + row)
            y += height
        self.height = y

    @property
    def heading(self) -> Line:
        """The line that names the columns."""
        return draw_heading(self.columns)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < self.height:
            return ()
        spot = selected if isinstance(selected, Spot) else None
        if spot is not None and y not in self._spots.get(spot, ()):
            spot = None
        known = self._lines.get(y)
        if known is None or known[0] != spot:
            number = bisect_right(self._starts, y) - 1
            drawn = self._block(number).line(y - self._starts[number], spot)
            known = self._lines[y] = spot, drawn
        return known[1]

    def _block(self, number: int) -> BlockDrawing:
        if number not in self._blocks:
            block = self.flow.blocks[number]
            self._blocks[number] = BlockDrawing(self.flow, block, self.columns)
        return self._blocks[number]

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return self.flow.lit(selected if isinstance(selected, Spot) else None)

    def rows_of(self, target: Hashable) -> range | None:
        return self._spots.get(target) if isinstance(target, Spot) else None

    def first(self) -> Hashable | None:
        return next(
            (spot for spot in self._spots if spot.column == 1), next(iter(self._spots), None)
        )

    def spot_of(self, key: NodeKey) -> Spot | None:
        """Where a node is drawn first; a destination in its own block."""
        own = Spot(key, key, 1)
        return own if own in self._spots else self._of_node.get(key)

    @cached_property
    def _of_node(self) -> dict[NodeKey, Spot]:
        of_node: dict[NodeKey, Spot] = {}
        for spot in self._spots:
            of_node.setdefault(spot.node, spot)
        return of_node

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        if not isinstance(target, Spot) or target not in self._spots:
            return self.first()
        if rows:
            column = self._by_column[target.column]
            beside = self._places[target] + rows
            beside = max(0, min(len(column) - 1, beside))
            return column[beside] if column[beside] != target else None
        at = self._spots[target]
        middle = at.start + 1 if len(at) > 1 else at.start
        for wanted in range(target.column + columns, 3 if columns > 0 else -1, columns):
            here = [spot for spot in self._by_column[wanted] if spot.block == target.block]
            if here:
                return min(here, key=lambda spot: abs(self._spots[spot].start - middle))
        return None

    @cached_property
    def _by_column(self) -> tuple[list[Spot], list[Spot], list[Spot]]:
        columns: tuple[list[Spot], list[Spot], list[Spot]] = ([], [], [])
        for spot in self._spots:
            columns[spot.column].append(spot)
        return columns

    @cached_property
    def _places(self) -> dict[Spot, int]:
        return {spot: at for column in self._by_column for at, spot in enumerate(column)}


def _one(y: int) -> range:
    return range(y, y + 1)
