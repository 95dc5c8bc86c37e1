"""What people do with the events that pass by, as stories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from textual import events as textual_events

from graph.chain.result import Event
from graph.listing import EventFilter, EventRow
from graph.model import MASKED
from tests.goldens import assert_golden
from tests.tui.fake import FakeSource
from tests.tui.order import ORDER, ChainBuilder
from tests.tui.shop import MS, NOON
from tests.tui.telling import Story, story
from tui.drawing.event_columns import Column
from tui.drawing.passing import KEPT
from tui.screens.events import EventsScreen
from tui.screens.events_told import LISTED

SIZES = [(80, 24), (140, 40)]


def orders(count: int, *, first: int = 0, event_type: str = "order.created") -> Iterator[EventRow]:
    """So many orders, a millisecond apart."""
    for number in range(first, first + count):
        yield EventRow(
            f"orders/0/{number}",
            NOON + (1000 + number) * MS,
            "orders",
            "kafka",
            "shop",
            event_type=event_type,
            key=f"order-{number}",
            message_id=f"message-{number}",
            service="storefront",
            received=NOON + (1150 + number) * MS,
            size=87,
        )


async def passing_by(told: Story) -> EventsScreen:
    """The screen of events, once it follows."""
    await told.press("2")
    await told.sees("[2 Events]", "7c1f0d9e-0000", "● following")
    screen = told.app.screen
    assert isinstance(screen, EventsScreen)
    return screen


async def test_what_passes_by_is_followed() -> None:
    """2 shows what passes by; the newest is at the bottom, and selected."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        source.stores(*orders(40))
        await told.sees("message-39")
        assert "message-39" in told.pointed
        shown = [line for line in told.lines if "message-" in line]
        assert "message-39" in shown[-1], "the newest is the last"


async def test_a_list_that_begins_before_what_is_kept_says_so() -> None:
    source = FakeSource()
    source.covered_from = NOON - 3600 * 10**9
    async with story(source) as told:
        await passing_by(told)
        assert "pruned" not in told.screen
        await told.press("f", *"since:30d", "enter")
        await told.sees("pruned before 2026")
        await told.press("f", "ctrl+u", *"since:30m", "enter")
        await told.sees("since:30m")
        assert "pruned" not in told.screen


async def test_going_up_holds_the_list_still() -> None:
    """While I look at one event, nothing moves; I see how many came, and follow again."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        await told.press("up")
        await told.sees("‖ paused, nothing new")
        before = told.pointed
        source.stores(*orders(37))
        await told.sees("‖ paused, 37 new below")
        assert told.pointed == before
        assert "message-36" not in told.screen
        await told.press("p")
        await told.sees("● following", "message-36")
        assert "message-36" in told.pointed
        await told.press("space")
        await told.sees("paused")
        source.stores(*orders(2, first=100))
        await told.sees("2 new below")
        await told.press("end")
        await told.sees("● following", "message-101")


async def test_down_from_the_last_one_goes_on() -> None:
    """I walk down to the end, and am where the new ones are."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        await told.press("up")
        source.stores(*orders(3))
        await told.sees("3 new below")
        await told.press("down")
        await told.sees("3 new below")
        await told.press("down")
        await told.sees("● following", "message-2")


async def test_the_wheel_holds_it_too() -> None:
    """I scroll up to read; the list does not run away."""
    source = FakeSource()
    async with story(source) as told:
        screen = await passing_by(told)
        source.stores(*orders(100))
        await told.sees("message-99")
        main = screen.query_one("#main")
        x, y = main.region.offset
        await told.pilot._post_mouse_events(
            [textual_events.MouseScrollUp], main, offset=(2, 2), button=0
        )
        await told.sees("paused")
        source.stores(*orders(5, first=500))
        await told.sees("5 new below")
        assert (x, y) == tuple(main.region.offset)


async def test_a_filter_is_written_with_completion() -> None:
    """I need not know the fields' names, nor those of the topics."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        await told.press("f")
        await told.sees("Show events that fit", "topic:", "correlation id")
        await told.press("t", "y", "tab")
        await told.sees("type:")
        await told.press(*"pay")
        await told.sees("payment.captured", "payment.failed")
        await told.press("tab", "enter")
        await told.sees("filter type:payment.captured", "7c1f0d9e-0002", "● following")
        assert "7c1f0d9e-0000" not in told.screen
        source.stores(*orders(1), *orders(1, first=7, event_type="Payment.Captured"))
        await told.sees("message-7")
        assert "message-0" not in told.screen, "what does not fit stays out"


async def test_a_mistake_in_a_filter_is_said_while_it_is_written() -> None:
    """It tells where, and what would be right; Enter waits until it is."""
    async with story() as told:
        await passing_by(told)
        await told.press("f", *"key:1 colour:red")
        await told.sees("^^^^^^^", "colour: is no field, fields are topic, type, key")
        assert told.lines[_line_of(told, "^^^") - 1].index("colour") == (
            told.lines[_line_of(told, "^^^")].index("^")
        )
        await told.press("enter")
        await told.sees("Show events that fit")
        await told.press("escape")
        await told.sees_no_more("Show events that fit")
        assert "7c1f0d9e-0000" in told.screen, "what was shown is shown"


def _line_of(told: Story, text: str) -> int:
    return next(y for y, line in enumerate(told.lines) if text in line)


async def test_a_filter_that_nothing_fits() -> None:
    """It says so, and what fits later shows by itself."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        await told.press("f", *"service:nobody", "enter")
        await told.sees("No event fits service:nobody", "f Filter")
        await told.press("f", "ctrl+u", *"message-7", "enter")
        await told.sees("No event fits message-7")
        source.stores(*orders(9))
        await told.sees("▸", "message-7")
        assert "message-8" not in told.screen


async def test_a_type_is_chosen_out_of_the_counts() -> None:
    """I see which types there are, how many, and go to one."""
    source = FakeSource()
    async with story(source, size=(140, 40)) as told:
        screen = await passing_by(told)
        source.stores(*orders(60))
        await told.until(
            lambda: any("order.created" in line and " 61 " in line for line in told.lines),
            "the count of orders",
        )
        await told.press("t", "down")
        assert "parcel.shipped" in told.pointed or any(
            "▸parcel.shipped" in line for line in told.lines
        )
        await told.press("up", "enter")
        await told.sees("filter type:order.created", "message-59")
        await told.sees_no_more("parcel.shipped")
        assert screen.text == "type:order.created"
        await told.press("t", "escape")
        await told.sees("[2 Events]")


async def test_from_an_event_to_its_chain_and_back_to_the_same_place() -> None:
    """Enter follows what is selected; Escape brings me back, and nothing has moved."""
    source = FakeSource()
    source.stored = list(orders(60))
    async with story(source) as told:
        await told.press("2")
        await told.sees("message-59")
        await told.press("home", "enter")
        await told.sees("[3 Chain]", "◉ order.created")
        source.stores(*orders(4, first=100))
        await told.press("escape")
        await told.sees("[2 Events]", "paused, 4 new below")
        assert "7c1f0d9e-0000" in told.pointed
        await told.press("3")
        await told.sees("[3 Chain]")
        await told.press("2")
        await told.sees("[2 Events]", "4 new below")
        assert "7c1f0d9e-0000" in told.pointed


async def test_with_the_mouse() -> None:
    """A click selects and holds still; a click on what is marked opens its chain."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        await told.click("7c1f0d9e-0001")
        await told.sees("paused")
        assert "7c1f0d9e-0001" in told.pointed
        await told.click("7c1f0d9e-0001")
        await told.sees("[3 Chain]", "stock.reserved")
        await told.click(" 2 ")
        await told.sees("[2 Events]")
        await told.click("filters:")
        await told.sees("Show events that fit")


async def test_the_message_of_the_selected_event_is_beside_it() -> None:
    """Its body and headers; what was masked says so, and what is no text shows as bytes."""
    source = FakeSource()
    builder = ChainBuilder()
    builder.event("photo.taken", 900, "camera", value="hex:89504e470d0a1a0a" + "00" * 12)
    secret = builder.event("order.created", 901, "storefront", value=ORDER)
    chain = builder.chain(secret)
    source.chains += [replace(chain, events=tuple(map(_with_a_secret, chain.events)))]
    async with story(source, size=(140, 40)) as told:
        await told.press("2")
        await told.sees("photo.taken", '"customer": "c-88"', "authorization *** masked")
        await told.press("up")
        await told.sees("0000  89 50 4e 47", "·PNG····")


def _with_a_secret(event: Event) -> Event:
    (message,) = event.messages
    headers = (*message.headers, ("authorization", MASKED))
    return replace(event, messages=(replace(message, headers=headers),))


async def test_details_are_asked_for_once_somebody_stays() -> None:
    """Walking over many events asks for the last one only."""
    source = FakeSource()
    source.stored = list(orders(30))
    async with story(source, size=(140, 40)) as told:
        await told.press("2")
        await told.sees("message-29", "● following")
        await told.press("home")
        await told.sees('"customer": "c-88"')
        asked = source.asked.count("chain")
        await told.press(*["down"] * 4)
        await told.sees("● parcel.shipped")
        assert source.asked.count("chain") <= asked + 2


async def test_columns_are_chosen_and_stay_so() -> None:
    """I want to see where each event lies, and how late it came."""
    async with story() as told:
        await passing_by(told)
        await told.press("c")
        await told.sees("Columns", "[x] id", "[ ] position")
        await told.press(*["down"] * 7, "space", "down", "space", "escape")
        await told.sees("position", "delay", "120 ms", "0/1042")
        await told.press("1", "2")
        await told.sees("position", "120 ms")
        assert Column.DELAY in told.app.columns


async def test_no_data_yet() -> None:
    """First use: I am told how to send something; what comes shows by itself."""
    source = FakeSource([])
    source.chains, source.received = [], 0
    async with story(source) as told:
        await told.press("2")
        await told.sees("Nothing has arrived yet.", "flowtap demo")
        source.stores(*orders(2))
        await told.sees("▸", "message-1", "● following")


async def test_the_collector_goes_away_while_events_are_followed() -> None:
    """I see it, keep what I have, and it goes on by itself, with what I missed."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        source.stores(*orders(3))
        await told.sees("message-2")
        source.goes_away()
        await told.sees("○ the collector is away", "○ away", "as it was at 12:00:00", "message-2")
        source.stores(*orders(1, first=50))
        source.away = False
        await told.sees("● following", "message-50")
        source.stores(*orders(1, first=60))
        await told.sees("message-60")


async def test_what_came_while_nobody_answered_is_no_gap() -> None:
    """My connection is cut, and more happens than one list tells: it is all there afterwards."""
    source = FakeSource()
    async with story(source) as told:
        screen = await passing_by(told)
        source.goes_away()
        await told.sees("○ away")
        source.stored += orders(LISTED + 100)
        source.away = False
        await told.sees("● following", f"message-{LISTED + 99}")
        await told.until(
            lambda: len(screen.passing.rows) == len(source.events(EventFilter(limit=KEPT)).rows),
            "all that came",
        )


async def test_what_could_not_be_previewed_is_once_the_collector_is_back() -> None:
    """I stay at an event; its message comes by itself."""
    source = FakeSource()
    async with story(source, size=(140, 40)) as told:
        await passing_by(told)
        await told.press("up")
        await told.sees("● points.credited")
        source.goes_away()
        await told.sees("○ away")
        await told.press("home")
        await told.sees("│ nothing listens at 127.0.0.1:8411")
        source.away = False
        await told.sees('"customer": "c-88"', "live · newest at the bottom")


async def test_the_collector_is_away_from_the_start() -> None:
    source = FakeSource()
    source.away = True
    async with story(source) as told:
        await told.press("2")
        await told.sees("The collector does not answer.")
        source.away = False
        await told.sees("7c1f0d9e-0000", "● following")


async def test_what_came_too_fast_is_said() -> None:
    """I see that I do not see all, and how much is missing."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        source.tells(*orders(1), missed=1_204)
        await told.sees("message-0", "1,204 dropped, they came too fast")


async def test_what_fails_later_is_marked_later() -> None:
    """An event comes, and then somebody cannot handle it: its line says so, where it is."""
    source = FakeSource()
    async with story(source) as told:
        await passing_by(told)
        source.stores(*orders(3))
        await told.sees("message-2")
        await told.press("up")
        source.stored[1] = replace(source.stored[1], error=True)
        await told.sees(" ✗  order.created")
        assert "✗" in told.lines[_line_of(told, "message-1")]
        await told.press("f", *"error:yes", "enter")
        await told.sees("filter error:yes", "message-1")
        assert "message-0" not in told.screen
        source.stored[0] = replace(source.stored[0], error=True)
        await told.sees("message-0")


async def test_the_list_is_bounded_and_says_so() -> None:
    source = FakeSource()
    async with story(source) as told:
        screen = await passing_by(told)
        source.stores(*orders(KEPT + 500))
        await told.sees(f"message-{KEPT + 499}", f"newest {KEPT:,} of {KEPT + 505:,}")
        assert len(screen.passing.rows) == KEPT
        await told.press("up")
        source.stores(*orders(KEPT + 7, first=10_000))
        await told.sees(f"{KEPT + 7:,} new below", f"the newest {KEPT:,} of them are kept")


@pytest.mark.parametrize("live", [True, False])
async def test_what_stays_cannot_be_paused(live: bool) -> None:
    """Where nothing moves, the footer and the commands do not offer to hold it still."""
    async with story(FakeSource(live=live)) as told:
        await told.press("2")
        await told.sees("7c1f0d9e-0000", "t Types")
        screen = told.app.screen
        await told.until(lambda: ("p Pause" in told.screen) is live, "what is offered")
        await told.press("f", *"order:oldest", "enter")
        await told.sees("filter order:oldest", "7c1f0d9e-0000", "t Types")
        await told.sees_no_more("p Pause")
        assert "Pause" not in [one.title for one in told.app.get_system_commands(screen)]
        await told.press("p", "space")
        assert "paused" not in told.screen


async def test_a_list_that_was_cut_says_so() -> None:
    """Before those that I see others came: I am told, also once newer ones have come."""
    source = FakeSource()
    source.stored = list(orders(LISTED))
    async with story(source) as told:
        await told.press("2")
        await told.sees("● following", "more came before")
        source.stores(*orders(1, first=1_000))
        await told.sees("message-1000", "more came before")


async def test_a_recording_is_listed_once() -> None:
    source = FakeSource(live=False)
    async with story(source) as told:
        await told.press("2")
        await told.sees("▪ 5 events", "7c1f0d9e-0000")
        await told.press("up")
        assert "paused" not in told.screen
        assert source.asked.count("events") == 1
        assert "follow" not in source.asked


async def test_a_slow_list_freezes_nothing() -> None:
    source = FakeSource()
    async with story(source) as told:
        await told.sees("order.created")
        source.gate.clear()
        await told.press("2", "f")
        await told.sees("Show events that fit")
        await told.press("escape", "question_mark")
        await told.sees("Hold the list still")
        source.gate.set()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_events_look_so(size: tuple[int, int]) -> None:
    source = FakeSource()
    async with story(source, size=size) as told:
        await told.waits_a_while()
        await passing_by(told)
        source.stores(*orders(60))
        await told.sees("message-59")
        await told.press("home")
        await told.press("down", "down")
        source.seconds += 5
        source.stores(*orders(37, first=100), *orders(3, first=200, event_type="order.paid"))
        await told.sees("40 new below", "in 212/s", "stored 59,871")
        if size[0] >= 120:
            await told.sees("● payment.captured", "traceparent", " 98    19/s", "36/min")
        await told.rests()
        assert_golden(f"tui/events-{size[0]}x{size[1]}.txt", told.screen)


async def test_the_filters_input_looks_so() -> None:
    async with story() as told:
        await passing_by(told)
        await told.press("f", *"topic:order")
        await told.sees("order.created", "order.cancelled")
        await told.press("down")
        assert_golden("tui/events-filter-80x24.txt", told.screen)
        await told.press(*" since:yesterday")
        await told.sees("^^^^")
        assert_golden("tui/events-mistake-80x24.txt", told.screen)
