"""What all screens share: title, status and keys around them, questions to the source, moving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from tui.actions import Action, Place, actions_of
from tui.drawing.bars import draw_keys, draw_title
from tui.drawing.links import Link, caution
from tui.drawing.notices import asking, away, cancelled, centred, unanswered
from tui.drawing.segments import Line, printable
from tui.drawing.sheet import Sheet
from tui.drawing.status import SLOW, Waiting, draw_status
from tui.source import Address, CollectorAway, SourceError, StoreBusy, Unauthorised
from tui.widgets.bar import Bar
from tui.widgets.canvas import Canvas
from tui.widgets.questions import Answer, Questions

if TYPE_CHECKING:
    from tui.app import FlowtapApp
    from tui.drawing.exports import Export

T = TypeVar("T")

WIDE = 120
"""Columns from which details stand beside, not below."""

ASKED = {
    "graph": "the graph",
    "chain": "the chain",
    "events": "events",
    "consumers": "consumer groups",
    "findings": "findings",
    "fate": "what became of it",
    "explain": "why it is joined",
}
"""What somebody waits for, by the subject of the question."""

TALL = 32
"""Lines from which details have room below."""


class FlowScreen(Screen[None]):
    """A screen of flowtap. Those that derive from it fill `body` and say their `place`."""

    place: ClassVar[Place]
    tab: ClassVar[str] = ""
    """The action whose tab is marked in the title."""

    DEFAULT_CSS = """
    FlowScreen { background: $background; layout: vertical; }
    FlowScreen #body { height: 1fr; layout: horizontal; }
    FlowScreen #main { width: 1fr; height: 1fr; }
    FlowScreen #details { display: none; background: $background; padding: 0 1; }
    FlowScreen.details #details { display: block; height: 11; border-top: solid $flow-border; }
    FlowScreen.wide.details #details {
        width: 51; height: 1fr; border-top: none; border-left: solid $flow-border;
    }
    FlowScreen.wide #body { layout: horizontal; }
    FlowScreen #body { layout: vertical; }
    FlowScreen #notice { display: none; }
    FlowScreen.notice #notice { display: block; }
    FlowScreen.notice #main, FlowScreen.notice #body { display: none; }
    FlowScreen.notice #heading, FlowScreen.notice #way { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.questions = Questions(self)
        self._offered: tuple[str, ...] = ()
        self.polling: Timer | None = None
        """Ticks each second; None where answers never change."""
        self._waits: dict[str, int] = {}
        """Since when somebody waits for an answer, by subject."""
        self._had: set[str] = set()
        """Subjects that were answered before."""
        self._cancelled: set[str] = set()
        """Not asked for again by itself."""
        self._chosen = False
        """Somebody has shown or hidden the details."""

    @property
    def flowtap(self) -> FlowtapApp:
        """The app, as ours."""
        from tui.app import FlowtapApp

        assert isinstance(self.app, FlowtapApp)
        return self.app

    # What a screen is made of

    def compose(self) -> ComposeResult:
        yield Bar(self._title, id="title")
        yield from self.body()
        yield Bar(self._status, id="status")
        yield Bar(lambda width: draw_keys(self._keys(), width), id="keys")

    def body(self) -> Sequence[Widget]:
        """The widgets between title and status."""
        raise NotImplementedError

    def said(self) -> Line:
        """What stands at the right of the title."""
        return ()

    def _title(self, width: int) -> Line:
        return draw_title(self.tab, self.said(), width)

    def _status(self, width: int) -> Line:
        return draw_status(self.flowtap.connection, self.flowtap.now(), width, self.waiting)

    def _keys(self) -> list[Action]:
        if self.has_class("notice"):
            here = [one for one in actions_of(self.place) if one.name in self._offered]
        else:
            here = [one for one in self.actions() if one.shown]
        return here + [one for one in actions_of(Place.EVERYWHERE) if one.shown]

    def actions(self) -> Sequence[Action]:
        """What can be done here, as long as what is shown is."""
        return actions_of(self.place)

    # What keeps it up to date. Textual calls handlers of all classes, those that derive first: one
    # that called its `super()` would have it done twice.

    def on_mount(self) -> None:
        self.tick()
        if self.flowtap.source.live:
            self.polling = self.set_interval(1.0, self._tick_if_shown)
        self.set_interval(0.5, self._say_waiting)

    def on_unmount(self) -> None:
        self.questions.drop_all()

    def on_screen_resume(self) -> None:
        self.tick()

    def _tick_if_shown(self) -> None:
        if self.is_current:
            self.tick()

    def _say_waiting(self) -> None:
        if self.is_current and self._waits:
            self.query_one("#status", Bar).freshen()

    def tick(self) -> None:
        """Asks what may have changed; each second while the screen shows."""
        if self.flowtap.source.live:
            self.ask("health", self.flowtap.source.health, self._healthy)

    def _healthy(self, health: object) -> None:
        assert isinstance(health, dict)
        self.flowtap.connection.answered(health, self.flowtap.now())
        self.refresh_bars()

    def refresh_bars(self) -> None:
        """Draws title, status and keys again, where they have changed."""
        for bar in self.query(Bar):
            bar.freshen()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= WIDE, "wide")
        if not self._chosen:
            self.set_class(self.room_for_details(), "details")
        self.resized()

    def resized(self) -> None:
        """There is more room, or less."""

    def room_for_details(self) -> bool:
        """Whether details show before anybody asked for them."""
        return self.size.width >= WIDE

    # Questions

    def ask(
        self,
        subject: str,
        question: Callable[[], T],
        then: Callable[[T], None],
        *,
        again: bool = False,
    ) -> None:
        """Asks the source in a thread, `then` on this screen's loop; see `Questions.ask`."""
        if subject in self._cancelled and not again:
            return
        self._cancelled.discard(subject)
        if self.questions.ask(subject, question, then, again=again):
            if subject in ASKED and (again or subject not in self._had or self.has_class("notice")):
                self._waits[subject] = self.flowtap.now()
            else:
                self._waits.pop(subject, None)

    @property
    def waiting(self) -> Waiting | None:
        """What somebody has waited for longest, once that is slow; None when nothing is."""
        running = [one for one in self._waits if self.questions.under_way(one)]
        subject = min(running, key=self._waits.__getitem__, default="")
        if not subject or self.flowtap.now() - self._waits[subject] < SLOW:
            return None
        return Waiting(ASKED[subject], self._waits[subject])

    def cancel(self) -> bool:
        """Waits no longer for what is slow; False when nothing is.

        Where nothing else can be shown it is said, and Enter asks again.
        """
        waiting = self.waiting
        if waiting is None:
            return False
        for subject in [one for one in self._waits if self.questions.under_way(one)]:
            self.questions.drop(subject)
            del self._waits[subject]
            self._cancelled.add(subject)
            self.gave_up(subject)
        if self.has_class("notice"):
            self.notice(cancelled(waiting, self.flowtap.now()), "open", "back")
        else:
            self._cancelled.clear()
        self.refresh_bars()
        return True

    def gave_up(self, subject: str) -> None:
        """Somebody does not wait for this answer any more: what is shown stays."""

    def on_answer(self, answer: Answer) -> None:
        error = self.questions.received(answer)
        if error is None and not self.questions.under_way(answer.subject):
            self._had.add(answer.subject)
        if error is not None:
            self.failed(answer.subject, error)

    def failed(self, subject: str, error: SourceError) -> None:
        """A question could not be answered."""
        if isinstance(error, (CollectorAway, Unauthorised, StoreBusy)):
            self.flowtap.connection.failed(error.detail, error.hint, self.flowtap.now())
        self.refresh_bars()

    def excuse(self, error: SourceError) -> None:
        """Says why there is nothing to show, and that it is tried again."""
        if isinstance(error, CollectorAway):
            self.notice(away(self.flowtap.connection, self.flowtap.now()), "copy")
        else:
            self.notice(unanswered(error.detail, error.hint))

    # Notices instead of a drawing

    def notice(self, lines: Sequence[Line] | None, *offered: str) -> None:
        """Shows these in place of the screen's drawing; None takes them away.

        `offered` are the actions that make sense with them.
        """
        self._offered = offered
        canvas = self.query_one("#notice", Canvas)
        self.set_class(lines is not None, "notice")
        if lines is None:
            self._cancelled.clear()
        if lines is not None:
            shown = list(lines)
            canvas.show(lambda width: Sheet(centred(shown, width, canvas.size.height)))
            if self.focused is not canvas:
                canvas.focus()

    # Moving: the same keys on every screen

    @property
    def canvas(self) -> Canvas:
        """What the keys move in."""
        return self.query_one("#notice" if self.has_class("notice") else "#main", Canvas)

    def action_up(self) -> None:
        self.canvas.move(0, -1)

    def action_down(self) -> None:
        self.canvas.move(0, 1)

    def action_page_up(self) -> None:
        self.canvas.page(-1)

    def action_page_down(self) -> None:
        self.canvas.page(1)

    def action_first(self) -> None:
        self.canvas.end(-1)

    def action_last(self) -> None:
        self.canvas.end(1)

    def action_details(self) -> None:
        self._chosen = True
        self.toggle_class("details")

    def action_details_down(self) -> None:
        self.query_one("#details", Canvas).scroll_relative(y=3, animate=False)

    def action_details_up(self) -> None:
        self.query_one("#details", Canvas).scroll_relative(y=-3, animate=False)

    def action_open(self) -> None:
        """What Enter does; a notice has nothing to open but a command to copy."""
        if self._cancelled and self.has_class("notice"):
            self._cancelled.clear()
            self.notice(asking())
            self.tick()
        elif self.has_class("notice"):
            self.action_copy()
        else:
            self.open()

    def open(self) -> None:
        """Goes on from what is selected."""

    def back(self) -> bool:
        """Goes a step back within the screen; False when there is none, and it is left."""
        return False

    def seen(self) -> object:
        """What this screen shows now, for `see_again`, where it changes without another screen."""
        return None

    def see_again(self, seen: object) -> None:
        """Shows what `seen` gave when somebody went on from here."""

    def superseded(self) -> None:
        """Another screen of this kind is the one that is looked at."""

    def action_copy(self) -> None:
        if self.has_class("notice"):
            command = self.canvas.selected
            text = command if isinstance(command, str) else ""
        else:
            text = self.copied()
        if text:
            self._copy(text)

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self.notify(printable(text), title="Copied", markup=False, timeout=2)

    def copied(self) -> str:
        """The id, or name, of what is selected."""
        return ""

    def action_link(self) -> None:
        links = () if self.has_class("notice") else self.links()
        if links:
            from tui.screens.link import LinkScreen

            self.app.push_screen(LinkScreen(links, caution(self.address)), self._linked)
        else:
            self.notify("Nothing is selected that a link could lead to.", timeout=3)

    def _linked(self, link: Link | None) -> None:
        if link is not None:
            self._copy(link.text)

    def links(self) -> Sequence[Link]:
        """What leads others to what is selected."""
        return ()

    @property
    def address(self) -> Address:
        """Where what is shown comes from."""
        return self.flowtap.source.address

    def action_export(self) -> None:
        from tui.drawing.exports import Export, stem
        from tui.screens.export import ask_for_export

        nothing = Export("this screen", stem(self.place.value.lower(), now=self.flowtap.now()))
        ask_for_export(self, nothing if self.has_class("notice") else self.exported())

    def exported(self) -> Export:
        """What is shown, and what it can be written as."""
        raise NotImplementedError

    @on(Canvas.Redrawn)
    def _redrawn(self) -> None:
        self.refresh_bars()

    @on(Canvas.Opened)
    def _opened(self) -> None:
        self.action_open()

    @on(Bar.Clicked)
    async def _clicked(self, clicked: Bar.Clicked) -> None:
        if isinstance(clicked.target, str):
            here = hasattr(self, f"action_{clicked.target}")
            await self.run_action(clicked.target if here else f"app.{clicked.target}")
