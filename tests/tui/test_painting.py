"""What is painted: lines that look different, and no others; and what is asked for once."""

from __future__ import annotations

from typing import Self

from rich.segment import Segment as Cell
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region

from tests.tui.telling import story
from tui.drawing.segments import Segment, line
from tui.drawing.sheet import Sheet
from tui.screens.base import FlowScreen
from tui.screens.consumers import ConsumersScreen
from tui.screens.events import EventsScreen
from tui.screens.graph import GraphScreen
from tui.widgets.canvas import Canvas, Draw
from tui.widgets.painted import Painted
from tui.widgets.theme import DARK

PLAIN, BOLD = Style(), Style(bold=True)


def test_a_line_that_looks_the_same_is_the_same_strip() -> None:
    painted = Painted()

    def strip(text: str, style: Style = PLAIN, *, start: int = 0, width: int = 20) -> object:
        return painted.strip(7, [Cell(text, style)], start=start, width=width, blank=PLAIN)

    first = strip("order.created")
    assert strip("order.created") is first
    assert painted.known(7) is first
    assert painted.known(8) is None
    assert strip("order.created", BOLD) is not first
    assert strip("order.changed") is not strip("order.created")
    wide = strip("order.created")
    assert strip("order.created", width=30) is not wide
    moved = painted.strip(7, [Cell("order.created", PLAIN)], start=6, width=20, blank=PLAIN)
    assert moved.text == "created" + " " * 13


class _Watched(Canvas):
    """Knows the rows that it had painted."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        self.rows += [y for one in regions for y in range(one.y, one.bottom)]
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class _App(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        yield _Watched()


def _listed(*names: str) -> Sheet:
    return Sheet([line(Segment(f" {name}", "event", name)) for name in names])


def _drawing(*names: str) -> Draw:
    return lambda width: _listed(*names)


async def test_what_is_painted_is_what_changed() -> None:
    """A step paints the line that is left and the one that is reached; another drawing paints
    where it differs."""
    names = [f"event {number}" for number in range(20)]
    async with _App().run_test(size=(40, 12)) as pilot:
        canvas = pilot.app.query_one(_Watched)
        canvas.show(_drawing(*names))
        await pilot.pause()
        canvas.rows.clear()
        canvas.move(0, 1)
        await pilot.pause()
        assert sorted(canvas.rows) == [0, 1]
        canvas.rows.clear()
        canvas.show(_drawing(*names[:5], "another", *names[6:]))
        await pilot.pause()
        assert canvas.rows == [5]
        canvas.rows.clear()
        canvas.show(_drawing(*names[:5], "another", *names[6:]))
        await pilot.pause()
        assert canvas.rows == []
        lines = canvas.render_lines(Region(0, 0, 40, 6))
        assert [strip.text.strip() for strip in lines] == [
            *("event 0", "▸event 1", "event 2", "event 3", "event 4", "another")
        ]


async def test_a_drawing_that_shrinks_is_scrolled_back() -> None:
    """What shows is never beyond the end, and the scrollbar goes when it is not needed."""
    names = [f"event {number}" for number in range(200)]
    async with _App().run_test(size=(40, 12)) as pilot:
        canvas = pilot.app.query_one(_Watched)
        canvas.show(_drawing(*names))
        canvas.end(1)
        await pilot.pause()
        assert canvas.scroll_offset.y == 188
        assert canvas.show_vertical_scrollbar
        canvas.show(_drawing(*names[:3]))
        await pilot.pause()
        assert canvas.scroll_offset.y == 0
        assert not canvas.show_vertical_scrollbar


async def test_what_takes_as_much_room_as_it_shows() -> None:
    """The canvas of a dialog grows and shrinks with its drawing."""
    async with _App().run_test(size=(40, 12)) as pilot:
        canvas = pilot.app.query_one(_Watched)
        canvas.styles.height = "auto"
        heights = []
        for names in (["one", "two", "three"], [*"abcdefg"], ["last"]):
            canvas.show(_drawing(*names))
            await pilot.pause()
            heights.append(canvas.size.height)
        # Textual keeps a line for a scrollbar below.
        assert heights == [4, 8, 2]


async def test_each_screen_ticks_once_a_second() -> None:
    """Though each class of a screen has its own part in its start."""
    async with story() as told:
        for key, kind in (("1", GraphScreen), ("2", EventsScreen), ("4", ConsumersScreen)):
            await told.press(key)
            screen = told.app.screen
            assert isinstance(screen, kind)
            polls = [one for one in screen._timers if _polls(screen, one._callback)]
            assert len(polls) == 1


def _polls(screen: FlowScreen, callback: object) -> bool:
    return callback == screen._tick_if_shown
