"""Edges' counts are exact: what happened is told, what the store counts of it is compared."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import pytest

from collector.convert import zipkin as convert
from collector.store import queries
from collector.store.client import Store, StoreError
from collector.store.rollup import Rollup
from collector.store.rollup import rollup as module
from collector.store.rollup.minutes import Slices
from graph.edges import EdgeRow, Role
from graph.model import Evidence, Message, Operation, OperationType, Position, Relation, SpanContext
from tests import stores
from tests.builders import EPOCH, MILLISECOND, Flow, Sent
from tests.poured import pour, request

MINUTE = 60 * 10**9
SECOND = 10**9
ALL = (0, 2**62)

NEXT_MINUTE = EPOCH // MINUTE * MINUTE + MINUTE


def edges(store: Store, start: int = 0, end: int = 2**62) -> list[str]:
    """The edges of a window, one line each, as people would tell them."""
    return sorted(map(_line, queries.edge_rows(store, start, end).rows))


def _line(row: EdgeRow) -> str:
    service = row.service or "?"
    if row.group:
        service += f" ({row.group})"
    if row.role is Role.CALL:
        told = f"{service} calls {row.peer}: {row.count}"
    else:
        what = f"{row.destination} {row.event_type}".strip()
        told = f"{service} {row.role}s {what}: {row.count}"
    if row.errors:
        told += f", {row.errors} failed"
    if row.evidence is not Evidence.OBSERVED:
        told += f" ({row.evidence})"
    return told


def poured(store: Store, flow: Flow, *parts: Iterable[object]) -> Rollup:
    """Store a story and compute its edges: at once, or part by part, each with a computation."""
    rollup = Rollup(store)
    for part in parts or [[*flow.spans, *flow.messages]]:
        some = Flow()
        keys = {key for one in part for key in _keys(one)}
        some.spans = {key: flow.spans[key] for key in flow.spans if key in keys}
        some.operations = {key: flow.operations[key] for key in flow.operations if key in keys}
        some.messages = {key: flow.messages[key] for key in flow.messages if key in keys}
        pour(some, store)
        rollup.run(settle=0)
    return rollup


def _keys(one: object) -> list[object]:
    """A span's context, a message's position; something sent has both."""
    if isinstance(one, SpanContext | Position):
        return [one]
    return [getattr(one, name, None) for name in ("context", "position")]


# One delivery, however many spans


def test_a_message_polled_processed_and_settled_is_one_delivery(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    flow.receive("payment", order, by="link", group="pay")
    flow.process("payment", order, by="link", group="pay")
    flow.process("payment", order, by="link", group="pay", type=OperationType.SETTLE)

    poured(store, flow)

    assert edges(store) == ["payment (pay) consumes orders: 1", "shop produces orders: 1"]


def test_a_process_span_below_its_receive_span_is_one_delivery(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    polled = flow.receive("payment", order, by="link")
    flow.process("payment", order, by="link", inside=polled)

    poured(store, flow)

    assert edges(store) == ["payment consumes orders: 1", "shop produces orders: 1"]


def test_a_poll_that_only_its_process_spans_explain_is_no_delivery(store: Store) -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(3)]
    polled = flow.receive("payment", destination="orders", batch_count=3)
    for order in orders:
        flow.process("payment", order, by="link", inside=polled)

    poured(store, flow)

    assert edges(store) == ["payment consumes orders: 3", "shop produces orders: 3"]


def test_a_span_exported_twice_counts_once(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    flow.process("payment", order)
    flow.call("shop", "stock")

    poured(store, flow, [*flow.spans, *flow.messages], flow.spans, flow.spans)

    assert edges(store) == [
        "payment consumes orders: 1",
        "shop calls stock: 1",
        "shop produces orders: 1",
    ]


def test_a_message_read_twice_counts_once(store: Store) -> None:
    flow = Flow()
    flow.send("", "orders", spanned=False, source="/legacy")

    poured(store, flow, flow.messages, flow.messages)

    assert edges(store) == ["legacy produces orders: 1 (declared)"]


def test_a_redelivery_is_one_delivery_with_the_last_attempts_outcome(store: Store) -> None:
    flow = Flow()
    order, other = flow.send("shop", "orders"), flow.send("shop", "orders")
    flow.process("payment", order, by="link", error=True)
    flow.process("payment", order, by="link", error=True)
    flow.process("payment", order, by="link")
    flow.process("payment", other, by="link")
    flow.process("payment", other, by="link", error=True)

    poured(store, flow)

    assert edges(store) == ["payment consumes orders: 2, 1 failed", "shop produces orders: 2"]


def test_two_groups_get_one_delivery_each(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", event_type="order.created")
    flow.process("payment", order, group="pay")
    flow.process("points", order, group="points")

    poured(store, flow)

    assert edges(store) == [
        "payment (pay) consumes orders order.created: 1",
        "points (points) consumes orders order.created: 1",
        "shop produces orders order.created: 1",
    ]


# Batches


def test_a_batch_of_one_send_span_counts_its_messages(store: Store) -> None:
    flow = Flow()
    sent = flow.batch("shop", "orders", 3)
    for order in sent:
        flow.process("payment", order, by="links with positions")

    poured(store, flow)

    assert edges(store) == ["payment consumes orders: 3", "shop produces orders: 3"]


def test_a_batch_that_no_tap_saw_counts_what_its_span_says(store: Store) -> None:
    flow = Flow()
    flow.operation("shop", "orders", OperationType.SEND, batch_count=5)

    poured(store, flow)

    assert edges(store) == ["shop produces orders: 5"]


@pytest.mark.parametrize("tapped", [True, False])
def test_create_spans_and_the_send_that_links_to_them_are_the_same_messages(
    store: Store, tapped: bool
) -> None:
    flow = Flow()
    create = OperationType.CREATE
    created = [flow.send("shop", "orders", tapped=tapped, type=create) for _ in range(3)]
    flow.operation("shop", "orders", OperationType.SEND, links=created, batch_count=3)
    for order in created:
        flow.process("payment", order, by="link")

    poured(store, flow)

    assert edges(store) == ["payment consumes orders: 3", "shop produces orders: 3"]


def test_a_batch_received_is_one_delivery_a_message(store: Store) -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders") for _ in range(4)]
    flow.process("analytics", *orders, by="link", batch_count=4)

    poured(store, flow)

    assert edges(store) == ["analytics consumes orders: 4", "shop produces orders: 4"]


@pytest.mark.parametrize("by", ["links with positions", "link"])
def test_a_batch_sent_and_received_by_one_span_each_is_a_delivery_a_message(
    store: Store, by: str
) -> None:
    flow = Flow()
    sent = flow.batch("shop", "orders", 3)
    flow.process("analytics", *sent, by=by, batch_count=3)

    poured(store, flow)

    assert edges(store) == ["analytics consumes orders: 3", "shop produces orders: 3"]


# Minutes


@pytest.mark.parametrize("together", [True, False])
def test_a_delivery_over_two_minutes_counts_in_the_one_in_which_it_began(
    store: Store, together: bool
) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - 2 * SECOND
    order = flow.send("shop", "orders")
    polled = flow.receive("payment", order, by="link")
    flow.now = NEXT_MINUTE + 2 * SECOND
    processed = flow.process("payment", order, by="link")
    again = flow.process("payment", order, by="link")

    if together:
        poured(store, flow)
    else:
        poured(store, flow, [again], [processed], [order], [polled])

    assert edges(store, NEXT_MINUTE - MINUTE, NEXT_MINUTE) == [
        "payment consumes orders: 1",
        "shop produces orders: 1",
    ]
    assert edges(store, NEXT_MINUTE, NEXT_MINUTE + MINUTE) == []


@pytest.mark.parametrize("together", [True, False])
def test_a_message_that_was_polled_early_counts_when_it_is_processed(
    store: Store, together: bool
) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - 2 * SECOND
    order = flow.send("shop", "orders")
    polled = flow.receive("payment", order, by="link")
    flow.now = NEXT_MINUTE + 2 * SECOND
    processed = flow.operation("payment", "orders", OperationType.PROCESS, inside=polled)

    if together:
        poured(store, flow)
    else:
        poured(store, flow, [polled], [order])
        assert "payment consumes orders: 1" in edges(store, 0, NEXT_MINUTE)
        poured(store, flow, [processed])

    assert edges(store, 0, NEXT_MINUTE) == ["shop produces orders: 1"]
    assert edges(store, NEXT_MINUTE) == ["payment consumes orders: 1"]


@pytest.mark.parametrize("earlier_first", [True, False])
def test_attempts_in_several_minutes_are_one_delivery_over_their_receive_spans(
    store: Store, earlier_first: bool
) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - 5 * SECOND
    order = flow.send("shop", "orders")
    polls = [flow.receive("payment", order, by="link") for _ in range(2)]
    handlings = []
    for polled in polls:
        flow.tick(60_000)
        handlings.append(flow.process("payment", destination="orders", inside=polled))
    if not earlier_first:
        handlings.reverse()

    rollup = poured(store, flow, [order], polls, *([one] for one in handlings))
    expected = edges(store, NEXT_MINUTE, NEXT_MINUTE + MINUTE)
    rollup.compute([NEXT_MINUTE // SECOND + minute * 60 for minute in (1, 0, -1)])

    assert expected == ["payment consumes orders: 1"]
    assert edges(store, NEXT_MINUTE, NEXT_MINUTE + MINUTE) == expected
    assert edges(store) == ["payment consumes orders: 1", "shop produces orders: 1"]


@pytest.mark.parametrize(
    ("kept", "rows", "together"),
    [
        (4, 1, [12, 12, 11, 1]),
        (4, 4, [24, 12]),
        (4, 100, [36]),
        (1, 1, [12, 12, 11, 1]),
        (1, 2, [1, 1, 11, 1]),
        (1, 4, [2, 12]),
    ],
)
def test_slices_that_have_much_are_computed_apart(
    store: Store, monkeypatch: pytest.MonkeyPatch, kept: int, rows: int, together: list[int]
) -> None:
    computed: list[int] = []
    compute = Rollup._compute

    def counting(self: Rollup, slices: Slices, settled: int) -> None:
        computed.append(len(slices.starts))
        compute(self, slices, settled)

    monkeypatch.setattr(module, "KEPT", kept)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", rows)
    monkeypatch.setattr(Rollup, "_compute", counting)
    flow = Flow()
    for minute in range(3):
        flow.now = NEXT_MINUTE + minute * MINUTE
        order = flow.send("shop", "orders")
    flow.now += MINUTE - SECOND
    flow.process("payment", order, by="link")

    poured(store, flow)

    assert computed == together
    assert edges(store) == ["payment consumes orders: 1", "shop produces orders: 3"]
    last = NEXT_MINUTE + 2 * MINUTE
    assert edges(store, last) == ["payment consumes orders: 1", "shop produces orders: 1"]


def test_spans_that_only_name_their_message_are_joined_over_minutes(store: Store) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - 5 * SECOND
    order = flow.send("", "orders", spanned=False)
    first = flow.process("payment", order, by="position", error=True)
    flow.now = NEXT_MINUTE + 5 * SECOND
    second = flow.process("payment", order, by="position")

    poured(store, flow, [order], [second], [first])

    assert edges(store) == ["? produces orders: 1 (matched)", "payment consumes orders: 1"]
    assert edges(store, NEXT_MINUTE, NEXT_MINUTE + MINUTE) == []


def test_a_producer_told_late_is_the_peer_of_an_earlier_minutes_consumer(store: Store) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - SECOND
    order = flow.send("shop", "orders", tapped=False)
    flow.now = NEXT_MINUTE + SECOND
    handled = flow.process("payment", order, by="link")

    poured(store, flow, [handled])
    assert queries.event_edges(store, *ALL) == []
    poured(store, flow, [order])

    assert queries.event_edges(store, *ALL) == [("shop", "orders", "payment", 1)]


def test_of_a_minute_that_goes_on_only_the_slices_that_changed_are_computed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[tuple[int, ...]] = []
    compute = Rollup._compute

    def noting(self: Rollup, slices: Slices, settled: int) -> None:
        computed.append(slices.starts)
        compute(self, slices, settled)

    monkeypatch.setattr(Rollup, "_compute", noting)
    flow = Flow()
    flow.now = NEXT_MINUTE + SECOND
    first = flow.send("shop", "orders")
    flow.now = NEXT_MINUTE + 21 * SECOND
    second = flow.send("shop", "orders")
    flow.now = NEXT_MINUTE + 41 * SECOND
    handled = flow.process("payment", second, by="link", error=True)
    again = flow.process("payment", second, by="link")

    rollup = Rollup(store)
    for part in ([first], [second, handled], [again]):
        some = Flow()
        some.spans = {
            key: flow.spans[key] for one in part for key in _keys(one) if key in flow.spans
        }
        some.operations = {key: flow.operations[key] for key in some.spans}
        pour(some, store)
        rollup.run(settle=0)

    minute = NEXT_MINUTE // SECOND
    assert computed == [
        tuple(range(minute, minute + 60, 5)),
        (minute + 20, minute + 40),
        (minute + 20, minute + 40),
    ]
    assert edges(store) == ["payment consumes orders: 1", "shop produces orders: 2"]


def test_what_is_known_of_slices_does_not_outlast_a_failure(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE + SECOND
    first = flow.send("shop", "orders", tapped=False)
    flow.now = NEXT_MINUTE + 31 * SECOND
    second = flow.send("shop", "orders", tapped=False)
    rollup = Rollup(store)
    compute = Rollup._compute

    def failing(self: Rollup, slices: Slices, settled: int) -> None:
        raise StoreError("no memory")

    for part in (first, second):
        some = Flow()
        assert part.context
        some.spans = {part.context: flow.spans[part.context]}
        some.operations = {part.context: flow.operations[part.context]}
        pour(some, store)
        if part is second:
            monkeypatch.setattr(Rollup, "_compute", failing)
            with pytest.raises(StoreError):
                rollup.run(settle=0)
            monkeypatch.setattr(Rollup, "_compute", compute)
        rollup.run(settle=0)

    assert edges(store) == ["shop produces orders: 2"]


def test_what_vanishes_from_a_minute_is_gone(store: Store) -> None:
    flow = Flow()
    order = flow.send("", "orders", spanned=False, source="/legacy")
    rollup = poured(store, flow)
    assert edges(store) == ["legacy produces orders: 1 (declared)"]

    store.command("TRUNCATE TABLE messages")
    assert order.position
    rollup.compute([order.time // MINUTE * 60])

    assert edges(store) == []


@pytest.mark.parametrize("year", [1970, 2036, 2150, 2262])
def test_clocks_that_are_wrong_count_in_their_minute_and_harm_no_other(
    store: Store, year: int
) -> None:
    flow = Flow()
    flow.now = (year - 1970) * 31_556_952 * SECOND
    order = flow.send("shop", "orders")
    flow.process("payment", order, lasts=2**63 - flow.now)
    right = Flow()
    right._ids = 100
    right.process("payment", right.send("shop", "orders", partition="1"))

    poured(store, flow)
    poured(store, right)

    assert edges(store) == ["payment consumes orders: 2", "shop produces orders: 2"]
    assert edges(store, EPOCH - MINUTE, EPOCH + MINUTE) == [
        "payment consumes orders: 1",
        "shop produces orders: 1",
    ]


# Producers that nobody knows, or that only a header names


def test_messages_without_a_producers_span_wait_before_they_count(store: Store) -> None:
    now = time.time() + 1
    flow = Flow()
    flow.now = int(now * SECOND) - 10 * SECOND
    flow.send("", "orders", spanned=False, event_type="order.created")
    clock = [now]
    rollup = Rollup(store, clock=lambda: clock[0])
    pour(flow, store)

    rollup.run()
    assert edges(store) == []
    clock[0] += 60
    rollup.run()
    assert edges(store) == ["? produces orders order.created: 1 (matched)"]

    clock[0] += 60
    assert rollup.run() == 0, "a minute is settled once"


def test_what_waits_is_not_forgotten_over_a_restart(store: Store) -> None:
    flow = Flow()
    flow.send("", "orders", spanned=False)
    pour(flow, store)
    Rollup(store).run()
    assert edges(store) == []

    Rollup(store, clock=lambda: time.time() + 20).run()

    assert edges(store) == ["? produces orders: 1 (matched)"]


def test_a_span_that_comes_after_all_takes_its_message_back(store: Store) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - SECOND
    order = flow.send("shop", "orders")
    # The broker stamps it a little later, in another minute.
    assert order.position and order.context
    message = flow.messages[order.position]
    flow.messages[order.position] = Message(
        message.position, message.time + 2 * SECOND, contexts=message.contexts
    )

    poured(store, flow, [order.position])
    assert edges(store) == ["? produces orders: 1 (matched)"]
    poured(store, flow, [order.context])

    assert edges(store) == ["shop produces orders: 1"]


def test_a_producer_that_names_the_position_claims_the_message(store: Store) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - SECOND
    sent = flow.operation("shop", "orders", OperationType.SEND, partition="0", offset=0)
    flow.now = NEXT_MINUTE + SECOND
    order = flow.send("", "orders", spanned=False)

    poured(store, flow, [order])
    poured(store, flow, [sent])
    assert edges(store) == ["shop produces orders: 1"]
    Rollup(store).compute([NEXT_MINUTE // SECOND])

    assert edges(store) == ["shop produces orders: 1"]


@pytest.mark.parametrize("late", ["", "sent", "handled", "message", "tapped twice"])
def test_a_message_with_its_origins_context_is_that_of_the_only_send_in_its_handling(
    store: Store, late: str
) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - SECOND
    order = flow.send("shop", "orders")
    handled = flow.process("payment", order)
    sent = flow.operation("payment", "payments", OperationType.SEND, inside=handled)
    flow.now = NEXT_MINUTE + SECOND
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

    poured(store, flow, first)
    if last:
        poured(store, flow, last)

    # Of two messages one send can have made either.
    unknown = ["? produces payments: 2 (matched)"] if len(messages) > 1 else []
    expected = [
        *unknown,
        "payment consumes orders: 1",
        "payment produces payments: 1",
        "shop produces orders: 1",
    ]
    assert edges(store) == expected
    Rollup(store).compute_all(lambda done, total: None)
    assert edges(store) == expected


def test_a_declared_source_is_not_counted_beside_its_own_silent_sends(store: Store) -> None:
    flow = Flow()
    for _ in range(3):
        flow.send("", "orders", spanned=False, source="urn:service:shop")
    flow.operation("shop", "orders", OperationType.SEND)

    poured(store, flow)

    assert edges(store) == ["shop produces orders: 1", "shop produces orders: 2 (declared)"]


def test_silent_sends_and_declared_messages_are_held_against_each_other_by_the_minute(
    store: Store,
) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE + 4_999 * MILLISECOND
    flow.operation("shop", "orders", OperationType.SEND)
    flow.now = NEXT_MINUTE + 5_001 * MILLISECOND
    for _ in range(2):
        flow.send("", "orders", spanned=False, source="urn:service:shop")

    poured(store, flow)

    assert edges(store) == ["shop produces orders: 1", "shop produces orders: 1 (declared)"]


def test_create_spans_and_a_batch_that_points_at_none_are_held_against_each_other_by_the_minute(
    store: Store,
) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE + 4_999 * MILLISECOND
    for _ in range(3):
        flow.operation("shop", "orders", OperationType.CREATE)
    flow.now = NEXT_MINUTE + 5_001 * MILLISECOND
    flow.operation("shop", "orders", OperationType.SEND, batch_count=3)

    poured(store, flow)

    assert edges(store) == ["shop produces orders: 3"]


# Groups that only the broker knows


def progress(store: Store, committed: int, *, at: int, incarnation: str = "i1") -> None:
    store.insert(
        "progress",
        {
            "time": [at // MILLISECOND],
            "cluster": ["c1"],
            "consumer_group": ["audit"],
            "destination": ["orders"],
            "incarnation": [incarnation],
            "partition": ["0"],
            "committed": [committed],
            "end_offset": [committed + 3],
        },
    )


def test_a_groups_progress_counts_from_where_it_was_first_seen(store: Store) -> None:
    rollup = Rollup(store)
    progress(store, -1, at=NEXT_MINUTE)
    progress(store, 100, at=NEXT_MINUTE + SECOND)
    rollup.run()
    assert edges(store) == []

    progress(store, 107, at=NEXT_MINUTE + 2 * SECOND)
    rollup.run()
    progress(store, 110, at=NEXT_MINUTE + MINUTE)
    rollup.run()

    assert edges(store) == ["? (audit) consumes orders: 10 (matched)"]
    assert edges(store, NEXT_MINUTE, NEXT_MINUTE + MINUTE) == [
        "? (audit) consumes orders: 7 (matched)"
    ]


def test_a_group_idle_for_weeks_goes_on_from_where_it_was(store: Store) -> None:
    rollup = Rollup(store)
    progress(store, 5, at=NEXT_MINUTE)
    rollup.run()
    progress(store, 8, at=NEXT_MINUTE + 30 * 24 * 60 * MINUTE)
    rollup.run()

    assert edges(store) == ["? (audit) consumes orders: 3 (matched)"]


def test_a_group_set_back_counts_what_it_reads_again_and_never_less_than_nothing(
    store: Store,
) -> None:
    for second, committed in enumerate((10, 20, 0, 4)):
        progress(store, committed, at=NEXT_MINUTE + second * SECOND)
    Rollup(store).run()

    assert edges(store) == ["? (audit) consumes orders: 14 (matched)"]


def test_a_topic_made_anew_begins_anew(store: Store) -> None:
    progress(store, 10, at=NEXT_MINUTE)
    progress(store, 12, at=NEXT_MINUTE + SECOND)
    progress(store, 50, at=NEXT_MINUTE + 2 * SECOND, incarnation="i2")
    progress(store, 51, at=NEXT_MINUTE + 3 * SECOND, incarnation="i2")
    Rollup(store).run()

    assert edges(store) == ["? (audit) consumes orders: 3 (matched)"]


# Calls


def test_calls_count_once_in_their_clients_minute(store: Store) -> None:
    flow = Flow()
    flow.now = NEXT_MINUTE - 2 * MILLISECOND
    server = flow.call("shop", "stock")
    flow.span("stock", "inner", inside=server)
    flow.call("stock", "prices", inside=server)

    assert server.start == NEXT_MINUTE
    poured(store, flow)

    assert edges(store) == ["shop calls stock: 1", "stock calls prices: 1"]
    assert edges(store, 0, NEXT_MINUTE) == ["shop calls stock: 1"]


def test_a_call_fails_when_either_side_says_so(store: Store) -> None:
    flow = Flow()
    for client_failed, server_failed in ((True, False), (False, True), (False, False)):
        server = flow.call("shop", "stock")
        client = SpanContext(server.context.trace_id, server.parent)
        flow.spans[client] = replace(flow.spans[client], error=client_failed)
        flow.spans[server.context] = replace(server, error=server_failed)

    poured(store, flow)

    assert edges(store) == ["shop calls stock: 3, 2 failed"]


def test_a_server_told_late_replaces_the_callee_that_the_client_named(store: Store) -> None:
    flow = Flow()
    server = flow.call("shop", "stock")
    client = SpanContext(server.context.trace_id, server.parent)

    poured(store, flow, [client])
    assert edges(store) == []
    poured(store, flow, [server])

    assert edges(store) == ["shop calls stock: 1"]


def zipkin(store: Store, *spans: dict[str, object]) -> None:
    stores.put_spans(store, convert.convert_spans(list(spans), NEXT_MINUTE).payload)
    stores.rolled_up(store)


def test_zipkins_shared_span_ids_are_one_call(store: Store) -> None:
    shared = {"traceId": "a" * 32, "id": "b" * 16, "timestamp": EPOCH // 1000, "duration": 5}
    client = {**shared, "kind": "CLIENT", "localEndpoint": {"serviceName": "shop"}}
    server = {
        **shared,
        "kind": "SERVER",
        "shared": True,
        "localEndpoint": {"serviceName": "stock"},
        "tags": {"error": "out of stock"},
    }

    zipkin(store, client)
    zipkin(store, server)

    assert edges(store) == ["shop calls stock: 1, 1 failed"]


def test_a_callee_that_sends_no_spans_is_known_by_the_name_its_client_gives_it(
    store: Store,
) -> None:
    zipkin(
        store,
        {
            "traceId": "a" * 32,
            "id": "b" * 16,
            "kind": "CLIENT",
            "timestamp": EPOCH // 1000,
            "localEndpoint": {"serviceName": "shop"},
            "remoteEndpoint": {"serviceName": "mysql"},
        },
    )

    assert edges(store) == ["shop calls mysql: 1"]


# What runs beside


def test_rows_of_an_insert_that_is_under_way_are_not_passed_over(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)
    rollup = Rollup(store)
    now = time.time_ns()
    store.begin("spans", now)
    # otel_traces is full already, operations are not there yet.
    store.command(f"INSERT INTO otel_traces (TraceId, ReceivedAt) VALUES ('a', {now / 1e9:.9f})")
    rollup.run()

    pour_at = Flow()
    pour_at.operations, pour_at.spans = flow.operations, flow.spans
    store.insert_spans(request(flow).SerializeToString(), received_ns=now, token="held")
    store.end("spans")
    rollup.run()

    assert order.context
    assert edges(store) == ["shop produces orders: 1"]


def test_a_minute_that_changes_before_it_settled_is_settled_all_the_same(store: Store) -> None:
    flow = Flow()
    flow.send("", "orders", spanned=False)
    shop = Flow()
    shop.send("shop", "payments")
    shop.messages.clear()
    clock = [time.time() + 5]
    rollup = Rollup(store, clock=lambda: clock[0])
    pour(flow, store)
    rollup.run()
    clock[0] += 5
    pour(shop, store)
    rollup.run()
    assert edges(store) == ["shop produces payments: 1"]

    clock[0] += 15
    rollup.run()
    assert edges(store) == ["? produces orders: 1 (matched)", "shop produces payments: 1"]


def test_a_clock_set_back_hides_nothing_that_comes_then(store: Store) -> None:
    clock = [time.time()]
    rollup = Rollup(store, clock=lambda: clock[0])
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)
    handled = flow.process("payment", order)
    assert order.context
    only = Flow()
    only.spans, only.operations = (
        {order.context: flow.spans[order.context]},
        {order.context: flow.operations[order.context]},
    )
    store.insert_spans(
        request(only).SerializeToString(), received_ns=int(clock[0] * 1e9), token="before"
    )
    rollup.run()
    clock[0] -= 3600
    again = Rollup(store, clock=lambda: clock[0])
    again.run()
    only.spans = {handled.context: flow.spans[handled.context]}
    only.operations = {handled.context: handled}
    clock[0] += 5
    store.insert_spans(
        request(only).SerializeToString(), received_ns=int(clock[0] * 1e9), token="after"
    )
    again.run()

    assert edges(store) == ["payment consumes orders: 1", "shop produces orders: 1"]


def test_a_poll_with_links_of_several_destinations_counts_each_where_it_is(store: Store) -> None:
    flow = Flow()
    order, payment = flow.send("shop", "orders"), flow.send("bank", "payments")
    flow.process("view", order, payment, by="link", destination="orders")

    poured(store, flow)

    assert edges(store) == [
        "bank produces payments: 1",
        "shop produces orders: 1",
        "view consumes orders: 1",
        "view consumes payments: 1",
    ]


def test_links_to_nowhere_join_nothing(store: Store) -> None:
    flow = Flow()
    nowhere = SpanContext("0" * 32, "0" * 16)
    for service in ("payment", "points"):
        flow.operation(
            service, "orders", OperationType.PROCESS, links=[Relation(nowhere, "link", nowhere)]
        )

    poured(store, flow)

    assert edges(store) == ["payment consumes orders: 1", "points consumes orders: 1"]
