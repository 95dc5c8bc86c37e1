"""A flow's blocks as lines: producers, the destination in its frame, consumers, with figures.

What is matched or inferred is drawn with dashes and a hollow head.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from graph.topology import Edge, Node, NodeKey, NodeKind, Role
from tui.drawing import figures
from tui.drawing.evidence import DASHES, HEADS
from tui.drawing.flow import MARKS, ROLES, Block, Flow, Spot
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
    width_of,
)


class Columns(NamedTuple):
    """How the width is divided."""

    width: int
    left: int
    box: int
    edge: int
    """Of each line between box and consumer."""
    name: int
    """Of a consumer's name; 0 when figures follow it directly."""
    figures: tuple[str, ...]
    """Columns after it, of `errors`, `lag`, `p95`, `wait`."""

    @classmethod
    def for_width(cls, flow: Flow, width: int) -> Columns:
        """Columns that suit this flow's names in this width (at least 60 is sensible)."""
        title = {node.key: flow.title(node.key) for node in flow.topology.nodes}
        edges = [edge for edge in flow.topology.edges if edge.role is not Role.CALL]
        producers = [cells(title[e.source]) for e in edges if e.role is Role.PRODUCE]
        consumers = [cells(title[e.target]) for e in edges if e.role is Role.CONSUME]
        places = [
            cells(title[node.key])
            for node in flow.topology.nodes
            if node.kind is NodeKind.DESTINATION
        ]
        roomy = width >= 110
        edge = 13 if roomy else 11
        box = max(20, min(max(places, default=8) + 6, 40, width * 28 // 100))
        name = min(max(consumers, default=8) + 3, 32)
        # As much as producers need, of what a consumer with its longest figure leaves over.
        over = width - 1 - box - edge - name - len(" lag 999")
        # What has changed takes more of their lines than a rate.
        left = max(producers, default=8) + (8 if not roomy and flow.changes is None else 17)
        left = max(18, min(left, max(over, width * (34 if roomy else 26) // 100)))
        room = width - 2 - left - box - edge
        shown: set[str] = set()
        for column in ("errors", "lag", "p95", "wait"):
            if name + sum(_FIGURES[one] for one in (*shown, column)) <= room:
                shown.add(column)
        if len(shown) < 2:
            return cls(width, left, box, edge, 0, ())
        slack = room - name - sum(_FIGURES[column] for column in shown)
        longer = min(slack // 2, 14)
        ordered = tuple(column for column in _FIGURES if column in shown)
        return cls(width, left + longer, box, edge + longer, name, ordered)


_FIGURES = {"lag": 8, "wait": 10, "p95": 10, "errors": 9}
"""Columns after a consumer's name, in their order, each with its width."""


def draw_heading(columns: Columns) -> Line:
    """The line above the blocks that names the columns."""
    consumers = pad("consumers", columns.name - 1) if columns.name else "consumers"
    parts = [pad(" producers", 1 + columns.left), pad("destinations", columns.box, "center")]
    parts += [" " * (columns.edge + 1), consumers]
    parts += [pad(name, _FIGURES[name], "right") for name in columns.figures]
    return fit(line(Segment("".join(parts), "label")), columns.width)


class BlockDrawing:
    """One block, with its frame, line by line; nodes' segments have a `Spot` as target, edges'
    their key."""

    def __init__(self, flow: Flow, block: Block, columns: Columns) -> None:
        self._flow = flow
        self._block = block
        self._columns = columns
        self._spot = Spot(block.place, block.place, 1) if block.place is not None else None

    @property
    def height(self) -> int:
        """Lines in all."""
        return self._block.rows + (2 if self._block.place is not None else 1)

    def line(self, y: int, selected: Spot | None) -> Line:
        """Line y, counted from 0."""
        row, columns = y - 1, self._columns
        if self._spot is None:
            drawn = self._calls() if y == 0 else self._call(self._block.incoming[row], selected)
        else:
            frame = HEAVY if self._spot == selected else LIGHT
            if y == 0:
                drawn = self._top(frame, self._spot)
            elif row == self._block.rows:
                rule = frame.across * (columns.box - 2)
                bottom = frame.bottom_left + rule + frame.bottom_right
                drawn = line(" " * (1 + columns.left), Segment(bottom, "edge", self._spot))
            else:
                drawn = self._row(row, frame, self._spot, selected)
        return fit(drawn, columns.width)

    def _top(self, frame: Frame, spot: Spot) -> Line:
        """The upper side of the frame, with the destination's name in it."""
        inner = self._columns.box - 2
        title = self._flow.named(spot.node, inner - 3)
        rule = frame.across * (inner - 3 - width_of(title)) + frame.top_right
        return line(
            " " * (1 + self._columns.left),
            Segment(frame.top_left + frame.across, "edge", spot),
            Segment(" ", "", spot),
            *(part._replace(target=spot) for part in title),
            Segment(" ", "", spot),
            Segment(rule, "edge", spot),
        )

    def _row(self, row: int, frame: Frame, spot: Spot, selected: Spot | None) -> Line:
        """A producer, what the destination says of itself, and a consumer."""
        flow, block, columns = self._flow, self._block, self._columns
        into = block.incoming[row] if row < len(block.incoming) else None
        out = block.outgoing[row] if row < len(block.outgoing) else None
        said = self._said[row] if row < len(self._said) else ()
        return line(
            *(
                _incoming(flow, into, columns, selected, len(block.incoming) == 1)
                if into
                else [Segment(" " * (1 + columns.left))]
            ),
            Segment(frame.down if into is None else frame.enter, "edge", spot),
            Segment(" ", "", spot),
            *(part._replace(target=spot) for part in fit(said, columns.box - 4)),
            Segment(" ", "", spot),
            Segment(frame.down if out is None else frame.leave, "edge", spot),
            *(_outgoing(flow, out, columns, selected) if out else _nobody(block, row)),
        )

    @cached_property
    def _said(self) -> Sequence[Line]:
        assert self._block.place is not None
        node = self._flow.topology.node(self._block.place)
        return _inside(self._flow, self._block, node, self._columns.box - 4)

    def _calls(self) -> Line:
        return line(Segment(" calls between services", "label"))

    def _call(self, edge: Edge, selected: Spot | None) -> Line:
        flow, columns = self._flow, self._columns
        caller = Spot(None, edge.source, 0, edge.key)
        called = Spot(None, edge.target, 2, edge.key)
        name = _name(flow, edge.source, caller, selected, columns.left - 2)
        pace = flow.said(edge)
        run = columns.left + columns.box + columns.edge - width_of(name) - cells(pace.text) - 5
        failures = flow.failures(edge)
        return line(
            *name,
            Segment(f" {'─' * max(1, run)} ", "edge", edge.key),
            pace,
            Segment(" ─▶", "edge", edge.key),
            *_name(flow, edge.target, called, selected, columns.name or 20),
            Segment(f" {failures}" if failures else "", "error", edge.key),
        )


class Frame(NamedTuple):
    """The characters of a box."""

    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    across: str
    down: str
    enter: str
    leave: str


LIGHT = Frame("╭", "╮", "╰", "╯", "─", "│", "│", "├")
HEAVY = Frame("┏", "┓", "┗", "┛", "━", "┃", "┃", "┣")


def _inside(flow: Flow, block: Block, node: Node, width: int) -> list[Line]:
    """What a destination says of itself, in at most as many lines as its block has."""
    total = node.incoming or max((edge.count for edge in block.outgoing), default=0)
    shown = flow.rates is not None and block.incoming
    pace = flow.pace(block.incoming) if shown else Segment("")
    counted = f"{total:,} msg" if cells(pace.text) + len(f"{total:,}") + 6 <= width else ""
    counted = counted or f"{figures.count(total)} msg"
    lines = [line(pace, Segment(pad(counted, width - cells(pace.text), "right"), "dim"))]
    types = [kind for edge in block.incoming for kind in edge.event_types]
    others = [kind for kind in dict.fromkeys(types) if kind != node.label]
    if others:
        more = f" +{len(others) - 1}" if len(others) > 1 else ""
        lines.append(line(Segment(cut(printable(others[0]), width - len(more)) + more, "event")))
    failed = sum(edge.errors for edge in block.incoming)
    if failed:
        lines.append(line(Segment(f"✗ {figures.count(failed)} not sent", "error")))
    if node.key.system:
        lines.append(line(Segment(node.key.system, "dim")))
    return lines[: block.rows]


def _incoming(
    flow: Flow, edge: Edge, columns: Columns, selected: Spot | None, alone: bool
) -> list[Segment]:
    spot = Spot(edge.target, edge.source, 0, edge.key)
    failures = flow.failures(edge)
    failed = f" {failures}" if failures else ""
    dash, head = DASHES[edge.evidence], HEADS[edge.evidence]
    # In a narrow drawing the name needs the room: the box says the rate already, and that
    # failures have changed matters more than the rest.
    if flow.changes is None:
        spare = alone and columns.left < 30
    else:
        whole = cells(flow.title(edge.source)) + cells(flow.said(edge).text)
        spare = bool(failed) and whole + cells(failed) + 9 > columns.left
    said = [] if spare else [Segment(" "), flow.said(edge)]
    label = [*said, Segment(failed, "error", edge.key)] if said or failed else []
    label += [Segment(" ")] * bool(label)
    tail = width_of(label) + 2
    node = _name(flow, edge.source, spot, selected, columns.left - tail - 2)
    run = columns.left + 1 - width_of(node) - tail
    role = edge_role(edge)
    return [
        *node,
        Segment(f" {dash * max(0, run - 1)}", role, edge.key),
        *label,
        Segment(f"{dash}{head}", role, edge.key),
    ]


def _outgoing(flow: Flow, edge: Edge, columns: Columns, selected: Spot | None) -> list[Segment]:
    spot = Spot(edge.source, edge.target, 2, edge.key)
    pace = flow.said(edge)
    dash, head = DASHES[edge.evidence], HEADS[edge.evidence]
    run = columns.edge - cells(pace.text) - 4
    role = edge_role(edge)
    before = [
        Segment(f"{dash * max(1, run)} ", role, edge.key),
        pace,
        Segment(f" {dash}{head}", role, edge.key),
    ]
    lag = flow.lags.get(edge.key, 0)
    if not columns.name:
        after = []
        failures = flow.failures(edge)
        if failures:
            after.append(Segment(f" {failures}", "error", edge.key))
        if lag:
            after.append(Segment(f" lag {figures.count(lag)}", "warning", edge.key))
        room = columns.width - 1 - columns.left - columns.box - columns.edge
        return [*before, *_name(flow, edge.target, spot, selected, room - width_of(after)), *after]
    name = _name(flow, edge.target, spot, selected, columns.name)
    space = " " * (columns.name - width_of(name))
    shown: dict[str, Segment] = {
        "errors": Segment(flow.failures(edge), "error", edge.key),
        "lag": Segment(figures.count(lag) if lag else "", "warning", edge.key),
        "p95": Segment(figures.seconds(edge.p95), "work", edge.key),
        "wait": Segment(figures.seconds(edge.wait_p95), "wait", edge.key),
    }
    return [
        *before,
        *name,
        Segment(space),
        *(
            shown[column]._replace(text=pad(shown[column].text, _FIGURES[column], "right"))
            for column in columns.figures
        ),
    ]


def _name(flow: Flow, key: NodeKey, spot: Spot, selected: Spot | None, width: int) -> list[Segment]:
    """A node's mark and name; the selected one has a pointer before it."""
    pointer = "▸" if spot == selected else " "
    return [
        Segment(pointer, "title", spot),
        Segment(MARKS[key.kind], ROLES[key.kind], spot),
        Segment(" ", "", spot),
        *(part._replace(target=spot) for part in flow.named(key, width - 3)),
    ]


def _nobody(block: Block, row: int) -> Iterable[Segment]:
    if row == 0 and not block.outgoing:
        yield Segment("  no consumer seen", "dim")


def edge_role(edge: Edge) -> SegmentRole:
    """What is not observed or declared looks different."""
    return "edge.inferred" if DASHES[edge.evidence] != "─" else "edge"
