"""A list of events, the newest at its end, which follows what happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import on
from textual.widget import Widget

from graph.listing import EventFilter, EventRow
from tui.actions import Place
from tui.drawing.event_rows import EventsDrawing
from tui.drawing.notices import asking, no_events
from tui.drawing.segments import Line, Segment, fit, line
from tui.screens.base import FlowScreen
from tui.screens.chain import ChainScreen
from tui.source import SourceError
from tui.widgets.bar import Bar
from tui.widgets.bindings import bindings
from tui.widgets.canvas import Canvas

LIMIT = 300
"""Events that are kept in the list."""


class EventsScreen(FlowScreen):
    """The newest events that fit; follows while the last one is selected and not paused."""

    place = Place.EVENTS
    tab = "graph"
    BINDINGS = bindings(Place.EVENTS)

    def __init__(self, wanted: EventFilter) -> None:
        super().__init__()
        self._wanted = replace(wanted, limit=LIMIT)
        self._rows: tuple[EventRow, ...] | None = None
        self._paused = False

    def body(self) -> Sequence[Widget]:
        return [Bar(self._heading, id="heading"), Canvas(id="main"), Canvas(id="notice")]

    def on_mount(self) -> None:
        super().on_mount()
        self.notice(asking())

    @property
    def name_of_wanted(self) -> str:
        """What the list is of."""
        wanted = self._wanted
        parts = [wanted.destination, f"by {wanted.service}" if wanted.service else ""]
        return " ".join(part for part in parts if part)

    def said(self) -> Line:
        state = "paused" if self._paused else "following" if self._follows() else "held"
        if not self.flowtap.source.live:
            state = f"{len(self._rows or ())} events"
        return line(
            Segment("events of ", "dim"),
            Segment(self.name_of_wanted, "destination"),
            Segment(f"  {state}", "warning" if self._paused else "dim"),
        )

    def _heading(self, width: int) -> Line:
        drawing = self.query_one("#main", Canvas).drawing
        return drawing.heading if isinstance(drawing, EventsDrawing) else fit((), width)

    def tick(self) -> None:
        super().tick()
        if not self._paused:
            source, wanted = self.flowtap.source, self._wanted
            self.ask("events", lambda: source.events(wanted), self._answered)

    def _follows(self) -> bool:
        main = self.query_one("#main", Canvas)
        return not self._rows or main.selected in (None, self._rows[-1].id)

    def _answered(self, rows: list[EventRow]) -> None:
        self.flowtap.connection.back()
        follows = self._follows()
        shown = self._rows = tuple(reversed(rows))
        if not shown:
            self.notice(no_events(self.name_of_wanted))
            return
        main = self.query_one("#main", Canvas)
        if self.has_class("notice"):
            self.notice(None)
            main.focus()
        main.show(lambda width: EventsDrawing(shown, width))
        if follows:
            main.select(shown[-1].id)
        self.refresh_bars()

    def failed(self, subject: str, error: SourceError) -> None:
        super().failed(subject, error)
        if not self._rows:
            self.excuse(error)

    @on(Canvas.Selected, "#main")
    def _selected(self) -> None:
        self.refresh_bars()

    def action_pause(self) -> None:
        self._paused = not self._paused
        if not self._paused:
            self.canvas.end(1)
        self.tick()
        self.refresh_bars()

    def open(self) -> None:
        selected = self.query_one("#main", Canvas).selected
        if isinstance(selected, str):
            self.app.push_screen(ChainScreen(selected))

    def copied(self) -> str:
        selected = self.query_one("#main", Canvas).selected
        row = next((one for one in self._rows or () if one.id == selected), None)
        return (row.message_id or row.id) if row else ""
