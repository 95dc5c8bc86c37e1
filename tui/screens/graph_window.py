"""The graph of a window of time: asked again while it follows now, compared with the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graph.findings.model import Finding, Findings, State
from graph.findings.wanted import Wanted
from graph.topology import NodeKey, Topology
from tui.drawing import figures
from tui.drawing.flow import Flow
from tui.drawing.notices import asking, no_messages, nothing_yet, quiet
from tui.drawing.rates import FlowMeter
from tui.drawing.segments import Line, Segment, line
from tui.drawing.status import as_it_was
from tui.drawing.windows import SECOND, USUAL, WINDOWS, Window
from tui.screens.base import FlowScreen
from tui.screens.graph_answers import Answered, Asked, known_before
from tui.source import NothingRecorded, SourceError
from tui.widgets.canvas import Canvas

FINDINGS_REST = 10 * SECOND
"""Between two questions for findings: minutes are looked at once they are complete."""

STALE_SECONDS = 15.0
"""From which it is said how old the counts are."""

NEVER = 1 << 63

MOST_FINDINGS = 500


class WindowScreen(FlowScreen):
    """Knows the graph of the window; who derives from it draws that."""

    def __init__(self) -> None:
        super().__init__()
        self._flow: Flow | None = None
        self._answer: Answered | None = None
        self._meter = FlowMeter()
        self._window = USUAL
        self._comparing = False
        self._known: Topology | None = None
        """What was there before the window began, as far as that was asked for."""
        self._empty = False
        self._findings: Sequence[Finding] = ()
        """What is found wrong just now."""
        self._looks_at = 0
        """When that is asked for again, nanoseconds since the Unix epoch; 0: at once."""

    def draw(self, select: NodeKey | None = None) -> None:
        """Draws what is known, and selects a node in it."""
        raise NotImplementedError

    @property
    def typing(self) -> bool:
        """Whether somebody types, so that the focus is to be left where it is."""
        return False

    def on_mount(self) -> None:
        if not self.flowtap.source.live:
            self._window = WINDOWS[-1]
        self.notice(asking())

    def said(self) -> Line:
        connection = self.flowtap.connection
        name = self._window.name
        if connection.away and self._answer is not None:
            return line(Segment(f"{as_it_was(self._answer.now)} · {name}", "warning"))
        live = "live · " if self.flowtap.source.live and self._window.follows else ""
        zone = "" if self._window.follows else " UTC"
        begins = self._window.bounds(self.flowtap.now()).start
        cut = begins < connection.covered_from
        pruned = f" · pruned before {figures.date(connection.covered_from)[:16]}" if cut else ""
        left = self._answer.counted.left.edges if self._answer else 0
        more = f" · and {left:,} more edges" if left else ""
        behind = connection.lag.edges if self._window.follows else 0.0
        old = f" · counted up to {behind:.0f} s ago" if behind >= STALE_SECONDS else ""
        return line(
            Segment(f"{live}{name}{zone}", "dim"),
            Segment(more + pruned, "warning"),
            Segment(old, "dim"),
        )

    # Answers

    def tick(self) -> None:
        super().tick()
        answer = self._answer
        if answer is None or (self.flowtap.source.live and self._due(answer)):
            self._ask()
        elif self.flowtap.source.live:
            self._ask_findings()

    def _due(self, answer: Answered) -> bool:
        """What was counted before the collector was away does not wait for its turn."""
        back_at = self.flowtap.connection.back_at
        return answer.due or (answer.window.follows and answer.now < back_at)

    def _ask(self, *, again: bool = False) -> None:
        last = self._answer
        asked = Asked(
            self.flowtap.source, self._window, self.flowtap.now(), self._comparing, self._known
        )
        self.ask("graph", lambda: asked.answer(last), self._answered, again=again)

    def _answered(self, answer: Answered) -> None:
        self.flowtap.connection.back(self.flowtap.now())
        self._answer = answer
        self._meter.observe(answer.counted, answer.now)
        rates = self._meter.rates if self.flowtap.source.live else None
        self._flow = self._flagged(answer.flow(rates))
        if self._known is not None:
            self._known = answer.topology
        self._empty = not answer.topology.edges
        if self._known is None and answer.bounds.start:
            source, bounds = self.flowtap.source, answer.bounds
            self.ask("known", lambda: known_before(source, bounds), self._knows)
        if self._empty:
            self._nothing()
            return
        if self.has_class("notice"):
            self.notice(None)
            if not self.typing:
                self.query_one("#main", Canvas).focus()
        self.draw()
        self._ask_findings()

    # What is found wrong with what is drawn

    def _ask_findings(self) -> None:
        """Asks what is wrong just now; of a recording once."""
        source, now = self.flowtap.source, self.flowtap.now()
        if now < self._looks_at or self._empty or self._flow is None:
            return
        self._looks_at = now + FINDINGS_REST if source.live else NEVER
        since = 0 if source.live else 1
        wanted = Wanted(since=since, state=State.OPEN, limit=MOST_FINDINGS)
        self.ask("marks", lambda: source.findings(wanted), self._found)

    def _found(self, found: Findings) -> None:
        if [*found.findings] == [*self._findings] or self._flow is None:
            return
        self._findings = found.findings
        self._flow = self._flagged(self._flow)
        self.draw()

    def _flagged(self, flow: Flow) -> Flow:
        """The flow, with what is found on its nodes."""
        if not self._findings:
            return replace(flow, found={}) if flow.found else flow
        from tui.drawing.finding_places import found_on, standing

        return replace(flow, found=found_on(standing(self._findings), flow.topology))

    def _knows(self, known: Topology) -> None:
        self._known = known
        if known.edges and self._answer is not None:
            self._ask(again=True)

    def _nothing(self) -> None:
        if not self.flowtap.source.live:
            self.notice(no_messages(self.flowtap.source.name))
        elif self._window.bounds(self.flowtap.now()).start and (
            self.flowtap.connection.totals.stored
        ):
            self.notice(quiet(self._window.name), "window")
        else:
            self.notice(nothing_yet(self.flowtap.connection), "copy")
        self.refresh_bars()

    def failed(self, subject: str, error: SourceError) -> None:
        super().failed(subject, error)
        if subject != "graph":
            return
        if isinstance(error, NothingRecorded):
            self.notice(nothing_yet(self.flowtap.connection), "copy")
        elif self._flow is None or self._empty:
            self.excuse(error)

    def gave_up(self, subject: str) -> None:
        # What is drawn is of the window that was answered, so that is the chosen one again.
        if subject == "graph" and self._answer is not None:
            self._window = self._answer.window
            self._comparing = self._answer.changes is not None

    # The time that is counted over

    def action_window(self) -> None:
        at = WINDOWS.index(self._window) + 1 if self._window in WINDOWS else 0
        self._count_over(WINDOWS[at % len(WINDOWS)])

    def _count_over(self, window: Window, *, comparing: bool | None = None) -> None:
        """Asks for another window, compared with the one before it; None is as it is now."""
        compares = self._comparing if comparing is None else comparing
        self._window = window
        self._comparing = compares and window.earlier(self.flowtap.now()) is not None
        self._meter, self._known = FlowMeter(), None
        self.questions.drop("known")
        self._ask(again=True)
        self.refresh_bars()

    def action_compare(self) -> None:
        if self._window.earlier(self.flowtap.now()) is None:
            self.notify("Nothing comes before everything: choose a window with w.", timeout=4)
            return
        self._comparing = not self._comparing
        self._ask(again=True)
