"""Consumers: who is behind?"""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.containers import Container
from textual.widget import Widget

from graph.export import CONSUMER_FORMATS
from graph.listing import Consumer, EventFilter
from graph.standing import Standing, standing_of
from graph.terms import Field, Pattern, Term
from tui.actions import Place
from tui.drawing.consumer_details import behind_on, consumer_details
from tui.drawing.consumer_table import WORST, ConsumerTable, GroupKey, next_sort, sorted_by
from tui.drawing.exports import Export, counted, offers, stem
from tui.drawing.links import Link, group_links
from tui.drawing.notices import asking, no_groups, nothing_yet
from tui.drawing.segments import Line, Segment, fit, line, printable
from tui.drawing.sheet import Sheet
from tui.drawing.sorting import SortBy
from tui.drawing.status import as_it_was
from tui.screens.base import TALL, FlowScreen
from tui.screens.events import EventsScreen
from tui.source import NothingRecorded, SourceError
from tui.widgets.bar import Bar
from tui.widgets.bindings import bindings
from tui.widgets.canvas import Canvas


class ConsumersScreen(FlowScreen):
    """Groups, the worst first; of the selected one its partitions and members."""

    place = Place.CONSUMERS
    tab = "consumers"
    BINDINGS = bindings(Place.CONSUMERS)

    DEFAULT_CSS = """
    ConsumersScreen.details #details { height: 55%; }
    ConsumersScreen.wide.details #details { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._consumers: list[Consumer] | None = None
        self._sort = WORST
        self._pointed: GroupKey | None = None
        """The group that is to be selected once it shows."""

    def body(self) -> Sequence[Widget]:
        return [
            Bar(self._heading, id="heading"),
            Container(Canvas(id="main"), Canvas(id="details", select_first=False), id="body"),
            Canvas(id="notice"),
        ]

    def on_mount(self) -> None:
        self.notice(asking())

    def room_for_details(self) -> bool:
        return super().room_for_details() or self.size.height >= TALL

    def said(self) -> Line:
        if not self._consumers:
            return ()
        connection = self.flowtap.connection
        if connection.away:
            return line(Segment(as_it_was(connection.away_since), "warning"))
        standings = [standing_of(one) for one in self._consumers]
        behind = sum(one.behind for one in standings)
        nobody = standings.count(Standing.NOBODY)
        count = len(standings)
        return line(
            Segment(f"{count:,} group{'' if count == 1 else 's'}", "dim"),
            Segment(f" · {behind:,} behind" if behind else "", "warning"),
            Segment("" if behind else " · none behind", "dim"),
            Segment(f" · ✗ {nobody:,} nobody runs" if nobody else "", "error"),
        )

    def _heading(self, width: int) -> Line:
        table = self._table
        return table.heading if table is not None else fit((), width)

    @property
    def _table(self) -> ConsumerTable | None:
        drawing = self.query_one("#main", Canvas).drawing
        return drawing if isinstance(drawing, ConsumerTable) else None

    # Answers

    def tick(self) -> None:
        super().tick()
        if self.flowtap.source.live or self._consumers is None:
            self.ask("consumers", self.flowtap.source.consumers, self._answered)

    def _answered(self, consumers: list[Consumer]) -> None:
        self.flowtap.connection.back(self.flowtap.now())
        self._consumers = consumers
        if consumers:
            if self.has_class("notice"):
                self.notice(None)
                self.query_one("#main", Canvas).focus()
            self._draw()
        else:
            self.notice(no_groups(self.flowtap.connection), "copy")
            self.refresh_bars()

    def failed(self, subject: str, error: SourceError) -> None:
        super().failed(subject, error)
        if subject != "consumers" and not self.flowtap.connection.away:
            return
        if isinstance(error, NothingRecorded):
            self.notice(nothing_yet(self.flowtap.connection), "copy")
        elif not self._consumers:
            self.excuse(error)

    def _draw(self) -> None:
        consumers, sort = self._consumers or [], self._sort
        main = self.query_one("#main", Canvas)
        main.show(lambda width: ConsumerTable(consumers, sort, width))
        if self._pointed is not None:
            # Hidden until now, it is drawn only after this.
            self.call_after_refresh(main.select, self._pointed)
            self._pointed = None
        self._show_details()
        self.refresh_bars()

    def point_at(self, cluster: str, group: str) -> None:
        """Selects a group, at once or with the next answer."""
        self._pointed = GroupKey(cluster, group)
        if self._consumers and not self.has_class("notice"):
            self._draw()

    # What is selected

    @property
    def consumer(self) -> Consumer | None:
        """The selected group."""
        table = self._table
        return table.consumer(self.query_one("#main", Canvas).selected) if table else None

    @on(Canvas.Selected, "#main")
    def _selected(self) -> None:
        self._show_details()
        self.query_one("#details", Canvas).scroll_to(y=0, animate=False)

    def _show_details(self) -> None:
        chosen = self.consumer
        details = self.query_one("#details", Canvas)
        details.show(lambda width: Sheet(consumer_details(chosen, width)))

    def open(self) -> None:
        if self.consumer is not None:
            self.action_details()

    # Sorting

    @on(Bar.Clicked)
    def _head_clicked(self, clicked: Bar.Clicked) -> None:
        if isinstance(clicked.target, SortBy):
            self._sort = sorted_by(clicked.target.column, self._sort)
            self._draw()

    def action_sort(self) -> None:
        self._sort = next_sort(self._sort)
        self._draw()

    def action_reverse(self) -> None:
        self._sort = sorted_by(self._sort.column, self._sort)
        self._draw()

    # Moving on

    def action_waiting(self) -> None:
        """To the events that the selected group has not consumed yet, the oldest first."""
        chosen = self.consumer
        if chosen is None or self.has_class("notice"):
            return
        places = behind_on(chosen)
        if not places:
            self.notify("Nothing waits for this group.", markup=False, timeout=3)
        elif not chosen.oldest:
            said = f"No tap has read what waits on {printable(places[0])}, so it cannot be listed."
            self.notify(said, markup=False, severity="warning", timeout=5)
        else:
            topics = Term(Field.TOPIC, tuple(Pattern((name,)) for name in places))
            waiting = EventFilter(terms=(topics,), since=chosen.oldest, oldest=True)
            self.flowtap.go(EventsScreen(waiting))

    def action_in_graph(self) -> None:
        """To the group's place in the graph."""
        chosen = self.consumer
        if chosen is None or self.has_class("notice"):
            return
        graph = self.flowtap.graph
        if graph.point_at(chosen):
            self.flowtap.go(graph)
        else:
            said = (
                "The graph does not show this group: it read nothing in the time that is counted."
            )
            self.notify(said, markup=False, severity="warning", timeout=5)

    def links(self) -> Sequence[Link]:
        return group_links(self.consumer.group, self.address) if self.consumer else ()

    def exported(self) -> Export:
        shown = self._table.consumers if self._table is not None else []
        now = self.flowtap.now()
        what = counted(len(shown), "group")
        return Export(what, stem("consumers", now=now), offers(CONSUMER_FORMATS, shown))

    def copied(self) -> str:
        return self.consumer.group if self.consumer else ""
