"""Random stories: told whole they are recovered, told in part nothing is made up."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.chain import Chain, Limits, NoEvent
from graph.model import Evidence, OperationType, Position, SpanContext
from tests.builders import Flow, Sent
from tests.memory_facts import MemoryFacts
from tests.stories import Story

ODDS = {
    "root": 0.15,
    "batch": 0.2,
    "together": 0.2,
    "call": 0.3,
    "retry": 0.2,
    "mirror": 0.1,
    "hand on": 0.1,
}
WITHOUT_LIMITS = Limits(events=100_000, depth=100_000, seconds=1e9)


def told(chance: random.Random, most: int = 14, vague: bool = False) -> Story:
    story = Story(chance, counted=chance.random() < 0.3, vague=vague)
    story.tell(chance.randint(1, most), ODDS)
    return story


def anything(story: Story, chance: random.Random) -> Position | SpanContext | None:
    """Something that is left to ask for; None where nothing of it is an event."""
    left: list[Position | SpanContext] = [*story.flow.messages, *story.flow.operations]
    for start in chance.sample(left, len(left)):
        try:
            story.flow.chain(start, follow=False)
        except NoEvent:
            continue
        return start
    return None


def recovered(story: Story, start: Sent, **options: Any) -> None:
    """All that is joined to the start is found, as it was; it and nothing else."""
    chain = story.flow.chain(start, limits=WITHOUT_LIMITS, **options)

    assert story.wrong(chain) == []
    names = {event.key: story.numbers(event) for event in chain.events}
    assert all(len(numbers) == 1 for numbers in names.values())
    of = {key: min(numbers) for key, numbers in names.items()}
    assert len(set(of.values())) == len(of), "each event is found once"
    sure = {
        (of[one.cause], of[one.effect])
        for one in chain.causes
        if one.evidence is not Evidence.INFERRED
    }
    assert sure == {pair for pair in story.truth() if set(pair) <= set(of.values())}
    lying = [one.sent for one in story.events if one.number in of.values()]
    assert {position for event in chain.events for position in event.positions} >= {
        sent.position for some in lying for sent in some
    }
    joins = [join for delivery in chain.deliveries for join in delivery.joins]
    joins += [join for event in chain.events for join in event.joins]
    assert {join.evidence for join in joins} <= {Evidence.OBSERVED}
    flow = story.places[str(start.position)]
    assert _connected(story, flow) <= set(of.values())


def _connected(story: Story, start: int) -> set[int]:
    beside: dict[int, set[int]] = {}
    for cause, effect in story.truth():
        beside.setdefault(cause, set()).add(effect)
        beside.setdefault(effect, set()).add(cause)
    found, todo = {start}, [start]
    while todo:
        new = beside.get(todo.pop(), set()) - found
        found |= new
        todo.extend(new)
    return found


@given(st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_a_whole_story_is_recovered_exactly_from_any_event(chance: random.Random) -> None:
    story = told(chance)

    recovered(story, chance.choice(story.events).sent[0], whole=True)


@given(st.randoms(use_true_random=False))
@settings(max_examples=250, deadline=None)
def test_of_a_story_told_in_part_nothing_wrong_is_above_inferred(chance: random.Random) -> None:
    story = told(chance, vague=chance.random() < 0.5)
    story.lose(chance.choice((0, 0.1, 0.3, 0.6)))
    start = anything(story, chance)
    if start is None:
        return

    chain = story.flow.chain(start, whole=True)

    assert story.wrong(chain) == []


class Unsteady(MemoryFacts):
    """Answers in any order, in pieces, and more than once."""

    def __init__(self, flow: Flow, chance: random.Random) -> None:
        super().__init__(flow.operations.values(), flow.messages.values(), flow.spans.values())
        self._chance = chance

    def together(self, questions: Sequence[Callable[[], object]]) -> None:
        super().together(self._chance.sample(list(questions), len(questions)))

    def __getattribute__(self, name: str) -> Any:
        answer = super().__getattribute__(name)
        if name not in ("operations", "spans", "pointing_into", "messages", "located"):
            return answer

        def unsteady(asked: Collection[Any]) -> list[Any]:
            keys = self._chance.sample(sorted(asked, key=str), len(asked))
            size = self._chance.randint(1, max(1, len(keys)))
            pieces = [keys[at : at + size] for at in range(0, len(keys), size)]
            found = [one for piece in pieces for one in answer(piece)]
            found += found[: self._chance.randint(0, len(found))]
            return self._chance.sample(found, len(found))

        return unsteady


@given(st.randoms(use_true_random=False), st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_order_pieces_and_repetition_of_answers_change_nothing(
    chance: random.Random, seed: int
) -> None:
    story = told(chance)
    if chance.random() < 0.5:
        story.lose(0.3)
    start = anything(story, chance)
    if start is None:
        return

    once = story.flow.chain(start)
    again = story.flow.chain(start, facts=Unsteady(story.flow, random.Random(seed)))

    assert again == once


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_what_is_told_of_an_event_alone_is_told_in_its_chain(chance: random.Random) -> None:
    story = told(chance, vague=chance.random() < 0.5)
    if chance.random() < 0.3:
        story.lose(0.3)
    start = anything(story, chance)
    if start is None:
        return

    alone = story.flow.chain(start, follow=False)
    chain = story.flow.chain(start)

    def handled(within: Chain) -> set[object]:
        deliveries = (one for key in alone.starts for one in within.deliveries_of(key))
        return {(one.service, one.operations, one.joins) for one in deliveries if one.operations}

    assert [chain.event(key) for key in alone.starts] == [alone.event(key) for key in alone.starts]
    assert handled(alone) == handled(chain)


def test_a_story_of_ten_thousand_events_is_recovered_exactly() -> None:
    ways = ("parent", "parent", "parent", "below a receive")
    story = Story(random.Random(7), services=12, destinations=40, ways=ways)
    odds = {"batch": 0.02, "together": 0.01, "call": 0.1, "retry": 0.02, "mirror": 0.01}
    story.tell(10_000, odds, near=5_000)

    recovered(story, story.events[0].sent[0])


# Work


def a_line(flow: Flow, size: int) -> Sent:
    """One trace, each event the next one's cause."""
    sent = flow.send("s0", "t0")
    for number in range(1, size):
        handling = flow.process(f"s{number % 5}", sent)
        sent = flow.send(f"s{number % 5}", f"t{number % 7}", inside=handling)
    return sent


def a_fan(flow: Flow, size: int) -> Sent:
    """One delivery, many effects."""
    order = flow.send("shop", "orders")
    handling = flow.process("stock", order)
    for number in range(size):
        flow.send("stock", f"t{number % 7}", inside=handling)
    return order


def many_consumers(flow: Flow, size: int) -> Sent:
    order = flow.send("shop", "orders")
    for number in range(size):
        service = f"s{number % 20}"
        flow.send(service, "t", inside=flow.process(service, order, group=f"g{number}"))
    return order


def a_batch_sent(flow: Flow, size: int) -> Sent:
    """One send span, one delivery each."""
    order = flow.send("shop", "orders")
    made = flow.operation(
        "stock", "moves", OperationType.SEND, inside=flow.process("stock", order), batch_count=size
    )
    for number in range(size):
        moved = flow.send(
            "", "moves", spanned=False, carries=[made.context], message_id=f"{number}"
        )
        flow.process("books", moved, by="links with positions")
    return order


def a_batch_handled(flow: Flow, size: int) -> Sent:
    """Many causes of one event."""
    orders = [flow.send("shop", "orders") for _ in range(size)]
    together = flow.process("stock", *orders, by="links with positions", batch_count=size)
    return flow.send("stock", "moves", inside=together)


def a_poll(flow: Flow, size: int) -> Sent:
    """Received at once, each processed alone: one of them is asked for."""
    orders = [flow.send("shop", "orders") for _ in range(size)]
    received = flow.receive("stock", *orders, by="links with positions", batch_count=size)
    for offset in range(size):
        handling = flow.process(
            "stock", destination="orders", inside=received, partition="0", offset=offset
        )
        flow.send("stock", "moves", inside=handling)
    return orders[0]


def without_spans(flow: Flow, size: int) -> Sent:
    first = flow.send("", "t0", spanned=False, message_id="m0", correlation_id="c")
    for number in range(1, size):
        flow.send(
            *("", f"t{number % 7}"),
            spanned=False,
            message_id=f"m{number}",
            causation_id=f"m{(number - 1) // 3}",
            correlation_id="c",
        )
    return first


SHAPES = [a_line, a_fan, many_consumers, a_batch_sent, a_batch_handled, a_poll, without_spans]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_work_grows_as_the_story_does(shape: Callable[[Flow, int], Sent]) -> None:
    """Counted in calls of functions, which no other load on the machine changes."""
    small, large = (_calls(shape, size) for size in (60, 240))

    assert large < 5 * small


def _calls(shape: Callable[[Flow, int], Sent], size: int) -> int:
    flow = Flow()
    start = shape(flow, size)
    facts = flow.facts()
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        flow.chain(start, facts=facts, limits=WITHOUT_LIMITS)
    finally:
        sys.setprofile(None)
    return calls
