"""The filter's input: completes fields and values, and says what is wrong while it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from graph.completion import Completion, Option, complete
from graph.filter import FilterError, parse
from tui.drawing.event_lines import mistake_lines
from tui.drawing.segments import Line, Segment, fit, line, pad, printable
from tui.drawing.sheet import Sheet
from tui.screens.dialog import Choosing, Key, key_bar
from tui.widgets.canvas import Canvas

_KEYS = (
    Key("enter", "Apply", "enter"),
    Key("tab", "Complete", "complete"),
    Key("↑", "Previous", "choose(-1)"),
    Key("↓", "Next", "choose(1)"),
    Key("esc", "Back", "leave"),
)

ROWS = 10
"""Completions that show at once."""


class Language(NamedTuple):
    """What a filter is written in."""

    title: str
    examples: str
    parse: Callable[[str, int], object]
    """Of a text and the time; raises FilterError."""
    complete: Callable[[str, int, Any], Completion]
    """Of a text, a place in it, and values that were seen."""
    hint: str = "* stands for anything, a,b for either"


OF_EVENTS = Language(
    "Show events that fit",
    "topic:order.* type:paid key:42 service:payment error:yes since:10m",
    parse,
    complete,
    "* stands for anything, a,b for either, -field: leaves out; other text begins an id or key",
)


class FilterScreen(Choosing[str | None]):
    """Asks for a filter; gives its text, or None when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("tab", "complete", "Complete", show=False, priority=True),
    ]

    DEFAULT_CSS = """
    FilterScreen > Vertical { max-width: 110; margin-top: 1; }
    FilterScreen Canvas { max-height: 10; }
    FilterScreen #mistake { height: 0; max-height: 5; }
    """

    def __init__(
        self, text: str, seen: Callable[[], Any], now: int, language: Language = OF_EVENTS
    ) -> None:
        """`seen` is asked at each key: values may come in meanwhile."""
        super().__init__()
        self._language = language
        self._text = text
        self._seen = seen
        self._now = now
        self._completion = Completion(0, 0, ())

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._language.title, classes="title")
            yield Input(
                self._text,
                placeholder=self._language.examples,
                id="text",
                compact=True,
                select_on_focus=False,
            )
            yield Canvas(id="options")
            yield Canvas(id="mistake", select_first=False)
            yield Static(self._language.hint, classes="hint", markup=False)
            yield key_bar(_KEYS)

    def on_mount(self) -> None:
        self.query_one("#options", Canvas).can_focus = False
        self.query_one("#mistake", Canvas).can_focus = False
        self.query_one(Input).focus()
        self.call_after_refresh(self._draw)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._draw()

    def _draw(self) -> None:
        entry = self.query_one(Input)
        text = entry.value
        self._completion = self._language.complete(text, entry.cursor_position, self._seen())
        options = self._completion.options
        canvas = self.query_one("#options", Canvas)
        canvas.styles.height = max(1, min(ROWS, len(options)))
        canvas.show(lambda width: Sheet(_options(options, width)))
        try:
            self._language.parse(text, self._now)
            mistake = None
        except FilterError as error:
            mistake = error
        shown = self.query_one("#mistake", Canvas)
        shown.styles.height = 5 if mistake else 0
        shown.show(lambda width: Sheet(mistake_lines(text, mistake, width) if mistake else ()))

    def action_complete(self) -> None:
        chosen = self.query_one("#options", Canvas).selected
        option = next((one for one in self._completion.options if one == chosen), None)
        if option is not None:
            entry = self.query_one(Input)
            entry.value, entry.cursor_position = self._completion.applied(entry.value, option)

    @on(Canvas.Opened)
    def _opened(self) -> None:
        self.action_complete()

    @on(Input.Submitted)
    def action_enter(self) -> None:
        text = self.query_one(Input).value
        try:
            self._language.parse(text, self._now)
        except FilterError:
            return
        self.dismiss(text.strip())


def _options(options: tuple[Option, ...], width: int) -> list[Line]:
    lines = []
    for option in options:
        row = line(
            Segment(" "),
            Segment(pad(printable(option.text), 30 if option.meaning else width - 1), "key"),
            Segment(option.meaning, "dim"),
        )
        lines.append(tuple(part._replace(target=option) for part in fit(row, width)))
    return lines or [fit(line(Segment(" nothing seen that begins so", "dim")), width)]
