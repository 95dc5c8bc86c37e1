"""What people find out on the graph's screen, as stories."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from graph.topology import NodeKind
from tests.goldens import assert_golden
from tests.tui import large, shop
from tests.tui.fake import FakeSource
from tests.tui.telling import Story, story
from tui.drawing.flow import Spot
from tui.drawing.segments import text_of
from tui.screens.events import EventsScreen
from tui.widgets.canvas import Canvas

MINUTE = 60_000_000_000
SIZES = [(80, 24), (140, 40)]


def selected(told: Story) -> str:
    """The name of the selected node."""
    target = told.app.screen.query_one("#main", Canvas).selected
    assert isinstance(target, Spot)
    return target.node.name


def then(source: FakeSource, *, minutes: int) -> FakeSource:
    """Everything that the source knows was last seen so long ago."""
    source.rows = [replace(row, last_seen=shop.NOON - minutes * MINUTE) for row in source.rows]
    return source


async def test_a_node_in_the_middle_and_on_to_the_next() -> None:
    """What does payment listen to, and what does it cause? And who reads that?"""
    async with story() as told:
        await told.sees("order.created")
        await told.click("● payment")
        await told.press("enter")
        await told.sees("graph › payment  1 hop", "comes in", "goes out", "━ ● payment ━")
        await told.press("right")
        assert selected(told) == "payment.captured"
        await told.press("left", "left")
        assert selected(told) == "order.created"
        await told.press("right", "right", "enter")
        await told.sees("graph › payment › payment.captured", "● notification ✗4")
        await told.press("escape")
        await told.sees("graph › payment  1 hop")
        assert selected(told) == "payment.captured", "where I came from"
        await told.press("escape")
        await told.sees("producers", "consumers")
        assert "graph ›" not in told.screen


async def test_details_follow_where_a_walk_rests() -> None:
    """Who holds an arrow key down sees details of where it ends, however fast that went."""
    async with story(size=(140, 40)) as told:
        await told.sees("order.created")
        details = told.app.screen.query_one("#details", Canvas)
        for keys in (("down",), ("down", "down", "left"), ("right", "right", "up")):
            await told.press(*keys)
            await told.until(
                lambda: selected(told) in text_of(details.drawing.line(0, None)),
                f"details of {selected(told)}",
            )


async def test_more_hops_around_the_middle() -> None:
    """What does an order lead to, three steps on? + looks further, - less far."""
    async with story(size=(280, 50)) as told:
        await told.sees("order.created")
        await told.press("d", "enter")
        await told.sees("1 hop", "● payment ✗37")
        assert "bank-gateway" not in told.screen
        await told.press("plus")
        await told.sees("2 hops", "● bank-gateway call ✗37", "▪ stock.reserved")
        assert "sms.dead-letter" not in told.screen
        await told.press("plus", "plus")
        await told.sees("4 hops", "▪ sms.dead-letter")
        await told.press("minus", "minus", "minus", "minus")
        await told.sees("1 hop")
        assert "bank-gateway" not in told.screen


async def test_a_way_wider_than_the_screen_moves_sideways() -> None:
    """At 80 columns three hops do not fit: the arrows bring what I select into view."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("enter", "plus", "plus")
        await told.sees("3 hops")
        await told.press("right", "down", "right", "right")
        main = told.app.screen.query_one("#main", Canvas)
        await told.until(lambda: main.scroll_offset.x > 0, "the drawing to move")
        assert selected(told) == "stock.released"
        assert "▸▪ stock.released" in told.screen


async def test_the_middle_leads_to_its_events() -> None:
    """Enter once more, on the node in the middle, lists what passes there."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("enter", "enter")
        await told.sees("topic:order.created", "7c1f0d9e-0000")
        await told.press("escape")
        await told.sees("graph › order.created")


async def test_the_way_back_by_clicks() -> None:
    """I click along the way that I came, and on the graph at its beginning."""
    async with story() as told:
        await told.sees("order.created")
        await told.click("● payment", times=2)
        await told.sees("graph › payment")
        await told.click("▪ payment.captured", times=2)
        await told.sees("graph › payment › payment.captured")
        await told.click("payment ›")
        await told.sees("graph › payment  1 hop")
        await told.click("graph ›")
        await told.sees("producers")


async def test_search_narrows_and_leads_there() -> None:
    """I know a part of a name; each key narrows the graph, and Enter goes there."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("f", *"captu")
        await told.sees("1 match, enter goes there", "payment.captured")
        assert "order.created" not in told.screen
        assert selected(told) == "payment.captured"
        await told.press("enter")
        await told.sees("order.created", "┏━ payment.captured")
        assert not told.app.screen.query_one("#prompt").has_class("open")
        await told.press("down", "down")
        assert "┏━ payment.captured" not in told.screen, "keys move again"


async def test_a_search_that_finds_nothing_leaves_all_as_it_was() -> None:
    """A typing error: I am told, and Esc brings me back to where I was."""
    async with story() as told:
        await told.sees("order.created")
        await told.click("● payment")
        await told.press("f", *"qq7")
        await told.sees("Nothing is called like this.", "no match")
        await told.press("escape")
        await told.sees("order.created")
        assert "▸● payment" in told.screen
        await told.press("f", "d", "escape")
        assert "▸● payment" in told.screen


async def test_a_search_from_a_node_in_the_middle_puts_what_it_finds_there() -> None:
    async with story() as told:
        await told.sees("order.created")
        await told.press("enter")
        await told.sees("graph › order.created")
        await told.press("f", *"bank", "enter")
        await told.sees("graph › order.created › bank-gateway", "━ ● bank-gateway ━")


async def test_a_consumer_that_stopped_stays_in_the_graph() -> None:
    """Nothing in a quarter of an hour: it is there and says quiet; i hides what is quiet."""
    source = then(FakeSource(), minutes=30)
    source.rows += [shop.produce("storefront", "cart.filled", 50)]
    async with story(source, size=(80, 60)) as told:
        await told.sees("cart.filled", "order.created", "quiet")
        await told.press("i")
        await told.sees("busy only", "cart.filled")
        assert "order.created" not in told.screen
        await told.press("i")
        await told.sees("order.created")


async def test_nothing_in_this_time() -> None:
    """All of it is old: I see it as quiet, and hiding that says where it went."""
    async with story(then(FakeSource(), minutes=30)) as told:
        await told.sees("order.created", "quiet")
        await told.press("i")
        await told.sees("Everything was quiet in this time.")
        await told.press("i", "w")
        await told.sees("last hour", "order.created")


async def test_what_changed_since_the_time_before() -> None:
    """Something broke ten minutes ago: what is new, what is gone, what became more?"""
    source = FakeSource()
    before = then(FakeSource(), minutes=20).rows
    gone = [row for row in before if row.destination not in ("stock.reserved", "stock.released")]
    busier = [
        replace(row, count=row.count // 10) if row.destination == "payment.failed" else row
        for row in gone
    ]
    lost = shop.produce("storefront", "cart.lost", 40, last_seen=shop.NOON - 20 * MINUTE)
    source.rows += [*busier, lost]
    async with story(source, size=(100, 60)) as told:
        await told.sees("order.created")
        await told.press("c")
        await told.sees("3 new", "1 gone", "changed", "since 11:30-11:45")
        await told.sees("+ new ─▶ ● order-view", "- gone ─▶", "▲ ×12 ─▶ ● inventory")
        await told.press("i")
        await told.sees("changes only", "stock.reserved", "cart.lost")
        assert "user.registered" not in told.screen
        await told.press("c")
        await told.sees_no_more("since 11:30")


async def test_everything_has_nothing_before_it() -> None:
    """Compare has nothing to say about all that there ever was."""
    source = FakeSource(live=False)
    async with story(source) as told:
        await told.sees("order.created", "everything")
        asked = source.asked.count("topology")
        await told.press("c")
        assert "since" not in told.screen
        assert source.asked.count("topology") == asked, "there is nothing to compare with"


async def test_a_past_time_that_i_type() -> None:
    """Last night's incident: W, then from when to when."""
    source = FakeSource()
    source.rows += [shop.produce("batch", "night.run", 7, last_seen=shop.NOON - 90 * MINUTE)]
    async with story(source) as told:
        await told.sees("order.created")
        await told.press("W", *"1h..2h", "enter")
        await told.sees("ends before it begins")
        typed = told.app.screen.query_one(Input)
        typed.value = ""
        await told.press(*"2h..1h", "enter")
        await told.sees("10:00-11:00 UTC", "night.run")
        # How far consumers are now says nothing of then.
        await told.sees_no_more("lag 312")
        asked = source.asked.count("topology")
        await told.press("E")
        assert isinstance(told.app.screen, EventsScreen)
        wanted = told.app.screen._wanted()
        assert (wanted.since, wanted.until) == (shop.NOON - 120 * MINUTE, shop.NOON - 60 * MINUTE)
        await told.press("escape", "w")
        await told.sees("last 5 min")
        assert source.asked.count("topology") > asked


async def test_the_graph_as_a_table() -> None:
    """Which edge fails most? t, then s until errors; or a click on the column's name."""
    async with story(size=(140, 40)) as told:
        await told.sees("order.created")
        await told.press("t")
        await told.sees("from", "to", "count▼", "p95", "lag")
        await told.press("s")
        await told.sees("errors▼")
        rows = [line for line in told.lines if "✗" in line]
        assert [row for row in rows if "✗37" in row] == rows[:2]
        await told.press("S")
        await told.sees("errors▲")
        await told.click("from ")
        await told.sees("from▲")
        await told.click("from▲")
        await told.sees("from▼")
        await told.click("● recommendation")
        assert selected(told) == "recommendation"
        await told.press("left")
        assert selected(told) == "order.created"
        await told.press("enter")
        await told.sees("table › order.created")
        await told.press("escape")
        await told.sees("from▼")
        await told.press("t")
        await told.sees("producers")
        assert "┏━ order.created" in told.screen, "what was selected still is"


async def test_the_graph_as_a_map() -> None:
    """I show the shop to a colleague: one map, and where it leads from what we look at."""
    async with story(size=(200, 50)) as told:
        await told.sees("order.created")
        await told.press("m")
        await told.sees(
            "causes at the left", "║▪ payment.captured ║", "│● payment │", "↺ storefront"
        )
        await told.press("minus")
        await told.sees("[▪ stock.reserved ]", "(● payment )")
        await told.press("plus")
        await told.click("│● payment │")
        assert selected(told) == "payment"
        await told.press("right")
        assert selected(told) in ("payment.captured", "payment.failed", "bank-gateway")
        await told.press("enter")
        await told.sees("map › ")
        await told.press("escape", "m")
        await told.sees("producers")


async def test_a_graph_too_large_for_a_map_says_so() -> None:
    """A map of a thousand services helps nobody: a node of it is found and put in the middle."""
    async with story(large.LargeSource(), size=(100, 30)) as told:
        await told.sees("destinations")
        await told.press("m")
        await told.sees("1,651 nodes with 4,271 edges are too many for a map.")
        await told.press("f", *"audit.l", "enter")
        await told.sees("map › audit.log", "━ ▪ audit.log ━")


async def test_details_of_a_node_tell_its_minutes_and_its_last_events() -> None:
    async with story(size=(140, 40)) as told:
        await told.sees("order.created", "arrived", "/min", "last events", "7c1f0d9e-0000")
        assert any(sign in told.screen for sign in "▃▄▅▆")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "keys", "shown"),
    [
        ("focus", ("enter", "plus"), "2 hops"),
        ("table", ("t", "s"), "errors▼"),
        ("map", ("m",), "causes at the left"),
        ("search", ("f", *"stock"), "2 matches"),
        ("compare", ("c",), "since 11:30-11:45"),
    ],
)
async def test_the_views_look_so(
    size: tuple[int, int], name: str, keys: tuple[str, ...], shown: str
) -> None:
    source = FakeSource()
    old = then(FakeSource(), minutes=20).rows
    source.rows += [row for row in old if row.destination != "stock.reserved"]
    async with story(source, size=size) as told:
        await told.waits_a_while()
        await told.sees("2.0/s", "in 212/s", "● 127.0.0.1:8411")
        await told.press(*keys)
        await told.sees(shown)
        if size[0] > 100:
            await told.sees("arrived")
        await told.rests()
        assert_golden(f"tui/graph-{name}-{size[0]}x{size[1]}.txt", told.screen)


def test_a_large_system_is_as_large_as_it_says() -> None:
    nodes = large.LargeSource().topology().nodes
    kinds = [node.kind for node in nodes]
    assert kinds.count(NodeKind.SERVICE) == large.SERVICES
    assert len(large.rows()) == large.EDGES
