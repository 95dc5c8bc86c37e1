"""The table of actions is all there is: every action can be done, every key is in the table."""

from __future__ import annotations

from collections import Counter

import pytest
from textual.binding import Binding

from tests.tui.fake import FakeSource
from tui.actions import ACTIONS, Place, actions_of
from tui.app import FlowtapApp
from tui.drawing.bars import draw_keys, draw_title, draw_way
from tui.drawing.segments import line, text_of, width_of
from tui.screens.base import FlowScreen
from tui.screens.chain import ChainScreen
from tui.screens.consumers import ConsumersScreen
from tui.screens.events import EventsScreen
from tui.screens.findings import FindingsScreen
from tui.screens.graph import GraphScreen

SCREENS: dict[Place, type[FlowScreen]] = {
    Place.GRAPH: GraphScreen,
    Place.EVENTS: EventsScreen,
    Place.CHAIN: ChainScreen,
    Place.CONSUMERS: ConsumersScreen,
    Place.FINDINGS: FindingsScreen,
}


@pytest.mark.parametrize("place", SCREENS)
def test_every_action_is_done_by_its_screen_or_the_app(place: Place) -> None:
    for action in actions_of(place):
        assert hasattr(SCREENS[place], f"action_{action.name}"), action.name
    for action in actions_of(Place.EVERYWHERE):
        assert hasattr(FlowtapApp, f"action_{action.name}"), action.name


@pytest.mark.parametrize("place", SCREENS)
def test_a_key_does_one_thing_at_a_place(place: Place) -> None:
    keys = Counter(
        key for action in (*actions_of(place), *actions_of(Place.EVERYWHERE)) for key in action.keys
    )
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("place", SCREENS)
def test_bindings_are_those_of_the_table(place: Place) -> None:
    bound = {binding.key for binding in SCREENS[place].BINDINGS if isinstance(binding, Binding)}
    assert bound == {",".join(action.keys) for action in actions_of(place)}


@pytest.mark.parametrize("place", SCREENS)
def test_the_keys_that_matter_fit_into_80_columns(place: Place) -> None:
    shown = [one for one in (*actions_of(place), *actions_of(Place.EVERYWHERE)) if one.shown]
    drawn = draw_keys(shown, 80)
    assert width_of(drawn) == 80
    assert "? Help" in text_of(drawn)


def test_help_is_a_sentence() -> None:
    assert all(action.help[0].isupper() and action.help.endswith(".") for action in ACTIONS)


def test_the_palette_offers_what_can_be_done() -> None:
    app = FlowtapApp(FakeSource())
    offered = [command.title for command in app.get_system_commands(GraphScreen())]
    assert "Window" in offered
    assert "Find" in offered
    assert "Pause" not in offered


TITLE_LEADS_TO = {None, "command_palette", "graph", "events", "chain", "consumers", "findings"}


def test_the_title_names_the_screens_and_marks_the_current_one() -> None:
    drawn = draw_title("chain", line("5 events"), 80)
    assert text_of(drawn).startswith(
        " flowtap  1 Graph  2 Events [3 Chain] 4 Consumers  5 Findings"
    )
    assert text_of(drawn).endswith("5 events")
    assert width_of(drawn) == 80
    assert {part.target for part in drawn} == TITLE_LEADS_TO


def test_in_a_narrow_title_what_is_shown_goes_before_the_names_of_the_others() -> None:
    drawn = draw_title("chain", line("5 events · 9 services"), 55)
    assert text_of(drawn) == " flowtap  1  2 [3 Chain] 4  5    5 events · 9 services"
    drawn = draw_title("chain", line("5 events · 9 services"), 59)
    assert text_of(drawn) == " flowtap  1 Graph  2 [3 Chain] 4  5  5 events · 9 services"
    assert {part.target for part in drawn} == TITLE_LEADS_TO


def test_a_long_way_keeps_its_ends() -> None:
    way = draw_way([f"event.{number}" for number in range(9)], "t/0/1", (), 50)
    assert text_of(way) == " event.0 › … › event.7 › event.8  t/0/1"
    short = draw_way(["order.created"], "t/0/1", (), 50)
    assert text_of(short) == " order.created  t/0/1"
