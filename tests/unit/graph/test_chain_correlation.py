"""What a shared correlation id can tell, and what it cannot."""

from __future__ import annotations

import pytest

from graph.chain import Chain, Via
from graph.model import Evidence
from tests.builders import Flow, Sent


def pairs(chain: Chain) -> set[tuple[object, object]]:
    return {(cause.cause, cause.effect) for cause in chain.causes}


def early_ended(flow: Flow, service: str, order: Sent) -> None:
    """A consumer span that ends before the handler sends what it has to say."""
    flow.process(service, order, lasts=1)


def test_a_consumer_span_that_ended_early_is_joined_by_correlation_and_time() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="C1")
    early_ended(flow, "payment", order)
    paid = flow.send("payment", "payments", correlation_id="c1")

    chain = flow.chain(paid)

    (cause,) = chain.causes
    assert (cause.cause, cause.effect) == (order.key, paid.key)
    assert (cause.evidence, cause.via) == (Evidence.INFERRED, Via.CORRELATION_ID)
    assert (cause.service, cause.candidates) == ("payment", 1)
    assert chain.related == ()


def test_the_latest_event_that_the_service_was_given_before_is_the_candidate() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    early_ended(flow, "payment", order)
    amended = flow.send("shop", "orders", correlation_id="c")
    early_ended(flow, "payment", amended)
    paid = flow.send("payment", "payments", correlation_id="c")
    later = flow.send("shop", "orders", correlation_id="c")
    early_ended(flow, "payment", later)

    assert pairs(flow.chain(paid)) == {(amended.key, paid.key)}


def test_what_was_handed_over_again_may_lead_on_again() -> None:
    flow = Flow()
    order, cancelled = (flow.send("shop", name, correlation_id="c") for name in ("new", "off"))
    effects = []
    for given in (order, cancelled, order, cancelled):
        flow.receive("mail", given)
        effects.append(flow.send("mail", "sent", correlation_id="c"))

    assert pairs(flow.chain(order, cancelled)) == {
        (order.key, effects[0].key),
        (cancelled.key, effects[1].key),
        (order.key, effects[2].key),
        (cancelled.key, effects[3].key),
    }


def test_two_equal_candidates_are_shown_as_two() -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders", correlation_id="c") for _ in range(2)]
    at = flow.tick()
    for order in orders:
        flow.process("payment", order, start=at)
    paid = flow.send("payment", "payments", correlation_id="c")

    chain = flow.chain(paid)

    assert pairs(chain) == {(order.key, paid.key) for order in orders}
    assert {cause.candidates for cause in chain.causes} == {2}


def test_inference_never_replaces_what_spans_say() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    handling = flow.process("payment", order)
    amended = flow.send("shop", "orders", correlation_id="c")
    early_ended(flow, "payment", amended)
    paid = flow.send("payment", "payments", inside=handling, correlation_id="c")

    chain = flow.chain(paid)

    assert pairs(chain) == {(order.key, paid.key)}
    assert chain.causes[0].evidence is Evidence.OBSERVED


def test_another_instance_of_the_service_is_no_candidate() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    flow.process("payment", order, instance="one")
    flow.send("payment", "payments", correlation_id="c", span={"instance": "two"})

    assert flow.chain(order).causes == ()


def test_what_a_service_was_not_given_it_did_not_react_to() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    early_ended(flow, "payment", order)
    parcel = flow.send("shipping", "parcels", correlation_id="c")

    chain = flow.chain(order)

    assert chain.causes == ()
    assert chain.related == (parcel.key,)
    assert parcel.key in chain


def test_what_a_request_from_outside_began_needs_no_other_cause() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    early_ended(flow, "payment", order)
    request = flow.span("payment", "POST /pay", kind="server")
    paid = flow.send("payment", "payments", inside=request, correlation_id="c")

    chain = flow.chain(order)

    assert chain.causes == ()
    assert chain.related == (paid.key,)


def test_an_effect_is_not_taken_for_its_own_cause() -> None:
    """Clocks differ: the echo seems to be handled before what it answers was sent."""
    flow = Flow()
    ping = flow.send("a", "pings", correlation_id="c")
    handling = flow.process("b", ping)
    pong = flow.send("b", "pongs", inside=handling, correlation_id="c")
    flow.process("a", pong, start=ping.time - 1_000_000)

    assert pairs(flow.chain(ping)) == {(ping.key, pong.key)}


def test_a_message_time_in_milliseconds_does_not_hide_the_cause() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    at = flow.tick() + 400_000
    flow.process("payment", order, start=at)
    paid = flow.send(
        "", "payments", spanned=False, correlation_id="c", source="urn:payment", time=at + 100_000
    )

    chain = flow.chain(order)

    assert pairs(chain) == {(order.key, paid.key)}
    assert chain.causes[0].delay < 0, "the clocks are shown as they are"


@pytest.mark.parametrize("source", ["payment", "/shop/payment", "urn:shop:Payment"])
def test_a_source_header_names_the_producer(source: str) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    early_ended(flow, "payment", order)
    paid = flow.send("", "payments", spanned=False, correlation_id="c", source=source)

    assert pairs(flow.chain(order)) == {(order.key, paid.key)}


def test_a_consumer_known_only_to_the_broker_can_be_a_candidate() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    paid = flow.send("", "payments", spanned=False, correlation_id="c", source="/payment")

    assert flow.chain(order).causes == ()
    chain = flow.chain(order, subscribers={"orders": ["Payment"]})

    assert pairs(chain) == {(order.key, paid.key)}
    (delivery,) = chain.deliveries_of(order.key)
    assert (delivery.evidence, delivery.operations) == (Evidence.INFERRED, ())


def test_environments_do_not_mix() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c", environment="production")
    early_ended(flow, "payment", order)
    flow.send("payment", "payments", correlation_id="c", environment="staging")

    assert flow.chain(order).causes == ()


def test_a_conversation_id_on_spans_joins_what_was_never_tapped() -> None:
    flow = Flow()
    spoken = {"conversation_id": "c"}
    order = flow.send("shop", "orders", tapped=False, span=spoken)
    paid = flow.send("payment", "payments", tapped=False, span=spoken)

    chain = flow.chain(order)

    assert chain.related == (paid.key,)


def test_calls_that_a_handler_made_lie_on_the_way() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    early_ended(flow, "payment", order)
    work = flow.span("payment", "handle")
    server = flow.call("payment", "bank", inside=work)
    charged = flow.send("bank", "charges", inside=server, correlation_id="c")

    for start in (order, charged):
        (cause,) = flow.chain(start).causes
        assert (cause.cause, cause.effect, cause.service) == (order.key, charged.key, "payment")
        assert cause.evidence is Evidence.INFERRED
        assert [span.name for span in cause.way] == ["handle", "call bank", "handle"]


def test_who_was_called_did_not_react_to_what_it_had_been_given_before() -> None:
    """A customer's client asks the shop, which was told of an order just before."""
    flow = Flow()
    order = flow.send("web", "orders", correlation_id="c")
    early_ended(flow, "shop", order)
    asked = flow.call("customer", "shop")
    sent = flow.send("shop", "mails", inside=asked, correlation_id="c")
    unseen = flow.span("gateway", kind="client")
    served = flow.send(
        "shop",
        "mails",
        inside=flow.span("shop", "GET", inside=unseen, kind="server"),
        correlation_id="c",
    )
    flow.forget(unseen)

    assert flow.chain(order).causes == ()
    assert set(flow.chain(order).related) == {sent.key, served.key}
