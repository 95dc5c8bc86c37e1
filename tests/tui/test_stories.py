"""What people do with flowtap's screens, as stories."""

from __future__ import annotations

import pytest

from graph.edges import LeftOut
from graph.listing import Candidate
from graph.model import IdKind
from tests.goldens import assert_golden
from tests.tui import shop
from tests.tui.fake import FakeSource
from tests.tui.order import order
from tests.tui.telling import story
from tui.screens import graph_answers
from tui.screens.base import FlowScreen
from tui.screens.events import EventsScreen

SIZES = [(80, 24), (140, 40), (200, 50)]


async def test_from_the_start_to_what_caused_an_event() -> None:
    """I open flowtap, see who talks to whom, and follow one order."""
    async with story() as told:
        await told.sees("order.created", "● inventory", "producers", "lag 312")
        await told.press("enter")
        await told.sees("graph › order.created", "comes in", "goes out")
        await told.press("enter")
        await told.sees("topic:order.created", "7c1f0d9e-0000")
        await told.press("enter")
        await told.sees("5 events · 9 services", "◉ order.created", "✗ notification")
        await told.press("right", "right")
        assert told.pointed.startswith("│ ╰─● stock.reserved") or "stock.reserved" in told.pointed
        assert "order.created › stock.reserved" in told.lines[1]
        await told.press("left")
        assert "inventory" in told.pointed
        await told.press("left")
        assert "◉ order.created" in told.pointed
        await told.press("escape", "escape", "escape")
        await told.sees("producers", "consumers")


async def test_paste_any_id() -> None:
    """Somebody sends me an id; I paste it and am at its event."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("slash")
        await told.sees("Find an event by any id")
        await told.paste("7c1f0d9e-0002")
        await told.press("enter")
        await told.sees("◉ payment.captured")
        assert "payment.captured" in told.pointed
        assert "order.created › payment.captured" in told.lines[1]
        await told.press("y")
        assert told.app.clipboard == "7c1f0d9e-0002"


async def test_an_id_that_could_mean_several_things() -> None:
    """An order number is the key of many messages: I am asked which one I mean."""
    source = FakeSource()
    source.meanings["order-1042"] = [
        Candidate(
            "order.created/0/1042", IdKind.KEY, "order.created by storefront", time=shop.NOON
        ),
        Candidate("payment.captured/0/42", IdKind.KEY, "payment.captured by payment"),
    ]
    async with story(source, find="order-1042") as told:
        await told.sees("order-1042 could mean several things", "payment.captured by payment")
        await told.press("down", "enter")
        await told.sees("◉ payment.captured")


async def test_an_id_that_nobody_knows() -> None:
    """A wrong id is said to be wrong, and I can try another at once."""
    async with story() as told:
        await told.press("slash", *"gone", "enter")
        await told.sees("Nothing found for gone", "topic/partition/offset")
        await told.press("slash", *"7c1f0d9e-0000", "enter")
        await told.sees("◉ order.created")


async def test_the_collector_is_away_and_comes_back() -> None:
    """It is not running yet; when it is, the graph appears by itself."""
    source = FakeSource()
    source.away = True
    async with story(source) as told:
        await told.sees("The collector does not answer.", "since    12:00:00 UTC", "flowtap up")
        assert "away" in told.lines[-2]
        source.away = False
        await told.sees("order.created", "● 127.0.0.1:8411")
        source.away = True
        await told.sees("○ away", "as it was at 12:00:00 UTC")
        assert "order.created" in told.screen, "what was seen last stays"
        source.away = False
        await told.sees("live · last 15 min", "● 127.0.0.1:8411")


async def test_the_graph_is_counted_again_as_soon_as_the_collector_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A large graph is asked for seldom; but what was counted before it went away is not shown as
    live until then."""
    monkeypatch.setattr(graph_answers, "REST", 1e9)
    source = FakeSource()
    async with story(source) as told:
        await told.sees("order.created", "live · last 15 min")
        await told.rests()
        counted = source.asked.count("topology")
        source.seconds = 30
        source.goes_away()
        await told.sees("○ away", "as it was at 12:00:00 UTC", "since 12:00:30 UTC")
        source.seconds = 60
        source.away = False
        await told.sees("live · last 15 min", "● 127.0.0.1:8411")
        await told.until(lambda: source.asked.count("topology") > counted, "another count")
        await told.rests()
        counted = source.asked.count("topology")
        told_of = source.asked.count("health")
        await told.until(lambda: source.asked.count("health") > told_of + 1, "two seconds")
        assert source.asked.count("topology") == counted, "once"


async def test_a_collector_that_cannot_answer_says_why() -> None:
    """It is there, but its store is in trouble: I see the reason, and it is asked again."""
    source = FakeSource()
    source.trouble = "the store's disk is full"
    async with story(source) as told:
        await told.sees("This could not be answered.", "the store's disk is full")
        source.trouble = ""
        await told.sees("order.created")


async def test_first_use_shows_how_to_send_something() -> None:
    """Nothing is stored yet: I am told how to begin, and can copy the commands."""
    source = FakeSource([])
    source.received = 0
    async with story(source) as told:
        await told.sees("Nothing has arrived yet.", "flowtap demo", "http://127.0.0.1:4318")
        await told.press("y")
        assert told.app.clipboard == "flowtap demo"
        await told.press("down", "down", "y")
        expected = "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"
        assert told.app.clipboard == expected
        source.rows = shop.edges()
        await told.sees("order.created")


async def test_a_window_that_begins_before_what_is_kept_says_so() -> None:
    source = FakeSource()
    source.covered_from = shop.NOON - 3600 * 10**9
    async with story(source) as told:
        await told.sees("live · last 15 min")
        assert "pruned" not in told.screen
        await told.press("w", "w")
        await told.sees("everything · pruned before 2026")


async def test_how_old_the_counts_are_is_said_of_a_window_that_follows() -> None:
    source = FakeSource()
    source.behind = 12.4
    async with story(source) as told:
        await told.sees("live · last 15 min")
        assert "counted up to" not in told.screen
        source.behind = 47.4
        await told.sees("live · last 15 min · counted up to 47 s ago")


async def test_edges_that_there_is_no_room_for_are_said() -> None:
    source = FakeSource()
    async with story(source) as told:
        await told.sees("live · last 15 min")
        source.left = LeftOut(1_234, 5_678)
        await told.press("w")
        await told.sees("· and 1,234 more edges")


async def test_a_slow_answer_freezes_nothing() -> None:
    """While the source thinks, every key works."""
    source = FakeSource()
    source.gate.clear()
    async with story(source) as told:
        await told.sees("Asking …")
        await told.press("question_mark")
        await told.sees("Help", "Go on from what is selected")
        await told.press("escape", "slash", *"7c1f0d9e-0000", "enter")
        await told.sees("Following 7c1f0d9e-0000")
        await told.press("escape")
        await told.sees("Asking …")
        source.gate.set()
        await told.sees("order.created")


async def test_with_the_mouse_alone() -> None:
    """I never touch the keyboard."""
    async with story() as told:
        await told.sees("payment.captured")
        await told.click("● order-view")
        assert told.pointed.startswith("● order-view")
        await told.click("payment.captured", times=2)
        await told.sees("graph › payment.captured")
        await told.click("▪ payment.captured", times=2)
        await told.sees("topic:payment.captured", "7c1f0d9e-0002")
        await told.click("7c1f0d9e-0002", times=2)
        await told.sees("◉ payment.captured")
        await told.click("✗ notification")
        await told.click(" Details")
        await told.sees("failed", "SMS gateway: 503 Service Unavailable")
        await told.click(" 1 ")
        await told.sees("graph › payment.captured")
        await told.click("graph ›")
        await told.sees("producers")
        await told.click("3 Chain")
        await told.sees("◉ payment.captured")


async def test_an_event_with_two_causes() -> None:
    """A parcel needs stock and payment; I visit both causes one after the other."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("parcel.shipped  +1 cause", "↑ parcel.shipped  drawn above")
        await told.click("parcel.shipped  +1 cause")
        await told.press("left")
        assert "shipping" in told.pointed
        assert "stock.reserved" in told.lines[1]
        await told.press("right")
        assert "parcel.shipped  +1 cause" in told.pointed
        await told.press("left")
        assert "shipping" in told.pointed
        assert "payment.captured" in told.lines[1]
        await told.press("right")
        assert "drawn above" in told.pointed, "below this cause the event is referred to"
        await told.press("right")
        assert "parcel.shipped  +1 cause" in told.pointed


async def test_fold_what_is_not_of_interest() -> None:
    """I hide the branches that I have seen, and go through those beside each other."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press("right", "space")
        await told.sees("✓ inventory  ⊞ 5 more")
        assert "stock.reserved" not in told.screen
        await told.press("n")
        assert "payment" in told.pointed
        await told.press("n")
        assert "order-view" in told.pointed
        await told.press("N", "N", "right")
        await told.sees("● stock.reserved")
        assert "stock.reserved" in told.pointed
        await told.press("minus")
        await told.sees("✓ payment  2 attempts  ⊞ 6 more")
        assert "inventory" in told.pointed
        await told.press("plus")
        await told.sees("points.credited")


async def test_details_tell_all_of_a_message() -> None:
    """Headers, body and operations of an event; the evidence of a delivery."""
    async with story(find="7c1f0d9e-0000", size=(140, 50)) as told:
        await told.sees("◉ order.created")
        await told.sees('"sku": "tea"', "traceparent", "send by storefront", "cart-88")
        await told.click("✓ analytics")
        await told.sees("≈ matched", "both sides name the same position")


async def test_the_selected_node_stays_when_the_graph_grows() -> None:
    """A new destination appears above; what I look at does not move."""
    source = FakeSource()
    async with story(source) as told:
        await told.sees("payment.captured")
        await told.click("● notification")
        before = next(y for y, line in enumerate(told.lines) if "▸" in line)
        source.rows = [shop.produce("storefront", "a.new.topic", 3), *source.rows]
        main = told.app.screen.query_one("#main")
        tall = main.virtual_size.height
        await told.until(lambda: main.virtual_size.height > tall, "a new block")
        assert told.pointed.startswith("● notification")
        assert next(y for y, line in enumerate(told.lines) if "▸" in line) == before


async def test_until_i_choose_the_first_is_selected() -> None:
    """The graph grows while I only watch: it shows its beginning."""
    source = FakeSource([shop.produce("inventory", "stock.reserved", 3)])
    async with story(source) as told:
        await told.sees("┏━ stock.reserved")
        source.rows = shop.edges()
        await told.sees("┏━ order.created")


async def test_recorded_files_are_asked_once() -> None:
    """A recording does not change: counts instead of rates, and no polling."""
    source = FakeSource(live=False)
    async with story(source) as told:
        await told.sees("order.created", "▪ recorded", "1.2k", "everything")
        await told.rests()
        assert source.asked == ["topology", "consumers", "findings"]
        assert isinstance(told.app.screen, FlowScreen)
        assert told.app.screen.polling is None, "nothing asks again by itself"
    async with story() as told:
        await told.sees("order.created")
        assert isinstance(told.app.screen, FlowScreen)
        assert told.app.screen.polling is not None, "a collector is asked again"


async def test_help_and_palette_know_every_action() -> None:
    """I find everything that can be done."""
    async with story(size=(100, 60)) as told:
        await told.sees("order.created")
        await told.press("question_mark")
        await told.sees("Count over another time")
        await told.press("end")
        await told.sees("Leave flowtap", "≡ observed")
        await told.press("escape", "ctrl+p")
        await told.sees("Window")


async def test_the_last_chain_is_one_key_away() -> None:
    """1 and 3 change between the graph and the chain."""
    async with story() as told:
        await told.press("3")
        await told.sees("Find an event by any id")
        await told.paste("order.created/0/1042")
        await told.press("enter")
        await told.sees("◉ order.created")
        await told.press("1")
        await told.sees("producers")
        await told.press("3")
        await told.sees("◉ order.created")


async def test_from_a_service_to_what_it_produced() -> None:
    """E on a producer lists its own events there."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("left", "E")
        await told.sees("filter topic:order.created service:storefront")
        assert isinstance(told.app.screen, EventsScreen)


async def test_another_window_of_time() -> None:
    """w counts over another time."""
    async with story() as told:
        await told.sees("last 15 min")
        await told.press("w")
        await told.sees("last hour")
        await told.press("w")
        await told.sees("everything")


async def test_a_chain_of_a_thousand_events_moves_at_once() -> None:
    """A large fan-out is drawn as far as it shows."""
    source = FakeSource()
    source.chains = [order(copies=1_000)]
    async with story(source, find="7c1f0d9e-0000") as told:
        await told.sees("1,005 events")
        await told.press("end")
        assert told.pointed
        await told.press("home")
        assert "◉ order.created" in told.pointed


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_graph_looks_so(size: tuple[int, int]) -> None:
    async with story(size=size) as told:
        await told.waits_a_while()
        await told.sees("2.0/s", "in 212/s", "● 127.0.0.1:8411")
        await told.press("down", "down", "right", "down")
        if size[0] > 120:
            await told.sees("consumed    ▆")  # its minutes are asked for when it stays selected
        await told.rests()
        assert_golden(f"tui/graph-{size[0]}x{size[1]}.txt", told.screen)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_chain_looks_so(size: tuple[int, int]) -> None:
    async with story(size=size, find="7c1f0d9e-0000") as told:
        await told.waits_a_while()
        await told.sees("◉ order.created  …1 ?1 ›1  by", "in 212/s", "stored 58,811")
        await told.click("✗ notification")
        await told.sees("✗ notification  dead-lettered =", "payment.captured  … 1 pending")
        await told.rests()
        assert_golden(f"tui/chain-{size[0]}x{size[1]}.txt", told.screen)


async def test_the_notices_look_so() -> None:
    empty, absent = FakeSource([]), FakeSource()
    empty.received, absent.away = 0, True
    async with story(empty) as told:
        await told.sees("Nothing has arrived yet.", "127.0.0.1:4318", "● 127.0.0.1:8411")
        assert_golden("tui/first-use-80x24.txt", told.screen)
    async with story(absent) as told:
        await told.sees("The collector does not answer.")
        assert_golden("tui/away-80x24.txt", told.screen)


@pytest.mark.parametrize("size", SIZES[:2])
async def test_the_same_chain_as_a_tree_a_sequence_and_a_timeline(size: tuple[int, int]) -> None:
    """I look at one order in each way, and stay with the delivery that I had chosen."""
    source = FakeSource()
    async with story(source, size=size, find="7c1f0d9e-0000") as told:
        await told.sees("…1 ?1 ›1")
        await told.click("● payment.captured")
        await told.sees("✗ notification  dead-lettered =", "payment.captured  … 1 pending")
        await told.click("● stock.reserved")
        await told.until(lambda: "stock.reserved/0/41" in source.fates_asked, "its fate")
        assert "stock.reserved" in told.pointed
        await told.press("v")
        await told.sees("▸┤", "order.created", "dead-lettered = 3 tries")
        await told.rests()
        assert_golden(f"tui/sequence-{size[0]}x{size[1]}.txt", told.screen)
        await told.press("v")
        await told.sees("━━", "◆ order.created")
        await told.rests()
        assert_golden(f"tui/timeline-{size[0]}x{size[1]}.txt", told.screen)
        await told.press("v")
        await told.sees("◉ order.created", "took")


async def test_only_what_went_wrong_and_what_took_so_long() -> None:
    """Somebody complains: I want to see the failures, then where the time went."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created", "recommendation")
        await told.press("exclamation_mark")
        await told.sees("only problems: 4", "✗ notification  dead-lettered =")
        await told.sees("order.created  …1 ?1 ›1", "payment.captured  … 1 pending")
        await told.sees_no_more("fates known")
        assert "recommendation" not in told.screen
        await told.press("x")
        await told.sees("critical path · waited 10 ms · handled 330 ms")
        await told.press("x")
        await told.sees("recommendation")
