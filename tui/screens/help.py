"""Help for one screen, out of the table of actions."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tui.actions import Place
from tui.drawing.notices import help_lines
from tui.drawing.sheet import Sheet
from tui.screens.dialog import Dialog
from tui.widgets.canvas import Canvas


class HelpScreen(Dialog[str | None]):
    """What can be done here; scrolls. Gives the action that was clicked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "leave", "Back", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        Binding("home,g", "scroll(-9999)", show=False),
        Binding("end,G", "scroll(9999)", show=False),
    ]

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen Vertical {
        width: 92%; max-width: 92; height: 90%; background: $background;
        border-title-color: $foreground;
        border-subtitle-color: $flow-dim;
    }
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Help"
            box.border_subtitle = "a click does it · ↑ ↓ scroll · esc closes"
            yield Canvas(id="help", select_first=False)

    def on_mount(self) -> None:
        place = self._place
        canvas = self.query_one(Canvas)
        canvas.show(lambda width: Sheet(help_lines(place, width)))
        canvas.focus()

    def action_scroll(self, rows: int) -> None:
        self.query_one(Canvas).scroll_relative(y=rows, animate=False)

    @on(Canvas.Selected)
    def _chosen(self, selected: Canvas.Selected) -> None:
        self.dismiss(str(selected.target))
