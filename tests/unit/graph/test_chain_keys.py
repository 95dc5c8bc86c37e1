"""What a shared record key or business id can tell where a consumer's span ended early."""

from __future__ import annotations

from typing import Any

import pytest

from graph.chain import Chain, Via
from graph.chain.inference import HANDLING
from graph.chain.sharing import COMMON
from graph.model import Evidence, Operation
from tests.builders import MILLISECOND, Flow, Sent

SECONDS = 1000.0


def pairs(chain: Chain) -> set[tuple[object, object]]:
    return {(cause.cause, cause.effect) for cause in chain.causes}


def received(flow: Flow, service: str, sent: Sent, **fields: Any) -> Operation:
    """As kafka-python, aiokafka and otelsarama tell it: closed before the handler runs."""
    return flow.receive(service, sent, lasts=1, **fields)


def an_order(flow: Flow, **shared: Any) -> tuple[Sent, Sent]:
    order = flow.send("shop", "orders", **shared)
    received(flow, "payment", order)
    return order, flow.send("payment", "payments", **shared)


@pytest.mark.parametrize(
    ("shared", "via"),
    [
        ({"key": "order-1"}, Via.KEY),
        ({"business": (("order_id", "1"),)}, Via.BUSINESS_ID),
        ({"key": "k", "business": (("order_id", "1"),)}, Via.BUSINESS_ID),
        ({"key": "k", "correlation_id": "c"}, Via.CORRELATION_ID),
    ],
)
def test_a_shared_id_joins_what_an_early_ended_span_leaves_apart(
    shared: dict[str, Any], via: Via
) -> None:
    flow = Flow()
    order, paid = an_order(flow, **shared)

    for start in (order, paid):
        chain = flow.chain(start)
        (cause,) = chain.causes
        assert (cause.cause, cause.effect) == (order.key, paid.key)
        assert (cause.evidence, cause.via) == (Evidence.INFERRED, via)
        assert (cause.service, cause.candidates) == ("payment", 1)
        assert chain.related == ()


def test_a_key_on_spans_alone_joins_too() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False, span={"key": "k"})
    received(flow, "payment", order, key="k")
    paid = flow.send("payment", "payments", tapped=False, span={"key": "k"})

    for start in (order, paid):
        assert pairs(flow.chain(start)) == {(order.key, paid.key)}


def test_a_span_around_the_handler_would_have_shown_what_it_sent() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="k")
    flow.process("payment", order, lasts=1)
    paid = flow.send("payment", "payments", key="k")

    for start in (order, paid):
        assert flow.chain(start).causes == ()


def test_who_was_not_given_the_event_did_not_react_to_it() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="k")
    received(flow, "payment", order)
    parcel = flow.send("shipping", "parcels", key="k")

    for start in (order, parcel):
        chain = flow.chain(start)
        assert (chain.causes, len(chain.events), chain.related) == ((), 1, ())


@pytest.mark.parametrize(("late", "joined"), [(HANDLING - MILLISECOND, True), (HANDLING, False)])
def test_it_counts_only_soon_after_the_delivery(late: int, joined: bool) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="k")
    given = received(flow, "payment", order)
    paid = flow.send("payment", "payments", key="k", time=given.start + late + 1)

    for start in (order, paid):
        assert pairs(flow.chain(start)) == ({(order.key, paid.key)} if joined else set())


def test_a_consumer_that_lags_behind_is_waited_for() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="k")
    flow.tick(300 * SECONDS)
    received(flow, "payment", order)
    paid = flow.send("payment", "payments", key="k")

    for start in (order, paid):
        assert pairs(flow.chain(start)) == {(order.key, paid.key)}


def test_the_latest_given_before_is_the_candidate_and_equals_are_shown_as_two() -> None:
    flow = Flow()
    first, second, third = (flow.send("shop", "orders", key="k") for _ in range(3))
    received(flow, "payment", first)
    at = flow.tick()
    for order in (second, third):
        received(flow, "payment", order, start=at)
    paid = flow.send("payment", "payments", key="k")

    for start in (second, third, paid):
        chain = flow.chain(start)
        assert pairs(chain) == {(second.key, paid.key), (third.key, paid.key)}
        assert {cause.candidates for cause in chain.causes} == {2}
    assert flow.chain(first).causes == ()


def test_other_flows_with_the_same_key_stay_apart() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="k", correlation_id="one")
    received(flow, "payment", order)
    other = flow.send("payment", "payments", key="k", correlation_id="other")

    for start in (order, other):
        assert flow.chain(start).causes == ()


def test_a_key_that_very_many_share_joins_nothing() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="tenant")
    received(flow, "payment", order)
    for _ in range(COMMON):
        flow.message("clicks", key="tenant")
    paid = flow.send("payment", "payments", key="tenant")

    for start in (order, paid):
        chain = flow.chain(start)
        assert (chain.causes, len(chain.events)) == ((), 1)


def test_a_key_that_lives_long_does_not_make_one_chain_of_all() -> None:
    flow = Flow()
    stories = []
    for _ in range(20):
        stories.append(an_order(flow, key="customer-7"))
        flow.tick(90 * SECONDS)

    for order, paid in stories:
        assert {event.key for event in flow.chain(order).events} == {order.key, paid.key}
        assert {event.key for event in flow.chain(paid).events} == {order.key, paid.key}


def test_a_key_never_replaces_what_spans_or_headers_say() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="k", message_id="O-1")
    amended = flow.send("shop", "orders", key="k", message_id="O-2")
    received(flow, "payment", order)
    received(flow, "payment", amended)
    paid = flow.send("payment", "payments", key="k", causation_id="O-1")

    assert pairs(flow.chain(paid)) == {(order.key, paid.key)}
    assert flow.chain(amended).causes == ()


def test_who_only_reads_there_is_not_known_to_have_been_given_it() -> None:
    flow = Flow()
    order = flow.send("", "orders", spanned=False, key="k", source="shop")
    paid = flow.send("", "payments", spanned=False, key="k", source="payment")

    for start in (order, paid):
        assert flow.chain(start, subscribers={"orders": ["payment"]}).causes == ()


def test_another_instance_or_environment_is_no_candidate() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="k", environment="production")
    received(flow, "payment", order, instance="one")
    flow.send("payment", "payments", key="k", span={"instance": "two"})
    flow.send("payment", "payments", key="k", environment="staging")

    assert flow.chain(order).causes == ()


def test_what_keys_join_leads_on() -> None:
    """Three services, none of which has a span around its handler; the last is whole again."""
    flow = Flow()
    order, paid = an_order(flow, key="k")
    received(flow, "shipping", paid)
    parcel = flow.send("shipping", "parcels", key="k")
    handling = flow.process("notification", parcel)
    told = flow.send("notification", "mails", inside=handling)

    whole = {(order.key, paid.key), (paid.key, parcel.key), (parcel.key, told.key)}
    for start in (order, paid, parcel, told):
        assert pairs(flow.chain(start)) == whole


def test_ordinary_chains_ask_nothing_more() -> None:
    flow = Flow()
    request = flow.span("shop", "POST /orders", kind="server")
    order = flow.send("shop", "orders", inside=request, key="k", correlation_id="c")
    handling = flow.process("payment", order)
    flow.send("payment", "payments", inside=handling, key="k", correlation_id="c")
    facts = flow.facts()

    flow.chain(order, facts=facts)

    assert not {"seen", "successions"} & set(facts.calls)
