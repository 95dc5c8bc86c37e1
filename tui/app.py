"""The terminal UI: wiring only. What is drawn is in `drawing`, what is asked in `screens`.

Screens besides the first are loaded by whoever goes there: what the first one does not need, its
first picture does not wait for.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from textual._styles_cache import StylesCache
from textual.app import App, SystemCommand
from textual.screen import Screen

from tui.actions import Place, actions_of
from tui.drawing.event_columns import USUAL
from tui.drawing.status import Connection
from tui.history import History
from tui.screens.base import FlowScreen
from tui.screens.graph import GraphScreen
from tui.source import Source
from tui.widgets.bindings import bindings
from tui.widgets.theme import THEMES, theme_after

Clock = Callable[[], int]
"""Nanoseconds since the Unix epoch."""


TURN = 0.0005
"""Seconds that a thread goes on while another waits. The screen waits many times for each key,
once whenever it looks what else has come; Python would have it wait ten times as long."""


class Visit(NamedTuple):
    """A place where somebody was: a screen, and what it showed."""

    screen: FlowScreen
    seen: object


class FlowtapApp(App[None]):
    """Opens on the live graph, or with `find` on an event's chain above it."""

    TITLE = "flowtap"
    BINDINGS = bindings(Place.EVERYWHERE)
    ENABLE_COMMAND_PALETTE = True

    CSS = """
    Toast { background: $panel; color: $foreground; }
    Input > .input--placeholder, Input > .input--suggestion { color: $flow-dim; }
    """

    def __init__(
        self,
        source: Source,
        *,
        find: str = "",
        theme: str = "dark",
        clock: Clock = time.time_ns,
    ) -> None:
        """`theme` is one of `THEMES`; with NO_COLOR in the environment none has colours."""
        # Textual by itself would then show greys, which are colours, too.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.source = source
        self.now = clock
        self.connection = Connection(source.name, source.live)
        self.last_chain = ""
        self.last_filter = ""
        """Of events, as text."""
        self.columns = USUAL
        """Of lists of events, for as long as the app runs."""
        self.history: History[Visit] = History()
        self._last: dict[type[FlowScreen], FlowScreen] = {}
        """Of each kind the one that was looked at last."""
        self._kept: dict[FlowScreen, str] = {}
        """Screens that something leads to, with the names they are installed by."""
        self._find = find
        for one in THEMES.values():
            self.register_theme(one)
        self.theme = THEMES[theme].name

    def on_mount(self) -> None:
        graph = GraphScreen()
        self._last[GraphScreen] = graph
        self._kept[graph] = "graph"
        self.install_screen(graph, "graph")
        self.push_screen(graph)
        if self._find:
            from tui.screens.chain import ChainScreen

            self.history.left(Visit(graph, None))
            self._show(ChainScreen(self._find))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What can be done on this screen, with its keys; a dialog has its own."""
        if isinstance(screen, FlowScreen):
            for action in (*screen.actions(), *actions_of(Place.EVERYWHERE)):
                if action.name != "command_palette":
                    does = self._runner(screen, action.name)
                    yield SystemCommand(action.label, f"{action.written}  {action.help}", does)

    def _runner(self, screen: Screen[Any], action: str) -> Callable[[], object]:
        here = screen if hasattr(screen, f"action_{action}") else self
        return lambda: self.call_later(here.run_action, action)

    # Where somebody goes

    def go(self, screen: FlowScreen) -> None:
        """To a screen; `back` leads here again."""
        if screen is not self.screen and isinstance(self.screen, FlowScreen):
            self.goes_on()
            self._show(screen)

    def goes_on(self) -> None:
        """Remembers what shows now, before something else does: `back` leads to it."""
        if isinstance(self.screen, FlowScreen):
            self.history.left(Visit(self.screen, self.screen.seen()))

    def _show(self, screen: FlowScreen) -> None:
        kind = type(screen)
        if (last := self._last.get(kind)) not in (None, screen):
            last.superseded()
        self._last[kind] = screen
        if screen not in self._kept:
            # Textual takes away what is not installed as soon as it does not show.
            self._kept[screen] = f"place {len(self._kept)} {id(screen)}"
            self.install_screen(screen, self._kept[screen])
        self.switch_screen(screen)
        self._forget()

    def _forget(self) -> None:
        """Takes away screens that nothing leads to any more."""
        reached = {visit.screen for visit in self.history} | set(self._last.values())
        gone = [one for one in self._kept if one not in reached]
        for screen in gone:
            del self._kept[screen]
            self.uninstall_screen(screen)
            screen.remove()
        if gone:
            # Textual remembers two colours by the widget's painted lines, which it so keeps, of a
            # thousand widgets.
            StylesCache.get_inner_outer.cache_clear()

    def _return_to(self, visit: Visit | None) -> None:
        if visit is None:
            return
        if visit.screen is not self.screen:
            self._show(visit.screen)
        visit.screen.see_again(visit.seen)

    async def action_back(self) -> None:
        screen = self.screen
        if isinstance(screen, FlowScreen) and not (screen.cancel() or screen.back()):
            self._return_to(self.history.back(Visit(screen, screen.seen())))

    def action_forward(self) -> None:
        screen = self.screen
        if isinstance(screen, FlowScreen):
            self._return_to(self.history.forward(Visit(screen, screen.seen())))

    @property
    def graph(self) -> GraphScreen:
        """The one graph."""
        graph = self._last[GraphScreen]
        assert isinstance(graph, GraphScreen)
        return graph

    def action_graph(self) -> None:
        self.go(self.graph)

    def action_events(self) -> None:
        """The events that were looked at last, as they were left."""
        from tui.screens.events import EventsScreen

        self.go(self._last.get(EventsScreen) or EventsScreen(self.last_filter))

    def action_chain(self) -> None:
        """The chain that was looked at last, as it was left."""
        from tui.screens.chain import ChainScreen

        last = self._last.get(ChainScreen)
        if isinstance(last, ChainScreen) and last.chain is not None:
            self.go(last)
        elif not isinstance(self.screen, ChainScreen):
            if self.last_chain:
                self.go(ChainScreen(self.last_chain))
            else:
                self.action_find()

    def action_consumers(self) -> None:
        """The groups, as they were left."""
        from tui.screens.consumers import ConsumersScreen

        self.go(self._last.get(ConsumersScreen) or ConsumersScreen())

    def action_findings(self) -> None:
        """What was found, as it was left."""
        from tui.screens.findings import FindingsScreen

        self.go(self._last.get(FindingsScreen) or FindingsScreen())

    def action_find(self) -> None:
        from tui.screens.chain import ChainScreen
        from tui.screens.find import FindScreen

        def found(text: str | None) -> None:
            if text:
                self.go(ChainScreen(text))

        if isinstance(self.screen, FlowScreen):
            self.push_screen(FindScreen(), found)

    def action_theme(self) -> None:
        self.theme = theme_after(self.theme)

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        if isinstance(self.screen, FlowScreen):
            screen = self.screen

            def chosen(action: str | None) -> None:
                if action:
                    self._runner(screen, action)()

            self.push_screen(HelpScreen(screen.place), chosen)


def favour_keys() -> None:
    """Keeps what else this process does out of the way of the screen.

    The garbage collector: each answer about a large graph is tens of thousands of objects without
    cycles, and looking through them all would stop the screen. And threads that read answers.
    """
    gc.freeze()  # Without a look before: what has just been imported stays.
    gc.set_threshold(10_000, 8, 50)
    sys.setswitchinterval(TURN)


def run(source: Source, *, find: str = "", theme: str = "dark") -> None:
    """Shows the terminal UI until it is left; closes the source."""
    favour_keys()
    try:
        FlowtapApp(source, find=find, theme=theme).run()
    finally:
        source.close()
