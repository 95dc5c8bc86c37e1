"""Copies are one event: retry topics, dead letters, mirrors, and what is handed on as it was."""

from __future__ import annotations

from typing import Any

import pytest

from graph.chain import Chain, Event, Limits, Via
from graph.chain.resolve import resolve
from graph.model import Copied, CopyKind, Evidence, Message, Operation, OperationType, Position
from tests.builders import Flow, Sent


def places(event: Event) -> list[str]:
    return [str(position) for position in event.positions]


def only(chain: Chain) -> Event:
    (event,) = chain.events
    return event


def copied_from(sent: Sent, kind: CopyKind = CopyKind.RETRY, **fields: Any) -> Copied:
    assert sent.position
    at = sent.position
    return Copied(kind, at.destination, at.partition, at.offset, **fields)


def bare(flow: Flow, destination: str, **fields: Any) -> Sent:
    """A message that no span speaks of."""
    return flow.send("", destination, spanned=False, **fields)


def mirrored(flow: Flow, message: Message, destination: str = "", **fields: Any) -> Message:
    """The message in another cluster."""
    at = message.position
    position = Position(at.system, "c2", destination or at.destination, "i9", at.partition, 70)
    values = {name: getattr(message, name) for name in Message.__dataclass_fields__}
    made = Message(**(values | {"position": position} | fields))
    flow.messages[position] = made
    return made


@pytest.mark.parametrize("of_the_first", [True, False])
@pytest.mark.parametrize("start", range(4))
def test_a_retried_and_given_up_event_is_one_from_wherever_it_is_asked_for(
    start: int, of_the_first: bool
) -> None:
    """Some keep the first topic's position in each copy, others name the hop before."""
    flow = Flow()
    sent = [bare(flow, "orders", key="o1")]
    for name in ("orders-retry-0", "orders-retry-1"):
        above = sent[0] if of_the_first else sent[-1]
        sent.append(bare(flow, name, key="o1", copied=copied_from(above)))
    above = sent[0] if of_the_first else sent[-1]
    dead = copied_from(above, CopyKind.DEAD_LETTER)
    sent.append(bare(flow, "orders-dlt", key="o1", copied=dead))

    event = only(flow.chain(sent[start]))

    assert event.key == sent[0].position
    assert event.positions == tuple(one.position for one in sent)
    assert [message.position for message in event.messages] == list(event.positions)


def test_an_original_that_no_tap_saw_is_the_events_first_position() -> None:
    flow = Flow()
    lost = bare(flow, "orders")
    assert lost.position
    flow.messages.clear()
    retried = bare(flow, "orders-retry-0", copied=copied_from(lost))
    dead = bare(flow, "orders-dlt", copied=copied_from(lost, CopyKind.DEAD_LETTER))

    for start in (retried, dead, lost.position._replace(cluster="", incarnation="")):
        event = only(flow.chain(start))
        assert places(event) == ["orders/0/0", "orders-retry-0/0/0", "orders-dlt/0/0"]
        assert event.messages[0].position == retried.position
        assert event.destination == "orders"


def test_an_original_that_no_tap_saw_is_found_by_its_position() -> None:
    flow = Flow()
    lost = bare(flow, "orders")
    flow.messages.clear()
    bare(flow, "orders-dlt", copied=copied_from(lost, CopyKind.DEAD_LETTER))

    (choice,) = resolve(flow.facts(), "orders/0/0")

    assert places(only(flow.chain(*choice.start.positions))) == ["orders/0/0", "orders-dlt/0/0"]


def test_spans_of_an_original_that_no_tap_saw_are_of_the_event() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    assert order.context
    failed = flow.process("payment", order, error=True)
    given_up = flow.operation("payment", "orders-dlt", OperationType.SEND, inside=failed)
    dead = bare(
        flow,
        "orders-dlt",
        carries=[order.context, given_up.context],
        copied=copied_from(order, CopyKind.DEAD_LETTER),
    )
    assert order.position
    del flow.messages[order.position]

    for start in (dead, order.context, failed):
        event = only(flow.chain(start))
        assert event.service == "shop"
        assert places(event) == ["orders/0/0", "orders-dlt/0/0"]


def test_a_position_of_two_clusters_that_only_copies_name_is_not_guessed() -> None:
    flow = Flow()
    lost = bare(flow, "orders")
    flow.messages.clear()
    dead = bare(flow, "orders-dlt", copied=copied_from(lost, CopyKind.DEAD_LETTER))
    assert dead.position
    mirrored(flow, flow.messages[dead.position], key="another")
    flow.process("payment", lost, by="position")

    (delivery,) = flow.chain(dead).deliveries

    assert (delivery.evidence, delivery.joins[0].candidates) == (Evidence.INFERRED, 2)


def test_of_two_lives_of_a_topic_a_copy_means_the_one_before_it() -> None:
    flow = Flow()
    old = bare(flow, "orders")
    dead = bare(flow, "orders-dlt", copied=copied_from(old, CopyKind.DEAD_LETTER))
    assert old.position
    flow.tick(120_000)
    again = old.position._replace(incarnation="i2")
    flow.messages[again] = Message(again, flow.tick())

    assert only(flow.chain(dead)).positions == (old.position, dead.position)
    assert only(flow.chain(again)).positions == (again,)


@pytest.mark.parametrize(
    "there", [{"key": "o2"}, {"environment": "staging"}, {"time": 1_800_000_000_000_000_000}]
)
def test_what_lies_where_a_copy_points_may_be_something_else(there: dict[str, Any]) -> None:
    flow = Flow()
    order = bare(flow, "orders", **there)
    dead = bare(flow, "orders-dlt", key="o1", environment="production", copied=copied_from(order))

    assert only(flow.chain(dead)).positions == (dead.position,)


def test_a_copy_that_names_only_the_message_id_of_its_original() -> None:
    flow = Flow()
    order = bare(flow, "orders", message_id="m1")
    faulted = bare(
        flow,
        "orders_error",
        message_id="f1",
        copied=Copied(CopyKind.DEAD_LETTER, message_id="M1", error_type="Refused"),
    )

    for start in (order, faulted):
        assert only(flow.chain(start)).positions == (order.position, faulted.position)


def test_a_delayed_retry_comes_back_to_its_queue_with_the_same_id() -> None:
    flow = Flow()
    first = bare(flow, "payment", message_id="m1")
    again = [
        bare(flow, "payment", message_id="m1", copied=Copied(CopyKind.RETRY, attempt=number))
        for number in (1, 2)
    ]

    for start in (first, *again):
        event = only(flow.chain(start))
        assert event.positions == (first.position, *(one.position for one in again))


def test_who_sends_a_copy_did_not_produce_the_event() -> None:
    flow = Flow()
    order = bare(flow, "orders", source="/shop")
    failed = flow.process("payment", order, by="position", error=True)
    flow.send("payment", "orders-retry", inside=failed, copied=copied_from(order))

    event = only(flow.chain(order))

    assert (event.service, event.service_evidence) == ("shop", Evidence.DECLARED)
    assert [operation.service for operation in event.operations] == ["payment"]
    assert event.time == event.messages[0].time


def test_what_else_was_in_a_failed_batch_did_not_cause_the_dead_letter() -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(3)]
    together = flow.process("payment", *orders, by="links with positions", batch_count=3)
    dead = flow.send(
        "payment",
        "orders-dlt",
        inside=together,
        copied=copied_from(orders[1], CopyKind.DEAD_LETTER),
    )

    chain = flow.chain(dead)

    assert only(chain).key == orders[1].key
    assert chain.causes == ()


def test_a_copy_in_a_header_that_a_consumer_rewrote_is_not_caused_by_its_batch() -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(2)]
    together = flow.process("payment", *orders, by="links with positions", batch_count=2)
    dead = bare(flow, "orders-dlt", carries=[together.context], copied=copied_from(orders[0]))

    assert only(flow.chain(dead)).key == orders[0].key


def test_the_effects_of_a_retried_event_are_the_events() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    failed = flow.process("payment", order, error=True)
    retried = flow.send("payment", "orders-retry", inside=failed, copied=copied_from(order))
    handled = flow.process("payment", retried, by="link")
    paid = flow.send("payment", "payments", inside=handled)

    for start in (order, paid):
        chain = flow.chain(start)
        (cause,) = chain.causes
        assert (cause.cause, cause.effect) == (order.key, paid.key)
        assert cause.evidence is Evidence.OBSERVED
        assert len(chain.events) == 2


def test_what_was_handed_on_as_it_was_is_a_copy_without_any_id() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="o1", value='{"total": 3}')
    assert order.context
    audit = bare(flow, "audit", carries=[order.context], key="o1", value='{"total": 3}')

    for start in (order, audit):
        event = only(flow.chain(start))
        assert event.positions == (order.position, audit.position)
        assert event.service == "shop"


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"value": "3"}, {"value": "4"}),
        ({"value": "3", "key": "o1"}, {"value": "3", "key": "o2"}),
        ({"value": "3", "event_type": "order"}, {"value": "3", "event_type": "payment"}),
        ({"value": "3", "message_id": "m1"}, {"value": "3", "message_id": "m2"}),
        ({"value": "3", "message_id": "m1", "key": "1"}, {"message_id": "m1", "key": "2"}),
        ({"message_id": "1", "event_type": "order"}, {"message_id": "1", "event_type": "payment"}),
        ({"key": "o1"}, {"key": "o1"}),
    ],
    ids=["value", "key", "type", "id", "key of one id", "type of one id", "nothing but tombstones"],
)
def test_different_messages_of_one_span_to_two_topics_are_two_events(
    here: dict[str, Any], there: dict[str, Any]
) -> None:
    flow = Flow()
    made = flow.operation("shop", "", OperationType.SEND)
    one = bare(flow, "orders", carries=[made.context], **here)
    other = bare(flow, "payments", carries=[made.context], **there)

    assert {event.key for event in flow.chain(made).events} == {one.key, other.key}
    assert [event.key for event in flow.chain(one).events] == [one.key]


def test_duplicates_with_one_id_and_context_keep_their_own_dead_letters() -> None:
    """Where a header says whose copy it is, it is that one's; else it may be either's."""
    flow = Flow()
    order = flow.send("shop", "orders", message_id="m1")
    assert order.context
    same: dict[str, Any] = {"message_id": "m1", "carries": [order.context]}
    twice = bare(flow, "orders", **same)
    named = bare(flow, "dead", copied=copied_from(twice), **same)
    unnamed = bare(flow, "graveyard", **same)

    for one, own in ((order, [order]), (twice, [twice, named])):
        event = flow.chain(one).event(one.key)
        assert event.positions == tuple(position.position for position in own)
    chain = flow.chain(unnamed)
    assert {(cause.evidence, cause.candidates) for cause in chain.causes} == {
        (Evidence.INFERRED, 2)
    }


def test_a_short_id_at_two_destinations_is_no_proof() -> None:
    flow = Flow()
    order = bare(flow, "orders", message_id="17")
    bare(flow, "payments", message_id="17")
    long = bare(flow, "orders", message_id="0190f4f4-0000-7000-8000-000000000001")
    copy = bare(flow, "audit", message_id="0190f4f4-0000-7000-8000-000000000001")

    assert only(flow.chain(order)).positions == (order.position,)
    assert only(flow.chain(copy)).positions == (long.position, copy.position)


@pytest.mark.parametrize("name", ["orders", "c1.orders"])
@pytest.mark.parametrize("start", [0, 1])
def test_a_mirror_keeps_the_context(name: str, start: int) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="o1", value="3")
    assert order.position
    mirror = mirrored(flow, flow.messages[order.position], name)
    flow.process("points", order, by="link", destination=name)

    chain = flow.chain((order.position, mirror.position)[start])

    event = only(chain)
    assert event.positions == (order.position, mirror.position)
    assert event.service == "shop"
    assert [delivery.service for delivery in chain.deliveries] == ["points"]


def test_a_mirror_without_a_context_is_known_by_all_it_keeps() -> None:
    flow = Flow()
    order = bare(flow, "orders", key="o1", value="3", message_id="m1", headers=(("id", "m1"),))
    assert order.position
    mirror = mirrored(flow, flow.messages[order.position], "c1.orders")

    assert only(flow.chain(mirror.position)).positions == (order.position, mirror.position)


@pytest.mark.parametrize("other", [{"time": 1}, {"value": "4"}, {"environment": "staging"}])
def test_clusters_never_join_by_an_id_alone(other: dict[str, Any]) -> None:
    flow = Flow()
    order = bare(flow, "orders", value="3", message_id="m1", environment="production")
    assert order.position
    mirrored(flow, flow.messages[order.position], **other)

    assert only(flow.chain(order)).positions == (order.position,)


def test_a_mirrored_dead_letter_names_an_offset_of_the_cluster_it_came_from() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="m1")
    assert order.context and order.position
    dead = flow.send(
        "payment",
        "dead",
        spanned=False,
        carries=[order.context],
        message_id="m1",
        copied=copied_from(order, CopyKind.DEAD_LETTER),
    )
    assert dead.position
    mirror = mirrored(flow, flow.messages[dead.position])
    there = order.position._replace(cluster="c2", incarnation="i8")
    other = flow.send("shop", "else", message_id="m9")
    flow.messages[there] = Message(
        there, flow.now, contexts=(other.context,) if other.context else (), message_id="m9"
    )

    event = only(flow.chain(order))

    assert event.positions == (order.position, dead.position, mirror.position)
    assert there not in only(flow.chain(mirror.position)).positions


def test_a_span_that_names_a_position_is_not_of_another_environments_message() -> None:
    flow = Flow()
    order = bare(flow, "orders", environment="staging")
    made = flow.operation(
        "shop", "orders", OperationType.SEND, partition="0", offset=0, environment="production"
    )

    assert only(flow.chain(order)).operations == ()
    assert only(flow.chain(made)).messages == ()


def test_a_copy_is_not_followed_past_its_event_by_a_limit_of_one() -> None:
    flow = Flow()
    order = bare(flow, "orders")
    retried = bare(flow, "orders-retry", copied=copied_from(order))

    chain = flow.chain(retried, limits=Limits(events=1))

    assert only(chain).key == order.key
    assert chain.stopped is None


def test_a_dead_letter_of_an_unnamed_kind_is_joined_by_its_position_to_spans() -> None:
    flow = Flow()
    order = bare(flow, "orders")
    dead = bare(flow, "dead", copied=copied_from(order, CopyKind.DEAD_LETTER))
    flow.process("support", dead, by="position")

    (delivery,) = flow.chain(order).deliveries

    assert (delivery.service, delivery.joins[0].via) == ("support", Via.POSITION)


# Sent again to where it lay


@pytest.mark.parametrize("tapped", ["all", "first", "none"])
def test_a_message_that_its_handler_sends_again_with_its_id_is_the_same_event(tapped: str) -> None:
    flow = Flow()

    def sent(by: str, inside: Operation | None, tries: int) -> Sent:
        return flow.send(
            by,
            "tasks",
            inside=inside,
            tapped=tapped == "all" or (tapped == "first" and not tries),
            message_id="t1",
            span={"message_id": "t1"},
            copied=Copied(CopyKind.RETRY, attempt=tries) if tries else None,
            causation_id="t1" if tries else "",
        )

    task = sent("shop", None, 0)
    handled: list[Operation] = []
    again = task
    for tries in (1, 2):
        handled.append(flow.process("worker", again, error=True, message_id="t1"))
        again = sent("worker", handled[-1], tries)
    handled.append(flow.process("worker", again, message_id="t1"))
    effect = flow.send("worker", "done", inside=handled[-1])

    starts: list[Sent | Operation] = [task, again, *handled, effect]
    for start in starts:
        chain = flow.chain(start)
        assert [event.key for event in chain.events] == [task.key, effect.key]
        assert (chain.events[0].service, len(chain.events[0].operations)) == ("shop", 3)
        (delivery,) = chain.deliveries
        assert [attempt.error for attempt in delivery.attempts] == [True, True, False]
        (cause,) = chain.causes
        assert (cause.cause, cause.effect) == (task.key, effect.key)
        assert cause.evidence is not Evidence.INFERRED


@pytest.mark.parametrize(
    ("message_id", "destination"), [("t2", "tasks"), ("t1", "elsewhere"), ("", "tasks")]
)
def test_what_a_handler_sends_with_another_id_or_elsewhere_is_another_event(
    message_id: str, destination: str
) -> None:
    flow = Flow()
    task = flow.send("shop", "tasks", tapped=False, span={"message_id": "t1"})
    handled = flow.process("worker", task, message_id="t1")
    span = {"message_id": message_id}
    next_one = flow.send("worker", destination, inside=handled, tapped=False, span=span)

    chain = flow.chain(task)

    assert [event.key for event in chain.events] == [task.key, next_one.key]
    (cause,) = chain.causes
    assert (cause.cause, cause.effect) == (task.key, next_one.key)


def test_who_names_itself_as_its_cause_names_none() -> None:
    flow = Flow()
    first = bare(flow, "orders", message_id="a1", causation_id="A1")
    bare(flow, "orders", message_id="a1", causation_id="a1", partition="1")

    assert flow.chain(first).causes == ()
