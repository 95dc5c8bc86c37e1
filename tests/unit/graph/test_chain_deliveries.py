"""What one consumer did with one event is one delivery, told by whichever library."""

from __future__ import annotations

from typing import Any

from graph.chain import Chain, Delivery, Via
from graph.model import Evidence, OperationType, SpanContext
from tests.builders import Flow, Sent

KAFKA_PYTHON = "opentelemetry.instrumentation.kafka"
AIOKAFKA = "opentelemetry.instrumentation.aiokafka"
CONFLUENT = "opentelemetry.instrumentation.confluent_kafka"


def only(chain: Chain) -> Delivery:
    (delivery,) = chain.deliveries
    return delivery


def test_receive_process_and_settle_are_one_delivery() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    received = flow.receive("payment", order, by="link", group="pay")
    handled = flow.process("payment", order, by="link", inside=received)
    settled = flow.operation(
        "payment", "orders", OperationType.SETTLE, links=[received], kind="client"
    )

    delivery = only(flow.chain(order))

    assert (delivery.service, delivery.group) == ("payment", "pay")
    assert [one.context for one in delivery.operations] == [
        received.context,
        handled.context,
        settled.context,
    ]
    (attempt,) = delivery.attempts
    assert attempt.operations == (handled.context,)
    assert (delivery.start, delivery.end) == (received.start, settled.end)


def test_a_process_span_may_point_only_at_the_receive_span() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    received = flow.receive("payment", order, by="link")
    handled = flow.process("payment", destination="orders", inside=received)
    paid = flow.send("payment", "payments", inside=handled)

    chain = flow.chain(order)

    assert len(only(chain).operations) == 2
    assert chain.causes_of(paid.key)[0].cause == order.key


def test_redelivery_makes_attempts() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    flow.process("payment", order, error=True, error_message="timeout")
    flow.process("payment", order, error=True, error_message="refused")
    last = flow.process("payment", order)

    delivery = only(flow.chain(order))

    assert [attempt.error_message for attempt in delivery.attempts] == ["timeout", "refused", ""]
    assert delivery.attempts[-1].operations == (last.context,)
    assert not delivery.error


def test_the_last_attempt_decides_whether_a_delivery_failed() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    flow.process("payment", order)
    flow.process("payment", order, error=True, error_message="refused")

    delivery = only(flow.chain(order))

    assert (delivery.error, delivery.error_message) == (True, "refused")


def test_two_services_are_two_deliveries_and_so_are_two_groups_of_one() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    flow.process("payment", order, by="link", group="pay")
    flow.process("books", order, by="link", group="live")
    flow.process("books", order, by="link", group="audit")

    chain = flow.chain(order)

    assert [(one.service, one.group) for one in chain.deliveries] == [
        ("payment", "pay"),
        ("books", "live"),
        ("books", "audit"),
    ]


def test_a_span_without_a_group_goes_with_the_one_it_points_at() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    live = flow.receive("books", order, by="link", group="live")
    audit = flow.receive("books", order, by="link", group="audit")
    flow.process("books", order, by="link", inside=audit)
    flow.process("books", order, by="link", inside=live)

    chain = flow.chain(order)

    assert {one.group: len(one.operations) for one in chain.deliveries} == {"live": 2, "audit": 2}


def test_kafka_python_ends_its_span_early_and_the_handler_makes_its_own() -> None:
    """Both are children of the creation context, one after the other: one attempt."""
    flow = Flow()
    order = flow.send("shop", "orders", span={"scope": KAFKA_PYTHON})
    flow.process("payment", order, scope=KAFKA_PYTHON, partition="0")
    handled = flow.process("payment", order, scope="payment", group="pay", error=True)
    paid = flow.send("payment", "payments", inside=handled)

    chain = flow.chain(order)

    delivery = only(chain)
    assert (delivery.service, delivery.group, len(delivery.operations)) == ("payment", "pay", 2)
    assert [attempt.error for attempt in delivery.attempts] == [True]
    assert chain.causes_of(paid.key)[0].evidence is Evidence.OBSERVED


def test_kafka_python_handed_over_twice_is_two_attempts_of_both_layers() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    for _ in range(2):
        flow.process("payment", order, scope=KAFKA_PYTHON)
        flow.process("payment", order, scope="payment")

    assert [len(attempt.operations) for attempt in only(flow.chain(order)).attempts] == [2, 2]


def test_confluent_links_to_the_producer_from_inside_of_a_bare_receive_span() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", span={"scope": CONFLUENT})
    received = flow.process("payment", destination="", scope=CONFLUENT, system="", name="recv")
    handled = flow.process(
        "payment", order, by="link", inside=received, scope=CONFLUENT, partition="0", offset=0
    )
    paid = flow.send("payment", "payments", inside=handled, span={"scope": CONFLUENT})

    chain = flow.chain(order)

    assert [one.context for one in only(chain).operations] == [handled.context]
    (cause,) = chain.causes
    assert (cause.cause, cause.effect) == (order.key, paid.key)
    assert len(chain.events) == 2, "the bare receive span is no event"


def test_aiokafka_reads_many_in_one_span_around_a_span_for_each_record() -> None:
    """The partition's span links to the record spans, which are children of the producers."""
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(2)]
    poll = flow.receive("stock", destination="", group="stock", batch_count=2, scope=AIOKAFKA)
    around: dict[str, Any] = {"group": "stock", "scope": AIOKAFKA, "partition": "0"}
    records = [
        flow.receive("stock", order, offset=offset, **around) for offset, order in enumerate(orders)
    ]
    wrapper = flow.operation(
        "stock",
        "orders",
        OperationType.RECEIVE,
        inside=poll,
        links=records,
        batch_count=2,
        start=records[0].start - 1,
        lasts=10_000_000,
        **around,
    )

    for order, record in zip(orders, records, strict=True):
        chain = flow.chain(order)
        assert [event.key for event in chain.events] == [order.key]
        delivery = only(chain)
        assert {one.context for one in delivery.operations} == {wrapper.context, record.context}
        assert {join.evidence for join in delivery.joins} == {Evidence.OBSERVED}
        assert len(delivery.attempts) == 1


def test_a_process_span_under_a_batch_receive_is_told_apart_by_its_position() -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(2)]
    received = flow.receive("stock", *orders, by="link", batch_count=2)
    handled = [
        flow.process("stock", destination="orders", inside=received, partition="0", offset=offset)
        for offset in range(2)
    ]
    reserved = [flow.send("stock", "reservations", inside=one) for one in handled]

    chain = flow.chain(orders[1])

    assert [event.key for event in chain.events] == [orders[1].key, reserved[1].key]


def test_the_first_of_a_batch_may_be_the_parent_and_the_others_links() -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(3)]
    together = flow.process("stock", *orders[1:], by="link", inside=orders[0])
    moved = flow.send("stock", "moves", inside=together)

    chain = flow.chain(moved)

    assert {cause.cause for cause in chain.causes} == {order.key for order in orders}


def test_a_link_beside_the_message_that_the_loop_runs_in_is_the_only_one() -> None:
    flow = Flow()
    first, second = flow.send("shop", "orders"), flow.send("shop", "orders")
    flow.process("stock", second, by="link", inside=first)

    assert flow.chain(first).deliveries == ()
    assert only(flow.chain(second)).service == "stock"


def test_a_process_span_below_plain_spans_is_about_what_was_received() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    work = flow.span("stock", "on message", inside=order)
    handled = flow.process("stock", destination="orders", inside=flow.span("stock", inside=work))

    delivery = only(flow.chain(order))

    assert [one.context for one in delivery.operations] == [handled.context]
    assert delivery.joins[0].via is Via.PARENT


def test_polling_inside_of_a_request_is_not_consuming_from_the_caller() -> None:
    flow = Flow()
    handler = flow.call("web", "stock")
    order = flow.send("shop", "orders")
    flow.process("stock", order, by="position", inside=handler)

    chain = flow.chain(order)

    assert only(chain).evidence is Evidence.MATCHED


def test_an_empty_poll_is_no_event() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    loop = flow.span("stock", "loop")
    flow.receive("stock", destination="orders", inside=loop)
    handled = flow.receive("stock", order, by="link", inside=loop)
    flow.send("stock", "reservations", inside=handled)

    assert len(flow.chain(loop).events) == 2


def test_a_consumer_of_an_unknown_producer_is_a_delivery_of_an_unseen_event() -> None:
    flow = Flow()
    gone = Sent("orders", SpanContext("a" * 32, "b" * 16), None, 0)
    for service in ("payment", "stock"):
        flow.process(service, gone)

    chain = flow.chain(SpanContext("a" * 32, "b" * 16))

    (event,) = chain.events
    assert (event.key, event.destination) == (gone.key, "orders")
    assert [one.service for one in chain.deliveries] == ["payment", "stock"]


def test_a_message_id_names_a_position_only_by_what_the_store_made_of_it() -> None:
    flow = Flow()
    first, second = flow.send("shop", "orders"), flow.send("shop", "orders")
    flow.process("payment", first, message_id="orders.0.1", partition="0", offset=0)

    assert only(flow.chain(first)).service == "payment"
    assert flow.chain(second).deliveries == ()
