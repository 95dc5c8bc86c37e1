"""Which event led to which, and how sure that is."""

from __future__ import annotations

from itertools import pairwise

from graph.chain import Cause, Chain, Via
from graph.model import Evidence, OperationType
from tests.builders import Flow, Sent


def joins(chain: Chain) -> set[tuple[object, object]]:
    """Pairs of cause and effect."""
    return {(cause.cause, cause.effect) for cause in chain.causes}


def only(chain: Chain) -> Cause:
    (cause,) = chain.causes
    return cause


def pair(cause: Sent, effect: Sent) -> tuple[object, object]:
    return cause.key, effect.key


def test_what_a_consumer_sends_inside_its_process_span_is_an_effect() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders")
    handling = flow.process("payment", order, group="pay")
    paid = flow.send("payment", "payments", inside=handling)

    chain = flow.chain(order)

    cause = only(chain)
    assert (cause.cause, cause.effect) == pair(order, paid)
    assert (cause.evidence, cause.via) == (Evidence.OBSERVED, Via.PARENT)
    assert (cause.service, cause.group) == ("payment", "pay")
    assert cause.delay == 1_000_000
    assert chain.stopped is None
    assert chain.services == ("payment", "storefront")


def test_the_same_chain_is_found_from_either_end() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders")
    paid = flow.send("payment", "payments", inside=flow.process("payment", order))
    flow.send("shipping", "parcels", inside=flow.process("shipping", paid, by="link"))

    down, up = flow.chain(order), flow.chain(paid)

    assert down.events == up.events
    assert down.causes == up.causes
    assert (down.focus, up.focus) == (order.key, paid.key)


def test_a_link_beats_the_parent() -> None:
    flow = Flow()
    order, tick = flow.send("storefront", "orders"), flow.send("timer", "ticks")
    loop = flow.process("payment", tick)
    handling = flow.process("payment", order, by="link", inside=loop)
    paid = flow.send("payment", "payments", inside=loop, links=[handling])

    assert joins(flow.chain(paid)) == {pair(order, paid)}


def test_calls_to_other_services_lie_on_the_way() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders")
    handling = flow.process("checkout", order)
    work = flow.span("checkout", "charge", inside=handling)
    server = flow.call("checkout", "bank", inside=work)
    charged = flow.send("bank", "charges", inside=flow.span("bank", inside=server))

    cause = only(flow.chain(order))

    assert (cause.cause, cause.effect) == pair(order, charged)
    assert cause.evidence is Evidence.OBSERVED
    assert cause.service == "checkout"
    assert [span.kind for span in cause.way] == ["internal", "client", "server", "internal"]
    assert [span.service for span in cause.way] == ["checkout", "checkout", "bank", "bank"]


def test_events_of_one_trace_that_did_not_cause_each_other_stay_apart() -> None:
    flow = Flow()
    request = flow.span("storefront", "POST /orders", kind="server")
    order = flow.send("storefront", "orders", inside=request)
    flow.send("storefront", "audits", inside=request)

    chain = flow.chain(order)

    assert [event.key for event in chain.events] == [order.key]
    assert chain.causes == ()


def test_a_context_taken_from_the_message_without_a_span_makes_a_delivery() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders")
    work = flow.span("payment", "handle order", inside=order)
    paid = flow.send("payment", "payments", inside=work)

    chain = flow.chain(order)

    cause = only(chain)
    assert (cause.cause, cause.effect) == pair(order, paid)
    assert cause.evidence is Evidence.OBSERVED
    assert cause.way == (work,)
    (delivery,) = chain.deliveries
    assert (delivery.service, delivery.operations) == ("payment", ())


def test_a_message_that_carries_its_senders_own_span_was_caused_by_what_that_span_handled() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders")
    handling = flow.process("payment", order)
    work = flow.span("payment", inside=handling)
    paid = flow.send("payment", "payments", spanned=False, carries=[handling.context])
    booked = flow.send("payment", "books", spanned=False, carries=[work.context])

    chain = flow.chain(order)

    assert joins(chain) == {pair(order, paid), pair(order, booked)}
    assert {cause.via for cause in chain.causes} == {Via.HEADER}
    assert {cause.evidence for cause in chain.causes} == {Evidence.OBSERVED}
    assert chain.event(paid.key).service == "payment"
    assert flow.chain(booked).causes == chain.causes[1:]


def test_a_handler_that_hands_the_old_context_on_is_a_cause_not_a_batch() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders")
    assert order.context
    flow.process("payment", order)
    paid = flow.send("payment", "payments", spanned=False, carries=[order.context])
    flow.process("books", paid)

    chain = flow.chain(order)

    assert joins(chain) == {pair(order, paid)}
    assert {(d.event, d.service) for d in chain.deliveries} == {
        (order.key, "payment"),
        (paid.key, "books"),
    }


def test_a_declared_cause_needs_no_spans() -> None:
    flow = Flow()
    order = flow.send("", "orders", spanned=False, message_id="O-1", source="/shop/storefront")
    paid = flow.send("", "payments", spanned=False, message_id="P-1", causation_id="o-1")
    flow.send("", "parcels", spanned=False, message_id="S-1", causation_id="P-1")

    chain = flow.chain(paid)

    assert len(chain.events) == 3
    assert {cause.evidence for cause in chain.causes} == {Evidence.DECLARED}
    assert {cause.via for cause in chain.causes} == {Via.CAUSATION_ID}
    assert chain.roots == (order.key,)
    assert chain.event(order.key).service == "storefront"
    assert chain.event(order.key).service_evidence is Evidence.DECLARED


def test_a_cause_may_be_named_by_what_it_is_called_besides_its_id() -> None:
    flow = Flow()
    order = flow.message("orders", message_id="O-1", correlation_id="C", alias="order-1")
    paid = flow.message(
        "payments", message_id="P-1", correlation_id="C", alias="pay-1", causation_id="order-1"
    )
    later = flow.message("audits", message_id="A-1", correlation_id="C", alias="order-1")
    flow.message("parcels", message_id="S-1", correlation_id="C", causation_id="PAY-1")

    for start in (order, paid):
        chain = flow.chain(start.position)
        declared = {
            (cause.cause, cause.effect): cause.evidence
            for cause in chain.causes
            if cause.via is Via.CAUSATION_ID
        }
        assert declared[order.position, paid.position] is Evidence.DECLARED
        assert not any(cause == later.position for cause, _ in declared), "it came later"
        assert len(declared) == 2


def test_in_a_saga_all_are_called_the_same() -> None:
    flow = Flow()
    first = flow.message("orders", message_id="O-1", correlation_id="C", alias="saga")
    second = flow.message(
        "payments", message_id="P-1", correlation_id="C", alias="saga", causation_id="saga"
    )
    third = flow.message(
        "parcels", message_id="S-1", correlation_id="C", alias="saga", causation_id="saga"
    )

    chain = flow.chain(third.position)

    found = {(cause.cause, cause.effect): cause for cause in chain.causes}
    assert found[first.position, second.position].evidence is Evidence.DECLARED
    for before in (first, second):
        of_two = found[before.position, third.position]
        assert (of_two.evidence, of_two.candidates) == (Evidence.INFERRED, 2)


def test_an_id_alone_joins_nothing_across_clusters_or_environments() -> None:
    flow = Flow()
    flow.send("", "orders", spanned=False, message_id="1", environment="staging")
    paid = flow.send("", "payments", spanned=False, causation_id="1", environment="production")

    assert flow.chain(paid).causes == ()


def test_of_a_batch_that_fans_in_each_event_is_a_cause() -> None:
    flow = Flow()
    clicks = [flow.send("web", "clicks") for _ in range(3)]
    together = flow.process("analytics", *clicks, by="link", batch_count=3)
    report = flow.send("analytics", "reports", inside=together)

    chain = flow.chain(report)

    assert joins(chain) == {pair(click, report) for click in clicks}
    assert {(cause.evidence, cause.candidates) for cause in chain.causes} == {
        (Evidence.OBSERVED, 1)
    }
    from_one = flow.chain(clicks[0])
    assert joins(from_one) == joins(chain), "the other causes of an effect are shown"


def test_what_else_a_batch_neighbour_led_to_is_another_story() -> None:
    flow = Flow()
    clicks = [flow.send("web", "clicks") for _ in range(2)]
    flow.send("analytics", "reports", inside=flow.process("analytics", *clicks, by="link"))
    other = flow.send("fraud", "alarms", inside=flow.process("fraud", clicks[1]))

    assert other.key not in flow.chain(clicks[0])
    assert other.key in flow.chain(clicks[0], whole=True)


def test_one_output_for_each_of_a_batch_is_told_apart_by_causation_id() -> None:
    flow = Flow()
    clicks = [flow.send("web", "clicks", message_id=f"c{n}") for n in range(3)]
    together = flow.process("analytics", *clicks, by="link", batch_count=3)
    seen = [flow.send("analytics", "seen", inside=together, causation_id=f"c{n}") for n in range(3)]

    for click, output in zip(clicks, seen, strict=True):
        chain = flow.chain(click)
        assert joins(chain) == {pair(click, output)}
        assert only(chain).evidence is Evidence.OBSERVED


def test_missing_producer_spans_do_not_hide_the_flow() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders", tapped=False)
    paid = flow.send("payment", "payments", inside=flow.process("payment", order))
    flow.send("points", "points", inside=flow.process("points", order, by="link"))
    flow.forget(order)

    chain = flow.chain(paid)

    assert only(chain).cause == order.key
    unseen = chain.event(order.key)
    assert (unseen.operations, unseen.messages, unseen.service) == ((), (), "")
    assert unseen.destination == "orders"
    assert {delivery.service for delivery in chain.deliveries} == {"payment", "points"}


def test_clock_skew_is_shown() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders")
    handling = flow.process("payment", order, start=order.time + 5_000_000_000)
    flow.send("payment", "payments", inside=handling)

    assert only(flow.chain(order)).delay < 0


def test_a_loop_ends() -> None:
    flow = Flow()
    ping = flow.send("a", "pings", message_id="1", causation_id="2")
    pong = flow.send("b", "pongs", message_id="2", causation_id="1")

    chain = flow.chain(ping)

    assert joins(chain) == {pair(ping, pong), pair(pong, ping)}
    assert chain.roots == ()
    assert chain.stopped is None


def test_two_services_that_answer_each_other_make_a_chain_of_events() -> None:
    flow = Flow()
    sent = [flow.send("a", "pings")]
    for service, destination in [("b", "pongs"), ("a", "pings"), ("b", "pongs")]:
        handling = flow.process(service, sent[-1], by="link")
        sent.append(flow.send(service, destination, inside=handling))

    chain = flow.chain(sent[1])

    assert [event.key for event in chain.events] == [one.key for one in sent]
    assert joins(chain) == {pair(*two) for two in pairwise(sent)}


def test_a_create_span_is_no_cause_of_its_send() -> None:
    flow = Flow()
    created = flow.operation("shop", "orders", OperationType.CREATE)
    order = flow.send("shop", "orders", inside=created, carries=[created.context])
    flow.process("payment", order)

    chain = flow.chain(order)

    assert chain.causes == ()
    (event,) = chain.events
    assert [operation.type for operation in event.operations] == ["create", "send"]


def test_a_producing_span_within_another_is_the_same_production() -> None:
    flow = Flow()
    outer = flow.operation("shop", "orders", OperationType.SEND, lasts=10_000_000)
    order = flow.send("shop", "orders", inside=outer)
    assert order.context
    flow.messages.clear()
    order = flow.send("shop", "orders", spanned=False, carries=[outer.context, order.context])
    flow.process("payment", order)

    chain = flow.chain(order)

    assert [len(event.operations) for event in chain.events] == [2]
    assert chain.causes == ()


def test_a_service_that_consumes_its_own_events_causes_the_next() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", span={"lasts": 1})
    flow.receive("shop", order)
    flow.tick(10)
    again = flow.send("shop", "orders", inside=order)

    assert joins(flow.chain(order)) == {pair(order, again)}


def test_a_link_to_one_of_several_does_not_hide_what_the_parent_is_sure_of() -> None:
    flow = Flow()
    clicks = flow.batch("web", "clicks", 3)
    assert clicks[0].context
    handling = flow.process("analytics", clicks[1], by="links with positions")
    report = flow.send("analytics", "reports", inside=handling, links=[clicks[0].context])

    cause = only(flow.chain(report))

    assert (cause.cause, cause.evidence, cause.candidates) == (clicks[1].key, "observed", 1)


def test_any_number_of_spans_and_services_lie_between_a_cause_and_its_effect() -> None:
    flow = Flow()
    order = flow.send("storefront", "orders")
    inside = flow.span("s0", inside=flow.process("s0", order))
    for number in range(1, 60):
        inside = flow.call(f"s{number - 1}", f"s{number}", inside=inside)
        inside = flow.span(f"s{number}", inside=inside)
    late = flow.send("s59", "done", inside=inside)

    for start in (order, late):
        cause = only(flow.chain(start))
        assert (cause.cause, cause.effect, cause.evidence) == (order.key, late.key, "observed")
        assert len(cause.way) == 1 + 59 * 3


def test_a_declared_cause_that_only_spans_name_is_found_from_both_ends() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False, span={"message_id": "O-1"})
    paid = flow.send("", "payments", spanned=False, causation_id="o-1")

    for start in (order, paid):
        cause = only(flow.chain(start))
        assert (cause.cause, cause.effect) == pair(order, paid)
        assert (cause.evidence, cause.via) == (Evidence.DECLARED, Via.CAUSATION_ID)


def test_a_declared_cause_that_only_its_consumer_names_is_found_from_both_ends() -> None:
    flow = Flow()
    handling = flow.operation("payment", "orders", OperationType.PROCESS, message_id="O-1")
    paid = flow.send("", "payments", spanned=False, causation_id="O-1")

    for start in (handling, paid):
        cause = only(flow.chain(start))
        assert (cause.effect, cause.evidence) == (paid.key, Evidence.DECLARED)
        assert cause.service == ""


def test_an_id_that_was_sent_twice_declares_nothing_for_certain() -> None:
    flow = Flow()
    orders = [flow.send("", "orders", spanned=False, message_id="O-1") for _ in range(2)]
    paid = flow.send("", "payments", spanned=False, causation_id="O-1")

    chain = flow.chain(paid)

    assert joins(chain) == {pair(order, paid) for order in orders}
    assert {(cause.evidence, cause.candidates) for cause in chain.causes} == {
        (Evidence.INFERRED, 2)
    }


def test_what_is_declared_beats_one_of_several() -> None:
    flow = Flow()
    clicks = flow.batch("web", "clicks", 2)
    assert clicks[0].context
    order = flow.send("", "orders", spanned=False, message_id="O-1")
    report = flow.send(
        "analytics", "reports", links=[clicks[0].context], causation_id="O-1", message_id="R-1"
    )

    cause = only(flow.chain(report))

    assert (cause.cause, cause.evidence) == (order.key, Evidence.DECLARED)
