"""Beside a list of events: how many of each type came, and how fast; one can be asked for."""

from __future__ import annotations

from textual import on

from graph.filter import with_value
from graph.listing import EventFilter
from tui.drawing.event_lines import type_lines
from tui.drawing.passing import Kind
from tui.drawing.sheet import Sheet
from tui.screens.events_told import ToldScreen
from tui.widgets.canvas import Canvas


class TypesScreen(ToldScreen):
    """Keys move in the list, or in the types; who derives from it has the canvas `types`."""

    def __init__(self, wanted: EventFilter | str = "") -> None:
        super().__init__(wanted)
        self._in_types = False

    @property
    def canvas(self) -> Canvas:
        if self._in_types and not self.has_class("notice"):
            return self._types
        return super().canvas

    @property
    def _types(self) -> Canvas:
        return self.query_one("#types", Canvas)

    def draw_types(self) -> None:
        passing, rates = self.passing, self.passing.rates(self.flowtap.now())
        self._types.show(lambda width: Sheet(type_lines(passing, rates, width)))

    def apply(self, text: str) -> None:
        self._leave_types()
        super().apply(text)

    def action_types(self) -> None:
        if self._in_types:
            self._leave_types()
            return
        self._in_types = True
        self.add_class("types")
        # Where it was hidden, it is drawn only after this.
        self.call_after_refresh(self._enter_types)

    def _enter_types(self) -> None:
        self._types.select(self._types.selected or self._types.drawing.first())
        self._types.focus()

    def _leave_types(self) -> None:
        self._in_types = False
        self.remove_class("types")
        self._types.selected = None
        self._types.refresh()
        if not self.has_class("notice"):
            self.query_one("#main", Canvas).focus()

    def back(self) -> bool:
        left = self._in_types
        if left:
            self._leave_types()
        return left

    @on(Canvas.Selected, "#types")
    def _type_selected(self) -> None:
        self._in_types = True

    @on(Canvas.Opened, "#types")
    def _type_opened(self, opened: Canvas.Opened) -> None:
        opened.stop()
        self._open_type()

    def _open_type(self) -> None:
        """Asks for events of the selected type."""
        kind = self._types.selected
        if isinstance(kind, Kind):
            self.apply(with_value(self.text, kind.field, kind.value))
