"""One line whose parts can be clicked: title, breadcrumb, status, keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.drawing.segments import Line
from tui.widgets.canvas import styled, target_in
from tui.widgets.theme import Look, look

DrawLine = Callable[[int], Line]
"""Makes a line of a width."""


class Bar(Widget):
    """A line drawn anew for each width."""

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; background: $background; }
    Bar.panel { background: $panel; }
    """

    class Clicked(Message):
        """A part with a target was clicked."""

        def __init__(self, target: Hashable) -> None:
            super().__init__()
            self.target = target

    def __init__(self, draw: DrawLine = lambda width: (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._styles: Look | None = None
        self._drawn: Line | None = None
        self._stale = False

    def freshen(self) -> None:
        """Draws it again if it would be another line, once there is nothing else to do."""
        self._stale = True
        self.check_idle()

    def on_idle(self) -> None:
        if self._stale:
            self._stale = False
            if self._draw(self.size.width) != self._drawn:
                self.refresh()

    def show(self, draw: DrawLine) -> None:
        """Shows another line."""
        self._draw = draw
        self.refresh()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._restyle())

    def on_unmount(self) -> None:
        # What it is called by holds it, and with it all of its screen, for as long as the app runs.
        self.app.theme_changed_signal.unsubscribe(self)

    def _restyle(self) -> None:
        self._styles = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if self._styles is None:
            self._styles = look(self.app.theme_variables, plain=self.app.no_color)
        drawn = self._draw(self.size.width) if y == 0 else ()
        self._drawn = drawn
        strip = Strip(styled(drawn, self._styles))
        return strip.adjust_cell_length(self.size.width, self._styles[""])

    def on_click(self, event: events.Click) -> None:
        target = target_in(self._draw(self.size.width), event.x)
        if target is not None:
            self.post_message(self.Clicked(target))
