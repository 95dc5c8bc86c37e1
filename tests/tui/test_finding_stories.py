"""What did not happen? What people do on the screen of findings, as stories; and in place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.findings.model import State
from graph.listing import Consumer
from tests.goldens import assert_golden
from tests.tui.fake import FakeSource
from tests.tui.findings import DEAD, PASSED, SKEW, STORMING, STUCK, findings
from tests.tui.groups import groups
from tests.tui.telling import Story, story
from tui.screens.chain import ChainScreen
from tui.screens.consumers import ConsumersScreen
from tui.screens.findings import FindingsScreen
from tui.screens.graph import GraphScreen

SIZES = [(80, 24), (140, 40), (200, 50)]
TEXTS = [(80, 24), (140, 40)]


def named(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def shop_source() -> FakeSource:
    source = FakeSource()
    source.tapped = True
    source.groups = groups()
    source.found = findings()
    return source


def selected_group(told: Story) -> Consumer | None:
    screen = told.app.screen
    return screen.consumer if isinstance(screen, ConsumersScreen) else None


async def test_what_is_wrong_and_where_does_it_show() -> None:
    """I press 5: what was given up stands first. Enter, and I am at an event that proves it, with
    the finding on the line of who gave it up; esc, and I am where I was."""
    async with story(shop_source()) as told:
        await told.sees("order.created")
        await told.press("5")
        await told.sees("5 open ✗ 2 ! 2 · 1", "✗ notification on payment.captured", "12 messages")
        assert told.pointed.startswith("✗ notification")
        await told.press("enter")
        await told.sees("◉ payment.captured", "✗ notification ⚑✗")
        await told.press("escape")
        await told.sees("looked at 2026-10-01 08:00 - 11:58 UTC")
        assert told.pointed.startswith("✗ notification")
        await told.press("down", "down")
        assert told.pointed.startswith("! recommendation on order.created")
        await told.press("y")
        assert told.app.clipboard == "order.created/0/1042"


async def test_which_events_prove_it() -> None:
    """p leads into the proofs; Enter on the second goes to that one's chain."""
    source = shop_source()
    two = replace(DEAD, proof=(DEAD.proof[1], DEAD.proof[0]))
    source.found = [two]
    async with story(source) as told:
        await told.press("5")
        await told.sees("✗ notification")
        await told.press("p")
        await told.sees("proof ──", "▸ 11:52:00  payment.captured/0/57")
        await told.press("down")
        await told.sees("▸ 11:51:00  payment.captured/0/42")
        await told.press("y")
        assert told.app.clipboard == "payment.captured/0/42"
        await told.press("enter")
        await told.sees("◉ payment.captured")
        await told.press("escape")
        await told.sees("▸ 11:51:00  payment.captured/0/42")
        await told.press("escape")
        await told.sees_no_more("▸ 11:51")
        assert isinstance(told.app.screen, FindingsScreen), "a step back within the screen"


async def test_a_proof_can_be_clicked() -> None:
    """By mouse: the finding, a proof of it, and once more to open that."""
    async with story(shop_source(), size=(140, 40)) as told:
        await told.press("5")
        await told.sees("✗ notification")
        await told.click("recommendation on order.created")
        await told.sees("order.created/0/1042  no span of")
        await told.click("order.created/0/1042  no span")
        await told.click("order.created/0/1042  no span")
        await told.sees("◉ order.created")


async def test_where_no_event_proves_it_i_get_to_whom_it_is_about() -> None:
    """Members come and go: Enter leads to the group. Clocks disagree: to the service."""
    source = shop_source()
    source.found = [STORMING, replace(SKEW, state=State.OPEN)]
    async with story(source) as told:
        await told.sees("order.created")
        await told.press("5")
        await told.sees("! recommendation on order.created", "storming", "clock-skew")
        await told.press("enter")
        await told.until(
            lambda: getattr(selected_group(told), "group", "") == "recommendation", "the group"
        )
        await told.press("5")
        await told.sees("storming")
        await told.press("down", "enter")
        await told.sees("graph › payment", "comes in")
        await told.press("5", "i")
        await told.sees("graph › payment", "comes in")


async def test_whom_the_graph_does_not_show_is_said() -> None:
    source = shop_source()
    about = STUCK.subject._replace(group="gone", destination="gone")
    source.found = [replace(STUCK, subject=about)]
    async with story(source) as told:
        await told.sees("order.created")
        await told.press("5")
        await told.sees("✗ gone on gone")
        await told.press("i")
        assert told.notices[-1].startswith("The graph does not show whom this is about")
        assert isinstance(told.app.screen, FindingsScreen)


async def test_only_what_i_look_for() -> None:
    """By kind, service and state; a mistake is said while I write; the way back is the same key."""
    async with story(shop_source()) as told:
        await told.press("5")
        await told.sees("✗ notification")
        await told.press("f")
        await told.sees("Show findings that fit", "kind:", "what is the matter")
        await told.press(*"kin:lost")
        await told.sees("kin: is no field")
        await told.press(*["backspace"] * 5, *"d:lo", "tab", *"state:open", "enter")
        await told.sees("filter kind:lost state:open", "1 open")
        await told.sees_no_more("notification")
        assert "storefront" not in told.screen, "that is closed"
        await told.press("f", "ctrl+u", *"service:nobody*", "enter")
        await told.sees("No finding fits service:nobody*", "08:00 - 11:58 UTC")
        await told.press("f", "ctrl+u", "enter")
        await told.sees("✗ notification")


async def test_sort_by_what_matters_to_me() -> None:
    async with story(shop_source()) as told:
        await told.press("5")
        await told.sees("kind▼", "dead-letter")
        await told.click("count")
        await told.sees("count▼")
        assert told.pointed.startswith("· clock-skew"), "until I choose, the first is selected"
        await told.click("lost           recommendation")
        await told.press("s")
        await told.sees("state▼")
        assert told.pointed.startswith("! lost           recommendation")
        await told.press("S")
        await told.sees("state▲")


async def test_it_goes_on_by_itself() -> None:
    """A finding closes, and another comes, while I look at a third."""
    source = shop_source()
    source.found = [DEAD, PASSED]
    async with story(source) as told:
        await told.press("5")
        await told.sees("2 open", "! recommendation")
        await told.press("down")
        source.found = [replace(DEAD, state=State.CLOSED), PASSED, STUCK]
        await told.sees("2 open ✗ 1 ! 1 · 1 closed", "✗ crm-sync")
        assert told.pointed.startswith("! recommendation")


async def test_nothing_found_says_in_what() -> None:
    """Never that all is well: what was looked at, what was not, and that it goes on."""
    source = FakeSource()
    async with story(source) as told:
        await told.sees("order.created", "● 127.0.0.1:8411")
        await told.press("5")
        await told.sees(
            "Nothing was found in what was looked at.",
            "2026-10-01 08:00 - 11:58 UTC",
            "No broker is tapped",
        )
        source.found = [DEAD]
        await told.sees("✗ notification")
    recorded = FakeSource(live=False)
    async with story(recorded) as told:
        await told.press("5")
        await told.sees("Only while a collector runs is looked for: stuck")
    fresh = FakeSource()
    fresh.looked = 0, 0
    async with story(fresh) as told:
        await told.sees("order.created", "● 127.0.0.1:8411")
        await told.press("5")
        await told.sees("Nothing was looked at yet.")


async def test_the_collector_is_away() -> None:
    """It stops while I look: what was seen last stays, and says of when it is."""
    source = shop_source()
    async with story(source) as told:
        await told.press("5")
        await told.sees("✗ notification")
        source.away = True
        await told.sees("○ away", "as it was at 12:00:00 UTC", "✗ notification")
        source.away = False
        await told.sees("5 open", "● 127.0.0.1:8411")
    source.away = True
    async with story(source) as told:
        await told.press("5")
        await told.sees("The collector does not answer.", "since    12:00:00 UTC")
        source.away = False
        await told.sees("✗ notification")


async def test_a_thousand_findings() -> None:
    """I go through all of them, to the last and back; that there are more is said."""
    source = shop_source()
    source.found = [
        replace(DEAD, id=f"d{number}", last=DEAD.last - number, count=number)
        for number in range(1_100)
    ]
    async with story(source) as told:
        await told.press("5")
        await told.sees("1,000 open ✗ 1,000", "there are more: narrow the filter")
        await told.press("end")
        await told.until(lambda: "999" in told.pointed, "the last")
        await told.press("pageup", "home")
        assert told.pointed.startswith("✗ notification")


async def test_5_comes_back_to_what_i_had_chosen() -> None:
    async with story(shop_source()) as told:
        await told.press("5")
        await told.sees("✗ notification")
        await told.press("down")
        await told.press("4")
        await told.sees("9 groups")
        await told.press("5")
        await told.sees("✗ crm-sync")
        assert told.pointed.startswith("✗ crm-sync")


async def test_findings_stand_on_the_nodes_of_the_graph() -> None:
    """Who has one bears its mark; in the details I read what it is."""
    async with story(shop_source(), size=(140, 40)) as told:
        await told.sees("notification ⚑✗", "recommendation ⚑!", "inventory ⚑·")
        assert "analytics ⚑" not in told.screen, "muted"
        assert "payment ⚑" not in told.screen, "closed"
        await told.click("notification ⚑✗")
        await told.sees("⚑✗ dead-letter:", "payment.captured given up by")
        await told.press("t")
        await told.sees("notification ⚑✗")
        await told.press("m")
        await told.sees("notification ⚑✗")


async def test_findings_stand_on_the_lines_of_a_chain() -> None:
    """On the event or the delivery that one is about, with the sentence in the details."""
    async with story(shop_source(), size=(140, 40), find="order.created/0/1042") as told:
        await told.sees("✗ notification ⚑✗", "recommendation ⚑!", "inventory ⚑·")
        assert isinstance(told.app.screen, ChainScreen)
        await told.click("notification ⚑✗")
        await told.sees("⚑✗ dead-letter: 12 messages")


@pytest.mark.parametrize("size", SIZES, ids=named)
async def test_the_findings_look_so(size: tuple[int, int]) -> None:
    async with story(shop_source(), size=size) as told:
        await told.press("5")
        await told.waits_a_while()
        await told.sees("✗ notification", "in 212/s", "stored 58,811")
        await told.rests()
        assert_golden(f"tui/findings-{named(size)}.txt", told.screen)


@pytest.mark.parametrize("size", TEXTS, ids=named)
async def test_nothing_found_looks_so(size: tuple[int, int]) -> None:
    source = FakeSource()
    source.tapped = True
    async with story(source, size=size) as told:
        await told.press("5")
        await told.waits_a_while()
        await told.sees("Nothing was found", "in 212/s", "stored 58,811")
        await told.rests()
        assert_golden(f"tui/findings-none-{named(size)}.txt", told.screen)


@pytest.mark.parametrize("size", TEXTS, ids=named)
async def test_findings_in_place_look_so(size: tuple[int, int]) -> None:
    """On the graph, and on a chain."""
    source, other = shop_source(), shop_source()
    source.groups = FakeSource().groups
    async with story(source, size=size) as told:
        await told.waits_a_while()
        await told.sees("⚑!", "in 212/s", "stored 58,811")
        assert isinstance(told.app.screen, GraphScreen)
        await told.rests()
        assert_golden(f"tui/findings-graph-{named(size)}.txt", told.screen)
    async with story(other, size=size, find="order.created/0/1042") as told:
        await told.waits_a_while()
        await told.sees("notification ⚑✗", "in 212/s", "stored 58,811")
        await told.press("end", "up", "up", "up")
        await told.rests()
        assert_golden(f"tui/findings-chain-{named(size)}.txt", told.screen)
