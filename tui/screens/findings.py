"""Findings: what did not happen, or not as it should?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import on
from textual.containers import Container
from textual.widget import Widget

from graph.export import FINDING_FORMATS
from graph.filter import FilterError
from graph.findings.model import Finding, Findings, Kind, Proof
from graph.findings.wording import complete, parse, seen_in
from graph.topology import Topology
from tui.actions import Place
from tui.drawing.event_lines import filter_line
from tui.drawing.exports import Export, offers, stem
from tui.drawing.finding_bars import HINT, how_many, looked_line, no_findings, said_of
from tui.drawing.finding_details import finding_details, first_proof
from tui.drawing.finding_table import WORST, FindingTable, next_sort, sorted_by
from tui.drawing.links import Link, finding_links
from tui.drawing.notices import asking, nothing_yet
from tui.drawing.segments import Line, Segment, fit, line, printable
from tui.drawing.sheet import Sheet
from tui.drawing.sorting import SortBy
from tui.drawing.status import as_it_was
from tui.screens.base import TALL, FlowScreen
from tui.screens.chain import ChainScreen
from tui.screens.consumers import ConsumersScreen
from tui.screens.filter import FilterScreen, Language
from tui.source import BadRequest, NotFound, NothingRecorded, SourceError
from tui.widgets.bar import Bar
from tui.widgets.bindings import bindings
from tui.widgets.canvas import Canvas

EVERY = 5
"""Seconds between two questions: minutes are looked at once they are complete, which takes more."""

MOST = 1_000

ALL = 1
"""A recording is asked for all of its time: the last day has nothing of an old one."""

OF_GROUPS = frozenset({Kind.STUCK, Kind.STORMING, Kind.STALE})
"""Kinds about which the group says more than the graph."""

_LANGUAGE = Language("Show findings that fit", HINT.partition("filters: ")[2], parse, complete)


class FindingsScreen(FlowScreen):
    """Findings by kind, the worst first; of the selected one what it rests on, and its proofs."""

    place = Place.FINDINGS
    tab = "findings"
    BINDINGS = bindings(Place.FINDINGS)

    DEFAULT_CSS = """
    FindingsScreen.details #details { height: 45%; }
    FindingsScreen.wide.details #details { height: 1fr; width: 58; }
    FindingsScreen.notice #looked { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        """The filter."""
        self._found: Findings | None = None
        self._sort = WORST
        self._seconds = 0
        self._in_proofs = False
        self._topology: Topology | None = None

    def body(self) -> Sequence[Widget]:
        return [
            Bar(lambda width: filter_line(self.text, width, HINT), id="filter"),
            Bar(self._heading, id="heading"),
            Container(
                Canvas(id="main", opens_selected=True),
                Canvas(id="details", select_first=False, opens_selected=True),
                id="body",
            ),
            Bar(self._looked, id="looked"),
            Canvas(id="notice"),
        ]

    def on_mount(self) -> None:
        self.notice(asking(), "filter")

    def room_for_details(self) -> bool:
        return super().room_for_details() or self.size.height >= TALL

    # What is said around the list

    def said(self) -> Line:
        connection = self.flowtap.connection
        if self._found is None or (connection.away and not self._found.findings):
            return ()
        if connection.away:
            return line(Segment(as_it_was(connection.away_since), "warning"))
        return said_of(self._found.findings)

    def _heading(self, width: int) -> Line:
        return self._table.heading if self._table is not None else fit((), width)

    def _looked(self, width: int) -> Line:
        found = self._found or Findings(())
        return looked_line(found, self.flowtap.connection, width)

    @property
    def _main(self) -> Canvas:
        return self.query_one("#main", Canvas)

    @property
    def _details(self) -> Canvas:
        return self.query_one("#details", Canvas)

    @property
    def _table(self) -> FindingTable | None:
        drawing = self._main.drawing
        return drawing if isinstance(drawing, FindingTable) else None

    # Answers

    def tick(self) -> None:
        super().tick()
        if self._found is None or (self.flowtap.source.live and self._seconds % EVERY == 0):
            self._ask()
        self._seconds += 1

    def _ask(self, *, again: bool = False) -> None:
        source = self.flowtap.source
        try:
            wanted = replace(parse(self.text, self.flowtap.now()), limit=MOST)
        except FilterError:
            return
        if not wanted.since and not source.live:
            wanted = replace(wanted, since=ALL)
        self.ask("findings", lambda: source.findings(wanted), self._answered, again=again)

    def _answered(self, found: Findings) -> None:
        self.flowtap.connection.back(self.flowtap.now())
        self._found = found
        self._show()

    def _show(self) -> None:
        found, connection = self._found, self.flowtap.connection
        if found is None:
            return
        if found.findings:
            if self.has_class("notice"):
                self.notice(None)
                self._main.focus()
            self._draw()
            return
        self._leave_proofs()
        nothing = connection.live and not connection.totals.stored and not found.until
        if nothing and connection.health is not None and not self.text:
            self.notice(nothing_yet(connection), "copy", "filter")
        else:
            self.notice(no_findings(found, self.text, connection), "filter")
        self.refresh_bars()

    def failed(self, subject: str, error: SourceError) -> None:
        super().failed(subject, error)
        if subject != "findings" and not self.flowtap.connection.away:
            return
        if self._found is not None and self._found.findings:
            return
        if isinstance(error, NothingRecorded):
            self.notice(nothing_yet(self.flowtap.connection), "copy")
        elif isinstance(error, (NotFound, BadRequest)):
            self.notice([line(Segment("This collector looks for no findings.", "title"))])
        else:
            self.excuse(error)

    def _healthy(self, health: object) -> None:
        super()._healthy(health)
        if self._found is not None and not self._found.findings:
            # What was not seen is said there, and the health tells it.
            self._show()

    def _draw(self) -> None:
        findings = self._found.findings if self._found is not None else ()
        sort, now = self._sort, self.flowtap.now()
        self._main.show(lambda width: FindingTable(findings, sort, width, now))
        self._show_details()
        self.refresh_bars()

    # What is selected

    @property
    def finding(self) -> Finding | None:
        """The selected finding."""
        return self._table.finding(self._main.selected) if self._table else None

    @property
    def proof(self) -> Proof | None:
        """The selected proof."""
        selected = self._details.selected
        return selected if self._in_proofs and isinstance(selected, Proof) else None

    @on(Canvas.Selected, "#main")
    def _selected(self) -> None:
        self._leave_proofs()
        self._show_details()
        self._details.scroll_to(y=0, animate=False)

    def _show_details(self) -> None:
        chosen = self.finding
        self._details.show(lambda width: Sheet(finding_details(chosen, width)))
        if self._in_proofs and self._details.selected is None:
            self._leave_proofs()

    # Proofs

    @property
    def canvas(self) -> Canvas:
        if self._in_proofs and not self.has_class("notice"):
            return self._details
        return super().canvas

    def action_proof(self) -> None:
        """Into the proofs, and back."""
        if self._in_proofs:
            self._leave_proofs()
        elif self.finding is not None and self.finding.proof and not self.has_class("notice"):
            self._in_proofs = self._chosen = True
            self.add_class("details")
            # Where they were hidden, they are drawn only after this.
            self.call_after_refresh(self._enter_proofs)
        elif self.finding is not None:
            self.notify("No single event proves this: Enter goes to whom it is about.", timeout=4)

    def _enter_proofs(self) -> None:
        self._details.select(self._details.selected or self._details.drawing.first())
        self._details.focus()

    def _leave_proofs(self) -> None:
        if not self._in_proofs:
            return
        self._in_proofs = False
        self._details.selected = None
        self._details.refresh()
        if not self.has_class("notice"):
            self._main.focus()

    @on(Canvas.Selected, "#details")
    def _proof_selected(self) -> None:
        self._in_proofs = True

    def back(self) -> bool:
        left = self._in_proofs
        self._leave_proofs()
        return left

    # Sorting, and what is asked for

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

    def action_filter(self) -> None:
        source = self.flowtap.source
        if self._topology is None:
            self.ask("names", source.topology, self._named)
        screen = FilterScreen(self.text, self._seen, self.flowtap.now(), _LANGUAGE)
        self.app.push_screen(screen, self._asked_for)

    def _seen(self) -> dict[str, Sequence[str]]:
        return dict(seen_in(self._found.findings if self._found else (), self._topology))

    def _named(self, topology: Topology) -> None:
        self._topology = topology

    def _asked_for(self, text: str | None) -> None:
        if text is None or text == self.text:
            return
        self.text, self._found = text, None
        self.questions.drop("findings")
        self._leave_proofs()
        self.notice(asking(), "filter")
        self._ask(again=True)
        self.refresh_bars()

    # Moving on

    def open(self) -> None:
        """To the chain of the event that proves it; else to whom it is about."""
        one = self.finding
        if one is None:
            return
        proof = self.proof or first_proof(one)
        if proof is not None and proof.id:
            self.flowtap.go(ChainScreen(proof.id))
        elif one.kind in OF_GROUPS and one.subject.group:
            self._go_to_group(one)
        else:
            self.action_in_graph()

    def _go_to_group(self, one: Finding) -> None:
        self.flowtap.action_consumers()
        screen = self.flowtap.screen
        if isinstance(screen, ConsumersScreen):
            screen.point_at(one.subject.cluster, one.subject.group)

    def action_in_graph(self) -> None:
        """To whom the selected finding is about, in the graph."""
        one = self.finding
        if one is None or self.has_class("notice"):
            return
        graph = self.flowtap.graph
        if graph.point_at_finding(one):
            self.flowtap.go(graph)
        else:
            said = "The graph does not show whom this is about: w there counts over another time."
            self.notify(said, markup=False, severity="warning", timeout=5)

    def links(self) -> Sequence[Link]:
        return finding_links(self.finding, self.address) if self.finding else ()

    def exported(self) -> Export:
        shown = self._table.findings if self._table is not None else []
        what = printable(how_many(shown, self.text))
        return Export(
            what, stem("findings", now=self.flowtap.now()), offers(FINDING_FORMATS, shown)
        )

    def copied(self) -> str:
        one = self.finding
        if one is None:
            return ""
        proof = self.proof or first_proof(one)
        named = one.subject.service or one.subject.group or one.subject.destination
        return proof.id if proof is not None and proof.id else named
