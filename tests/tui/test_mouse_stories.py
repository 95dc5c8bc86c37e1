"""All that keys do, by the mouse alone."""

from __future__ import annotations

import pytest
from textual import events

from tests.tui.fake import FakeSource
from tests.tui.telling import Story, story
from tui.actions import ACTIONS, Place
from tui.drawing.notices import help_lines
from tui.drawing.sheet import Sheet
from tui.widgets.canvas import Canvas


async def drag(told: Story, start: tuple[int, int], end: tuple[int, int]) -> None:
    await told.pilot.mouse_down(offset=start)
    await told.pilot.hover(offset=end)
    # A terminal's driver makes a click of it where both ends are in one widget.
    await told.pilot._post_mouse_events([events.MouseUp, events.Click], offset=end, button=1)
    await told.pilot.pause()


async def turn_wheel(
    told: Story, kind: type[events.MouseScrollUp | events.MouseScrollDown]
) -> None:
    """Over the middle of what is drawn."""
    canvas = told.app.screen.query_one("#main", Canvas)
    await told.pilot._post_mouse_events([kind], canvas, offset=(20, 5))
    await told.pilot.pause()


async def test_drag_the_map_and_turn_the_wheel() -> None:
    """The map is larger than the screen: I pull it to what I want to see, and look closer."""
    async with story() as told:
        await told.sees("order.created")
        await told.click("? Help")
        await told.sees("Show the graph as a map")
        await told.click("Show the graph as a map")
        await told.sees("causes at the left", "╓")
        canvas = told.app.screen.query_one("#main", Canvas)
        selected = canvas.selected
        await drag(told, (60, 15), (20, 10))
        assert canvas.scroll_offset == (40, 5)
        answered = told.app.source.answered  # type: ignore[attr-defined]
        await told.until(lambda: told.app.source.answered > answered, "news")  # type: ignore[attr-defined]
        assert canvas.scroll_offset == (40, 5), "news does not pull it back to what is selected"
        assert canvas.selected == selected, "what is dragged is not chosen"
        await drag(told, (20, 10), (60, 15))
        assert canvas.scroll_offset == (0, 0)
        near = canvas.drawing.height
        await turn_wheel(told, events.MouseScrollDown)
        await told.until(lambda: canvas.drawing.height < near, "a smaller map")
        await turn_wheel(told, events.MouseScrollUp)
        await told.until(lambda: canvas.drawing.height == near, "the larger one")


async def test_a_hand_that_trembles_still_clicks() -> None:
    async with story() as told:
        await told.sees("payment.captured")
        y = next(y for y, line in enumerate(told.lines) if "● order-view" in line)
        x = told.lines[y].index("● order-view")
        await drag(told, (x + 1, y), (x + 2, y))
        assert told.pointed.startswith("● order-view")


async def test_sort_by_what_stands_above_a_column() -> None:
    """Once by it, again the other way round; in both tables."""
    async with story(size=(140, 40)) as told:
        await told.sees("order.created")
        await told.click("t Table")
        await told.sees("count▼")
        await told.click("errors")
        await told.sees("errors▼")
        await told.click("errors▼")
        await told.sees("errors▲")
        await told.click("4 Consumers")
        await told.sees("state▼")
        await told.click("lag")
        await told.sees("lag▼")


@pytest.mark.parametrize("place", [Place.GRAPH, Place.EVENTS, Place.CHAIN, Place.CONSUMERS])
def test_every_action_of_a_screen_is_a_click_away(place: Place) -> None:
    """Also what no footer has room for: in the help each can be clicked."""
    shown = Sheet(help_lines(place, 76))
    wanted = {one.name for one in ACTIONS if {place, Place.EVERYWHERE} & {*one.places}}
    assert {name for name in wanted if shown.rows_of(name) is not None} == wanted


async def test_ask_and_leave_dialogs() -> None:
    """A filter is completed and applied, a dialog left, by clicks alone."""
    async with story() as told:
        await told.sees("order.created")
        await told.click("/ Find")
        await told.sees("Find an event by any id")
        await told.paste("7c1f0d9e-0002")
        await told.click("enter Find")
        await told.sees("◉ payment.captured")
        await told.click("2")
        await told.sees("time, UTC")
        await told.click("f Filter")
        await told.sees("Show events that fit")
        await told.click("whether sending", times=2)
        await told.sees("▸yes")
        await told.click("▸yes", times=2)
        await told.sees(" error:yes  ")
        await told.click("enter Apply")
        await told.sees("filter error:yes")
        await told.click("? Help")
        await told.sees("Choose the columns")
        await told.click("Choose the columns")
        await told.sees("[x]")
        await told.click("esc Done")
        await told.sees_no_more("[x]")
        await told.click("? Help")
        await told.sees("a click does it")
        await told.pilot.click(offset=(0, 12))
        await told.sees_no_more("a click does it")


async def test_fold_and_unfold_a_chain() -> None:
    source = FakeSource()
    async with story(source, find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.click("✓ inventory")
        await told.click("? Help")
        await told.sees("Hide or show what this led to")
        await told.click("Hide or show what this led to")
        await told.sees("⊞ 5 more")
        await told.click("⊞ 5 more", times=2)
        await told.sees_no_more("⊞")


@pytest.mark.parametrize(
    ("key", "shown", "way_out"),
    [("Y", "Copy what leads here", "Leave"), ("e", "Export ", "Leave")],
)
async def test_links_and_exports_are_left_by_mouse(key: str, shown: str, way_out: str) -> None:
    """A click beside the dialog leaves it, and so does one on its key."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        for place in ("outside", "key"):
            await told.press(key)
            await told.sees(shown)
            if place == "outside":
                await told.pilot.click(offset=(1, 20))
            else:
                await told.click(way_out)
            await told.sees_no_more(shown)
