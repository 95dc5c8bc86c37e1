"""The graph: who talks to whom, now?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from textual import on
from textual.containers import Container
from textual.widget import Widget

from graph.listing import Consumer, EventFilter
from graph.topology import EdgeKey, NodeKind, Topology
from tui.actions import Place
from tui.drawing import figures
from tui.drawing.flow import Block, Flow, Spot, blocks_of
from tui.drawing.flow_drawing import FlowDrawing
from tui.drawing.node_details import spot_details
from tui.drawing.notices import asking, no_messages, nothing_yet
from tui.drawing.rates import FlowMeter, consuming, lags_of
from tui.drawing.segments import Line, Segment, fit, line
from tui.drawing.sheet import Sheet
from tui.screens.base import FlowScreen
from tui.screens.events import EventsScreen
from tui.source import NothingRecorded, SourceError
from tui.widgets.bar import Bar
from tui.widgets.bindings import bindings
from tui.widgets.canvas import Canvas

MINUTE = 60_000_000_000

WINDOWS = (("last 5 min", 5), ("last 15 min", 15), ("last hour", 60), ("everything", 0))
"""What the counts are of: name, minutes (0: no bound)."""


class _Asked(NamedTuple):
    """An answer about the whole graph."""

    topology: Topology
    lags: Mapping[EdgeKey, int]
    blocks: tuple[Block, ...]
    now: int


class GraphScreen(FlowScreen):
    """Producers, destinations, consumers; the selected one lights up with its neighbours."""

    place = Place.GRAPH
    tab = "graph"
    BINDINGS = bindings(Place.GRAPH)

    def __init__(self) -> None:
        super().__init__()
        self._flow: Flow | None = None
        self._meter = FlowMeter()
        self._window = 1
        self._empty = False

    def body(self) -> Sequence[Widget]:
        return [
            Bar(self._heading, id="heading"),
            Container(Canvas(id="main"), Canvas(id="details", select_first=False), id="body"),
            Canvas(id="notice"),
        ]

    def on_mount(self) -> None:
        super().on_mount()
        if not self.flowtap.source.live:
            self._window = len(WINDOWS) - 1
        self.notice(asking())

    def said(self) -> Line:
        name, _ = WINDOWS[self._window]
        connection = self.flowtap.connection
        if connection.away and self._flow is not None:
            seen = f"as it was at {figures.clock(connection.away_since)[:8]} UTC · {name}"
            return line(Segment(seen, "warning"))
        live = "live · " if self.flowtap.source.live else ""
        return line(Segment(f"{live}{name}", "dim"))

    def _heading(self, width: int) -> Line:
        drawing = self.query_one("#main", Canvas).drawing
        return drawing.heading if isinstance(drawing, FlowDrawing) else fit((), width)

    # Answers

    def tick(self) -> None:
        super().tick()
        self._ask()

    def _ask(self, *, again: bool = False) -> None:
        source, now = self.flowtap.source, self.flowtap.now()
        minutes = WINDOWS[self._window][1]
        start = (now // MINUTE - minutes) * MINUTE if minutes else 0

        def question() -> _Asked:
            # Laid out here, in the thread: a graph of thousands of edges takes its time.
            topology = source.topology(start=start)
            return _Asked(topology, lags_of(topology, source.consumers()), blocks_of(topology), now)

        self.ask("graph", question, self._answered, again=again)

    def _answered(self, asked: _Asked) -> None:
        topology = asked.topology
        self.flowtap.connection.back()
        self._empty = not topology.edges
        self._meter.observe(topology, asked.now)
        rates = self._meter.rates if self.flowtap.source.live else None
        self._flow = Flow(topology, rates, asked.lags, asked.blocks)
        if self._empty:
            self._nothing()
            return
        if self.has_class("notice"):
            self.notice(None)
            self.query_one("#main", Canvas).focus()
        flow = self._flow
        self.query_one("#main", Canvas).show(lambda width: FlowDrawing(flow, width))
        self._show_details()
        self.refresh_bars()

    def _nothing(self) -> None:
        minutes = WINDOWS[self._window][1]
        if not self.flowtap.source.live:
            self.notice(no_messages(self.flowtap.source.name))
        elif minutes and self.flowtap.connection.totals.stored:
            self.notice(_quiet(WINDOWS[self._window][0]), "window")
        else:
            self.notice(nothing_yet(self.flowtap.connection), "copy")
        self.refresh_bars()

    def failed(self, subject: str, error: SourceError) -> None:
        super().failed(subject, error)
        if isinstance(error, NothingRecorded):
            self.notice(nothing_yet(self.flowtap.connection), "copy")
        elif self._flow is None or self._empty:
            self.excuse(error)

    # What is selected

    @property
    def spot(self) -> Spot | None:
        """The selected place."""
        selected = self.query_one("#main", Canvas).selected
        return selected if isinstance(selected, Spot) else None

    def point_at(self, consumer: Consumer) -> bool:
        """Selects where a group consumes; False when nothing here is of it."""
        edges = self._flow.topology.edges if self._flow else ()
        edge = consuming(consumer, edges)
        if edge is None:
            return False
        self.query_one("#main", Canvas).select(Spot(edge.source, edge.target, 2, edge.key))
        return True

    @on(Canvas.Selected, "#main")
    def _selected(self) -> None:
        self._show_details()

    def _show_details(self) -> None:
        flow, spot = self._flow, self.spot
        if flow is not None:
            details = self.query_one("#details", Canvas)
            details.show(lambda width: Sheet(spot_details(flow, spot, width)))

    def action_left(self) -> None:
        self.canvas.move(-1, 0)

    def action_right(self) -> None:
        self.canvas.move(1, 0)

    def action_window(self) -> None:
        self._window = (self._window + 1) % len(WINDOWS)
        self._meter = FlowMeter()
        self._ask(again=True)
        self.refresh_bars()

    def open(self) -> None:
        spot = self.spot
        if spot is None:
            return
        if spot.block is None or (spot.column == 0 and spot.node.kind is NodeKind.SERVICE):
            place = spot.block.name if spot.block else ""
            wanted = EventFilter(destination=place, service=spot.node.name)
        else:
            wanted = EventFilter(destination=spot.block.name)
        self.app.push_screen(EventsScreen(wanted))

    def copied(self) -> str:
        return self.spot.node.name if self.spot else ""


def _quiet(window: str) -> list[Line]:
    return [
        line(Segment(f"Nothing happened in the {window}.", "title")),
        (),
        line("Press ", Segment("w", "key"), " to count over a longer time."),
    ]
