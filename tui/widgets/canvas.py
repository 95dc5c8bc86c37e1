"""Shows a drawing: draws only the lines that show, moves a selection, answers the mouse."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from rich.segment import Segment as Cell
from textual import events
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tui.drawing.drawing import Drawing, Wide
from tui.drawing.segments import Line, Segment, cells
from tui.drawing.sheet import Sheet
from tui.widgets.painted import Painted
from tui.widgets.theme import Look, look

PAN = 8
"""Columns that a drawing moves sideways where nothing more can be selected there."""

Draw = Callable[[int], Drawing]
"""Makes a drawing of a width."""


def styled(drawn: Iterable[Segment], styles: Look) -> list[Cell]:
    """A line's segments in the look of their roles."""
    return [Cell(segment.text, styles[segment.role]) for segment in drawn]


class Canvas(ScrollView, can_focus=True, inherit_bindings=False):
    """A drawing that scrolls, also by dragging; keys are the screen's, which calls `move`, `page`,
    `end`."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    Canvas {
        height: 1fr;
        background: $background;
        overflow-x: auto;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size: 1 1;
    }
    """

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
    """Of the drawing. Textual's own would have the whole screen laid out whenever it changes."""

    class Selected(Message):
        """Something else is selected."""

        def __init__(self, canvas: Canvas, target: Hashable, clicked: bool = False) -> None:
            super().__init__()
            self.canvas = canvas
            self.target = target
            self.clicked = clicked

        @property
        def control(self) -> Canvas:
            return self.canvas

    class Redrawn(Message):
        """There is another drawing, or another width."""

    class ScrolledUp(Message):
        """The mouse looks at what is above."""

        def __init__(self, canvas: Canvas) -> None:
            super().__init__()
            self.canvas = canvas

        @property
        def control(self) -> Canvas:
            return self.canvas

    class Zoomed(Message):
        """The wheel looks closer (1) or from further away (-1)."""

        def __init__(self, canvas: Canvas, step: int) -> None:
            super().__init__()
            self.canvas = canvas
            self.step = step

        @property
        def control(self) -> Canvas:
            return self.canvas

    class Opened(Message):
        """The mouse asks for what Enter does."""

        def __init__(self, canvas: Canvas) -> None:
            super().__init__()
            self.canvas = canvas

        @property
        def control(self) -> Canvas:
            return self.canvas

    def __init__(
        self,
        *,
        id: str | None = None,
        select_first: bool = True,
        opens_selected: bool = False,
    ) -> None:
        """With `opens_selected`, a single click on what is selected opens it."""
        super().__init__(id=id)
        self._opens_selected = opens_selected
        self._pressed: Hashable | None = None
        """What was clicked on first."""
        self._held: tuple[Offset, Offset] | None = None
        """Where the mouse button went down, and what showed then at the upper left."""
        self._dragged = False
        self.zooms = False
        """The wheel zooms, where a drawing is moved by dragging it."""
        self.drawing: Drawing = Sheet(())
        self.selected: Hashable | None = None
        self._draw: Draw = lambda width: Sheet(())
        self._lit: frozenset[object] = frozenset()
        self._painted = Painted()
        self._looks_different = False
        self._styles: Look | None = None
        self._select_first = select_first
        self._chosen = False
        self._width = 0

    def show(self, draw: Draw) -> None:
        """Shows another drawing; what is selected stays so, and stays where it is on screen."""
        self._draw = draw
        self._redraw()

    def select(self, target: Hashable | None, *, top: bool = False, clicked: bool = False) -> None:
        """Selects a target and brings it into view."""
        if target is None or self.drawing.rows_of(target) is None:
            return
        changed = target != self.selected
        self._chosen = True
        self.selected = target
        self._lit = self.drawing.lit(target)
        self._bring_into_view(top)
        self._repaint()
        if changed:
            self.post_message(self.Selected(self, target, clicked))

    def move(self, columns: int, rows: int) -> bool:
        """Selects what lies beside; False when nothing does."""
        if self.selected is None:
            self.scroll_relative(y=rows, animate=False)
            return False
        beside = self.drawing.step(self.selected, columns, rows)
        if beside is None:
            self.scroll_relative(x=columns * PAN, y=rows, animate=False)
            return False
        self.select(beside)
        return True

    def page(self, direction: int) -> None:
        """A page down (1) or up (-1)."""
        rows = max(1, self.size.height - 2)
        if self.selected is None:
            self.scroll_relative(y=direction * rows, animate=False)
        else:
            self.move(0, direction * rows)

    def end(self, direction: int) -> None:
        """To the first (-1) or the last (1)."""
        if self.selected is None:
            self.scroll_to(y=0 if direction < 0 else self.drawing.height, animate=False)
        else:
            self.move(0, direction * self.drawing.height)

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._restyle())

    def on_unmount(self) -> None:
        # What it is called by holds it, and with it all of its screen, for as long as the app runs.
        self.app.theme_changed_signal.unsubscribe(self)

    def _restyle(self) -> None:
        self._styles = None
        self.refresh()

    def on_resize(self) -> None:
        if (self.scrollable_content_region.width or self.size.width) != self._width:
            self._redraw()
        if self.selected is not None:
            # How far it can scroll is known only after this.
            self.call_after_refresh(self._bring_into_view, False)

    def _redraw(self) -> None:
        width = self._width = self.scrollable_content_region.width or self.size.width
        if not width:
            return
        before = self.drawing.rows_of(self.selected) if self.selected is not None else None
        stood, top, scrolls = self._columns(), self.scroll_offset.y, self.show_vertical_scrollbar
        self.drawing = self._draw(width)
        wide = self.drawing.width if isinstance(self.drawing, Wide) else width
        self.virtual_size = Size(max(width, wide), self.drawing.height)
        if self.selected is not None and self.drawing.rows_of(self.selected) is None:
            self.selected = None
        if self._select_first and (self.selected is None or not self._chosen):
            # Until somebody chooses, the first is selected, whichever that has become.
            first, was = self.drawing.first(), self.selected
            self.selected, self._chosen, before = first, False, None
            if first is not None and first != was:
                self.post_message(self.Selected(self, first))
                self._bring_into_view(False)
        self._lit = self.drawing.lit(self.selected)
        after = self.drawing.rows_of(self.selected) if self.selected is not None else None
        if before and after and before.start != after.start:
            if scrolls:
                self.scroll_to(y=max(0, top + after.start - before.start), animate=False)
            else:
                self._bring_into_view(False)
        if self._columns() != stood:
            self._bring_across()
        self._repaint()
        self.post_message(self.Redrawn())

    def watch_virtual_size(self, size: Size) -> None:
        if self.styles.auto_dimensions:
            # In a dialog it takes as much room as there is to show.
            self.refresh(layout=True)
        else:
            self._scroll_update(size)

    def _arrange_scrollbars(self, region: Region) -> Iterable[tuple[Widget, Region]]:
        """Textual takes what is left free for the other bar for a part of the window here, and not
        where it scrolls: how long the bar is would depend on which came last."""
        yield from super()._arrange_scrollbars(region)
        if self.show_horizontal_scrollbar:
            self.horizontal_scrollbar.window_size = region.width - self.scrollbar_size_vertical

    def _repaint(self) -> None:
        """Has those lines painted that look different, once there is nothing else to do."""
        self._looks_different = True
        self.check_idle()

    def on_idle(self) -> None:
        if not self._looks_different:
            return
        self._looks_different = False
        top = self.scroll_offset.y
        shown = range(top, top + self.size.height)
        changed = [y for y in shown if self._painted.known(y) is not self._strip(y)]
        if 2 * len(changed) > len(shown):
            self.refresh_lines(top, len(shown))
        else:
            for y in changed:
                self.refresh_line(y)

    def _bring_into_view(self, top: bool) -> None:
        rows = self.drawing.rows_of(self.selected) if self.selected is not None else None
        height = self.size.height
        if rows is None or not height:
            return
        self._bring_across()
        first, last = self.scroll_offset.y, self.scroll_offset.y + height - 1
        if top:
            self.scroll_to(y=max(0, rows.start - height // 3), animate=False)
        elif rows.start < first or len(rows) >= height:
            self.scroll_to(y=max(0, rows.start - 1), animate=False)
        elif rows.stop - 1 > last:
            self.scroll_to(y=rows.stop - height + (rows.stop < self.drawing.height), animate=False)

    def centre(self) -> None:
        """Puts what is selected in the middle of what shows, sideways."""
        self._bring_across(always=True)

    def _columns(self) -> range | None:
        """Where what is selected stands in a drawing that is wide."""
        if not isinstance(self.drawing, Wide) or self.selected is None:
            return None
        return self.drawing.columns_of(self.selected)

    def _bring_across(self, always: bool = False) -> None:
        """Moves sideways when what is selected does not show whole."""
        columns, room = self._columns(), self._width
        if columns is None or not room or self.virtual_size.width <= room:
            return
        first = self.scroll_offset.x
        if always or columns.start < first or columns.stop > first + room:
            middle = (columns.start + columns.stop - room) // 2
            # Forced: before the next layout it does not know that it can.
            self.scroll_to(x=max(0, min(middle, columns.start)), animate=False, force=True)

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_x(old_value, new_value)
        # Headings move with the columns.
        self.post_message(self.Redrawn())

    def render_line(self, y: int) -> Strip:
        return self._strip(y + self.scroll_offset.y)

    def _strip(self, y: int) -> Strip:
        """A line of the drawing as it looks now, as far as it shows."""
        styles = self._styles
        if styles is None:
            styles = self._styles = look(self.app.theme_variables, plain=self.app.no_color)
        drawn = self.drawing.line(y, self.selected)
        return self._painted.strip(
            y,
            [self._cell(segment, styles) for segment in drawn],
            start=self.scroll_offset.x,
            width=self.size.width,
            blank=styles[""],
        )

    def _cell(self, segment: Segment, styles: Look) -> Cell:
        style = styles[segment.role]
        target = segment.target
        if target is not None:
            if target == self.selected:
                if segment.role == "edge":
                    style += styles["lit.edge"]
                style += styles["selected"]
            elif self._lights(target):
                style += styles["lit.edge" if segment.role.startswith("edge") else "lit"]
        return Cell(segment.text, style)

    def _lights(self, target: object) -> bool:
        return target in self._lit or getattr(target, "node", None) in self._lit

    def target_at(self, x: int, y: int) -> Hashable | None:
        """What is drawn at a place of this widget."""
        across, down = self.scroll_offset
        return target_in(self.drawing.line(y + down, self.selected), x + across)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._held = event.screen_offset, self.scroll_offset
        self._dragged = False

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Moves what is held."""
        if self._held is None:
            return
        place, scrolled = self._held
        across, down = place - event.screen_offset
        # A hand that trembles still clicks.
        if self._dragged or abs(across) + abs(down) > 1:
            self._dragged = True
            self.capture_mouse()
            self.scroll_to(x=scrolled.x + across, y=scrolled.y + down, animate=False)

    def on_mouse_up(self) -> None:
        self._held = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        if self._dragged:
            return
        target = self.target_at(event.x, event.y)
        if target is None or self.drawing.rows_of(target) is None:
            return
        was = self.selected
        self.select(target, clicked=True)
        if event.chain == 1:
            self._pressed = target
            opens = self._opens_selected and target == was
        else:
            # The first click may have been on another screen, which it left for this one.
            opens = target == self._pressed
        if opens:
            self.post_message(self.Opened(self))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if self.zooms:
            event.prevent_default()
            self.post_message(self.Zoomed(self, 1))
        else:
            self.post_message(self.ScrolledUp(self))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if self.zooms:
            event.prevent_default()
            self.post_message(self.Zoomed(self, -1))


def target_in(drawn: Line, x: int) -> Hashable | None:
    """The target of the segment that covers a column."""
    at = 0
    for segment in drawn:
        at += cells(segment.text)
        if x < at:
            return segment.target
    return None
