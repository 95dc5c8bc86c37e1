"""Why a chain is joined as it is, and why it is not where nothing was found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from graph.chain import Chain, Via
from graph.chain.explanation import Explanation, Reason, Trial
from graph.chain.sharing import COMMON
from graph.model import Evidence, OperationType, Relation, SpanContext
from tests.builders import Flow, Inside, Sent
from tests.unit.graph.test_chain_properties import Step, stories, told

NOWHERE = SpanContext("e" * 32, "e" * 16)


def explained(flow: Flow, sent: Sent | SpanContext, **options: Any) -> Explanation:
    """Of the event at the start."""
    chain = flow.chain(sent, explained=True, **options)
    assert [one.event for one in chain.explanations] == [event.key for event in chain.events]
    (found,) = (one for one in chain.explanations if one.event == chain.focus)
    return found


def reasons(trials: tuple[Trial, ...]) -> dict[Via, tuple[Reason | None, str]]:
    return {trial.via: (trial.reason, trial.subject) for trial in trials}


def causes(flow: Flow, sent: Sent, **options: Any) -> dict[Via, tuple[Reason | None, str]]:
    return reasons(explained(flow, sent, **options).causes)


def name(context: SpanContext | None) -> str:
    assert context
    return f"{context.trace_id}/{context.span_id}"


def test_the_ways_are_told_in_order_up_to_the_one_that_is_sure() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="O-1")
    handling = flow.process("payment", order)
    paid = flow.send("payment", "payments", inside=handling, causation_id="O-1")

    why = explained(flow, paid)

    assert [trial.via for trial in why.causes] == [Via.LINK, Via.PARENT, Via.CAUSATION_ID]
    parent, declared = why.causes[1:]
    (found,) = parent.found
    assert (found.name, found.evidence, found.chosen) == ("orders/0/0", Evidence.OBSERVED, True)
    assert (declared.found[0].chosen, declared.reason) == (False, Reason.SAME)
    (producer,) = why.producer
    assert producer.via is Via.HEADER
    assert producer.found[0].name == name(paid.context)


def test_chains_do_not_explain_unless_asked() -> None:
    flow = Flow()
    assert flow.chain(flow.send("shop", "orders")).explanations == ()


def test_a_cause_is_missing_because_the_context_was_lost() -> None:
    flow = Flow()
    order = flow.send("payment", "payments")

    found = causes(flow, order)

    assert found == {
        Via.LINK: (Reason.NO_LINKS, ""),
        Via.PARENT: (Reason.NO_PARENT, ""),
        Via.HEADER: (Reason.OWN_CONTEXT, ""),
        Via.CAUSATION_ID: (Reason.NO_CAUSATION_ID, ""),
        Via.CORRELATION_ID: (Reason.NO_ID, ""),
        Via.BUSINESS_ID: (Reason.NO_ID, ""),
        Via.KEY: (Reason.NO_ID, ""),
    }


def test_a_cause_is_missing_because_spans_were_never_exported() -> None:
    flow = Flow()
    lost = flow.span("payment")
    paid = flow.send(
        "payment",
        "payments",
        inside=lost,
        links=[NOWHERE],
        causation_id="gone",
        correlation_id="c",
        key="k",
    )
    flow.forget(lost)

    found = causes(flow, paid)

    assert found[Via.LINK] == (Reason.LINK_UNSEEN, name(NOWHERE))
    assert found[Via.PARENT] == (Reason.PARENT_UNSEEN, name(lost.context))
    assert found[Via.CAUSATION_ID] == (Reason.CAUSATION_UNSEEN, "gone")
    assert found[Via.CORRELATION_ID] == (Reason.ALONE, "c")
    assert found[Via.KEY] == (Reason.ALONE_NEAR, "k")


def test_a_request_from_outside_is_what_began_it() -> None:
    flow = Flow()
    request = flow.span("shop", "POST /orders", kind="server")
    order = flow.send("shop", "orders", inside=request, key="k")

    found = causes(flow, order)

    assert found[Via.PARENT] == (Reason.NO_CONSUMER_ABOVE, "POST /orders of shop")
    assert found[Via.KEY] == (Reason.REQUEST, "POST /orders of shop")


def test_without_spans_it_is_the_headers_that_say_too_little() -> None:
    flow = Flow()
    silent = flow.send("", "orders", spanned=False, key="k")
    lost = flow.send("", "orders", spanned=False, carries=[NOWHERE], message_id="m")

    why = explained(flow, silent)
    assert reasons(why.producer) == {
        Via.HEADER: (Reason.NO_CONTEXT, ""),
        Via.POSITION: (Reason.POSITION_UNNAMED, ""),
        Via.MESSAGE_ID: (Reason.NO_MESSAGE_ID, ""),
        Via.SOURCE: (Reason.NO_SOURCE, ""),
    }
    found = reasons(why.causes)
    assert found[Via.LINK] == (Reason.NO_SPAN, "")
    assert found[Via.HEADER] == (Reason.NO_CONTEXT, "")
    assert found[Via.KEY] == (Reason.NO_PRODUCER, "")
    producer = reasons(explained(flow, lost).producer)
    assert producer[Via.HEADER] == (Reason.CONTEXT_UNSEEN, name(NOWHERE))
    assert producer[Via.MESSAGE_ID] == (Reason.MESSAGE_ID_UNNAMED, "")
    assert causes(flow, lost)[Via.HEADER] == (Reason.CONTEXT_UNSEEN, name(NOWHERE))


def test_a_source_header_names_a_producer_that_no_span_tells_of() -> None:
    flow = Flow()
    order = flow.send("", "orders", spanned=False, source="/shop/legacy")

    trial = explained(flow, order).producer[-1]

    assert (trial.via, trial.found[0].name) == (Via.SOURCE, "legacy")
    assert trial.found[0].evidence is Evidence.DECLARED


def test_a_causation_id_of_elsewhere_or_of_itself_joins_nothing() -> None:
    flow = Flow()
    flow.send("", "orders", spanned=False, message_id="1", environment="staging")
    paid = flow.send("", "payments", spanned=False, causation_id="1", environment="production")
    loop = flow.send("", "loops", spanned=False, message_id="2", causation_id="2")

    assert causes(flow, paid)[Via.CAUSATION_ID] == (Reason.CAUSATION_ELSEWHERE, "1")
    assert causes(flow, loop)[Via.CAUSATION_ID] == (Reason.CAUSATION_ITSELF, "2")


def test_candidates_that_were_not_taken_are_shown() -> None:
    flow = Flow()
    clicks = flow.batch("web", "clicks", 3)
    assert clicks[0].context
    handling = flow.process("analytics", clicks[1], by="links with positions")
    report = flow.send("analytics", "reports", inside=handling, links=[clicks[0].context])

    link, parent, _ = explained(flow, report).causes

    assert [finding.chosen for finding in link.found] == [False] * 3
    assert {finding.candidates for finding in link.found} == {3}
    assert link.reason is Reason.LESS_SURE
    assert [finding.chosen for finding in parent.found] == [True]


def test_one_of_a_batch_that_the_producer_names_is_narrowed_to() -> None:
    flow = Flow()
    clicks = [flow.send("web", "clicks", message_id=f"c{n}") for n in range(3)]
    together = flow.process("analytics", *clicks, by="link", batch_count=3)
    seen = flow.send("analytics", "seen", inside=together, causation_id="c1")

    parent = explained(flow, seen).causes[1]

    assert [finding.chosen for finding in parent.found] == [False, True, False]
    assert parent.reason is Reason.NARROWED


def test_what_others_share_is_missing_for_a_reason() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", key="k", correlation_id="c")
    parcel = flow.send("shipping", "parcels", key="k", correlation_id="c")
    assert order.position

    found = causes(flow, parcel)

    assert found[Via.CORRELATION_ID] == (Reason.NOT_GIVEN, "shipping")
    assert found[Via.KEY] == (Reason.NOT_GIVEN, "shipping")


def test_a_key_of_very_many_is_said_to_be_too_common() -> None:
    flow = Flow()
    for _ in range(COMMON):
        flow.message("clicks", key="tenant")
    paid = flow.send("payment", "payments", key="tenant")

    assert causes(flow, paid)[Via.KEY] == (Reason.TOO_COMMON, "tenant")


def test_what_earlier_flows_say_is_told_with_the_candidates() -> None:
    flow = Flow()
    for number in range(8):
        for destination in ("orders", "payments"):
            flow.message(destination, correlation_id=f"earlier-{number}")
    order = flow.send("shop", "orders", correlation_id="c")
    price = flow.send("pricing", "prices", correlation_id="c")
    for one in (order, price):
        flow.process("payment", one, lasts=1)
    paid = flow.send("payment", "payments", correlation_id="c")

    trial = explained(flow, paid).causes[-1]

    notes = {finding.name: finding.note for finding in trial.found}
    assert notes["orders/0/8"] == "orders came before payments in 9 of 9 flows"
    assert trial.found[0].candidates == 2


def test_each_consumer_says_how_its_message_was_known() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    flow.process("payment", order, by="link", group="pay")
    flow.process("points", order, by="position")

    why = explained(flow, order)

    by_link, by_position = why.deliveries
    assert (by_link.service, by_link.group) == ("payment", "pay")
    assert [trial.via for trial in by_link.trials] == [Via.LINK]
    assert reasons(by_position.trials) == {
        Via.LINK: (Reason.NO_LINKS, ""),
        Via.PARENT: (Reason.NO_PARENT, ""),
        Via.POSITION: (None, ""),
    }
    assert why.undelivered is None


def test_a_consumer_that_names_nothing_is_left_alone_and_says_so() -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    worker = flow.span("payment", "worker")
    handling = flow.operation(
        "payment", "orders", OperationType.PROCESS, inside=worker, message_id="unknown"
    )

    assert explained(flow, order).undelivered is Reason.NOBODY
    why = explained(flow, order, subscribers={"orders": ["pay"]})
    assert (why.undelivered, why.subject) == (Reason.ONLY_BROKER, "pay")
    (handled,) = explained(flow, handling.context).deliveries
    assert reasons(handled.trials) == {
        Via.LINK: (Reason.NO_LINKS, ""),
        Via.PARENT: (Reason.PARENT_ELSEWHERE, "worker of payment"),
        Via.POSITION: (Reason.NO_POSITION, ""),
        Via.MESSAGE_ID: (Reason.MESSAGE_ID_UNSEEN, "unknown"),
        Via.SPAN: (None, ""),
    }


def test_a_consuming_span_above_that_says_nothing_is_named() -> None:
    flow = Flow()
    polled: Inside = flow.operation("payment", "", OperationType.RECEIVE)
    paid = flow.send("payment", "payments", inside=polled)
    assert polled

    assert causes(flow, paid)[Via.PARENT][0] is Reason.CONSUMER_SILENT


def agrees(chain: Chain) -> None:
    """What is explained to be a cause is one, and the other way round."""
    told = {
        (str(one.event), finding.name, finding.evidence)
        for one in chain.explanations
        for trial in one.causes
        for finding in trial.found
        if finding.chosen
    }
    near = {str(event.key) for event in chain.events}
    assert {one for one in told if one[1] in near} == {
        (str(cause.effect), str(cause.cause), cause.evidence) for cause in chain.causes
    }
    for one in chain.explanations:
        trials = (*one.producer, *one.causes, *(t for d in one.deliveries for t in d.trials))
        assert all(trial.found or trial.reason for trial in trials)
        deliveries = chain.deliveries_of(one.event)
        operations = {operation.context for d in deliveries for operation in d.operations}
        assert operations == {handled.operation for handled in one.deliveries}
        assert all(
            any(finding.chosen for trial in handled.trials for finding in trial.found)
            for handled in one.deliveries
        )


@drawn(stories(), st.data())
@settings(max_examples=100, deadline=None)
def test_an_explanation_tells_the_chain_and_nothing_else(
    steps: list[Step], data: st.DataObject
) -> None:
    flow, sent, handlings = told(steps)
    for handling in handlings:
        if data.draw(st.booleans(), label="context lost"):
            links = (Relation(NOWHERE, "link", handling.context),)
            lost = replace(
                handling,
                parent="",
                relations=data.draw(st.sampled_from([(), links])),
                type=data.draw(st.sampled_from([OperationType.PROCESS, OperationType.RECEIVE])),
            )
            flow.operations[handling.context] = lost
            flow.spans[handling.context] = replace(flow.spans[handling.context], parent="")

    agrees(flow.chain(data.draw(st.sampled_from(sent)), whole=True, explained=True))


def test_of_an_event_that_is_only_shown_nothing_is_guessed() -> None:
    flow = Flow()
    first = flow.send("shop", "orders", correlation_id="c")
    flow.process("web", first, lasts=1)
    clicks = [flow.send("web", "clicks", correlation_id=one) for one in ("", "c")]
    flow.send("analytics", "reports", inside=flow.process("analytics", *clicks, by="link"))

    chain = flow.chain(clicks[0], explained=True)

    (shown,) = (one for one in chain.explanations if one.event == clicks[1].key)
    assert reasons(shown.causes)[Via.CORRELATION_ID] == (Reason.NOT_LOOKED_FOR, "")
    assert first.key not in chain
    assert causes(flow, clicks[1])[Via.CORRELATION_ID] == (None, "")
