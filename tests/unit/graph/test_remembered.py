"""What was asked once is not asked again, and the answers are those of the facts behind."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from graph.facts import Facts
from graph.model import IdKind, Position, SpanContext
from graph.remembered import Remembered
from tests.builders import Flow, Sent
from tests.memory_facts import MemoryFacts

Question = Callable[[Facts, Collection[Sent]], list[object]]


def contexts(sent: Collection[Sent]) -> list[SpanContext]:
    return [one.context for one in sent if one.context]


def positions(sent: Collection[Sent]) -> list[Position]:
    return [one.position for one in sent if one.position]


def traces(sent: Collection[Sent]) -> list[str]:
    return [context.trace_id for context in contexts(sent)]


QUESTIONS: dict[str, Question] = {
    "operations": lambda facts, sent: [*facts.operations(traces(sent))],
    "spans": lambda facts, sent: [*facts.spans(traces(sent))],
    "pointing_into": lambda facts, sent: [*facts.pointing_into(traces(sent))],
    "messages": lambda facts, sent: [
        *facts.messages([one.position for one in sent if one.position])
    ],
    "located": lambda facts, sent: [
        *facts.located([(IdKind.POSITION, str(position)) for position in positions(sent)])
    ],
}


def story() -> tuple[MemoryFacts, list[Sent]]:
    flow = Flow()
    sent = [flow.send("shop", "orders", message_id=f"m{number}") for number in range(3)]
    for one in sent:
        flow.span("shop", "below", inside=one)
        flow.process("payment", one, by="position")
    return flow.facts(), sent


@pytest.mark.parametrize("name", QUESTIONS)
def test_only_what_is_new_is_asked_for(name: str) -> None:
    facts, sent = story()
    ask, remembered = QUESTIONS[name], Remembered(facts)
    first = ask(remembered, sent[:2])
    assert first
    assert len(facts.calls) == 1

    assert ask(remembered, sent[:2]) == first
    assert len(facts.calls) == 1, "nothing of it is new"

    assert sorted(map(repr, ask(remembered, sent))) == sorted(map(repr, ask(facts, sent)))
    assert facts.calls.count(name) == 3


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_nobody_knows_is_not_asked_twice(name: str) -> None:
    _, sent = story()
    nothing = MemoryFacts()
    remembered = Remembered(nothing)
    assert QUESTIONS[name](remembered, sent) == QUESTIONS[name](remembered, sent) == []
    assert len(nothing.calls) == 1


def test_a_position_that_names_no_cluster_is_the_whole_one() -> None:
    facts, sent = story()
    remembered = Remembered(facts)
    (position,) = positions(sent[:1])
    found = remembered.messages([position])
    partial = position._replace(cluster="", incarnation="")
    assert remembered.messages([partial]) == remembered.messages([partial, position]) == found
    assert facts.calls == ["messages"]
