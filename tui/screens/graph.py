"""The graph: who talks to whom, now?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual import on
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from graph.findings.model import Finding
from graph.listing import Consumer
from graph.moments import MomentError
from graph.topology import NodeKey, Topology
from tui.actions import ACTIONS, Action, Place
from tui.drawing.flow import Flow, Spot
from tui.drawing.graph_view import (
    Crumb,
    GraphDrawing,
    Shape,
    View,
    draw_graph_way,
    excuse_lines,
)
from tui.drawing.links import Link, node_links
from tui.drawing.node_details import Known, spot_details
from tui.drawing.rates import consuming
from tui.drawing.segments import Line, Segment, fit, line, window
from tui.drawing.sheet import Sheet
from tui.drawing.sorting import SortBy
from tui.drawing.windows import SECOND, Window, typed
from tui.screens.base import WIDE
from tui.screens.graph_answers import about, events_of
from tui.screens.graph_window import WindowScreen
from tui.source import with_payloads
from tui.widgets.bar import Bar
from tui.widgets.bindings import bindings
from tui.widgets.canvas import Canvas
from tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tui.drawing.exports import Export

SEARCHING = "search"
TYPING_INTERVAL = "between"

WALKING_SECONDS = 0.06
"""Between two nodes of somebody who holds an arrow key down, at most: details wait meanwhile."""

PASSING_SECONDS = 0.15
"""How long a node is selected before more is asked about it."""

STALE = 10 * SECOND
"""After that it is asked again."""

BARS = 5
"""Lines of all bars."""
DETAILS_AND_BARS = BARS + 11
"""Lines of the details below a drawing, and of all bars."""
MOST_DETAILS = 76
"""Columns of details; more would part names from their figures."""


class Seen(NamedTuple):
    """What the graph showed when somebody went on."""

    view: View
    selected: NodeKey | None
    window: Window
    comparing: bool


class GraphScreen(WindowScreen):
    """Producers, destinations, consumers; the selected one lights up with its neighbours."""

    place = Place.GRAPH
    tab = "graph"
    BINDINGS = bindings(Place.GRAPH)

    DEFAULT_CSS = """
    GraphScreen #way { display: none; }
    GraphScreen.way #way { display: block; }
    GraphScreen.below.details #details { height: 55%; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._view = View()
        self._prompted = ""
        self._before_search: Spot | None = None
        self._node_known: Known | None = None
        """Of the node that was selected last for a moment."""
        self._soon: Timer | None = None
        self._walks: Timer | None = None
        """Runs while somebody walks from node to node."""
        self._detailed: Spot | None = None
        """Where details were shown last."""

    def body(self) -> Sequence[Widget]:
        return [
            Bar(self._way, id="way"),
            Bar(self._heading, id="heading"),
            Container(Canvas(id="main"), Canvas(id="details", select_first=False), id="body"),
            Canvas(id="notice"),
            Prompt(id="prompt"),
        ]

    def _heading(self, width: int) -> Line:
        drawing = self.query_one("#main", Canvas).drawing
        if isinstance(drawing, Sheet):
            return fit((), width)
        across = self.query_one("#main", Canvas).scroll_offset.x
        return window(cast(GraphDrawing, drawing).heading, across, width)

    def _way(self, width: int) -> Line:
        flow = self._flow or Flow(Topology())
        parts = [*self._answer.told] if self._answer is not None else []
        if self._view.busy_only:
            only = "changes only" if self._comparing else "busy only"
            parts = [Segment(only, "warning"), Segment("  "), *parts]
        return draw_graph_way(self._view, flow, line(*parts), width)

    def _keys(self) -> list[Action]:
        if self.has_class("notice"):
            return super()._keys()
        if self._prompt.open:
            return [one for one in ACTIONS if one.name in ("open", "back")]
        shown = _KEYS["focus" if self._view.middle else self._view.shape.value]
        rest = [one.name for one in super()._keys() if Place.EVERYWHERE in one.places]
        if not self.flowtap.history.past:
            rest.remove("back")
        names = dict.fromkeys((*shown, *rest, *_ROOM_KEYS))
        by_name = {one.name: one for one in ACTIONS}
        return [by_name[name] for name in names]

    # What is drawn

    def draw(self, select: NodeKey | None = None) -> None:
        """Draws what is known in the view that is chosen, and selects a node in it."""
        if self._flow is None:
            return
        view = self._view
        flow = view.of(self._flow)
        main = self.query_one("#main", Canvas)
        why_not = view.why_not(flow)
        if why_not:
            main.show(lambda width: Sheet(excuse_lines(why_not, width)))
        else:
            main.show(lambda width: view.drawing(flow, width))
        main.zooms = view.shape is Shape.MAP and view.middle is None
        self.set_class(
            bool(view.way or view.busy_only or self._comparing or view.shape is not Shape.FLOW),
            "way",
        )
        below = self._wants_width()
        self.set_class(below, "below")
        self.set_class(self.size.width >= WIDE and not below, "wide")
        if not self._chosen:
            self.set_class(self.room_for_details(), "details")
        if select is not None and not isinstance(main.drawing, Sheet):
            main.select(cast(GraphDrawing, main.drawing).spot_of(select))
            main.centre()
        self._show_details()
        self.refresh_bars()

    def _wants_width(self) -> bool:
        """A node in the middle with few beside it: hops take columns, details the lines below."""
        around = self.query_one("#main", Canvas).drawing.height
        tall = self.size.height - BARS
        return self.size.width >= WIDE and self._view.middle is not None and around * 20 <= tall * 9

    def resized(self) -> None:
        self.draw()

    def room_for_details(self) -> bool:
        if super().room_for_details():
            return True
        around = self.query_one("#main", Canvas).drawing.height
        return self._view.middle is not None and around + DETAILS_AND_BARS <= self.size.height

    @property
    def spot(self) -> Spot | None:
        """The selected place."""
        selected = self.query_one("#main", Canvas).selected
        return selected if isinstance(selected, Spot) else None

    @on(Canvas.Selected, "#main")
    def _selected(self) -> None:
        if self._detailed == self.spot:
            return
        if self._walks is None:
            self._show_details()
        else:
            self._walks.stop()
        self._walks = self.set_timer(WALKING_SECONDS, self._rests)

    def _rests(self) -> None:
        self._walks = None
        if self._detailed != self.spot:
            self._show_details()

    def _show_details(self) -> None:
        flow, spot, known = self._flow, self.spot, self._node_known
        if flow is None:
            return
        self._detailed = spot
        details = self.query_one("#details", Canvas)
        details.show(lambda width: Sheet(spot_details(flow, spot, min(width, MOST_DETAILS), known)))
        stale = known is None or spot is None or known.node != spot.node
        stale = stale or (known is not None and self.flowtap.now() - known.asked > STALE)
        if self.has_class("details") and spot is not None and stale and self._soon is None:
            # Not for every node that an arrow key passes.
            self._soon = self.set_timer(PASSING_SECONDS, self._ask_about)

    def _ask_about(self) -> None:
        """Asks what the graph does not say of the selected node."""
        self._soon = None
        spot, source = self.spot, self.flowtap.source
        if spot is None or self._answer is None:
            return
        question = about(source, spot.node, self._answer.bounds, self.flowtap.now())
        self.ask("about", question, self._knows_about, again=True)

    def _knows_about(self, known: Known) -> None:
        self._node_known = known
        self._show_details()

    def action_details(self) -> None:
        super().action_details()
        self._show_details()

    def _see(self, view: View, select: NodeKey | None = None) -> None:
        self._view = view
        self.draw(select)

    # Moving on

    def open(self) -> None:
        if self._prompt.open:
            self._prompt.enter()
            return
        spot = self.spot
        if spot is None:
            return
        if spot.node == self._view.middle:
            self.action_its_events()
        else:
            self.flowtap.goes_on()
            self._see(self._view.moved_to(spot.node), spot.node)

    def point_at(self, consumer: Consumer) -> bool:
        """Puts who consumes as a group in the middle; False when nothing here is of it."""
        edge = consuming(consumer, self._flow.topology.edges if self._flow else ())
        if edge is None:
            return False
        if edge.target != self._view.middle:
            self._see(self._view.moved_to(edge.target), edge.target)
        return True

    def point_at_finding(self, finding: Finding) -> bool:
        """Puts whom a finding is about in the middle; False when nobody of them is here."""
        from tui.drawing.finding_places import nodes_of

        nodes = nodes_of(finding, self._flow.topology) if self._flow else []
        if nodes and nodes[0] != self._view.middle:
            self._see(self._view.moved_to(nodes[0]), nodes[0])
        return bool(nodes)

    def back(self) -> bool:
        open = self._prompt.open
        if open:
            self._close_prompt()
        return open

    def seen(self) -> Seen:
        return Seen(self._view, self._selected_node, self._window, self._comparing)

    def see_again(self, seen: object) -> None:
        if isinstance(seen, Seen):
            self._see(seen.view, seen.selected)
            if (seen.window, seen.comparing) != (self._window, self._comparing):
                self._count_over(seen.window, comparing=seen.comparing)

    @on(Bar.Clicked)
    def _graph_clicked(self, clicked: Bar.Clicked) -> None:
        target = clicked.target
        if isinstance(target, SortBy):
            self._see(self._view.sorted_by(target.column))
        elif isinstance(target, Crumb) and target.kept < len(self._view.way):
            left = self._view.way[target.kept]
            self.flowtap.goes_on()
            self._see(replace(self._view, way=self._view.way[: target.kept]), left)

    def action_its_events(self) -> None:
        spot = self.spot
        if spot is None or self.has_class("notice"):
            return
        bounds = self._window.bounds(self.flowtap.now())
        wanted = events_of(spot)
        if not self._window.follows:
            wanted = replace(wanted, since=bounds.start, until=bounds.end)
        from tui.screens.events import EventsScreen

        self.flowtap.go(EventsScreen(wanted))

    def action_left(self) -> None:
        self.canvas.move(-1, 0)

    def action_right(self) -> None:
        self.canvas.move(1, 0)

    def action_more(self) -> None:
        self._see(self._view.closer(1), self._view.middle or self._selected_node)

    def action_less(self) -> None:
        self._see(self._view.closer(-1), self._view.middle or self._selected_node)

    @on(Canvas.Zoomed, "#main")
    def _zoomed(self, zoomed: Canvas.Zoomed) -> None:
        self._see(self._view.closer(zoomed.step), self._selected_node)

    def action_table(self) -> None:
        self._see(self._view.shaped(Shape.TABLE), self._selected_node)

    def action_map(self) -> None:
        self._see(self._view.shaped(Shape.MAP), self._selected_node)

    @property
    def _selected_node(self) -> NodeKey | None:
        return self.spot.node if self.spot else None

    def action_sort(self) -> None:
        if self._flow is not None and self._view.shape is Shape.TABLE:
            self._see(self._view.sorted_by_next(self._flow))

    def action_reverse(self) -> None:
        if self._view.shape is Shape.TABLE:
            self._see(self._view.sorted_by(self._view.sort.column))

    def action_busy(self) -> None:
        self._see(replace(self._view, busy_only=not self._view.busy_only))

    def links(self) -> Sequence[Link]:
        return node_links(self.spot.node, self.address) if self.spot else ()

    def exported(self) -> Export:
        from graph.export import FORMATS
        from tui.drawing.exports import Export, counted, offers, stem

        stood = stem("graph", now=self.flowtap.now())
        if self._flow is None:
            return Export("this screen", stood)
        shown = self._view.shown(self._view.of(self._flow))
        parts = [counted(len(shown.edges), "edge"), counted(len(shown.nodes), "node")]
        what = f"{' between '.join(parts)}, {self._window.name}"
        if self._view.busy_only:
            what += ", changes only" if self._comparing else ", busy only"
        fitting = {name: one for name, one in FORMATS.items() if shown.view in one.views}
        completed = partial(with_payloads, source=self.flowtap.source)
        return Export(what, stood, offers(fitting, shown, completed) if shown.edges else ())

    def copied(self) -> str:
        return self.spot.node.name if self.spot else ""

    # The time that is counted over, and looking for a node

    def action_interval(self) -> None:
        self._prompted = TYPING_INTERVAL
        self._prompt.ask(TYPING_INTERVAL, "2h..1h, 90m, 2026-01-31T12:00..2026-01-31T12:30")

    @property
    def typing(self) -> bool:
        return self._prompt.open

    @property
    def _prompt(self) -> Prompt:
        return self.query_one("#prompt", Prompt)

    def action_search(self) -> None:
        self._before_search = self.spot
        self._prompted = SEARCHING
        self._prompt.ask(SEARCHING, "a part of a name")
        self._see(replace(self._view, looking_for=""), self._selected_node)

    @on(Prompt.Changed)
    def _typed(self, changed: Prompt.Changed) -> None:
        if self._prompted != SEARCHING or self._flow is None:
            return
        self._see(replace(self._view, looking_for=changed.text))
        flow = self._view.of(self._flow)
        if flow.matches is None:
            self._prompt.say(())
            return
        count = len(flow.matches)
        said = f" {count:,} {'match' if count == 1 else 'matches'}, enter goes there "
        self._prompt.say(line(Segment(said if count else " no match ", "dim")))
        drawing = self.query_one("#main", Canvas).drawing
        first = next((node.key for node in flow.topology.nodes if node.key in flow.matches), None)
        if first is not None and not isinstance(drawing, Sheet):
            self.query_one("#main", Canvas).select(cast(GraphDrawing, drawing).spot_of(first))

    @on(Prompt.Entered)
    def _entered(self, entered: Prompt.Entered) -> None:
        if self._prompted == SEARCHING:
            found = self.spot.node if self.spot and entered.text else None
            self._close_prompt(found)
            nowhere = self._flow is not None and self._view.why_not(self._flow)
            if found is not None and (self._view.way or nowhere):
                self.flowtap.goes_on()
                self._see(self._view.moved_to(found), found)
            return
        try:
            chosen = typed(entered.text, self.flowtap.now())
        except MomentError as error:
            self._prompt.say(line(Segment(f" {error} ", "error")))
            return
        self._close_prompt()
        self._count_over(chosen)

    def _close_prompt(self, found: NodeKey | None = None) -> None:
        """Gives the focus back; where nothing was found, what was selected before is again."""
        self._prompt.close()
        self.canvas.focus()
        if self._prompted == SEARCHING:
            before = self._before_search
            self._see(replace(self._view, looking_for=None), found or (before and before.node))
            if found is None:
                self.query_one("#main", Canvas).select(before)


_KEYS = {
    "flow": ("open", "search", "table", "window", "details"),
    "table": ("open", "sort", "table", "search", "window"),
    "map": ("open", "more", "less", "map", "search", "details"),
    "focus": ("open", "more", "events", "details"),
}
"""What the footer offers, by what is drawn."""

_ROOM_KEYS = ("events", "map", "table", "search", "window", "interval", "compare", "busy")
"""What it offers besides where it is wide enough: everything can be done with the mouse."""
