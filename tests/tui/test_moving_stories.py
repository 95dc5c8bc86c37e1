"""How people get around: back and forward, commands, help; as stories."""

from __future__ import annotations

import gc
import weakref

import pytest
from textual.widget import Widget

from tests.goldens import assert_golden
from tests.tui.fake import FakeSource
from tests.tui.telling import Story, story
from tui.actions import ACTIONS, Place, actions_of
from tui.history import History
from tui.screens.base import FlowScreen
from tui.screens.chain import ChainScreen

SIZES = [(80, 24), (140, 40)]


async def test_back_and_forward_again() -> None:
    """From the graph over a node and its events to a chain, all the way back, and forth again."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("enter")
        await told.sees("graph › order.created")
        await told.press("enter")
        await told.sees("filter topic:order.created")
        await told.press("enter")
        await told.sees("◉ order.created")
        await told.press("right", "v")
        await told.sees("▸┤")
        sequence = told.screen
        await told.press("escape")
        await told.sees("filter topic:order.created")
        await told.press("escape")
        await told.sees("graph › order.created")
        await told.press("escape")
        await told.sees("producers")
        await told.press("F")
        await told.sees("graph › order.created")
        await told.press("F", "F")
        await told.sees("▸┤")
        await told.rests()
        assert told.lines[2:20] == sequence.split("\n")[2:20], "as it was left"
        await told.press("F")
        await told.sees("▸┤")


async def test_the_time_that_was_shown_comes_back() -> None:
    """I look at a node over an hour, and compare; back it is the graph over the time before."""
    async with story() as told:
        await told.sees("order.created", "live · last 15 min")
        await told.press("enter")
        await told.sees("graph › order.created")
        await told.press("w", "c")
        await told.sees("live · last hour", "since")
        await told.press("escape")
        await told.sees("producers", "live · last 15 min")
        await told.sees_no_more("since")
        await told.press("F")
        await told.sees("graph › order.created", "live · last hour", "since")


async def test_the_numbers_are_steps_too() -> None:
    """I look at the groups and at the graph meanwhile; back leads to what I came from."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press("4")
        await told.sees("groups")
        await told.press("down", "down")
        chosen = told.pointed
        await told.press("1")
        await told.sees("producers")
        await told.press("escape")
        await told.sees("groups")
        assert told.pointed == chosen
        await told.press("alt+left")
        await told.sees("◉ order.created")
        await told.press("alt+right", "alt+right")
        await told.sees("producers")


async def test_going_on_from_the_middle_forgets_what_was_ahead() -> None:
    """I go back and then elsewhere: forward has nothing to lead to, as in a browser."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("2")
        await told.sees("7c1f0d9e-0000")
        await told.press("escape", "4")
        await told.sees("groups")
        await told.press("F")
        await told.sees("groups")
        await told.press("escape")
        await told.sees("producers")


async def test_a_group_in_the_graph_is_one_step() -> None:
    """From a group to its place in the graph, and with one key back to the groups."""
    async with story() as told:
        await told.press("4")
        await told.sees("groups")
        await told.press("i")
        await told.sees("graph › ")
        await told.press("escape")
        await told.sees("[4 Consumers]")
        await told.press("escape")
        await told.sees("producers")
        await told.sees_no_more("graph › ")


async def test_what_nothing_leads_to_is_taken_away() -> None:
    """A chain that I left for another one is not kept once no way leads back to it."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        first = weakref.ref(told.app.screen)
        await told.press("escape", "slash", *"7c1f0d9e-0002", "enter")
        await told.sees("◉ payment.captured")
        second = told.app.screen
        assert isinstance(second, ChainScreen)

        def gone() -> bool:
            gc.collect()
            kept = first()
            return kept is None or not kept.is_attached

        await told.until(gone, "the first chain to be taken away")
        assert second.is_attached


async def test_chains_that_were_left_are_let_go() -> None:
    """I look at one chain after the other: of those before, neither screen nor lines are kept."""
    async with story() as told:
        await told.press("2")
        await told.sees("7c1f0d9e-0000")
        left: list[weakref.ref[object]] = []
        for number in range(4):
            await told.press("enter")
            await told.sees("◉ ")
            chain = told.app.screen
            assert isinstance(chain, ChainScreen)
            if number < 2:
                # The key for chains leads to the newest; Textual still knows the one before.
                left.append(weakref.ref(chain))
                left += [weakref.ref(one._styles_cache) for one in chain.walk_children(Widget)]
            del chain
            await told.press("escape")
            await told.sees("filter")

        def let_go() -> bool:
            gc.collect()
            return all(one() is None for one in left)

        await told.until(let_go, "the chains before to be let go")


async def test_the_events_stay_followed_while_a_chain_is_looked_at() -> None:
    """What comes meanwhile is there when I come back."""
    source = FakeSource()
    async with story(source) as told:
        await told.press("2")
        await told.sees("● following")
        await told.press("enter")
        await told.sees("◉ ")
        source.add_event("meanwhile.happened", 5_000, "late-1")
        await told.press("escape")
        await told.sees("[2 Events]")
        await told.press("end")
        await told.sees("late-1")


async def test_each_screen_begins_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it derives from: what began twice would ask the collector twice a second."""
    began: list[FlowScreen] = []
    begin = FlowScreen.on_mount

    def on_mount(screen: FlowScreen) -> None:
        began.append(screen)
        begin(screen)

    monkeypatch.setattr(FlowScreen, "on_mount", on_mount)
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press("1", "2", "4")
        await told.sees("[4 Consumers]")
    assert len(began) == len(set(began)) == 4


def test_a_history_is_that_of_a_browser() -> None:
    history: History[str] = History(kept=3)
    assert history.back("a") is None and history.forward("a") is None
    for place in "abcd":
        history.left(place)
    assert [history.back("e"), history.back("d"), history.back("c")] == ["d", "c", "b"]
    assert history.back("b") is None, "a is forgotten"
    assert [history.forward("b"), history.forward("c")] == ["c", "d"]
    history.left("d")
    assert history.forward("x") is None


# Commands


async def commands(told: Story, words: str) -> None:
    """Opens the palette and searches."""
    await told.press("ctrl+p", *words)


async def test_a_command_by_its_name() -> None:
    """I do not know the key: I type what I want, see the key, and Enter does it."""
    async with story() as told:
        await told.sees("order.created")
        await commands(told, "Busy")
        await told.sees("i  Hide what was quiet")
        await told.press("down", "enter")
        await told.sees("busy only")


async def test_a_command_with_the_mouse() -> None:
    """A click on flowtap, one on the command: no key at all."""
    async with story() as told:
        await told.sees("order.created")
        await told.click(" flowtap ")
        await told.sees("Compare", "4  Who is behind")
        await told.click("4  Who is behind")
        await told.sees("[4 Consumers]")


PLACES = {
    "1": Place.GRAPH,
    "2": Place.EVENTS,
    "3": Place.CHAIN,
    "4": Place.CONSUMERS,
    "5": Place.FINDINGS,
}


@pytest.mark.parametrize("key", PLACES)
async def test_every_command_works(key: str) -> None:
    """Whatever the palette offers on a screen, it does, and flowtap goes on."""
    names = [one.name for one in (*actions_of(PLACES[key]), *actions_of(Place.EVERYWHERE))]
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press(key)
        screen = told.app.screen
        assert isinstance(screen, FlowScreen) and screen.place is PLACES[key]
        commands = list(told.app.get_system_commands(screen))
        labels = [one.label for one in ACTIONS if one.name in names and one.label != "Commands"]
        assert sorted(one.title for one in commands) == sorted(labels), "each of them once"
        offered = {one.title: one for one in commands}
        for label, command in offered.items():
            if label == "Quit":
                continue
            await told.rests()
            command.callback()
            await told.pilot.pause()
            while not isinstance(told.app.screen, FlowScreen):
                dialog = told.app.screen
                await told.press("escape")
                await told.until(lambda: told.app.screen is not dialog, f"{label} to close")  # noqa: B023
            told.app.go(screen)
            await told.pilot.pause()


async def test_a_dialog_has_no_commands_of_the_screen_below() -> None:
    async with story() as told:
        await told.press("slash")
        await told.sees("Find an event by any id")
        assert not list(told.app.get_system_commands(told.app.screen))


# Help


@pytest.mark.parametrize("key", PLACES)
async def test_help_tells_every_key_of_a_screen(key: str) -> None:
    """? on each screen; I scroll to the end, and no key of the screen was left out or cut."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press(key, "question_mark")
        await told.sees("─ Help ─")
        seen = ""
        for _ in range(20):
            seen += told.screen
            await told.press("pagedown")
        for action in (*actions_of(PLACES[key]), *actions_of(Place.EVERYWHERE)):
            assert f"  {action.written} " in seen, action.name
        await told.press("home")
        await told.sees(f"│ {PLACES[key].value} ")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_help_and_commands_look_so(size: tuple[int, int]) -> None:
    name = f"{size[0]}x{size[1]}"
    async with story(size=size) as told:
        await told.waits_a_while()
        await told.sees("2.0/s", "in 212/s")
        await told.press("question_mark")
        await told.rests()
        assert_golden(f"tui/help-{name}.txt", told.screen)
        await told.press("escape", "ctrl+p")
        await told.sees("4  Who is behind")
        await told.rests()
        assert_golden(f"tui/commands-{name}.txt", told.screen)
