"""A retried event at one consumer is one delivery, whatever topics its attempts came from."""

from __future__ import annotations

from typing import Any

import pytest

from graph.chain import Delivery
from graph.model import Copied, CopyKind, Evidence, Operation, OperationType, Relation
from tests.builders import Flow, Sent

SPRING = "io.opentelemetry.spring-kafka"


def copy_of(sent: Sent, kind: CopyKind = CopyKind.RETRY, **fields: Any) -> Copied:
    assert sent.position
    at = sent.position
    return Copied(kind, at.destination, at.partition, at.offset, **fields)


def tried(flow: Flow, sent: Sent, error: str = "", **fields: Any) -> Operation:
    return flow.process(
        "payment", sent, error=bool(error), error_message=error, scope=SPRING, **fields
    )


def retried(flow: Flow, groups: bool = True, **says: Any) -> list[Sent]:
    """Tried three times, on two retry topics, then given up and looked at by its own handler."""
    sent = [flow.send("shop", "orders")]
    for number, (topic, kind) in enumerate(
        [
            ("orders", CopyKind.RETRY),
            ("orders-retry-0", CopyKind.RETRY),
            ("orders-retry-1", CopyKind.DEAD_LETTER),
        ]
    ):
        suffix = topic.removeprefix("orders")
        handling = tried(
            flow, sent[-1], f"refused {number + 1}", group=f"pay{suffix}" if groups else ""
        )
        next_topic = ("orders-retry-0", "orders-retry-1", "orders-dlt")[number]
        sent.append(
            flow.send("payment", next_topic, inside=handling, copied=copy_of(sent[0], kind, **says))
        )
    return sent


def of(flow: Flow, sent: Sent) -> tuple[Delivery, ...]:
    (event,) = flow.chain(sent).events
    return flow.chain(sent).deliveries_of(event.key)


@pytest.mark.parametrize("groups", [True, False])
def test_attempts_are_numbered_through_retry_topics(groups: bool) -> None:
    flow = Flow()
    sent = retried(flow, groups)

    for one in sent:
        (delivery,) = of(flow, one)
        assert (delivery.service, delivery.group) == ("payment", "pay" if groups else "")
        assert [attempt.error_message for attempt in delivery.attempts] == [
            "refused 1",
            "refused 2",
            "refused 3",
        ]
        assert [attempt.position for attempt in delivery.attempts] == [
            one.position for one in sent[:3]
        ]
        assert delivery.error


def test_a_retry_consumer_is_known_by_the_group_that_the_copy_names() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    handling = tried(flow, order, "refused", group="orders-in")
    again = flow.send(
        "payment", "later", inside=handling, copied=copy_of(order, consumer="orders-in")
    )
    tried(flow, again, group="second-try")

    (delivery,) = of(flow, order)

    assert (delivery.group, len(delivery.attempts), delivery.error) == ("orders-in", 2, False)


def test_attempts_are_one_delivery_where_only_retry_consumers_were_seen() -> None:
    flow = Flow()
    sent = retried(flow, consumer="pay")
    first = next(one for one in flow.operations.values() if one.group == "pay")
    flow.forget(first)

    (delivery,) = of(flow, sent[1])

    assert (delivery.group, len(delivery.attempts)) == ("pay", 2)


def test_another_group_of_the_service_is_another_delivery_on_retry_topics_too() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    handling = tried(flow, order, "refused", group="pay")
    tried(flow, order, group="audit")
    again = flow.send("payment", "orders-retry", inside=handling, copied=copy_of(order))
    tried(flow, again, group="pay-retry")

    deliveries = {delivery.group: len(delivery.attempts) for delivery in of(flow, order)}

    assert deliveries == {"pay": 2, "audit": 1}


@pytest.mark.parametrize("groups", [True, False])
def test_handling_the_dead_letter_is_no_attempt_and_hides_no_failure(groups: bool) -> None:
    flow = Flow()
    sent = retried(flow, groups)
    tried(flow, sent[3], group="pay-dlt" if groups else "")

    deliveries = of(flow, sent[0])

    assert [len(delivery.attempts) for delivery in deliveries] == ([3, 1] if groups else [3])
    assert deliveries[0].error
    assert sum(len(delivery.operations) for delivery in deliveries) == 4


def test_one_layer_on_two_topics_is_two_attempts_of_all_layers() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    flow.process("payment", order, scope="client", error=True)
    handling = flow.process("payment", order, scope="own", error=True)
    again = flow.send("payment", "orders-retry", inside=handling, copied=copy_of(order))
    flow.process("payment", again, scope="own")

    (delivery,) = of(flow, order)

    assert [len(attempt.operations) for attempt in delivery.attempts] == [2, 1]


def test_a_retry_on_one_topic_is_told_apart_by_its_offset() -> None:
    """One topic for all retries: the copies lie side by side on it."""
    flow = Flow()
    order = flow.send("shop", "orders")
    assert order.context
    copies = [
        flow.send("", "orders-retry", spanned=False, copied=copy_of(order), carries=[order.context])
        for _ in range(2)
    ]
    for one in (order, *copies):
        assert one.position
        tried(flow, one, partition="0", offset=one.position.offset)

    (delivery,) = of(flow, copies[1])

    assert [attempt.position for attempt in delivery.attempts] == [
        one.position for one in (order, *copies)
    ]


def test_where_an_attempt_was_made_is_not_guessed() -> None:
    flow = Flow(system="rabbitmq")
    order = flow.send("shop", "orders")
    assert order.context
    again = flow.send("", "waiting", spanned=False, carries=[order.context], copied=copy_of(order))
    flow.process("payment", again, destination="payment")

    (delivery,) = of(flow, order)

    assert [attempt.position for attempt in delivery.attempts] == [None]


def test_a_poll_that_waited_did_not_have_the_event_before_it_was_sent() -> None:
    """.NET's Confluent client: poll is a client span, and both link to the producer."""
    flow = Flow()
    asked = flow.tick()
    order = flow.send("shop", "orders")
    assert order.position
    where: dict[str, Any] = {"partition": "0", "offset": 0, "group": "pay"}
    poll = flow.receive(
        "payment", order, by="link", kind="client", start=asked, lasts=flow.now - asked, **where
    )
    handled = flow.process("payment", order, by="link", **where)
    paid = flow.send("payment", "payments", inside=handled)

    chain = flow.chain(paid)

    (delivery,) = chain.deliveries_of(order.key)
    assert [one.context for one in delivery.operations] == [poll.context, handled.context]
    assert delivery.start == poll.end
    assert [attempt.operations for attempt in delivery.attempts] == [(handled.context,)]
    assert chain.causes_of(paid.key)[0].delay > 0


def test_the_java_agents_receive_span_is_around_the_process_spans_of_its_records() -> None:
    """Receive telemetry: a root with the count, below it a process span a record, linked."""
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(3)]
    received = flow.receive("stock", destination="orders", batch_count=3, group="stock")
    handlings = [
        flow.process(
            *("stock", order),
            by="link",
            inside=received,
            group="stock",
            partition="0",
            offset=offset,
        )
        for offset, order in enumerate(orders)
    ]
    moved = [flow.send("stock", "moves", inside=one) for one in handlings]

    for order, handling, move in zip(orders, handlings, moved, strict=True):
        chain = flow.chain(order)
        assert [event.key for event in chain.events] == [order.key, move.key]
        (delivery,) = chain.deliveries_of(order.key)
        assert [one.context for one in delivery.operations] == [received.context, handling.context]
        assert [join.candidates for join in delivery.joins] == [3, 1]
        assert [attempt.operations for attempt in delivery.attempts] == [(handling.context,)]
        (cause,) = chain.causes
        assert (cause.evidence, cause.candidates) == (Evidence.OBSERVED, 1)


def test_what_kafkajs_sends_in_each_batch_is_caused_by_one_of_the_batch() -> None:
    """The handler runs in the poll span; the process spans beside it only name the records."""
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(2)]
    poll = flow.receive("stock", destination="orders", kind="client")
    for order in orders:
        flow.process("stock", order, by="link", inside=poll)
    moved = flow.send("stock", "moves", inside=poll)

    for start in (*orders, moved):
        causes = flow.chain(start).causes_of(moved.key)
        assert {cause.cause for cause in causes} == {order.key for order in orders}
        assert {(cause.evidence, cause.candidates) for cause in causes} == {(Evidence.INFERRED, 2)}


def test_what_is_sent_in_a_poll_of_one_message_is_caused_by_it() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    poll = flow.receive("stock", destination="orders", kind="client")
    flow.process("stock", order, by="link", inside=poll)
    moved = flow.send("stock", "moves", inside=poll)

    (cause,) = flow.chain(order).causes

    assert (cause.cause, cause.effect, cause.evidence) == (order.key, moved.key, Evidence.OBSERVED)


@pytest.mark.parametrize("count", [None, 3])
def test_a_batch_listener_links_once_to_each_record(count: int | None) -> None:
    """Records that one span sent share its context: as many links as records say all of them."""
    flow = Flow()
    orders = flow.batch("shop", "orders", 3)
    other = flow.send("web", "orders")
    flow.process("stock", *orders, other, by="link", batch_count=count and count + 1)

    for order in (*orders, other):
        chain = flow.chain(order)
        (delivery,) = chain.deliveries
        assert [(join.evidence, join.candidates) for join in delivery.joins] == [
            (Evidence.OBSERVED, 1)
        ]


def test_a_batch_listener_that_had_a_part_of_a_batch_does_not_say_which() -> None:
    flow = Flow()
    orders = flow.batch("shop", "orders", 3)
    flow.process("stock", *orders[:2], by="link", batch_count=2)

    (delivery,) = flow.chain(orders[2]).deliveries

    assert [(join.evidence, join.candidates) for join in delivery.joins] == [(Evidence.INFERRED, 3)]


def test_links_that_name_message_ids_tell_a_batch_apart() -> None:
    flow = Flow()
    made = flow.operation("shop", "orders", OperationType.SEND, batch_count=2)
    orders = [
        flow.send("", "orders", spanned=False, carries=[made.context], message_id=f"m{number}")
        for number in range(2)
    ]
    link = Relation(made.context, "link", made.context, message_id="M1")
    flow.operation("stock", "orders", OperationType.PROCESS, links=[link])

    assert flow.chain(orders[0]).deliveries == ()
    (delivery,) = flow.chain(orders[1]).deliveries
    assert delivery.joins[0].evidence is Evidence.OBSERVED


def test_an_offset_without_its_partition_is_no_position() -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders", partition=str(number)) for number in range(2)]
    handled = flow.process("stock", orders[1], by="link", offset=0)
    flow.send("stock", "moves", inside=handled)

    chain = flow.chain(orders[1])

    assert len(chain.events) == 2
    assert flow.chain(orders[0]).deliveries == ()


def test_a_batch_of_several_topics_names_them_on_its_links() -> None:
    flow = Flow()
    sent = [flow.send("shop", "orders"), flow.send("web", "clicks")]
    together = flow.process("stock", *sent, by="links with positions", batch_count=2)
    moved = flow.send("stock", "moves", inside=together)

    assert {cause.cause for cause in flow.chain(moved).causes} == {one.key for one in sent}


def test_the_one_message_known_of_a_batch_need_not_be_the_one_that_is_meant() -> None:
    flow = Flow()
    orders = flow.batch("shop", "orders", 3)
    flow.process("payment", orders[1], by="link")
    assert orders[1].context
    audit = flow.send("", "audit", spanned=False, carries=[orders[1].context])
    for one in orders[1:]:
        assert one.position
        del flow.messages[one.position]

    chain = flow.chain(orders[0])

    (delivery,) = chain.deliveries
    assert [(join.evidence, join.candidates) for join in delivery.joins] == [(Evidence.INFERRED, 3)]
    (cause,) = chain.causes_of(audit.key)
    assert (cause.evidence, cause.candidates) == (Evidence.INFERRED, 3)


def test_a_batch_listener_may_have_had_a_part_of_each_of_two_batches() -> None:
    flow = Flow()
    orders, others = flow.batch("shop", "orders", 2), flow.batch("web", "orders", 2)
    flow.process("stock", orders[0], others[0], by="link", batch_count=2)
    flow.process("books", orders[0], others[0], by="link", batch_count=4)

    for order in (*orders, *others):
        part, all_of_them = flow.chain(order).deliveries
        assert (part.service, part.joins[0].candidates) == ("stock", 2)
        assert (all_of_them.service, all_of_them.joins[0].candidates) == ("books", 1)
