"""Who is behind? What people do on the screen of consumers, as stories."""

from __future__ import annotations

import pytest

from graph.listing import EventRow
from tests.goldens import assert_golden
from tests.tui.fake import FakeSource
from tests.tui.groups import group, groups
from tests.tui.telling import story
from tui.screens.consumers import ConsumersScreen
from tui.screens.events import EventsScreen

SIZES = [(80, 24), (140, 40), (200, 50)]


def shop_source() -> FakeSource:
    source = FakeSource()
    source.groups = groups()
    source.tapped = True
    return source


async def test_who_is_behind() -> None:
    """Events are late. I press 4: the group that nobody runs stands first, by sign and word."""
    async with story(shop_source()) as told:
        await told.press("4")
        await told.sees("9 groups · 6 behind · ✗ 1 nobody runs", "✗ crm-sync", "▼ recommendation")
        assert told.pointed.startswith("✗ crm-sync")
        assert told.pointed.endswith("nobody runs")
        await told.press("enter")
        await told.sees(
            "No member is in the group", "user.registered · waiting on 1 of 1", "nobody"
        )
        await told.press("down", "down", "down")
        await told.sees("312 wait, the oldest for 2m 36s", "reads 1.4/s, 2.0/s added, never done")
        await told.press("J", "J")
        await told.sees("recommendation-1 at 10.0.3.12")
        await told.press("enter")
        await told.sees_no_more("reads 1.4/s, 2.0/s added")
        await told.press("y")
        assert told.app.clipboard == "recommendation"


async def test_what_has_it_not_consumed_yet() -> None:
    """From a group that is behind to the events that wait for it, the oldest on, and back."""
    source = shop_source()
    source.groups = [
        group(
            "recommendation",
            ("order.created", 1_042, 1_043),
            ("stock.reserved", 8, 8),
            ("payment.captured", 40, 43),
            waits=0.2,
            rate=0.0,
            growth=0.1,
            members=0,
        )
    ]
    async with story(source) as told:
        await told.press("4")
        await told.sees("✗ recommendation", "nobody runs")
        source.seconds = 30
        await told.press("w")
        await told.sees('topic:payment.captured,order.created since:"2026-10-01T11:59:59.8')
        await told.sees("oldest first", "all that fit")
        await told.sees("7c1f0d9e-0000", "7c1f0d9e-0002")
        assert "stock.reserved" not in told.screen, "it has consumed these"
        assert isinstance(told.app.screen, EventsScreen)
        assert "7c1f0d9e-0000" in told.pointed, "what waits longest"
        await told.press("enter")
        await told.sees("◉ order.created")
        await told.press("escape", "escape")
        await told.sees("✗ recommendation")


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_waits_longest_comes_first(size: tuple[int, int]) -> None:
    """More wait than a list shows: I see the oldest, that others come after them, and and nothing
    newer beside them."""
    source = shop_source()
    source.groups = [group("mail", ("invoices", 0, 400), waits=60.0, rate=0.0, growth=0.1)]
    begin = source.groups[0].oldest
    source.stores(
        *(
            EventRow(
                f"invoices/0/{number}",
                begin + number * 100_000_000,
                "invoices",
                "kafka",
                key=f"bill-{number:03}",
                event_type="Billed",
                service="billing",
            )
            for number in range(400)
        )
    )
    async with story(source, size=size) as told:
        await told.press("4")
        await told.sees("mail", "400")
        await told.press("w")
        await told.sees("the oldest 300; more come after them", "bill-000", "order:oldest")
        assert "bill-000" in told.pointed
        await told.rests()
        assert_golden(f"tui/waiting-{size[0]}x{size[1]}.txt", told.screen)
        await told.press("end")
        await told.sees("bill-299")
        assert not source.followings, "the newest would stand below a gap"


async def test_what_cannot_be_listed_is_said() -> None:
    """Nothing waits, or no tap has read what waits: I am told, and stay."""
    source = shop_source()
    source.groups = [
        group("points", ("payment.captured", 1_100, 1_167), waits=None),
        group("search", ("order.created", 4, 4)),
    ]
    async with story(source) as told:
        await told.press("4")
        await told.sees("… points", "✓ search")
        await told.press("w")
        assert told.notices[-1].startswith("No tap has read what waits on payment.captured")
        await told.press("down", "w")
        assert told.notices[-1] == "Nothing waits for this group."
        assert isinstance(told.app.screen, ConsumersScreen)


async def test_from_a_group_to_where_it_is_in_the_graph() -> None:
    """i leads to the consumer in the graph; a group that read nothing there is said not to."""
    async with story(shop_source()) as told:
        await told.sees("order.created")
        await told.press("4")
        await told.sees("▼ recommendation")
        await told.click("▼ recommendation")
        await told.click(" In graph")
        await told.sees("graph › recommendation", "┏━ ● recommendation ━┓", "comes in")
        await told.press("4")
        await told.sees("· old-report")
        await told.press("end", "i")
        assert told.notices[-1].startswith("The graph does not show this group")
        assert isinstance(told.app.screen, ConsumersScreen)


async def test_sort_by_what_matters_to_me() -> None:
    """By keyboard column after column, by mouse on a heading; who is selected stays so."""
    async with story(shop_source()) as told:
        await told.press("4")
        await told.sees("state▼")
        await told.click("lag")
        await told.sees("lag▼")
        assert "analytics-batch" in told.lines[2]
        assert told.pointed.startswith("▲ analytics-batch"), "until I choose, the first is selected"
        await told.click("search")
        await told.click("lag▼")
        await told.sees("lag▲")
        assert told.pointed.startswith("= search")
        await told.press("s")
        await told.sees("oldest▼")
        await told.press("S")
        await told.sees("oldest▲")
        await told.click("group  ")
        await told.sees("group▲")
        assert "analytics-batch" in told.lines[2]


async def test_it_goes_on_by_itself() -> None:
    """The crew restarts the consumer while I watch; what I look at stays selected."""
    source = shop_source()
    async with story(source) as told:
        await told.press("4")
        await told.sees("✗ crm-sync")
        await told.click("= search")
        source.groups[2] = group("crm-sync", ("user.registered", 61, 61))
        await told.sees("✓ crm-sync", "9 groups · 5 behind")
        assert told.pointed.startswith("= search")


async def test_no_groups_says_why_and_what_to_do() -> None:
    """Nothing is tapped; or it is, and nobody has joined; or only files are read."""
    bare, tapped, recorded = FakeSource(), FakeSource(), FakeSource(live=False)
    tapped.tapped = True
    for source in (bare, tapped, recorded):
        source.groups = []
    async with story(bare) as told:
        await told.sees("order.created", "● 127.0.0.1:8411")
        await told.press("4")
        await told.sees("No consumer group is known.", "none is tapped", "flowtap up --kafka")
        await told.press("y")
        assert told.app.clipboard == "flowtap up --kafka HOST:9092"
        bare.groups = groups()
        await told.sees("✗ crm-sync")
    async with story(tapped) as told:
        await told.sees("order.created", "● 127.0.0.1:8411")
        await told.press("4")
        await told.sees("No group has joined or committed at kafka shop:9092.")
    async with story(recorded) as told:
        await told.press("4")
        await told.sees("spans do not")


async def test_the_collector_is_away() -> None:
    """It stops while I look: what was seen last stays, and says of when it is."""
    source = shop_source()
    async with story(source) as told:
        await told.press("4")
        await told.sees("✗ crm-sync")
        source.away = True
        await told.sees("○ away", "as it was at 12:00:00 UTC", "✗ crm-sync")
        source.away = False
        await told.sees("9 groups", "● 127.0.0.1:8411")
    source.away = True
    async with story(source) as told:
        await told.press("4")
        await told.sees("The collector does not answer.", "since    12:00:00 UTC")
        source.away = False
        await told.sees("✗ crm-sync")


async def test_three_hundred_groups() -> None:
    """I go through all of them, to the last and back."""
    source = shop_source()
    source.groups = [
        group(f"group-{number:03}", ("order.created", 1_000 - number, 1_000), waits=number)
        for number in range(300)
    ]
    async with story(source) as told:
        await told.press("4")
        await told.sees("300 groups · 290 behind")
        assert told.pointed.startswith("… group-299")
        await told.press("end")
        assert told.pointed.startswith("✓ group-009"), "those that keep up stay in order"
        await told.press("pageup", "home")
        assert told.pointed.startswith("… group-299")


async def test_4_comes_back_to_the_screen_that_is_open() -> None:
    """I follow an event from there, and 4 brings me back to the group that I had chosen."""
    async with story(shop_source(), find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press("4")
        await told.sees("✗ crm-sync")
        await told.click("= search")
        await told.press("3")
        await told.sees("◉ order.created")
        await told.press("4")
        await told.sees("= search")
        assert told.pointed.startswith("= search")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_consumers_look_so(size: tuple[int, int]) -> None:
    async with story(shop_source(), size=size) as told:
        await told.press("4")
        await told.waits_a_while()
        await told.sees("▼ recommendation", "in 212/s", "stored 58,811")
        await told.click("▼ recommendation")
        if size[0] == 80:
            await told.press("enter")
        await told.sees("recommendation-0")
        await told.rests()
        assert_golden(f"tui/consumers-{size[0]}x{size[1]}.txt", told.screen)
