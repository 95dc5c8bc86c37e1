"""What became of this event? Fates and explanations beside a chain, as stories."""

from __future__ import annotations

import pytest

from tests.goldens import assert_golden
from tests.tui.fake import FakeSource
from tests.tui.telling import story

SIZES = [(80, 24), (140, 40)]


async def test_what_became_of_it_where_no_span_tells() -> None:
    """I look at an order: who has not got it yet, and who only read past it, shows by itself."""
    async with story(find="7c1f0d9e-0000", size=(140, 40)) as told:
        await told.sees("◉ order.created  …1 ?1 ›1  by storefront")
        await told.sees("✓ recommendation  handled ~", "✓ inventory   ")
        await told.sees("fate at 8 consumers", "group crm-sync  pending: 1,204 before it,")
        await told.sees("group reporting  passed: between", "≈ matched")
        await told.click("✓ recommendation")
        await told.sees("handled  ~ inferred", "It received it, and its group has")


async def test_with_room_the_tree_says_it_in_words() -> None:
    """On a wide screen nobody needs to know the signs."""
    async with story(find="7c1f0d9e-0000", size=(240, 50)) as told:
        await told.sees("◉ order.created  by storefront  … 1 pending  ? 1 no evidence")


async def test_why_tells_the_whole_of_it() -> None:
    """w puts what became of the event in place of the details, and again the details back."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("…1 ?1 ›1")
        await told.press("w")
        await told.sees("8 consumers: 1 pending, 1 no evidence, 1 passed, 5 handled")
        await told.press("J", "J")
        await told.sees("To know more: which service group crm-sync is")
        await told.press("w")
        await told.sees_no_more("CONSUMER")
        assert "✓ recommendation  handled ~" in told.screen, "all of the tree has room again"


async def test_why_follows_the_selection() -> None:
    """I go on to the payment: its own fate is told, and where its copy lies."""
    async with story(find="7c1f0d9e-0000", size=(140, 40)) as told:
        await told.sees("…1 ?1 ›1")
        await told.press("w")
        await told.sees("CONSUMER", "group crm-sync")
        await told.click("● payment.captured")
        await told.sees("4 consumers: 1 dead-lettered, 1 pending, 2 handled")
        await told.sees("✗ notification  dead-lettered =")
        await told.press("d")
        await told.sees("fate at 4 consumers")


async def test_explain_tells_what_was_tried() -> None:
    """X says for the selected event how its joins were found; it is asked for once."""
    source = FakeSource()
    async with story(source, find="7c1f0d9e-0000", size=(140, 40)) as told:
        await told.sees("◉ order.created")
        await told.press("X")
        await told.sees("Why: what was tried, in order, and what it found", "its headers name no")
        await told.click("● payment.captured")
        await told.sees("caused by", "parent", "✓ order.created/0/1042")
        asked = source.asked.count("chain")
        await told.press("X", "X")
        await told.sees("✓ order.created/0/1042")
        assert source.asked.count("chain") == asked
        await told.press("w")
        await told.sees("4 consumers: 1 dead-lettered")
        await told.press("escape")
        await told.sees("fate at 4 consumers", "[3 Chain]")


async def test_fates_are_not_asked_for_what_only_passes_by() -> None:
    """I run down the chain: only where I stay is asked for, and nothing waits for an answer."""
    source = FakeSource()
    async with story(source, find="7c1f0d9e-0000", size=(140, 40)) as told:
        await told.sees("…1 ?1 ›1")
        source.gate.clear()
        await told.click("● stock.reserved")
        await told.until(lambda: "stock.reserved/0/41" in source.fates_asked, "a question")
        await told.press("w")
        await told.sees("asking …")
        await told.click("● payment.captured")
        await told.until(lambda: "payment.captured/0/42" in source.fates_asked, "another")
        source.gate.set()
        await told.sees("4 consumers: 1 dead-lettered")
        await told.click("◉ order.created")
        await told.sees("8 consumers: 1 pending")
        assert set(source.fates_asked) == {
            "order.created/0/1042",
            "stock.reserved/0/41",
            "payment.captured/0/42",
        }


async def test_a_fate_that_cannot_be_told_says_why_and_is_asked_again() -> None:
    """The store is in trouble; the chain stays, and the fate comes when it is over."""
    source = FakeSource()
    async with story(source, find="7c1f0d9e-0000", size=(140, 40)) as told:
        await told.sees("fate at 8 consumers")
        source.trouble = "the store's disk is full"
        await told.click("● payment.captured")
        await told.sees("not known: the store's disk is full")
        await told.press("X")
        await told.sees("This could not be answered: the store's disk is full")
        source.trouble = ""
        source.seconds = 6
        await told.press("X")
        await told.sees("fate at 4 consumers")


async def test_what_is_pending_is_asked_for_again() -> None:
    """The group catches up while I look."""
    source = FakeSource()
    async with story(source, find="7c1f0d9e-0000") as told:
        await told.sees("…1 ?1 ›1")
        source.fates.pop("order.created/0/1042")
        source.seconds = 6
        await told.sees_no_more("…1 ?1 ›1")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_why_and_explain_look_so(size: tuple[int, int]) -> None:
    async with story(size=size, find="7c1f0d9e-0000") as told:
        await told.waits_a_while()
        await told.sees("…1 ?1 ›1", "in 212/s", "stored 58,811")
        await told.press("w")
        await told.sees("CONSUMER")
        await told.rests()
        assert_golden(f"tui/chain-why-{size[0]}x{size[1]}.txt", told.screen)
        await told.press("X")
        await told.sees("Why: what was tried")
        assert_golden(f"tui/chain-explain-{size[0]}x{size[1]}.txt", told.screen)
