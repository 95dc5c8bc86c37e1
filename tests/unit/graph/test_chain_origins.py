"""Messages that carry the context of what led to them, and not that of the span that sent them."""

from __future__ import annotations

import pytest

from graph.chain import Creation, Via
from graph.model import Evidence, Operation, OperationType, SpanContext
from tests.builders import Flow, Sent

SEND = OperationType.SEND


def handed_on(
    flow: Flow, order: Sent, handled: Operation, **fields: bool
) -> tuple[Operation, Sent]:
    """A send within a handling, and a message that carries the context of what was handled."""
    assert order.context
    sent = flow.operation(handled.service, "payments", SEND, inside=handled)
    carried = flow.send("", "payments", spanned=False, carries=[order.context])
    return sent, carried


def test_who_sent_it_is_inferred_and_what_led_to_it_is_in_its_header() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    sent, payment = handed_on(flow, order, flow.process("payment", order))

    for start in (order, payment, sent):
        chain = flow.chain(start)
        assert [event.key for event in chain.events] == [order.key, payment.key]
        event = chain.event(payment.key)
        assert (event.service, event.service_evidence) == ("payment", Evidence.INFERRED)
        assert [(join.evidence, join.via) for join in event.joins] == [
            (Evidence.INFERRED, Via.HEADER)
        ]
        (cause,) = chain.causes
        assert (cause.cause, cause.service) == (order.key, "payment")
        assert (cause.evidence, cause.via) == (Evidence.OBSERVED, Via.HEADER)


def test_what_is_handled_in_its_poll_is_found_too() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    polled = flow.receive("payment", order, by="link")
    _, payment = handed_on(
        flow, order, flow.process("payment", destination="orders", inside=polled)
    )

    assert flow.chain(order).event(payment.key).service == "payment"


@pytest.mark.parametrize("by", ["parent", "link"])
def test_without_messages_a_consumer_of_the_context_elsewhere_was_given_what_was_sent_there(
    by: str,
) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)
    sent = flow.operation("payment", "payments", SEND, inside=flow.process("payment", order))
    booked = flow.process("books", order, by=by, destination="payments")
    entry = flow.send("books", "entries", inside=booked, tapped=False)
    payment = Creation(sent.context, "payments")

    for start in (order, booked, entry):
        chain = flow.chain(start)
        assert {event.key for event in chain.events} == {order.key, payment, entry.key}
        (delivery,) = chain.deliveries_of(payment)
        assert (delivery.service, delivery.evidence) == ("books", Evidence.INFERRED)
        (cause,) = chain.causes_of(entry.key)
        assert (cause.cause, cause.evidence) == (payment, Evidence.INFERRED)


def test_of_two_that_were_sent_alike_none_is_taken() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    handled = flow.process("payment", order)
    both = [handed_on(flow, order, handled) for _ in range(2)]

    chain = flow.chain(order)

    for _, payment in both:
        event = chain.event(payment.key)
        assert (event.service, event.operations) == ("", ())
        (cause,) = chain.causes_of(payment.key)
        assert (cause.cause, cause.evidence) == (order.key, Evidence.OBSERVED)


def test_without_messages_a_consumer_of_two_that_were_sent_alike_has_one_of_two() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)
    handled = flow.process("payment", order)
    for _ in range(2):
        flow.operation("payment", "payments", SEND, inside=handled)
    flow.process("books", order, by="link", destination="payments")

    joins = [
        (join.evidence, join.candidates)
        for delivery in flow.chain(order).deliveries
        if delivery.service == "books"
        for join in delivery.joins
    ]
    assert joins == [(Evidence.INFERRED, 2)] * 2


def test_a_send_whose_own_context_is_somewhere_is_of_that_message() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    handled = flow.process("payment", order)
    own = flow.send("payment", "payments", inside=handled)
    assert order.context
    other = flow.send("", "payments", spanned=False, carries=[order.context])

    chain = flow.chain(order)

    assert chain.event(own.key).service_evidence is Evidence.OBSERVED
    assert chain.event(other.key).service == ""


def test_a_retry_to_the_same_destination_is_not_the_original() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    again = flow.operation("payment", "orders", SEND, inside=flow.process("payment", order))

    chain = flow.chain(order)

    assert {event.key for event in chain.events} == {
        order.key,
        Creation(again.context, "orders"),
    }


@pytest.mark.parametrize("known", [True, False])
def test_a_batch_that_names_one_of_its_destinations_is_sure_once_something_lay_there(
    known: bool,
) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)
    payment = flow.send("payment", "payments", tapped=False)
    unseen = Sent("payments", SpanContext("9" * 32, "9" * 16), None, 0)
    flow.process("books", payment if known else unseen, order, by="link", batch_count=2)

    (delivery,) = (one for one in flow.chain(order).deliveries if one.event == order.key)

    assert delivery.evidence is (Evidence.OBSERVED if known else Evidence.INFERRED)
