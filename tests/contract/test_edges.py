"""Edges' counts are exact: what happened is told, what the store counts of it is compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from collector.store.client import Store
from graph.model import Operation, OperationType, Relation, SpanContext
from tests.builders import MILLISECOND, Flow, Sent
from tests.contract.edges_told import BORDER, MINUTE, SECOND, Now, Seen, Stories

stories = Stories()


@pytest.fixture(scope="module")
def seen(module_store: Store) -> dict[str, list[Seen]]:
    return stories.seen(module_store)


# One delivery, however many spans


@stories.story
def a_message_polled_processed_and_settled_is_one_delivery(flow: Flow) -> Iterator[Now]:
    order = flow.send("shop", "orders")
    flow.receive("payment", order, by="link", group="pay")
    flow.process("payment", order, by="link", group="pay")
    flow.process("payment", order, by="link", group="pay", type=OperationType.SETTLE)

    yield Now(["payment (pay) consumes orders: 1", "shop produces orders: 1"])


@stories.story
def a_process_span_below_its_receive_span_is_one_delivery(flow: Flow) -> Iterator[Now]:
    order = flow.send("shop", "orders")
    polled = flow.receive("payment", order, by="link")
    flow.process("payment", order, by="link", inside=polled)

    yield Now(["payment consumes orders: 1", "shop produces orders: 1"])


@stories.story
def a_poll_that_only_its_process_spans_explain_is_no_delivery(flow: Flow) -> Iterator[Now]:
    orders = [flow.send("shop", "orders") for _ in range(3)]
    polled = flow.receive("payment", destination="orders", batch_count=3)
    for order in orders:
        flow.process("payment", order, by="link", inside=polled)

    yield Now(["payment consumes orders: 3", "shop produces orders: 3"])


@stories.story
def a_span_exported_twice_counts_once(flow: Flow) -> Iterator[Now]:
    order = flow.send("shop", "orders")
    flow.process("payment", order)
    flow.call("shop", "stock")

    yield Now()
    yield Now(stored=[*flow.spans])
    yield Now(
        ["payment consumes orders: 1", "shop calls stock: 1", "shop produces orders: 1"],
        stored=[*flow.spans],
    )


@stories.story
def a_message_read_twice_counts_once(flow: Flow) -> Iterator[Now]:
    flow.send("", "orders", spanned=False, source="/legacy")

    yield Now()
    yield Now(["legacy produces orders: 1 (declared)"], stored=[*flow.messages])


@stories.story
def a_redelivery_is_one_delivery_with_the_last_attempts_outcome(flow: Flow) -> Iterator[Now]:
    order, other = flow.send("shop", "orders"), flow.send("shop", "orders")
    flow.process("payment", order, by="link", error=True)
    flow.process("payment", order, by="link", error=True)
    flow.process("payment", order, by="link")
    flow.process("payment", other, by="link")
    flow.process("payment", other, by="link", error=True)

    yield Now(["payment consumes orders: 2, 1 failed", "shop produces orders: 2"])


@stories.story
def two_groups_get_one_delivery_each(flow: Flow) -> Iterator[Now]:
    order = flow.send("shop", "orders", event_type="order.created")
    flow.process("payment", order, group="pay")
    flow.process("points", order, group="points")

    yield Now(
        [
            "payment (pay) consumes orders order.created: 1",
            "points (points) consumes orders order.created: 1",
            "shop produces orders order.created: 1",
        ]
    )


@stories.story
def a_poll_with_links_of_several_destinations_counts_each_where_it_is(flow: Flow) -> Iterator[Now]:
    order, payment = flow.send("shop", "orders"), flow.send("bank", "payments")
    flow.process("view", order, payment, by="link", destination="orders")

    yield Now(
        [
            "bank produces payments: 1",
            "shop produces orders: 1",
            "view consumes orders: 1",
            "view consumes payments: 1",
        ]
    )


@stories.story
def links_to_nowhere_join_nothing(flow: Flow) -> Iterator[Now]:
    nowhere = SpanContext("0" * 32, "0" * 16)
    for service in ("payment", "points"):
        flow.operation(
            service, "orders", OperationType.PROCESS, links=[Relation(nowhere, "link", nowhere)]
        )

    yield Now(["payment consumes orders: 1", "points consumes orders: 1"])


# Batches


@stories.story
def a_batch_of_one_send_span_counts_its_messages(flow: Flow) -> Iterator[Now]:
    sent = flow.batch("shop", "orders", 3)
    for order in sent:
        flow.process("payment", order, by="links with positions")

    yield Now(["payment consumes orders: 3", "shop produces orders: 3"])


@stories.story
def a_batch_that_no_tap_saw_counts_what_its_span_says(flow: Flow) -> Iterator[Now]:
    flow.operation("shop", "orders", OperationType.SEND, batch_count=5)

    yield Now(["shop produces orders: 5"])


@stories.of(tapped=[True, False])
def create_spans_and_the_send_that_links_to_them_are_the_same_messages(
    flow: Flow, tapped: bool
) -> Iterator[Now]:
    create = OperationType.CREATE
    created = [flow.send("shop", "orders", tapped=tapped, type=create) for _ in range(3)]
    flow.operation("shop", "orders", OperationType.SEND, links=created, batch_count=3)
    for order in created:
        flow.process("payment", order, by="link")

    yield Now(["payment consumes orders: 3", "shop produces orders: 3"])


@stories.story
def a_batch_received_is_one_delivery_a_message(flow: Flow) -> Iterator[Now]:
    orders = [flow.send("shop", "orders") for _ in range(4)]
    flow.process("analytics", *orders, by="link", batch_count=4)

    yield Now(["analytics consumes orders: 4", "shop produces orders: 4"])


@stories.of(by=["links with positions", "link"])
def a_batch_sent_and_received_by_one_span_each_is_a_delivery_a_message(
    flow: Flow, by: str
) -> Iterator[Now]:
    sent = flow.batch("shop", "orders", 3)
    flow.process("analytics", *sent, by=by, batch_count=3)

    yield Now(["analytics consumes orders: 3", "shop produces orders: 3"])


@stories.story
def create_spans_and_a_batch_that_points_at_none_are_held_against_each_other_by_the_minute(
    flow: Flow,
) -> Iterator[Now]:
    flow.now = BORDER + 4_999 * MILLISECOND
    for _ in range(3):
        flow.operation("shop", "orders", OperationType.CREATE)
    flow.now = BORDER + 5_001 * MILLISECOND
    flow.operation("shop", "orders", OperationType.SEND, batch_count=3)

    yield Now(["shop produces orders: 3"])


# Minutes


@stories.of(together=[True, False])
def a_delivery_over_two_minutes_counts_in_the_one_in_which_it_began(
    flow: Flow, together: bool
) -> Iterator[Now]:
    flow.now = BORDER - 2 * SECOND
    order = flow.send("shop", "orders")
    polled = flow.receive("payment", order, by="link")
    flow.now = BORDER + 2 * SECOND
    processed = flow.process("payment", order, by="link")
    again = flow.process("payment", order, by="link")

    if not together:
        yield Now(stored=[again])
        yield Now(stored=[processed])
        yield Now(stored=[order])
    yield Now(
        stored=[] if together else [polled],
        minutes={0: ["payment consumes orders: 1", "shop produces orders: 1"], 1: []},
    )


@stories.of(together=[True, False])
def a_message_that_was_polled_early_counts_when_it_is_processed(
    flow: Flow, together: bool
) -> Iterator[Now]:
    flow.now = BORDER - 2 * SECOND
    order = flow.send("shop", "orders")
    polled = flow.receive("payment", order, by="link")
    flow.now = BORDER + 2 * SECOND
    processed = flow.operation("payment", "orders", OperationType.PROCESS, inside=polled)

    if not together:
        yield Now(stored=[polled])
        yield Now(
            stored=[order],
            minutes={0: ["payment consumes orders: 1", "shop produces orders: 1"]},
        )
    yield Now(
        stored=[] if together else [processed],
        minutes={0: ["shop produces orders: 1"], 1: ["payment consumes orders: 1"]},
    )


@stories.of(earlier_first=[True, False])
def attempts_in_several_minutes_are_one_delivery_over_their_receive_spans(
    flow: Flow, earlier_first: bool
) -> Iterator[Now]:
    flow.now = BORDER - 5 * SECOND
    order = flow.send("shop", "orders")
    polls = [flow.receive("payment", order, by="link") for _ in range(2)]
    handlings = []
    for polled in polls:
        flow.tick(60_000)
        handlings.append(flow.process("payment", destination="orders", inside=polled))
    if not earlier_first:
        handlings.reverse()

    yield Now(stored=[order])
    yield Now(stored=polls)
    yield Now(stored=handlings[:1])
    yield Now(
        ["payment consumes orders: 1", "shop produces orders: 1"],
        stored=handlings[1:],
        minutes={1: ["payment consumes orders: 1"]},
    )


@stories.story
def spans_that_only_name_their_message_are_joined_over_minutes(flow: Flow) -> Iterator[Now]:
    flow.now = BORDER - 5 * SECOND
    order = flow.send("", "orders", spanned=False)
    first = flow.process("payment", order, by="position", error=True)
    flow.now = BORDER + 5 * SECOND
    second = flow.process("payment", order, by="position")

    yield Now(stored=[order])
    yield Now(stored=[second])
    yield Now(
        ["? produces orders: 1 (matched)", "payment consumes orders: 1"],
        stored=[first],
        minutes={1: []},
    )


# Producers that nobody knows, or that only a header names


@stories.story
def a_span_that_comes_after_all_takes_its_message_back(flow: Flow) -> Iterator[Now]:
    flow.now = BORDER - SECOND
    order = flow.send("shop", "orders")
    # The broker stamps it a little later, in another minute.
    assert order.position and order.context
    message = flow.messages[order.position]
    flow.messages[order.position] = replace(message, time=message.time + 2 * SECOND)

    yield Now(["? produces orders: 1 (matched)"], stored=[order.position])
    yield Now(["shop produces orders: 1"], stored=[order.context])


@stories.story
def a_producer_that_names_the_position_claims_the_message(flow: Flow) -> Iterator[Now]:
    flow.now = BORDER - SECOND
    sent = flow.operation("shop", "orders", OperationType.SEND, partition="0", offset=0)
    flow.now = BORDER + SECOND
    order = flow.send("", "orders", spanned=False)

    yield Now(stored=[order])
    yield Now(["shop produces orders: 1"], stored=[sent])


@stories.of(late=["", "sent", "handled", "message", "tapped twice"])
def a_message_with_its_origins_context_is_that_of_the_only_send_in_its_handling(
    flow: Flow, late: str
) -> Iterator[Now]:
    flow.now = BORDER - SECOND
    order = flow.send("shop", "orders")
    handled = flow.process("payment", order)
    sent = flow.operation("payment", "payments", OperationType.SEND, inside=handled)
    flow.now = BORDER + SECOND
    assert order.context
    messages = [flow.send("", "payments", spanned=False, carries=[order.context])]
    if late == "tapped twice":
        flow.now += MINUTE
        messages += [flow.send("", "payments", spanned=False, carries=[order.context])]
    parts: dict[str, list[Sent | Operation]] = {
        "sent": [sent],
        "handled": [handled],
        "message": [messages[0]],
    }
    last = parts.get(late, [*messages[1:]])
    first = [one for one in (order, handled, sent, *messages) if one not in last]
    # Of two messages one send can have made either.
    unknown = ["? produces payments: 2 (matched)"] if len(messages) > 1 else []
    expected = [
        *unknown,
        "payment consumes orders: 1",
        "payment produces payments: 1",
        "shop produces orders: 1",
    ]

    yield Now(None if last else expected, stored=first)
    if last:
        yield Now(expected, stored=last)


@stories.story
def a_declared_source_is_not_counted_beside_its_own_silent_sends(flow: Flow) -> Iterator[Now]:
    for _ in range(3):
        flow.send("", "orders", spanned=False, source="urn:service:shop")
    flow.operation("shop", "orders", OperationType.SEND)

    yield Now(["shop produces orders: 1", "shop produces orders: 2 (declared)"])


@stories.story
def silent_sends_and_declared_messages_are_held_against_each_other_by_the_minute(
    flow: Flow,
) -> Iterator[Now]:
    flow.now = BORDER + 4_999 * MILLISECOND
    flow.operation("shop", "orders", OperationType.SEND)
    flow.now = BORDER + 5_001 * MILLISECOND
    for _ in range(2):
        flow.send("", "orders", spanned=False, source="urn:service:shop")

    yield Now(["shop produces orders: 1", "shop produces orders: 1 (declared)"])


# Groups that only the broker knows


@stories.story
def a_group_set_back_counts_what_it_reads_again_and_never_less_than_nothing(
    flow: Flow,
) -> Iterator[Now]:
    for second, committed in enumerate((10, 20, 0, 4)):
        flow.commit("audit", "orders", committed, time=BORDER + second * SECOND)

    yield Now(["? (audit) consumes orders: 14 (matched)"])


@stories.story
def a_topic_made_anew_begins_anew(flow: Flow) -> Iterator[Now]:
    flow.commit("audit", "orders", 10, time=BORDER)
    flow.commit("audit", "orders", 12, time=BORDER + SECOND)
    flow.commit("audit", "orders", 50, time=BORDER + 2 * SECOND, incarnation="i2")
    flow.commit("audit", "orders", 51, time=BORDER + 3 * SECOND, incarnation="i2")

    yield Now(["? (audit) consumes orders: 3 (matched)"])


# Calls


@stories.story
def calls_count_once_in_their_clients_minute(flow: Flow) -> Iterator[Now]:
    flow.now = BORDER - 2 * MILLISECOND
    server = flow.call("shop", "stock")
    flow.span("stock", "inner", inside=server)
    flow.call("stock", "prices", inside=server)

    assert server.start == BORDER
    yield Now(
        ["shop calls stock: 1", "stock calls prices: 1"], minutes={0: ["shop calls stock: 1"]}
    )


@stories.story
def a_call_fails_when_either_side_says_so(flow: Flow) -> Iterator[Now]:
    for client_failed, server_failed in ((True, False), (False, True), (False, False)):
        server = flow.call("shop", "stock")
        client = SpanContext(server.context.trace_id, server.parent)
        flow.spans[client] = replace(flow.spans[client], error=client_failed)
        flow.spans[server.context] = replace(server, error=server_failed)

    yield Now(["shop calls stock: 3, 2 failed"])


@stories.story
def a_server_told_late_replaces_the_callee_that_the_client_named(flow: Flow) -> Iterator[Now]:
    server = flow.call("shop", "stock")
    client = SpanContext(server.context.trace_id, server.parent)

    yield Now([], stored=[client])
    yield Now(["shop calls stock: 1"], stored=[server])


@pytest.mark.parametrize("name", stories.told)
def test_the_edges_of(name: str, seen: dict[str, list[Seen]]) -> None:
    assert any(one.expected for one in seen[name])
    for one in seen[name]:
        assert one.found == one.expected
