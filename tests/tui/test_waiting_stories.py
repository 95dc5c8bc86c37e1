"""Answers that take long: what is waited for is said, and nobody has to wait."""

from __future__ import annotations

import pytest

from tests.goldens import assert_golden
from tests.tui.fake import FakeSource
from tests.tui.telling import Story, story

SCREENS = {
    "graph": ((), "topology", "the graph", "order.created"),
    "events": (("2",), "events", "events", "7c1f0d9e-0000"),
}
"""Keys to a screen, the question that is slow there, what it is called, and what it brings."""

SIZES = [(80, 24), (140, 40)]


def slow_source(question: str) -> FakeSource:
    source = FakeSource()
    source.slow = {question}
    source.gate.clear()
    return source


async def waited(told: Story, source: FakeSource, what: str) -> None:
    """Four seconds pass without an answer."""
    await told.until(lambda: bool(source.asked), "a question")
    source.seconds += 4
    await told.sees(f"asking for {what}, 4 s; esc stops waiting")


@pytest.mark.parametrize("screen", ["graph", "events"])
async def test_i_do_not_wait_for_a_first_answer(screen: str) -> None:
    """Nothing shows for long: I am told what is asked, stop it, and ask again later."""
    keys, question, what, brought = SCREENS[screen]
    source = slow_source(question)
    async with story(source) as told:
        await told.press(*keys)
        await told.until(lambda: question in source.asked, "the question")
        await waited(told, source, what)
        await told.press("escape")
        await told.sees("Stopped waiting after 4 s.", "Enter asks again")
        source.gate.set()
        await told.press("enter")
        await told.sees(brought)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_chain_that_takes_long(size: tuple[int, int]) -> None:
    """A chain is followed for long; I stop it, and go back to where I was."""
    source = slow_source("chain")
    async with story(source, size=size, find="7c1f0d9e-0000") as told:
        await told.until(lambda: "chain" in source.asked, "the question")
        await told.sees("stored")
        source.slow.add("health")  # Or else the pictures differ by when they are taken.
        await waited(told, source, "the chain")
        name = f"{size[0]}x{size[1]}"
        assert_golden(f"tui/waits-chain-{name}.txt", told.screen)
        await told.press("escape")
        await told.sees("Stopped waiting after 4 s.")
        assert_golden(f"tui/stopped-chain-{name}.txt", told.screen)
        asked = source.asked.count("chain")
        await told.press("escape")
        await told.sees("order.created", "● inventory")
        assert source.asked.count("chain") == asked


async def test_a_long_window_that_is_not_waited_for() -> None:
    """I choose another time, it takes long, I stop it: the graph is of the time before."""
    source = FakeSource()
    source.slow = {"topology"}
    async with story(source) as told:
        await told.sees("order.created", "live · ")
        await told.rests()
        before = told.lines[0]
        source.gate.clear()
        await told.press("w")
        assert told.lines[0] != before
        await waited(told, source, "the graph")
        await told.press("escape")
        await told.until(lambda: told.lines[0] == before, "the window before")
        assert "order.created" in told.screen
        await told.sees_no_more("asking for")


async def test_a_fate_that_is_not_waited_for() -> None:
    """What became of an event takes long; I read the chain meanwhile, and stop asking."""
    source = slow_source("fate")
    async with story(source, size=(140, 40), find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.until(lambda: "fate" in source.asked, "the question")
        await waited(told, source, "what became of it")
        await told.press("escape")
        await told.sees("nobody waited for the answer")
        assert "◉ order.created" in told.screen
