"""When edges are computed, which slices of time, and what is remembered of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from collector.convert import zipkin as convert
from collector.store import queries
from collector.store.client import Store, StoreError
from collector.store.rollup import Rollup, gather
from collector.store.rollup import rollup as module
from collector.store.rollup.minutes import Slices
from tests import stores
from tests.builders import EPOCH, Flow
from tests.contract.edges_told import BORDER, MINUTE, SECOND, edges, part, poured
from tests.poured import pour, pour_progress, request

ALL = (0, 2**62)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The starts of the slices of each piece that a rollup computes."""
    noted: list[tuple[int, ...]] = []
    compute = Rollup._compute

    def noting(self: Rollup, slices: Slices, settled: int) -> None:
        noted.append(slices.starts)
        compute(self, slices, settled)

    monkeypatch.setattr(Rollup, "_compute", noting)
    return noted


def test_a_producer_told_late_is_the_peer_of_an_earlier_minutes_consumer(store: Store) -> None:
    flow = Flow()
    flow.now = BORDER - SECOND
    order = flow.send("shop", "orders", tapped=False)
    flow.now = BORDER + SECOND
    handled = flow.process("payment", order, by="link")

    poured(store, flow, [handled])
    assert queries.event_edges(store, *ALL) == []
    poured(store, flow, [order])

    assert queries.event_edges(store, *ALL) == [("shop", "orders", "payment", 1)]


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
    store: Store,
    computed: list[tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch,
    kept: int,
    rows: int,
    together: list[int],
) -> None:
    monkeypatch.setattr(module, "KEPT", kept)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", rows)
    flow = Flow()
    for minute in range(3):
        flow.now = BORDER + minute * MINUTE
        order = flow.send("shop", "orders")
    flow.now += MINUTE - SECOND
    flow.process("payment", order, by="link")

    poured(store, flow)

    assert [len(some) for some in computed] == together
    assert edges(store) == ["payment consumes orders: 1", "shop produces orders: 3"]
    last = BORDER + 2 * MINUTE
    assert edges(store, last) == ["payment consumes orders: 1", "shop produces orders: 1"]


def test_what_comes_while_slices_are_computed_counts_for_those_that_follow(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow()
    sent = []
    for slice_ in (0, 1, 3):
        flow.now = BORDER + slice_ * 5 * SECOND
        sent.append(flow.send("shop", "orders").context)
    computed: list[int] = []
    compute = Rollup._compute

    def meanwhile(self: Rollup, slices: Slices, settled: int) -> None:
        computed.append(len(slices.starts))
        compute(self, slices, settled)
        pour(part(flow, sent[2:]), store)

    monkeypatch.setattr(module, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(Rollup, "_compute", meanwhile)
    pour(part(flow, sent[:2]), store)

    rollup = Rollup(store)
    rollup.run(settle=0)
    assert computed == [1, 2, 9]
    rollup.run(settle=0)
    assert edges(store) == ["shop produces orders: 3"]


def test_what_comes_while_changes_are_looked_for_is_left_to_the_next_run(
    store: Store, computed: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow()
    sent = []
    for slice_ in range(4):
        flow.now = BORDER + slice_ * 5 * SECOND
        sent.append(flow.send("shop", "orders").context)
    rollup = Rollup(store)
    pour(part(flow, sent[:1]), store)
    rollup.run(settle=0)
    for one in sent[1:3]:
        pour(part(flow, [one]), store)
    operations = gather.Gathering.operations

    def meanwhile(self: gather.Gathering) -> None:
        monkeypatch.setattr(gather.Gathering, "operations", operations)
        pour(part(flow, sent[3:]), store)
        operations(self)

    monkeypatch.setattr(module, "LOOKED_AT_ONCE", 1)
    monkeypatch.setattr(gather.Gathering, "operations", meanwhile)
    rollup.run(settle=0)
    assert edges(store) == ["shop produces orders: 3"]
    rollup.run(settle=0)

    first = BORDER // SECOND
    assert computed[1:] == [(first + 5, first + 10), (first + 15,)]
    assert edges(store) == ["shop produces orders: 4"]


def test_of_a_minute_that_goes_on_only_what_has_begun_is_computed(
    store: Store, computed: list[tuple[int, ...]]
) -> None:
    minute = round(time.time()) // 60 * 60 + 60
    now = minute + 7
    rollup = Rollup(store, lambda: now)
    flow = Flow()
    for second in (1, 51, 8):  # The clock of what sent the second is ahead.
        flow.now = (minute + second) * SECOND
        pour(part(flow, [flow.send("shop", "orders").context]), store)
        rollup.run(settle=0)
        now = minute + 9

    assert computed == [(minute, minute + 5), (minute + 50,), (minute + 5,)]
    assert edges(store) == ["shop produces orders: 3"]


def another_waits_for(lock: Any) -> bool:
    def waits() -> bool:
        if taken := lock.acquire(blocking=False):
            lock.release()
        return not taken

    with ThreadPoolExecutor(1) as another:
        return another.submit(waits).result()


@pytest.mark.parametrize(("many", "alone"), [(0, True), (3, False)])
def test_edges_of_very_many_are_made_while_no_spans_are_inserted(
    store: Store, monkeypatch: pytest.MonkeyPatch, many: int, alone: bool
) -> None:
    held: list[bool] = []
    rolling = Store.rolling

    @contextmanager
    def noting(self: Store, *, alone: bool = False) -> Iterator[Any]:
        with rolling(self, alone=alone) as client:
            held.append(another_waits_for(self._write))
            yield client

    flow = Flow()
    order = flow.send("shop", "orders")
    flow.process("payment", order, by="link")
    monkeypatch.setattr(module, "MANY", many)
    monkeypatch.setattr(Store, "rolling", noting)
    poured(store, flow)

    assert queries.event_edges(store, *ALL) == [("shop", "orders", "payment", 1)]
    assert held.count(True) == alone


def test_of_a_minute_that_goes_on_only_the_slices_that_changed_are_computed(
    store: Store, computed: list[tuple[int, ...]]
) -> None:
    flow = Flow()
    flow.now = BORDER + SECOND
    first = flow.send("shop", "orders")
    flow.now = BORDER + 21 * SECOND
    second = flow.send("shop", "orders")
    flow.now = BORDER + 41 * SECOND
    handled = flow.process("payment", second, by="link", error=True)
    again = flow.process("payment", second, by="link")

    rollup = Rollup(store)
    for some in ([first.context], [second.context, handled], [again]):
        pour(part(flow, some), store)
        rollup.run(settle=0)

    minute = BORDER // SECOND
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
    flow.now = BORDER + SECOND
    first = flow.send("shop", "orders", tapped=False)
    flow.now = BORDER + 31 * SECOND
    second = flow.send("shop", "orders", tapped=False)
    rollup = Rollup(store)
    compute = Rollup._compute

    def failing(self: Rollup, slices: Slices, settled: int) -> None:
        raise StoreError("no memory")

    for sent in (first, second):
        pour(part(flow, [sent]), store)
        if sent is second:
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


def test_clocks_that_are_wrong_count_in_their_minute_and_harm_no_other(store: Store) -> None:
    times = [(year - 1970) * 31_556_952 * SECOND for year in (1970, 2036, 2150, 2262)]
    flow = Flow()
    for at in times:
        flow.now = at
        order = flow.send("shop", "orders")
        flow.process("payment", order, lasts=2**63 - flow.now)
    right = Flow(first_id=100)
    right.process("payment", right.send("shop", "orders", partition="1"))

    poured(store, flow)
    poured(store, right)

    assert edges(store) == ["payment consumes orders: 5", "shop produces orders: 5"]
    # The two last ones lie beyond the minutes that there are.
    for at in (*times[:2], EPOCH):
        assert edges(store, max(0, at - MINUTE), at + MINUTE) == [
            "payment consumes orders: 1",
            "shop produces orders: 1",
        ]


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


def test_rows_of_an_insert_that_is_under_way_are_not_passed_over(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)
    rollup = Rollup(store)
    now = time.time_ns()
    store.begin("spans", now)
    # otel_traces is full already, operations are not there yet.
    store.command(f"INSERT INTO otel_traces (TraceId, ReceivedAt) VALUES ('a', {now / 1e9:.9f})")
    rollup.run()

    store.insert_spans(request(flow).SerializeToString(), received_ns=now, token="held")
    store.end("spans")
    rollup.run()

    assert order.context
    assert edges(store) == ["shop produces orders: 1"]


def test_a_clock_set_back_hides_nothing_that_comes_then(store: Store) -> None:
    clock = [time.time()]
    rollup = Rollup(store, clock=lambda: clock[0])
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False)
    handled = flow.process("payment", order)
    store.insert_spans(
        request(part(flow, [order])).SerializeToString(),
        received_ns=int(clock[0] * 1e9),
        token="before",
    )
    rollup.run()
    clock[0] -= 3600
    again = Rollup(store, clock=lambda: clock[0])
    again.run()
    clock[0] += 5
    store.insert_spans(
        request(part(flow, [handled])).SerializeToString(),
        received_ns=int(clock[0] * 1e9),
        token="after",
    )
    again.run()

    assert edges(store) == ["payment consumes orders: 1", "shop produces orders: 1"]


def zipkin(store: Store, *spans: dict[str, object]) -> None:
    stores.put_spans(store, convert.convert_spans(list(spans), BORDER).payload)
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


# Groups that only the broker knows


def told(store: Store, group: Flow, committed: int, at: int) -> None:
    """The broker tells of a group."""
    group.progress.clear()
    group.commit("audit", "orders", committed, time=at)
    pour_progress(group, store)


def test_a_groups_progress_counts_from_where_it_was_first_seen(store: Store) -> None:
    rollup, audit = Rollup(store), Flow()
    told(store, audit, -1, BORDER)
    told(store, audit, 100, BORDER + SECOND)
    rollup.run()
    assert edges(store) == []

    told(store, audit, 107, BORDER + 2 * SECOND)
    rollup.run()
    told(store, audit, 110, BORDER + MINUTE)
    rollup.run()

    assert edges(store) == ["? (audit) consumes orders: 10 (matched)"]
    assert edges(store, BORDER, BORDER + MINUTE) == ["? (audit) consumes orders: 7 (matched)"]


def test_a_group_idle_for_weeks_goes_on_from_where_it_was(store: Store) -> None:
    rollup, audit = Rollup(store), Flow()
    told(store, audit, 5, BORDER)
    rollup.run()
    told(store, audit, 8, BORDER + 30 * 24 * 60 * MINUTE)
    rollup.run()

    assert edges(store) == ["? (audit) consumes orders: 3 (matched)"]
