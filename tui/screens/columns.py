"""Which columns a list of events has."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.drawing.event_columns import MEANINGS, Column
from tui.drawing.segments import Line, Segment, fit, line, pad
from tui.drawing.sheet import Sheet
from tui.screens.dialog import Choosing, Key, key_bar
from tui.widgets.canvas import Canvas


class ColumnsScreen(Choosing[frozenset[Column]]):
    """Lets columns be chosen; gives those that are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,c,q", "leave", "Back", show=False),
        Binding("space,enter", "flip", "Choose", show=False),
        Binding("j", "choose(1)", "Next", show=False),
        Binding("k", "choose(-1)", "Previous", show=False),
    ]

    DEFAULT_CSS = """
    ColumnsScreen > Vertical { max-width: 70; }
    ColumnsScreen Canvas { height: 9; }
    """

    def __init__(self, chosen: frozenset[Column]) -> None:
        super().__init__()
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Columns", classes="title")
            yield Canvas(id="columns")
            yield key_bar((Key("space", "Show or hide", "flip"), Key("esc", "Done", "leave")))

    def on_mount(self) -> None:
        self.query_one(Canvas).focus()
        self._draw()

    def _draw(self) -> None:
        chosen = self._chosen
        self.query_one(Canvas).show(lambda width: Sheet(_lines(chosen, width)))

    @on(Canvas.Opened)
    def action_flip(self) -> None:
        column = self.query_one(Canvas).selected
        if isinstance(column, Column) and self._chosen != {column}:
            self._chosen = self._chosen ^ {column}
            self._draw()

    def action_leave(self) -> None:
        self.dismiss(self._chosen)


def _lines(chosen: frozenset[Column], width: int) -> list[Line]:
    lines = []
    for column in Column:
        on = column in chosen
        row = line(
            Segment(" "),
            Segment(" [x] " if on else " [ ] ", "ok" if on else "dim"),
            Segment(pad(column.value, 12), "title" if on else "label"),
            Segment(MEANINGS[column], "dim"),
        )
        lines.append(tuple(part._replace(target=column) for part in fit(row, width)))
    return lines
