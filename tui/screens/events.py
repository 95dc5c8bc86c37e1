"""Events: what is passing by?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from textual import on
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from graph.chain.result import Chain
from graph.completion import Seen
from graph.export import EVENT_FORMATS
from graph.filter import FilterError, parse, with_value, written
from graph.listing import EventFilter, EventRow
from graph.terms import Field
from graph.topology import NodeKind, Topology
from tui.actions import Place
from tui.drawing import figures
from tui.drawing.event_columns import Column
from tui.drawing.event_lines import Standing, filter_line, state_line, type_lines
from tui.drawing.event_preview import preview_lines
from tui.drawing.event_rows import EventsDrawing, RowKey
from tui.drawing.exports import Export, counted, offers, stem
from tui.drawing.links import Link, event_links
from tui.drawing.notices import asking, no_events, nothing_yet
from tui.drawing.passing import KEPT, Kind, Passing
from tui.drawing.segments import Line, Segment, fit, line, printable
from tui.drawing.sheet import Sheet
from tui.screens.base import TALL, FlowScreen
from tui.screens.chain import ChainScreen
from tui.screens.columns import ColumnsScreen
from tui.screens.filter import FilterScreen
from tui.source import NothingRecorded, SourceError
from tui.widgets.bar import Bar
from tui.widgets.bindings import bindings
from tui.widgets.canvas import Canvas
from tui.widgets.stream import Stream, Told

LISTED = 300
"""Events that are asked for before those that come."""

REFRESH = 0.1
"""Seconds between two drawings of what comes, at least."""

REST = 0.15
"""Seconds that something is selected before it is asked for."""

LIST_AGAIN, FAILED_AGAIN = 5, 2
"""Seconds until the newest are asked for again: what is followed fails later than it comes."""

LOOK = 1.0
"""Seconds between two looks at the newest, while the list follows."""


class EventsScreen(FlowScreen):
    """The newest events that fit, following what is stored, or the oldest, which stay; counts by
    type, and a preview."""

    place = Place.EVENTS
    tab = "events"
    BINDINGS = bindings(Place.EVENTS)

    DEFAULT_CSS = """
    EventsScreen #side { height: auto; }
    EventsScreen #types { display: none; }
    EventsScreen.types #types { display: block; height: 9; border-top: solid $flow-border; }
    EventsScreen.wide #side { width: 52; height: 1fr; }
    EventsScreen.wide #types {
        display: block; height: 1fr; border-top: none; border-left: solid $flow-border;
    }
    EventsScreen.wide.details #types { max-height: 35%; }
    EventsScreen.wide #types, EventsScreen.types #types { padding: 0 1; }
    EventsScreen.wide.details #details { width: 52; border-top: solid $flow-border; }
    EventsScreen.notice #state { display: none; }
    """

    def __init__(self, wanted: EventFilter | str = "") -> None:
        """A filter's text, or a filter, whose times and limit are not looked at."""
        super().__init__()
        self.text = wanted if isinstance(wanted, str) else written(wanted)
        self.passing = Passing()
        self._stream: Stream | None = None
        self._following = False
        self._listed = False
        self._more = False
        """Others fit beyond the oldest that are listed."""
        self._pointed = False
        """The first of these was selected, once."""
        self._list_again = False
        self._seconds = 0
        self._every = LIST_AGAIN
        self._drawn = 0.0
        self._due: Timer | None = None
        self._resting: Timer | None = None
        self._previewed: RowKey | None = None
        self._topology: Topology | None = None
        self._in_types = False

    def body(self) -> Sequence[Widget]:
        return [
            Bar(lambda width: filter_line(self.text, width), id="filter"),
            Bar(self._heading, id="heading"),
            Container(
                Canvas(id="main", opens_selected=True),
                Container(
                    Canvas(id="types", select_first=False, opens_selected=True),
                    Canvas(id="details", select_first=False),
                    id="side",
                ),
                id="body",
            ),
            Bar(self._state, id="state"),
            Canvas(id="notice"),
        ]

    def on_mount(self) -> None:
        self.flowtap.last_filter = self.text
        self.notice(asking(), "filter")
        super().on_mount()

    def on_unmount(self) -> None:
        self._end_stream()

    def superseded(self) -> None:
        self._end_stream()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.passing.rows:
            self._draw()

    def room_for_details(self) -> bool:
        return super().room_for_details() or self.size.height >= TALL

    # What is said around the list

    def said(self) -> Line:
        if not self.flowtap.source.live:
            return line(Segment("recorded", "dim"))
        pruned = Segment(self._pruned(), "warning")
        if self._oldest:
            return line(Segment("oldest first", "dim"), pruned)
        return line(Segment("live · newest at the bottom", "dim"), pruned)

    def _pruned(self) -> str:
        """Where the list begins before what is covered: from when it is."""
        try:
            wanted = self._wanted()
        except FilterError:
            return ""
        covered_from = self.flowtap.connection.covered_from
        begins_there = wanted.oldest or wanted.since
        if not begins_there or wanted.since >= covered_from:
            return ""
        return f" · pruned before {figures.date(covered_from)[:16]}"

    def _heading(self, width: int) -> Line:
        drawing = self._main.drawing
        return drawing.heading if isinstance(drawing, EventsDrawing) else fit((), width)

    def _state(self, width: int) -> Line:
        rates = self.passing.rates(self.flowtap.now())
        standing = Standing(
            live=self.flowtap.source.live,
            away=self.flowtap.connection.away,
            following=self._following,
            oldest=self._oldest and self._listed,
            more=self._more,
        )
        return state_line(self.passing, standing, sum(rates.values()) if rates else None, width)

    @property
    def _main(self) -> Canvas:
        return self.query_one("#main", Canvas)

    @property
    def canvas(self) -> Canvas:
        if self._in_types and not self.has_class("notice"):
            return self.query_one("#types", Canvas)
        return super().canvas

    # What comes

    def tick(self) -> None:
        super().tick()
        if not self.flowtap.source.live:
            if not self._listed:
                self._list(KEPT)
            return
        self._seconds += 1
        if self._oldest:
            # What comes is at the other end: it shows here only while all that fits does.
            if not self._listed or (not self._more and self._seconds % LIST_AGAIN == 0):
                self._list(LISTED)
        elif self._stream is None:
            self._follow()
        elif self._list_again or not self._listed or self._seconds % self._every == 0:
            self._list(LISTED)
        self._draw_types()
        self.refresh_bars()

    def _wanted(self) -> EventFilter:
        return parse(self.text, self.flowtap.now())

    @property
    def _oldest(self) -> bool:
        """Whether the oldest are asked for."""
        try:
            return self._wanted().oldest
        except FilterError:
            return False

    def _follow(self) -> None:
        try:
            wanted = self._wanted()
            self._every = FAILED_AGAIN if wanted.failed_only else LIST_AGAIN
            self._stream = Stream(self, self.flowtap.source, wanted)
        except FilterError as error:
            self.notice(_no_filter(self.text, error), "filter")

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None
        self._following = False

    def _list(self, limit: int) -> None:
        # One more than shows tells whether there are more.
        source, wanted = self.flowtap.source, replace(self._wanted(), limit=limit + 1)
        self.ask(
            "events",
            lambda: source.events(wanted),
            lambda rows: self._answered(rows[:limit], more=len(rows) > limit),
        )

    @on(Told)
    def _told(self, told: Told) -> None:
        if told.stream is not self._stream:
            return
        if told.opened:
            # What was stored while the stream was opened is in one of two lists: now, and at
            # the next tick.
            self._following = self._list_again = True
            self.passing.opened(self.flowtap.now())
            self._list(LISTED)
        if told.ended:
            self._take()
            self._end_stream()
            if (error := told.stream.refused) is not None:
                self.failed("stream", error)
        elif self._due is None:
            wait = max(0.001, self._drawn + REFRESH - time.monotonic())
            self._due = self.set_timer(wait, self._take)
        self.refresh_bars()

    def _take(self) -> None:
        self._due = None
        self._drawn = time.monotonic()
        if self._stream is None:
            return
        batch = self._stream.take()
        self.passing.missed += batch.missed
        if batch.rows:
            self.passing.came(batch.rows, self.flowtap.now())
            if self.passing.held or self not in self.app.screen_stack:
                self.refresh_bars()
            else:
                self._draw()

    def _answered(self, rows: list[EventRow], *, more: bool) -> None:
        self.flowtap.connection.back()
        self._list_again = self._list_again and not self._listed
        self._listed = True
        self._more = more
        self.passing.listed(rows)
        self._draw()
        self._draw_types()

    def failed(self, subject: str, error: SourceError) -> None:
        if subject == "preview":
            self._show_details([line(Segment(printable(error.detail), "warning"))])
            return
        super().failed(subject, error)
        if subject in ("events", "stream") and not self.passing.rows:
            if isinstance(error, NothingRecorded):
                self.notice(nothing_yet(self.flowtap.connection), "copy")
            else:
                self.excuse(error)

    def _draw(self) -> None:
        passing, chosen, main = self.passing, self.flowtap.columns, self._main
        if not passing.rows:
            self._nothing()
            return
        if self.has_class("notice"):
            self.notice(None)
            main.focus()
        rows, wants = passing.rows, passing.widths
        main.show(lambda width: EventsDrawing(rows, width, chosen, wants))
        if self._oldest:
            if not self._pointed:
                # Hidden until now, it is drawn only after this.
                self.call_after_refresh(main.select, RowKey.of(rows[0]))
                self._pointed = True
        elif not passing.held and (self.flowtap.source.live or main.selected is None):
            main.select(RowKey.of(rows[-1]))
        self.refresh_bars()

    def _draw_types(self) -> None:
        passing, rates = self.passing, self.passing.rates(self.flowtap.now())
        types = self.query_one("#types", Canvas)
        types.show(lambda width: Sheet(type_lines(passing, rates, width)))

    def _nothing(self) -> None:
        connection = self.flowtap.connection
        if not self.text and self.flowtap.source.live and not connection.totals.stored:
            self.notice(nothing_yet(connection), "copy", "filter")
        else:
            self.notice(no_events(self.text), "filter")
        self.refresh_bars()

    # Holding still, and going on

    def _hold(self) -> None:
        if self.flowtap.source.live and self.passing.rows and not self._oldest:
            self.passing.hold()
            self.refresh_bars()

    def _go_on(self) -> None:
        self.passing.follow()
        self._draw()

    def action_pause(self) -> None:
        if self.passing.held:
            self._go_on()
        else:
            self._hold()

    def _moves_up(self) -> None:
        if not self._in_types:
            self._hold()

    def action_up(self) -> None:
        self._moves_up()
        super().action_up()

    def action_page_up(self) -> None:
        self._moves_up()
        super().action_page_up()

    def action_first(self) -> None:
        self._moves_up()
        super().action_first()

    def action_down(self) -> None:
        if self._at_end:
            self._go_on()
        else:
            super().action_down()

    def action_page_down(self) -> None:
        if self._at_end:
            self._go_on()
        else:
            super().action_page_down()

    def action_last(self) -> None:
        if self.passing.held and not self._in_types:
            self._go_on()
        else:
            super().action_last()

    @property
    def _at_end(self) -> bool:
        """Nothing is below the selected one but what came since the list is held."""
        rows = self.passing.rows
        return (
            self.passing.held and not self._in_types and self._main.selected == RowKey.of(rows[-1])
        )

    @on(Canvas.ScrolledUp, "#main")
    def _scrolled_up(self) -> None:
        self._hold()

    @on(Canvas.Selected, "#main")
    def _selected(self, selected: Canvas.Selected) -> None:
        if selected.clicked and selected.target != RowKey.of(self.passing.rows[-1]):
            self._hold()
        stays = self.passing.held or self._oldest
        if self._resting is not None and stays:
            self._resting.stop()
            self._resting = None
        if self._resting is None:
            # While it follows, the newest of each second; else what somebody stays at.
            self._resting = self.set_timer(REST if stays else LOOK, self._preview)
        self.refresh_bars()

    # The preview

    def _preview(self) -> None:
        self._resting = None
        selected = self._main.selected
        if not self.has_class("details") or not isinstance(selected, RowKey):
            return
        if selected == self._previewed:
            return
        source = self.flowtap.source
        self.questions.drop("preview")
        self._previewed = selected
        self.ask("preview", lambda: source.chain(selected.id, depth=0), self._told_of, again=True)

    def _told_of(self, chain: Chain) -> None:
        event = chain.event(chain.focus)
        details = self.query_one("#details", Canvas)
        details.show(lambda width: Sheet(preview_lines(event, width)))
        details.scroll_to(y=0, animate=False)

    def _show_details(self, lines: Sequence[Line]) -> None:
        self.query_one("#details", Canvas).show(lambda width: Sheet(lines))

    def action_details(self) -> None:
        super().action_details()
        self._preview()

    def on_resize(self) -> None:
        super().on_resize()
        self._preview()

    # What is asked for

    def action_filter(self) -> None:
        source = self.flowtap.source
        if self._topology is None:
            self.ask("names", source.topology, self._named)
        screen = FilterScreen(self.text, self._seen, self.flowtap.now())
        self.app.push_screen(screen, self._asked_for)

    def _named(self, topology: Topology) -> None:
        self._topology = topology

    def _seen(self) -> Seen:
        rows = self.passing.rows
        nodes = self._topology.nodes if self._topology else ()
        edges = self._topology.edges if self._topology else ()
        seen = {
            Field.TOPIC: {row.destination for row in rows}
            | {node.key.name for node in nodes if node.kind is NodeKind.DESTINATION},
            Field.TYPE: {row.event_type for row in rows}
            | {name for edge in edges for name in edge.event_types},
            Field.SERVICE: {row.service for row in rows}
            | {node.key.name for node in nodes if node.kind is NodeKind.SERVICE},
            Field.ENVIRONMENT: {row.environment for row in rows},
            Field.KEY: {row.key for row in rows[-50:]},
        }
        return {field: sorted(values - {""}) for field, values in seen.items()}

    def _asked_for(self, text: str | None) -> None:
        if text is not None and text != self.text:
            self.apply(text)

    def apply(self, text: str) -> None:
        """Shows what another filter lets through."""
        self._end_stream()
        self.questions.drop("events")
        self.text = self.flowtap.last_filter = text
        self.passing = Passing()
        self._listed = self._more = self._pointed = False
        self._leave_types()
        self.notice(asking(), "filter")
        self.tick()

    # Types

    def action_types(self) -> None:
        if self._in_types:
            self._leave_types()
            return
        self._in_types = True
        self.add_class("types")
        # Where it was hidden, it is drawn only after this.
        self.call_after_refresh(self._enter_types)

    def _enter_types(self) -> None:
        types = self.query_one("#types", Canvas)
        types.select(types.selected or types.drawing.first())
        types.focus()

    def _leave_types(self) -> None:
        self._in_types = False
        self.remove_class("types")
        types = self.query_one("#types", Canvas)
        types.selected = None
        types.refresh()
        if not self.has_class("notice"):
            self._main.focus()

    def back(self) -> bool:
        left = self._in_types
        if left:
            self._leave_types()
        return left

    @on(Canvas.Selected, "#types")
    def _type_selected(self) -> None:
        self._in_types = True

    @on(Canvas.Opened, "#types")
    def _type_opened(self, opened: Canvas.Opened) -> None:
        opened.stop()
        self.open()

    # Going on from here

    def action_columns(self) -> None:
        def chosen(columns: frozenset[Column] | None) -> None:
            if columns:
                self.flowtap.columns = columns
                self._draw()

        self.app.push_screen(ColumnsScreen(self.flowtap.columns), chosen)

    def open(self) -> None:
        if self._in_types:
            kind = self.canvas.selected
            if isinstance(kind, Kind):
                self.apply(with_value(self.text, kind.field, kind.value))
            return
        selected = self._main.selected
        if isinstance(selected, RowKey):
            self._hold()
            self.flowtap.go(ChainScreen(selected.id))

    def links(self) -> Sequence[Link]:
        selected = self._main.selected
        return event_links(selected.id, self.address) if isinstance(selected, RowKey) else ()

    def exported(self) -> Export:
        rows = self.passing.rows
        what = counted(len(rows), "event") + (f", {self.text}" if self.text else "")
        now = self.flowtap.now()
        return Export(printable(what), stem("events", now=now), offers(EVENT_FORMATS, rows))

    def copied(self) -> str:
        selected = self._main.selected
        row = next((one for one in self.passing.rows if RowKey.of(one) == selected), None)
        return (row.message_id or row.id) if row else ""


def _no_filter(text: str, error: FilterError) -> list[Line]:
    return [
        line(Segment("This is no filter: ", "error"), printable(text)),
        (),
        line(Segment(error.detail, "warning")),
    ]
