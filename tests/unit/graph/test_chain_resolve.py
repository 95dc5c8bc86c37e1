"""What a pasted text can mean."""

from __future__ import annotations

from graph.chain import find
from graph.chain.resolve import resolve
from graph.model import IdKind, OperationType
from tests.builders import Flow


def test_a_message_id_names_one_event_however_often_it_was_seen() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="O-1", span={"message_id": "o-1"})
    flow.process("payment", order, message_id="O-1")

    (choice,) = resolve(flow.facts(), '"o-1"')

    assert (choice.kind, choice.events) == (IdKind.MESSAGE, (order.key,))
    assert choice.label == "orders by shop at orders/0/0"
    assert find(flow.facts(), choice.start).focus == order.key


def test_an_id_of_several_events_is_a_choice() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="7", source="shop", event_type="order.created")
    user = flow.send("users", "users", message_id="7", source="users")

    choices = resolve(flow.facts(), "7")

    assert [choice.events for choice in choices] == [(user.key,), (order.key,)]
    assert choices[1].label == "order.created on orders by shop at orders/0/0"


def test_a_correlation_id_names_all_its_events_at_once() -> None:
    flow = Flow()
    sent = [flow.send("shop", place, correlation_id="c") for place in ("a", "b", "c", "d")]

    (choice,) = resolve(flow.facts(), "c")

    assert set(choice.events) == {one.key for one in sent}
    assert choice.label == "4 events of one correlation on a, b, c, ..."
    chain = find(flow.facts(), choice.start)
    assert (len(chain.starts), chain.focus) == (4, sent[0].key)


def test_a_correlation_called_like_its_first_event_is_no_second_choice() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="o1", correlation_id="o1")
    flow.send("payment", "payments", correlation_id="o1")

    (choice,) = resolve(flow.facts(), "o1")

    assert choice.events == (order.key,)
    assert len(find(flow.facts(), choice.start).events) == 2


def test_a_trace_id_names_the_events_of_the_trace() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    handling = flow.process("payment", order)
    paid = flow.send("payment", "payments", inside=handling)

    (choice,) = resolve(flow.facts(), handling.context.trace_id)

    assert (choice.kind, choice.events) == (IdKind.TRACE, (order.key, paid.key))


def test_a_span_id_names_what_the_span_is_about() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    handling = flow.process("payment", order)

    (choice,) = resolve(flow.facts(), handling.context.span_id)

    assert (choice.kind, choice.events) == (IdKind.SPAN, (order.key,))


def test_a_position_names_its_message() -> None:
    flow = Flow()
    flow.send("shop", "orders")
    second = flow.send("shop", "orders")

    (choice,) = resolve(flow.facts(), "orders/0/1")

    assert choice.events == (second.key,)


def test_a_record_key_names_each_event_apart() -> None:
    flow = Flow()
    sent = [flow.send("shop", "orders", key="k") for _ in range(2)]

    choices = resolve(flow.facts(), "k")

    assert [choice.events for choice in choices] == [(sent[1].key,), (sent[0].key,)]


def test_an_unseen_event_is_known_by_what_it_caused() -> None:
    flow = Flow()
    effects = [flow.send("a", place, causation_id="gone") for place in ("x", "y")]

    (choice,) = resolve(flow.facts(), "gone")

    assert choice.kind is IdKind.CAUSATION
    assert set(choice.events) == {one.key for one in effects}


def test_an_event_that_nobody_tapped_can_be_started_from() -> None:
    flow = Flow()
    made = flow.operation("shop", "orders", OperationType.SEND, message_id="m")

    (choice,) = resolve(flow.facts(), "m")

    assert find(flow.facts(), choice.start).focus == choice.events[0]
    assert choice.start.contexts == (made.context,)


def test_nothing_known_is_no_choice() -> None:
    assert resolve(Flow().facts(), "what?") == ()


def test_a_business_id_names_all_its_events_and_is_told_from_another_s() -> None:
    flow = Flow()
    for business in (("order_id", "7"), ("order_id", "7"), ("customer_id", "7")):
        flow.message("orders", business=(business,))
    customer, order = resolve(flow.facts(), "7")
    assert (customer.written, len(customer.events)) == ("customer_id=7", 1)
    assert (order.written, order.label) == ("order_id=7", "2 events of order_id=7 on orders")
    assert resolve(flow.facts(), 'Order_Id="7"') == (order,)
    assert resolve(flow.facts(), "order_id=8") == ()
