"""Events: what is passing by?"""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from graph.chain.result import Chain
from graph.completion import seen_in
from graph.export import EVENT_FORMATS
from graph.filter import FilterError
from graph.listing import EventFilter
from graph.topology import Topology
from tui.actions import Action, Place
from tui.drawing import figures
from tui.drawing.event_columns import Column
from tui.drawing.event_lines import Standing, filter_line, state_line
from tui.drawing.event_preview import preview_lines
from tui.drawing.event_rows import EventsDrawing, RowKey
from tui.drawing.exports import Export, counted, offers, stem
from tui.drawing.facts import wrap
from tui.drawing.links import Link, event_links
from tui.drawing.segments import Line, Segment, fit, line, printable
from tui.drawing.sheet import Sheet
from tui.drawing.status import as_it_was
from tui.screens.base import TALL
from tui.screens.chain import ChainScreen
from tui.screens.columns import ColumnsScreen
from tui.screens.events_types import TypesScreen
from tui.screens.filter import FilterScreen
from tui.source import CollectorAway, SourceError
from tui.widgets.bar import Bar
from tui.widgets.bindings import bindings
from tui.widgets.canvas import Canvas

REST = 0.15
"""Seconds that something is selected before it is asked for."""

LOOK = 1.0
"""Seconds between two looks at the newest, while the list follows."""


class EventsScreen(TypesScreen):
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
        super().__init__(wanted)
        self._pointed = False
        """The first of the oldest was selected, once."""
        self._resting: Timer | None = None
        self._previewed: RowKey | None = None
        self._topology: Topology | None = None

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

    def on_screen_resume(self) -> None:
        if self.passing.rows:
            self.draw()

    def room_for_details(self) -> bool:
        return super().room_for_details() or self.size.height >= TALL

    def actions(self) -> Sequence[Action]:
        # Nothing moves where the oldest stay, or all is recorded.
        follows = self.flowtap.source.live and not self._oldest
        return [one for one in super().actions() if follows or one.name != "pause"]

    # What is said around the list

    def said(self) -> Line:
        if not self.flowtap.source.live:
            return line(Segment("recorded", "dim"))
        connection = self.flowtap.connection
        if connection.away and self.passing.rows:
            return line(Segment(as_it_was(connection.away_since), "warning"))
        pruned = Segment(self._pruned(), "warning")
        if self._oldest:
            return line(Segment("oldest first", "dim"), pruned)
        # From when there are events matters more than which way they run.
        live = "live" if pruned.text else "live · newest at the bottom"
        return line(Segment(live, "dim"), pruned)

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

    # The list

    def draw(self) -> None:
        passing, chosen, main = self.passing, self.flowtap.columns, self._main
        if self.has_class("notice"):
            self.notice(None)
            main.focus()
        rows, wants = passing.rows, passing.widths
        main.show(lambda width: EventsDrawing(rows, width, chosen, wants))
        if self._oldest:
            self._point()
        elif not passing.held and (self.flowtap.source.live or main.selected is None):
            main.select(RowKey.of(rows[-1]))
        self.refresh_bars()

    @on(Canvas.Redrawn)
    def _point(self) -> None:
        """Selects the first of the oldest, as soon as it is drawn: hidden until now, that comes
        later."""
        if self._oldest and not self._pointed and self.passing.rows:
            first = RowKey.of(self.passing.rows[0])
            self._main.select(first)
            self._pointed = self._main.selected == first

    # Holding still, and going on

    def _hold(self) -> None:
        if self.flowtap.source.live and self.passing.rows and not self._oldest:
            self.passing.hold()
            self.refresh_bars()

    def _go_on(self) -> None:
        self.passing.follow()
        self._show()

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

    def tick(self) -> None:
        super().tick()
        if self._previewed is None and not self.flowtap.connection.away:
            # It could not be asked for while nobody answered.
            self._preview()

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

    def failed(self, subject: str, error: SourceError) -> None:
        if subject == "preview":
            if isinstance(error, CollectorAway):
                self._previewed = None
            said = [Segment(printable(error.detail), "warning")]
            self.query_one("#details", Canvas).show(
                lambda width: Sheet([line(*one) for one in wrap(said, width)])
            )
        else:
            super().failed(subject, error)

    def action_details(self) -> None:
        super().action_details()
        self._preview()

    def resized(self) -> None:
        self._preview()

    # What is asked for

    def action_filter(self) -> None:
        source = self.flowtap.source
        if self._topology is None:
            self.ask("names", source.topology, self._named)
        screen = FilterScreen(
            self.text, lambda: seen_in(self.passing.rows, self._topology), self.flowtap.now()
        )
        self.app.push_screen(screen, self._asked_for)

    def _named(self, topology: Topology) -> None:
        self._topology = topology

    def _asked_for(self, text: str | None) -> None:
        if text is not None and text != self.text:
            self.apply(text)

    def apply(self, text: str) -> None:
        self._pointed = False
        super().apply(text)

    # Going on from here

    def action_columns(self) -> None:
        def chosen(columns: frozenset[Column] | None) -> None:
            if columns:
                self.flowtap.columns = columns
                self._show()

        self.app.push_screen(ColumnsScreen(self.flowtap.columns), chosen)

    def open(self) -> None:
        if self._in_types:
            self._open_type()
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
