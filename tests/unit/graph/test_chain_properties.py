"""What holds for every story: nothing is lost, nothing is made up, and order means nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.chain import Chain, EventKey, Limits
from graph.model import Evidence, Operation, Relation, SpanContext
from tests.builders import Flow, Sent


@dataclass(frozen=True)
class Step:
    """One event of a story: by whom it was caused, and what is seen of it."""

    cause: int
    """Index of an earlier event; -1 for a root."""
    service: int
    destination: int
    by: str
    tapped: bool
    calls: int
    """Calls to other services between consuming and producing."""
    declared: bool


@st.composite
def stories(draw: st.DrawFn, size: int = 12) -> list[Step]:
    count = draw(st.integers(1, size))
    return [
        Step(
            cause=draw(st.integers(-1, number - 1)),
            service=draw(st.integers(0, 3)),
            destination=draw(st.integers(0, 3)),
            by=draw(st.sampled_from(["parent", "link"])),
            tapped=draw(st.booleans()),
            calls=draw(st.integers(0, 2)),
            declared=draw(st.booleans()),
        )
        for number in range(count)
    ]


def told(steps: list[Step]) -> tuple[Flow, list[Sent], list[Operation]]:
    """The story as spans and messages; contexts are complete."""
    flow = Flow()
    sent: list[Sent] = []
    handlings: list[Operation] = []
    for number, step in enumerate(steps):
        inside = None
        causation = ""
        if step.cause >= 0:
            # Consuming and producing services differ from call to call.
            cause = sent[step.cause]
            handling = flow.process(f"s{step.service}", cause, by=step.by)
            handlings.append(handling)
            inside = handling
            for call in range(step.calls):
                server = flow.call(f"s{step.service}", f"callee{call}", inside=inside)
                inside = flow.span(f"callee{call}", inside=server)  # type: ignore[assignment]
            causation = f"m{step.cause}" if step.declared else ""
        service = f"callee{step.calls - 1}" if step.calls and inside else f"s{step.service}"
        sent.append(
            flow.send(
                service,
                f"t{step.destination}",
                inside=inside,
                tapped=step.tapped,
                message_id=f"m{number}",
                causation_id=causation,
                correlation_id="c",
            )
        )
    return flow, sent, handlings


def pairs(chain: Chain) -> set[tuple[EventKey, EventKey]]:
    return {(cause.cause, cause.effect) for cause in chain.causes}


def truth(steps: list[Step], sent: list[Sent]) -> set[tuple[EventKey, EventKey]]:
    return {
        (sent[step.cause].key, sent[number].key)
        for number, step in enumerate(steps)
        if step.cause >= 0
    }


@given(stories(), st.data())
@settings(max_examples=150, deadline=None)
def test_with_its_contexts_a_story_is_recovered_exactly(
    steps: list[Step], data: st.DataObject
) -> None:
    flow, sent, _ = told(steps)
    start = data.draw(st.sampled_from(sent))

    chain = flow.chain(start, whole=True)

    known = truth(steps, sent)
    observed = {
        (cause.cause, cause.effect) for cause in chain.causes if cause.evidence is Evidence.OBSERVED
    }
    assert observed == {(cause, effect) for cause, effect in known if cause in chain}
    assert all(effect in chain for cause, effect in observed)
    # What has a cause already is never given another by correlation.
    caused = {effect for _, effect in known}
    others = pairs(chain) - observed
    assert not {effect for _, effect in others} & caused
    if start.position is not None:
        tapped = {one.key for one in sent if one.position is not None}
        assert tapped <= {event.key for event in chain.events}, "they share a correlation id"


@given(stories(), st.integers(0, 2**32), st.data())
@settings(max_examples=60, deadline=None)
def test_order_and_repetition_of_facts_change_nothing(
    steps: list[Step], seed: int, data: st.DataObject
) -> None:
    flow, sent, _ = told(steps)
    start = data.draw(st.sampled_from(sent))

    once = flow.chain(start)
    again = flow.chain(start, facts=flow.facts(random.Random(seed), repeated=2))

    assert again == once


@given(stories(), st.data())
@settings(max_examples=150, deadline=None)
def test_with_contexts_lost_nothing_wrong_is_marked_above_inferred(
    steps: list[Step], data: st.DataObject
) -> None:
    flow, sent, handlings = told(steps)
    for handling in handlings:
        if data.draw(st.booleans(), label="context lost"):
            lost = replace(handling, parent="", relations=())
            flow.operations[handling.context] = lost
            flow.spans[handling.context] = replace(flow.spans[handling.context], parent="")
    for one in sent:
        if one.position is not None and data.draw(st.booleans(), label="headers lost"):
            message = flow.messages[one.position]
            flow.messages[one.position] = replace(message, contexts=())
    names = {one.key: one for one in sent}
    context_of = {one.context: one.key for one in sent}

    chain = flow.chain(data.draw(st.sampled_from(sent)), whole=True)

    known = truth(steps, sent)
    for cause in chain.causes:
        ends = []
        for key in (cause.cause, cause.effect):
            if key not in names and not hasattr(key, "offset"):
                # The producing span of a message whose headers were lost.
                key = context_of.get(key.context, key)
            ends.append(key)
        if cause.evidence is not Evidence.INFERRED:
            unseen = ends[0] not in names
            assert unseen or tuple(ends) in known, (cause, known)


@given(stories(size=8), st.integers(0, 6), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_a_limited_chain_is_a_part_of_the_whole_one(
    steps: list[Step], depth: int, events: int
) -> None:
    flow, sent, _ = told(steps)
    whole = flow.chain(sent[0])

    part = flow.chain(sent[0], limits=Limits(events=events, depth=depth))

    assert {event.key for event in part.events} <= {event.key for event in whole.events}
    assert pairs(part) <= pairs(whole)
    assert len(part.events) <= events
    assert part.stopped is not None or part == whole


@given(stories(), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_spans_that_point_anywhere_break_nothing(steps: list[Step], seed: int) -> None:
    """Loops of parents and links, spans that are their own parents, links into nothing."""
    flow, sent, _ = told(steps)
    chance = random.Random(seed)
    contexts = [*flow.spans, SpanContext("f" * 32, "f" * 16)]
    for context in list(flow.operations):
        target = chance.choice(contexts)
        operation = flow.operations[context]
        relation = replace(
            operation.relations[0] if operation.relations else _link(context, context),
            target=target,
            kind=chance.choice(["link", "parent"]),
        )
        parent = target.span_id if target.trace_id == context.trace_id else operation.parent
        flow.operations[context] = replace(operation, parent=parent, relations=(relation,))
        flow.spans[context] = replace(flow.spans[context], parent=parent)

    chain = flow.chain(sent[0], whole=True)

    assert chain.focus in chain
    again = flow.chain(sent[0], whole=True, facts=flow.facts(random.Random(seed), repeated=2))
    assert again == chain


def _link(target: SpanContext, source: SpanContext) -> Relation:
    return Relation(target, "link", source)
