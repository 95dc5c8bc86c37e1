"""The terminal UI: wiring only. What is drawn is in `drawing`, what is asked in `screens`."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from tui.actions import ACTIONS, Place
from tui.drawing.event_columns import USUAL
from tui.drawing.status import Connection
from tui.screens.base import FlowScreen
from tui.screens.chain import ChainScreen
from tui.screens.consumers import ConsumersScreen
from tui.screens.events import EventsScreen
from tui.screens.find import FindScreen
from tui.screens.graph import GraphScreen
from tui.screens.help import HelpScreen
from tui.source import Source
from tui.widgets.bindings import bindings
from tui.widgets.theme import DARK, THEMES

Clock = Callable[[], int]
"""Nanoseconds since the Unix epoch."""


class FlowtapApp(App[None]):
    """Opens on the live graph, or with `find` on an event's chain above it."""

    TITLE = "flowtap"
    BINDINGS = bindings(Place.EVERYWHERE)
    ENABLE_COMMAND_PALETTE = True

    CSS = """
    Toast { background: $panel; color: $foreground; }
    """

    def __init__(self, source: Source, *, find: str = "", clock: Clock = time.time_ns) -> None:
        super().__init__()
        self.source = source
        self.now = clock
        self.connection = Connection(source.name, source.live)
        self.last_chain = ""
        self.last_filter = ""
        """Of events, as text."""
        self.columns = USUAL
        """Of lists of events, for as long as the app runs."""
        self._find = find
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name

    def on_mount(self) -> None:
        self.push_screen(GraphScreen())
        if self._find:
            self.push_screen(ChainScreen(self._find))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        place = screen.place if isinstance(screen, FlowScreen) else Place.EVERYWHERE
        for action in ACTIONS:
            if place in action.places or Place.EVERYWHERE in action.places:
                yield SystemCommand(action.label, action.help, self._runner(screen, action.name))
        yield SystemCommand("Theme", "Dark, light, high contrast, and others.", self.search_themes)

    def _runner(self, screen: Screen[Any], action: str) -> Callable[[], object]:
        here = screen if hasattr(screen, f"action_{action}") else self
        return lambda: self.call_later(here.run_action, action)

    def action_graph(self) -> None:
        while len(self.screen_stack) > 2 and not isinstance(self.screen, GraphScreen):
            self.pop_screen()

    def action_events(self) -> None:
        """The events that were looked at last, as they were where they are still open."""
        if any(isinstance(screen, EventsScreen) for screen in self.screen_stack):
            while not isinstance(self.screen, EventsScreen):
                self.pop_screen()
        else:
            self.push_screen(EventsScreen(self.last_filter))

    def action_chain(self) -> None:
        if isinstance(self.screen, ChainScreen):
            return
        if self.last_chain:
            self.push_screen(ChainScreen(self.last_chain))
        else:
            self.action_find()

    def action_consumers(self) -> None:
        """The groups, as they were left where they are still open."""
        if any(isinstance(screen, ConsumersScreen) for screen in self.screen_stack):
            while not isinstance(self.screen, ConsumersScreen):
                self.pop_screen()
        else:
            self.push_screen(ConsumersScreen())

    def action_find(self) -> None:
        def found(text: str | None) -> None:
            if text:
                self.push_screen(ChainScreen(text))

        if isinstance(self.screen, FlowScreen):
            self.push_screen(FindScreen(), found)

    async def action_back(self) -> None:
        screen = self.screen
        if isinstance(screen, FlowScreen) and (screen.cancel() or screen.back()):
            return
        # The lowest screen is Textual's own empty one, ours are above it.
        if len(self.screen_stack) > 2:
            self.pop_screen()

    def action_help(self) -> None:
        if isinstance(self.screen, FlowScreen):
            self.push_screen(HelpScreen(self.screen.place))


def collect_seldom() -> None:
    """Keeps the garbage collector out of the way: each answer about a large graph is tens of
    thousands of objects without cycles, and looking through them all would stop the screen."""
    gc.freeze()  # Without a look before: what has just been imported stays.
    gc.set_threshold(10_000, 8, 50)


def run(source: Source, *, find: str = "") -> None:
    """Shows the terminal UI until it is left; closes the source."""
    collect_seldom()
    try:
        FlowtapApp(source, find=find).run()
    finally:
        source.close()
