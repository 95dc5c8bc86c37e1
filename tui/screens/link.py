"""Link: which text, of those that lead others to what is selected, is copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.drawing.links import Link, link_lines
from tui.drawing.sheet import Sheet
from tui.screens.dialog import Choosing, Key, key_bar
from tui.widgets.canvas import Canvas


class LinkScreen(Choosing[Link]):
    """Gives the chosen link, or None when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", show=False),
        Binding("enter,y,Y", "copy", "Copy", show=False),
        Binding("j", "choose(1)", "Next", show=False),
        Binding("k", "choose(-1)", "Previous", show=False),
    ]

    DEFAULT_CSS = """
    LinkScreen > Vertical { max-width: 110; }
    """

    def __init__(self, links: Sequence[Link], caution: str) -> None:
        super().__init__()
        self._links = links
        self._caution = caution

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Copy what leads here", classes="title")
            yield Canvas(id="links")
            yield Static(self._caution, classes="hint", markup=False)
            yield key_bar((Key("enter", "Copy", "copy"), Key("esc", "Leave", "leave")))

    def on_mount(self) -> None:
        canvas, links = self.query_one(Canvas), self._links
        canvas.styles.height = len(links)
        canvas.show(lambda width: Sheet(link_lines(links, width)))
        canvas.select(links[0])
        canvas.focus()

    @on(Canvas.Selected)
    def _selected(self, selected: Canvas.Selected) -> None:
        if selected.clicked:
            self.action_copy()

    @on(Canvas.Opened)
    def action_copy(self) -> None:
        chosen = self.query_one(Canvas).selected
        self.dismiss(chosen if isinstance(chosen, Link) else None)
