"""A node in the middle as a drawing to move in: columns of nodes, a hop apart, and their edges.

▪ order.created ── 2.0/s ─▶│ in 2.0/s  │├── 2.0/s ─▶ ▪ payment.captured ─┬─ 2.0/s ─▶ ● points
                           │ out 2.0/s ││                                 ╰─ 2.0/s ─▶ ● mail
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property

from graph.topology import Edge, NodeKey, NodeKind, Role
from tui.drawing import figures
from tui.drawing.evidence import DASHES, HEADS
from tui.drawing.flow import MARKS, ROLES, Flow, Spot
from tui.drawing.flow_blocks import HEAVY, LIGHT, edge_role
from tui.drawing.focus import Side, Step, side
from tui.drawing.segments import Line, Segment, cells, fit, line, pad, width_of

LEAST_NAME = 16
"""Columns of a name, its mark included, that are kept while columns are made narrower."""
MOST_NAME = 40
SPARE_DASHES = 8
PACE = 6
"""Columns that a rate has at least."""


class FocusDrawing:
    """A `Drawing`, wider than its screen where many hops are asked for."""

    def __init__(self, flow: Flow, middle: NodeKey, hops: int, width: int) -> None:
        self.flow = flow
        self.middle = middle
        self.left = side(flow, middle, hops, forward=False)
        self.right = side(flow, middle, hops, forward=True)
        self._inside = _inside(flow, middle)
        self.rows = max(self.left.rows, self.right.rows, len(self._inside))
        self.height = self.rows + 2
        self._grids = (_Grid(flow, self.left, 1), _Grid(flow, self.right, 0))
        self._divide(width)

    def _divide(self, width: int) -> None:
        """Makes columns as wide as they want to be, or as narrow as they have to."""
        left, right = self._grids
        title = cells(self.flow.title(self.middle)) + 8
        self.box = max(16, min(38, max(title, max(map(width_of, self._inside)) + 4)))
        places = [(grid, depth) for grid in self._grids for depth in range(len(grid.names))]
        fixed = 1 + self.box + sum(grid.links[depth] for grid, depth in places)
        over = fixed + sum(grid.names[depth] for grid, depth in places) - width
        if over > 0:
            # Names need the room more than how much leads on from them.
            left.measure(onward=False)
            right.measure(onward=False)
            over = fixed + sum(grid.names[depth] for grid, depth in places) - width
        wanted = [list(grid.names) for grid in self._grids]
        while over > 0:
            grid, depth = max(places, key=lambda one: one[0].names[one[1]], default=(left, -1))
            if depth < 0 or grid.names[depth] <= LEAST_NAME:
                break
            grid.names[depth] -= 1
            over -= 1
        if over > 0:
            # It has to be moved sideways anyway: names may as well be whole.
            left.names, right.names = wanted
        for grid, depth in places:
            more = min(SPARE_DASHES, max(0, -over) // len(places))
            grid.links[depth] += more
        self.width = max(width, 1 + left.width + self.box + right.width)

    @property
    def heading(self) -> Line:
        """The line that names the columns."""
        left, right = self._grids
        parts = [
            pad(" comes in", 1 + left.width),
            pad("" if self.left.steps or self.right.steps else "alone", self.box, "center"),
            pad(f"{' ' * (right.links[0] if right.links else 0)} goes out", right.width),
        ]
        return fit(line(Segment("".join(parts), "label")), self.width)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < self.height:
            return ()
        spot = selected if isinstance(selected, Spot) else None
        centre = Spot(self.middle, self.middle, 0)
        frame = HEAVY if spot == centre else LIGHT
        row = y - 1
        left, right = self._grids
        before, after = left.line(row, spot, -1), right.line(row, spot, 1)
        inner = self.box - 2
        if y == 0:
            name = self.flow.named(self.middle, inner - 6)
            kind = self.middle.kind
            title = [Segment(f" {MARKS[kind]} ", name[0].role), *name, Segment(" ")]
            rule = frame.across * (inner - 1 - width_of(title))
            box = line(
                Segment(frame.top_left + frame.across, "edge", centre),
                *(part._replace(target=centre) for part in title),
                Segment(rule + frame.top_right, "edge", centre),
            )
        elif y == self.height - 1:
            rule = frame.bottom_left + frame.across * inner + frame.bottom_right
            box = line(Segment(rule, "edge", centre))
        else:
            said = self._inside[row] if row < len(self._inside) else ()
            leaves = (row, 1) in right.at
            box = line(
                Segment(frame.down + " ", "edge", centre),
                *(part._replace(target=centre) for part in fit(said, inner - 2)),
                Segment(" " + (frame.leave if leaves else frame.down), "edge", centre),
            )
        return fit(line(" ", *before, *box, *after), self.width)

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return self.flow.lit(selected if isinstance(selected, Spot) else None)

    def rows_of(self, target: Hashable) -> range | None:
        if not isinstance(target, Spot):
            return None
        if target == Spot(self.middle, self.middle, 0):
            return range(min(self.height, 4))
        step = self._steps.get(target)
        return range(step.row + 1, step.row + 2) if step else None

    def columns_of(self, target: Hashable) -> range | None:
        """The columns that show a target."""
        if not isinstance(target, Spot):
            return None
        left, right = self._grids
        begin = 1 + left.width
        if target.column == 0:
            return range(begin, begin + self.box)
        if target.column > 0:
            start = begin + self.box + right.begin(target.column)
            return range(start, start + right.reach(target.column))
        start = begin - left.begin(-target.column) - left.reach(-target.column)
        return range(start, start + left.reach(-target.column))

    def first(self) -> Hashable | None:
        return Spot(self.middle, self.middle, 0)

    def spot_of(self, key: NodeKey) -> Spot | None:
        """Where a node is, nearest to the middle."""
        if key == self.middle:
            return Spot(self.middle, self.middle, 0)
        found = (spot for spot in self._steps if spot.node == key)
        return min(found, key=lambda spot: abs(spot.column), default=None)

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        if not isinstance(target, Spot) or self.rows_of(target) is None:
            return self.first()
        if rows:
            column = self._columns.get(target.column, [])
            if target not in column:
                return None
            at = max(0, min(len(column) - 1, column.index(target) + rows))
            return column[at] if column[at] != target else None
        if target.column == 0:
            return next(iter(self._columns.get(columns, ())), None)
        sign = 1 if target.column > 0 else -1
        step = self._steps[target]
        if columns == sign:
            beyond = self._columns.get(target.column + sign, [])
            return next((one for one in beyond if self._steps[one].parent == step.row), None)
        if abs(target.column) == 1:
            return self.first()
        behind = self._columns[target.column - sign]
        return next(one for one in behind if self._steps[one].row == step.parent)

    @cached_property
    def _steps(self) -> dict[Spot, Step]:
        return {
            Spot(self.middle, step.node, sign * step.depth, step.edge.key): step
            for sign, half in ((-1, self.left), (1, self.right))
            for step in half.steps
        }

    @cached_property
    def _columns(self) -> dict[int, list[Spot]]:
        columns: dict[int, list[Spot]] = {}
        for spot in self._steps:
            columns.setdefault(spot.column, []).append(spot)
        return columns


class _Grid:
    """One side in columns: of each hop a link, then a name with its figures."""

    def __init__(self, flow: Flow, half: Side, space: int) -> None:
        """`space` stands before a link."""
        self.flow = flow
        self.half = half
        self.at = {(step.row, step.depth): step for step in half.steps}
        depths = range(1, half.depth + 1)
        self.names = [0 for _ in depths]
        self.links = [0 for _ in depths]
        for step in half.steps:
            # A rate that becomes known, or longer, must not move what stands beside it.
            link = (
                max(PACE, cells(flow.said(step.edge).text))
                + (5 if step.depth == 1 else 7 + space)
                + space
            )
            self.links[step.depth - 1] = max(self.links[step.depth - 1], link)
        self._passes = self._passing(half)
        self.onward = True
        self.measure(onward=True)

    def measure(self, *, onward: bool) -> None:
        """Names as wide as they want to be, with how much leads on from each, or without."""
        self.onward = onward
        self.names = [0 for _ in self.names]
        for step in self.half.steps:
            wanted = cells(self.flow.title(step.node)) + 4
            wanted += width_of(self._after(step))
            self.names[step.depth - 1] = max(self.names[step.depth - 1], min(wanted, MOST_NAME))

    @staticmethod
    def _passing(half: Side) -> set[tuple[int, int]]:
        """Rows and depths where a line only goes by, to a sibling further down."""
        passes: set[tuple[int, int]] = set()
        above: dict[tuple[int, int], int] = {}
        for step in half.steps:
            begun = above.get((step.depth, step.parent))
            if begun is not None:
                passes.update((row, step.depth) for row in range(begun + 1, step.row))
            above[step.depth, step.parent] = step.row
        return passes

    @property
    def width(self) -> int:
        return sum(self.names) + sum(self.links)

    def begin(self, depth: int) -> int:
        """Columns from the box to what hangs there at a depth."""
        return sum(self.names[: depth - 1]) + sum(self.links[: depth - 1])

    def reach(self, depth: int) -> int:
        """Columns of a hop: its link and its name."""
        return self.links[depth - 1] + self.names[depth - 1]

    def line(self, row: int, selected: Spot | None, sign: int) -> Line:
        """One row, from the box outwards to the right, or from outside to the box."""
        parts: list[Line] = []
        for depth in range(1, len(self.names) + 1):
            step = self.at.get((row, depth))
            if step is None:
                parts.append(self._blank(row, depth, sign))
            elif sign > 0:
                parts.append((*self._link_out(step), *self._name(step, selected, sign)))
            else:
                parts.append((*self._name(step, selected, sign), *self._link_in(step)))
        ordered = parts if sign > 0 else reversed(parts)
        return line(*(segment for part in ordered for segment in part))

    def _blank(self, row: int, depth: int, sign: int) -> Line:
        reach = self.reach(depth)
        if depth == 1 or (row, depth) not in self._passes:
            return line(" " * reach)
        bus = Segment("│", "edge")
        if sign > 0:
            return line(" ", bus, " " * (reach - 2))
        return line(" " * (reach - 4), bus, "   ")

    def _name(self, step: Step, selected: Spot | None, sign: int) -> Line:
        width = self.names[step.depth - 1]
        key = step.node
        middle = selected.block if selected else None
        spot = Spot(middle or key, key, sign * step.depth, step.edge.key)
        after = self._after(step)
        after = fit(after, min(width - 6, width_of(after)))
        room = max(1, width - 4 - width_of(after))
        drawn = line(
            Segment("▸" if spot == selected else " ", "title", spot),
            Segment(MARKS[key.kind], ROLES[key.kind], spot),
            Segment(" ", "", spot),
            *(part._replace(target=spot) for part in self.flow.named(key, room)),
            *after,
        )
        rest = width - width_of(drawn)
        onward = (step.row, step.depth + 1) in self.at
        if onward and sign > 0 and rest > 1:
            return line(*drawn, Segment(" " + "─" * (rest - 1), "edge"))
        return line(*drawn, " " * rest)

    def _link_out(self, step: Step) -> Line:
        """From what it hangs on to the node, to the right."""
        edge, width = step.edge, self.links[step.depth - 1]
        bus = _bus(step, "─┬", "──", " ├", " ╰") if step.depth > 1 else ""
        return line(Segment(bus, "edge"), *_arrow(self.flow, edge, width - len(bus)))

    def _link_in(self, step: Step) -> Line:
        """From the node to what it leads to, to the right."""
        edge, width = step.edge, self.links[step.depth - 1]
        if step.depth == 1:
            return line(" ", *_arrow(self.flow, edge, width - 1))
        dash, head = DASHES[edge.evidence], HEADS[edge.evidence]
        said = self.flow.said(edge)
        role = edge_role(edge)
        run = dash * max(1, width - cells(said.text) - 8)
        bus = _bus(step, "┬", "─", "┤", "╯")
        tail = f"─{head}" if step.first else "  "
        return line(
            Segment(f" {run} ", role, edge.key),
            said,
            Segment(f" {dash}", role, edge.key),
            Segment(bus, "edge"),
            Segment(tail, role if step.first else "edge", edge.key),
            " ",
        )

    def _after(self, step: Step) -> Line:
        """What follows a name: that it is a call, errors, lag, and how much leads on."""
        edge = step.edge
        failures, lag = self.flow.failures(edge), self.flow.lags.get(edge.key, 0)
        onward = f" +{step.more}" if step.more and self.onward else ""
        return line(
            Segment(" call" if edge.role is Role.CALL else "", "dim", edge.key),
            Segment(f" {failures}" if failures else "", "error", edge.key),
            Segment(f" lag {figures.count(lag)}" if lag else "", "warning", edge.key),
            Segment(" ↺" if step.again else onward, "dim", edge.key),
        )


def _bus(step: Step, begins: str, alone: str, goes_on: str, ends: str) -> str:
    if step.first:
        return alone if step.last else begins
    return ends if step.last else goes_on


def _arrow(flow: Flow, edge: Edge, width: int) -> Line:
    dash, head = DASHES[edge.evidence], HEADS[edge.evidence]
    said, role = flow.said(edge), edge_role(edge)
    run = dash * max(1, width - cells(said.text) - 4)
    return line(Segment(f"{run} ", role, edge.key), said, Segment(f" {dash}{head}", role, edge.key))


def _inside(flow: Flow, middle: NodeKey) -> Sequence[Line]:
    """What the middle says of itself."""
    edges = flow.touching(middle)
    into = [edge for edge in edges if edge.target == middle]
    out = [edge for edge in edges if edge.source == middle]
    lines = [
        line(Segment(f"{label} ", "label"), flow.pace(some))
        for label, some in (("in ", into), ("out", out))
        if some
    ]
    failed = sum(edge.errors for edge in edges)
    if failed:
        lines.append(line(Segment(f"✗{figures.count(failed)} failed", "error")))
    waiting = sum(flow.lags.get(edge.key, 0) for edge in edges)
    if waiting:
        lines.append(line(Segment(f"lag {figures.count(waiting)}", "warning")))
    where = middle.system if middle.kind is NodeKind.DESTINATION else middle.kind.value
    return [*lines, line(Segment(where or middle.kind.value, "dim"))]
