"""Find: any id, typed or pasted, leads to its event's chain."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from tui.screens.dialog import Dialog, Key, key_bar


class FindScreen(Dialog[str]):
    """Asks for an id; gives it, or an empty text when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Back", show=False)]

    DEFAULT_CSS = """
    FindScreen { align: center top; background: $background 60%; }
    FindScreen Vertical {
        width: 90%; max-width: 100; height: auto; margin-top: 3;
        background: $background;
    }
    FindScreen Input, FindScreen Input:focus { background: $surface; margin-top: 1; }
    FindScreen Static { color: $foreground; }
    """

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Find an event by any id", classes="title")
            yield Input(
                placeholder="paste or type it, then press Enter",
                id="id",
                compact=True,
                select_on_focus=False,
            )
            yield Static(
                "message, CloudEvents, trace, span or correlation id · topic/partition/offset"
                " · key:order-1042",
                classes="hint",
                markup=False,
            )
            yield key_bar((Key("enter", "Find", "enter"), Key("esc", "Back", "leave")))

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def action_enter(self) -> None:
        text = self.query_one(Input).value.strip()
        if text:
            self.dismiss(text)

    def action_leave(self) -> None:
        self.dismiss("")
