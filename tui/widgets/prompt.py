"""A line to type into at the foot of a screen: what it asks for, the text, and what came of it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from tui.drawing.segments import Line, Segment, line, width_of
from tui.widgets.bar import Bar


class Prompt(Horizontal):
    """Hidden until `ask`; says with messages what is typed, and gives the focus back itself."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; }
    Prompt.open { display: block; }
    Prompt Bar { width: auto; background: $panel; }
    Prompt #asked { width: auto; }
    Prompt Input, Prompt Input:focus { width: 1fr; background: $panel; }
    """

    class Changed(Message):
        """Something was typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Entered(Message):
        """Enter was pressed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def compose(self) -> ComposeResult:
        yield Bar(id="asked")
        yield Input(id="typed", compact=True, select_on_focus=False)
        yield Bar(id="came")

    @property
    def open(self) -> bool:
        """Whether something is being asked for."""
        return self.has_class("open")

    def ask(self, label: str, example: str) -> None:
        """Asks for a text."""
        self.add_class("open")
        self._put("#asked", line(Segment(f" {label} ", "key")))
        self.say(())
        typed = self.query_one(Input)
        typed.placeholder = example
        with typed.prevent(Input.Changed):
            typed.value = ""
        typed.focus()

    def say(self, said: Line) -> None:
        """What came of what was typed so far."""
        self._put("#came", said)

    def enter(self) -> None:
        """Does what Enter does."""
        self.post_message(self.Entered(self.query_one(Input).value.strip()))

    def close(self) -> None:
        """Asks for nothing any more."""
        self.remove_class("open")

    def _put(self, which: str, said: Line) -> None:
        bar = self.query_one(which, Bar)
        bar.styles.width = max(1, width_of(said))
        bar.show(lambda width: said)

    @on(Input.Changed)
    def _typed(self, changed: Input.Changed) -> None:
        changed.stop()
        self.post_message(self.Changed(changed.value))

    @on(Input.Submitted)
    def _entered(self, submitted: Input.Submitted) -> None:
        submitted.stop()
        self.post_message(self.Entered(submitted.value.strip()))
