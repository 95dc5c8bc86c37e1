"""Which records are one event, and which events a consumer's span is about."""

from __future__ import annotations

from typing import Any

import pytest

from graph.chain import Chain, NoEvent, Via
from graph.model import Evidence, OperationType, SpanContext
from tests.builders import Flow, Sent


def delivered(chain: Chain, sent: Sent) -> list[str]:
    return [delivery.service for delivery in chain.deliveries_of(sent.key)]


def test_an_event_is_its_message_and_its_producing_span() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", event_type="order.created", key="o1", message_id="m1")

    (event,) = flow.chain(order).events

    assert event.key == order.position
    assert [message.position for message in event.messages] == [order.position]
    assert [operation.service for operation in event.operations] == ["shop"]
    assert (event.joins[0].evidence, event.joins[0].via) == (Evidence.OBSERVED, Via.HEADER)
    assert (event.service, event.service_evidence) == ("shop", Evidence.OBSERVED)
    assert (event.title, event.record_key, event.message_id) == ("order.created", "o1", "m1")


def test_a_message_without_spans_is_an_event() -> None:
    flow = Flow()
    order = flow.send("", "orders", spanned=False)

    (event,) = flow.chain(order).events

    assert (event.operations, event.service, event.service_evidence) == ((), "", None)


def test_a_producing_span_without_a_message_is_an_event() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)

    (event,) = flow.chain(order).events

    assert event.key == order.key
    assert (event.messages, event.positions, event.destination) == ((), (), "orders")


def test_nothing_is_no_event() -> None:
    flow = Flow()
    with pytest.raises(NoEvent):
        flow.chain(SpanContext("f" * 32, "e" * 16))


def test_a_batch_by_one_span_is_as_many_events_as_messages() -> None:
    flow = Flow()
    sent = flow.batch("shop", "orders", 3)
    for one in sent:
        flow.process("payment", one, by="links with positions")

    chains = [flow.chain(one) for one in sent]

    for one, chain in zip(sent, chains, strict=True):
        assert [event.key for event in chain.events] == [one.key]
        assert chain.event(one.key).batch == 3
        (delivery,) = chain.deliveries
        assert delivery.joins[0].evidence is Evidence.OBSERVED
        assert delivery.joins[0].candidates == 1


def test_a_batch_that_nobody_tapped_is_told_apart_by_what_consumers_say() -> None:
    flow = Flow()
    sent = flow.batch("shop", "orders", 2)
    first = flow.process("payment", sent[0], by="links with positions", cluster="c1")
    flow.process("payment", sent[1], by="links with positions", cluster="c1")
    flow.messages.clear()

    chain = flow.chain(first)

    (event,) = chain.events
    assert [str(position) for position in event.positions] == ["orders/0/0"]
    assert event.service == "shop"
    assert [delivery.service for delivery in chain.deliveries] == ["payment"]


def test_a_batch_that_cannot_be_told_apart_is_said_to_be_one_of_several() -> None:
    flow = Flow()
    sent = flow.batch("shop", "orders", 2)
    for one in sent:
        flow.process("payment", one, by="link")

    chain = flow.chain(sent[0])

    joins = [join for delivery in chain.deliveries for join in delivery.joins]
    assert {(join.evidence, join.candidates) for join in joins} == {(Evidence.INFERRED, 2)}


@pytest.mark.parametrize("field", ["message_id", "key", "partition"])
def test_a_batch_is_told_apart_by_what_spans_and_messages_share(field: str) -> None:
    flow = Flow()
    made = flow.operation("shop", "orders", OperationType.SEND, batch_count=2)
    carried = [made.context]
    fields: list[dict[str, Any]] = [{field: "1"}, {field: "2"}]
    sent = [flow.send("", "orders", spanned=False, carries=carried, **one) for one in fields]
    says: dict[str, Any] = {field: "2"}
    handling = flow.process("payment", sent[1], by="link", **says)

    chain = flow.chain(handling)

    assert [event.key for event in chain.events] == [sent[1].key]


def test_a_batch_that_is_received_together_is_about_all_its_messages() -> None:
    flow = Flow()
    sent = flow.batch("shop", "orders", 3)
    flow.receive("payment", sent[0], by="link", batch_count=3)

    for one in sent:
        chain = flow.chain(one)
        (delivery,) = chain.deliveries
        assert delivery.joins[0].evidence is Evidence.OBSERVED


def test_create_spans_separate_what_one_send_span_sent() -> None:
    flow = Flow()
    creates = [flow.operation("shop", "orders", OperationType.CREATE) for _ in range(2)]
    shared = flow.operation("shop", "orders", OperationType.SEND, links=creates, batch_count=2)
    sent = [flow.send("", "orders", spanned=False, carries=[create.context]) for create in creates]
    flow.process("payment", sent[0], by="link")

    chain = flow.chain(sent[0])

    (event,) = chain.events
    assert [operation.context for operation in event.operations] == [
        creates[0].context,
        shared.context,
    ]
    assert event.batch == 2
    assert chain.causes == ()


def test_create_spans_separate_events_that_nobody_tapped() -> None:
    flow = Flow()
    creates = [flow.operation("shop", "orders", OperationType.CREATE) for _ in range(2)]
    shared = flow.operation("shop", "orders", OperationType.SEND, links=creates)
    flow.process("payment", Sent("orders", creates[1].context, None, 0), by="link")

    assert len(flow.chain(shared).events) == 2
    chain = flow.chain(creates[1])
    assert [event.batch for event in chain.events] == [2]
    assert [delivery.service for delivery in chain.deliveries] == ["payment"]


def test_a_message_that_kept_the_users_context_is_joined_by_the_sends_link() -> None:
    flow = Flow()
    created = flow.operation("shop", "orders", OperationType.CREATE)
    order = flow.send("shop", "orders", links=[created], carries=[created.context])

    (event,) = flow.chain(order).events

    assert len(event.operations) == 2


def test_a_dead_letter_with_the_same_id_and_context_is_a_copy() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="m1")
    assert order.context
    flow.process("payment", order, error=True, error_message="card refused")
    dead = flow.send(
        "payment", "orders.dead", spanned=False, message_id="m1", carries=[order.context]
    )
    flow.process("support", dead)

    chain = flow.chain(dead)

    event = chain.event(order.key)
    assert event.positions == (order.position, dead.position)
    assert delivered(chain, order) == ["payment", "support"]
    assert chain.causes == ()


def test_a_dead_letter_sent_with_a_new_context_is_a_copy_when_source_and_id_agree() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="m1", source="/shop", event_type="order")
    failed = flow.process("payment", order)
    dead = flow.send(
        "payment", "orders.dead", inside=failed, message_id="m1", source="/shop", event_type="order"
    )

    (event,) = flow.chain(order).events

    assert event.positions == (order.position, dead.position)
    assert [operation.service for operation in event.operations] == ["shop", "payment"]
    assert event.service == "shop"


def test_one_id_for_two_things_is_two_events() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="1", source="/shop")
    flow.send("bank", "payments", message_id="1", source="/bank")

    assert [event.key for event in flow.chain(order).events] == [order.key]


def test_an_event_sent_twice_to_one_destination_is_two_events() -> None:
    flow = Flow()
    first = flow.send("shop", "orders", message_id="m1")
    second = flow.send("shop", "orders", message_id="m1")

    assert first.key != second.key
    assert [event.key for event in flow.chain(first).events] == [first.key]


def test_a_span_that_only_names_a_position_is_matched_to_its_message() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", spanned=False)
    flow.process("payment", order, by="position")

    chain = flow.chain(order)

    (delivery,) = chain.deliveries
    assert (delivery.evidence, delivery.joins[0].via) == (Evidence.MATCHED, Via.POSITION)


def test_a_position_in_another_environment_is_another_message() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", spanned=False, environment="production")
    flow.process("payment", order, by="position", environment="staging")

    assert flow.chain(order).deliveries == ()


def test_spans_are_matched_by_message_id_where_nothing_else_joins_them() -> None:
    flow = Flow(system="aws_sqs")
    order = flow.send("shop", "orders", tapped=False, span={"message_id": "A-1"})
    flow.process("payment", destination="orders-queue", message_id="a-1")

    chain = flow.chain(order)

    (delivery,) = chain.deliveries
    assert delivery.service == "payment"
    assert (delivery.evidence, delivery.joins[0].via) == (Evidence.MATCHED, Via.MESSAGE_ID)


def test_a_queue_may_have_another_name_than_the_exchange() -> None:
    flow = Flow(system="rabbitmq")
    order = flow.send("shop", "orders-exchange", tapped=False)
    flow.process("payment", order, destination="payment-queue")

    (event,) = flow.chain(order).events

    assert event.destination == "orders-exchange"


def test_on_kafka_another_topic_is_another_event() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)
    flow.process("mirror", order, destination="orders.mirror")

    chain = flow.chain(order)

    assert [event.destination for event in chain.events] == ["orders", "orders.mirror"]
    (cause,) = chain.causes
    assert (cause.cause, cause.via) == (order.key, Via.HEADER)


def test_a_topic_created_anew_has_other_messages_at_the_same_offsets() -> None:
    flow = Flow()
    old = flow.send("shop", "orders")
    assert old.position
    anew = flow.message("other").position
    message = flow.messages.pop(anew)
    again = old.position._replace(incarnation="i2")
    flow.messages[again] = type(message)(again, flow.tick())
    flow.process("payment", old, partition="0", offset=0)

    assert delivered(flow.chain(old), old) == ["payment"]
    assert flow.chain(again).deliveries == ()


def test_a_consumer_that_points_elsewhere_is_found_by_where_a_message_without_context_lay() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", carries=[], spanned=False)
    other = flow.send("shop", "other")
    assert order.position and other.context
    at = order.position
    flow.operation(
        "mail",
        "orders",
        OperationType.PROCESS,
        links=[other.context],
        partition=at.partition,
        offset=at.offset,
    )

    chain = flow.chain(order)

    (delivery,) = chain.deliveries_of(at)
    assert (delivery.service, delivery.joins[0].via) == ("mail", Via.POSITION)
