"""How far a chain reaches, what ends it, and what it costs to ask."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from itertools import count, pairwise

import pytest

from graph.chain import Chain, Limits, Stop
from graph.chain.expand import Expansion
from graph.chain.view import View
from tests.builders import Flow, Sent


def line(flow: Flow, length: int, *, by: str = "link") -> list[Sent]:
    """Each event makes the next service send another one, each in a trace of its own."""
    sent = [flow.send("s0", "t0")]
    for number in range(1, length):
        handling = flow.process(f"s{number}", sent[-1], by=by)
        sent.append(flow.send(f"s{number}", f"t{number}", inside=handling))
    return sent


def pairs(chain: Chain) -> set[tuple[object, object]]:
    return {(cause.cause, cause.effect) for cause in chain.causes}


def ticking(step: float) -> Callable[[], float]:
    seconds = count()
    return lambda: next(seconds) * step


def test_a_search_is_gone_when_its_chain_is_told() -> None:
    """What holds itself stays until the interpreter looks for such, and holds everything up."""
    flow = Flow()
    first, *_ = line(flow, 5)
    gc.collect()
    gc.disable()
    try:
        flow.chain(first)
        left = [one for one in gc.get_objects() if isinstance(one, Expansion | View)]
    finally:
        gc.enable()
    assert left == []


def test_a_thousand_events_of_one_correlation_come_back_whole() -> None:
    flow = Flow()
    first = flow.send("shop", "orders", correlation_id="c")
    sent = [first]
    for number in range(999):
        handling = flow.process("stock", sent[number // 3], by="link")
        sent.append(flow.send("stock", "moves", inside=handling, correlation_id="c"))
    facts = flow.facts()

    chain = flow.chain(sent[500], facts=facts)

    assert len(chain.events) == 1000
    assert chain.stopped is None
    assert pairs(chain) == {(sent[number // 3].key, sent[number + 1].key) for number in range(999)}
    assert len(facts.calls) < 80, "whole generations are asked for, not single ids"


@pytest.mark.parametrize("by", ["parent", "link"])
def test_what_points_from_the_same_trace_is_followed_no_later_than_what_does_from_elsewhere(
    by: str,
) -> None:
    asked = []
    for here in (False, True):
        flow = Flow()
        order = flow.send("shop", "orders")
        handling = flow.process(
            "payment", order, by=by if here else "link", inside=order if here else None
        )
        flow.send("payment", "payments", inside=handling)
        flow.process("points", order, by="link")
        facts = flow.facts()
        flow.chain(order, facts=facts)
        asked.append(len(facts.calls))
    assert asked[1] <= asked[0]


def test_a_message_of_a_broker_without_clusters_or_lives_is_found_by_its_position() -> None:
    flow = Flow(cluster="", system="redis")
    order = flow.send("", "orders", spanned=False)

    (event,) = flow.chain(order).events

    assert [message.position for message in event.messages] == [order.position]


def test_a_thousand_events_with_nothing_but_a_correlation_id_are_related() -> None:
    flow = Flow()
    sent = [flow.send("", "t", spanned=False, correlation_id="c") for _ in range(1000)]

    chain = flow.chain(sent[0])

    assert (len(chain.events), len(chain.related)) == (1000, 999)


def test_a_long_line_is_walked_across_traces_in_both_directions() -> None:
    flow = Flow()
    sent = line(flow, 40)

    chain = flow.chain(sent[20])

    assert [event.key for event in chain.events] == [one.key for one in sent]
    assert pairs(chain) == {(one.key, other.key) for one, other in pairwise(sent)}
    assert chain.stopped is None


def test_the_depth_limit_is_reported() -> None:
    flow = Flow()
    sent = line(flow, 10)

    chain = flow.chain(sent[5], limits=Limits(depth=2))

    assert [event.key for event in chain.events] == [one.key for one in sent[3:8]]
    assert chain.stopped is Stop.DEPTH
    assert flow.chain(sent[5], limits=Limits(depth=5)).stopped is None


def test_the_event_limit_is_reported_and_keeps_what_is_nearest() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    handling = flow.process("stock", order)
    for _ in range(20):
        flow.send("stock", "moves", inside=handling)

    chain = flow.chain(order, limits=Limits(events=5))

    assert len(chain.events) == 5
    assert chain.focus == order.key
    assert chain.stopped is Stop.EVENTS


def test_the_deadline_is_reported_with_what_was_found_until_then() -> None:
    flow = Flow()
    sent = line(flow, 30)

    chain = flow.chain(sent[0], limits=Limits(seconds=20), clock=ticking(1.0))

    assert chain.stopped is Stop.DEADLINE
    assert 1 < len(chain.events) < 30
    assert chain.focus == sent[0].key


def test_siblings_of_the_start_are_left_out_unless_all_is_wanted() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    paid = flow.send("payment", "payments", inside=flow.process("payment", order))
    parcel = flow.send("shipping", "parcels", inside=flow.process("shipping", order))

    assert parcel.key not in flow.chain(paid)
    assert parcel.key in flow.chain(paid, whole=True)


def test_neighbours_in_one_batch_are_not_part_of_the_chain() -> None:
    flow = Flow()
    sent = flow.batch("shop", "orders", 50)
    for one in sent:
        handling = flow.process("payment", one, by="links with positions")
        flow.send("payment", "payments", inside=handling)

    chain = flow.chain(sent[7])

    assert len(chain.events) == 2


def test_a_run_that_sends_thousands_does_not_make_them_one_chain() -> None:
    flow = Flow()
    run = flow.span("nightly", "main")
    sent = [flow.send("nightly", "bills", inside=run) for _ in range(2000)]
    facts = flow.facts()

    chain = flow.chain(sent[1000], facts=facts)

    assert [event.key for event in chain.events] == [sent[1000].key]


def test_any_span_of_a_trace_leads_to_the_nearest_events() -> None:
    flow = Flow()
    request = flow.span("web", "POST", kind="server")
    order = flow.send("web", "orders", inside=flow.span("web", inside=request))
    handling = flow.process("payment", order)
    query = flow.span("payment", "SELECT", inside=handling, kind="client")

    assert flow.chain(request).focus == order.key
    assert flow.chain(query).focus == order.key
    assert flow.chain(handling).focus == order.key


def test_a_trace_as_a_start_is_all_its_events() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    paid = flow.send("payment", "payments", inside=flow.process("payment", order))
    assert order.context

    chain = flow.chain(order.context._replace(span_id=""))

    assert chain.starts == (order.key, paid.key)
    assert chain.focus == order.key


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_facts_changes_nothing(seed: int) -> None:
    flow = Flow()
    sent = line(flow, 6, by="parent")
    flow.process("other", sent[2], by="position")

    expected = flow.chain(sent[3])

    assert flow.chain(sent[3], facts=flow.facts(random.Random(seed), repeated=2)) == expected
