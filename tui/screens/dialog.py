"""What all dialogs share: a box above the screen, keys that can be clicked, and a click beside the
dialog leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, TypeVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tui.drawing.segments import Line, Segment, fit, line
from tui.widgets.bar import Bar
from tui.widgets.canvas import Canvas

T = TypeVar("T")


class Key(NamedTuple):
    """A key of a dialog: what is on it, what it does, and the action that does that."""

    key: str
    label: str
    action: str


class Dialog(ModalScreen[T]):
    """A box above a screen; those that derive from it have an `action_leave`."""

    DEFAULT_CSS = """
    Dialog > Vertical { border: round $flow-edge; padding: 0 1; }
    Dialog .hint { color: $flow-dim; margin-top: 1; }
    Dialog Bar { margin-top: 1; }
    """

    def action_leave(self) -> None:
        """Leaves it as if nothing had been asked."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        if self.get_widget_at(event.screen_x, event.screen_y)[0] is self:
            self.action_leave()

    @on(Bar.Clicked)
    async def _key_clicked(self, clicked: Bar.Clicked) -> None:
        await self.run_action(str(clicked.target))


class Choosing(Dialog[T]):
    """A dialog with a list, in its first canvas, from which one thing is chosen; the keys move in
    it also while somebody types."""

    DEFAULT_CSS = """
    Choosing { align: center top; background: $background 40%; }
    Choosing > Vertical { width: 90%; height: auto; margin-top: 3; background: $background; }
    Choosing Canvas { height: auto; background: $background; margin-top: 1; }
    Choosing Input, Choosing Input:focus { background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", "Next", show=False, priority=True),
        Binding("up", "choose(-1)", "Previous", show=False, priority=True),
        Binding("pagedown", "page(1)", "Further", show=False, priority=True),
        Binding("pageup", "page(-1)", "Back", show=False, priority=True),
    ]

    def action_choose(self, step: int) -> None:
        """Selects what is so many lines further."""
        self.query(Canvas).first().move(0, step)

    def action_page(self, direction: int) -> None:
        """Selects what is a page further (1) or back (-1)."""
        self.query(Canvas).first().page(direction)


def draw_key_bar(keys: Sequence[Key], width: int) -> Line:
    """The keys in a line of this width, to be clicked."""
    parts = [
        part
        for one in keys
        for part in (
            Segment(one.key, "key", one.action),
            Segment(f" {one.label}", "dim", one.action),
            Segment("   "),
        )
    ]
    return fit(line(*parts), width)


def key_bar(keys: Sequence[Key]) -> Bar:
    """A bar of keys that stay the same."""
    return Bar(lambda width: draw_key_bar(keys, width), id="keys")
