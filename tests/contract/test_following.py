"""What was just stored, as those who follow are told it: all that fits, once, or how much more."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from itertools import takewhile
from typing import Any

import pytest

from collector.api import tail
from collector.api.backend import Stored
from collector.backend import StoreBackend
from collector.store.client import Store
from collector.store.following import Mark, newest
from graph.filter import parse
from graph.listing import ANY_EVENT, Activity, EventFilter, EventRow
from tests.builders import Flow
from tests.flow_in_store import put_flow
from tests.memory_backend import MemoryBackend
from tests.poured import request
from tests.serving import serving
from tui.client import ApiClient

FILTERS = (
    *("", "topic:orders", "-topic:orders", "type:Placed", "key:k-3", "service:storefront"),
    *("topic:pay*", "error:yes", "id:msg_4", "-service:storefront type:Placed"),
)


def stored_flow(store: Store) -> None:
    """Tapped messages with and without spans, what handled them, and sends that no tap saw."""
    flow = Flow()
    for number in range(30):
        fields: dict[str, Any] = {
            "key": f"k-{number % 5}",
            "event_type": "Placed" if number % 2 else "Paid",
            "message_id": f"msg_{number}",
        }
        if number % 3 == 0:
            flow.send("", "orders", spanned=False, **fields)
        elif number % 3 == 1:
            flow.process("payment", flow.send("storefront", "orders", **fields))
        else:
            flow.send("payment", "payments", tapped=False, **fields)
    put_flow(store, flow)


def told(backend: StoreBackend, limit: int, wanted: EventFilter, listed: bool) -> list[Activity]:
    """All that is told when it is asked for until there is no more."""
    mark, more, found = Mark(0, 0), True, list[Activity]()
    while more:
        activity, mark, more, missed = backend.stored(mark, limit, wanted, listed=listed)
        assert not missed
        found += activity
    return found


def test_who_follows_is_told_all_that_fits(store: Store) -> None:
    stored_flow(store)
    backend = StoreBackend(store)
    everything = told(backend, 1000, ANY_EVENT, listed=False)
    assert len(everything) == 50 and {one.listed for one in everything} == {True, False}
    for text in FILTERS:
        wanted = parse(text, 0)
        for listed in (True, False):
            fitting = [
                one
                for one in everything
                if (one.listed or not listed) and wanted.accepts(one.event)
            ]
            assert fitting or "error" in text
            assert told(backend, 1000, wanted, listed) == fitting, (text, listed)


def test_who_produced_what_is_read_late_is_told(store: Store) -> None:
    """A tap that begins with old messages: their spans were received when they were sent."""
    flow = Flow()
    flow.send("storefront", "orders")
    (message,) = flow.messages.values()
    store.insert_spans(
        request(flow).SerializeToString(), received_ns=message.time + 10**9, token="then"
    )
    flow.spans.clear()
    put_flow(store, flow)
    backend = StoreBackend(store)
    events = [one.event for one in told(backend, 1000, parse("topic:orders", 0), listed=True)]
    assert [one.service for one in events] == ["storefront"]
    assert [one.service for one in backend.recent(EventFilter())] == ["storefront"]


def test_more_than_the_limit_at_one_instant_is_told_as_missed(store: Store) -> None:
    """One insert's rows share their time of receipt, by which the next look goes on."""
    stored_flow(store)
    backend = StoreBackend(store)
    orders = parse("topic:orders", 0)
    whole = told(backend, 1000, orders, listed=True)
    instants = sorted({one.event.received for one in whole})
    mark, more, seen, missed = Mark(0, 0), True, list[Activity](), 0
    while more:
        activity, mark, more, left_out = backend.stored(mark, 7, orders, listed=True)
        assert len(activity) <= 7
        seen += activity
        missed += left_out
    assert len(instants) < len(whole) / 7, "instants have more than fits"
    assert missed and len(seen) + missed == len(whole)
    assert [one for one in whole if one in seen] == seen


def test_spans_that_waited_longer_than_messages_are_told_too(store: Store) -> None:
    """An insert of spans, received before messages that are told already, ends after it."""
    stored_flow(store)
    backend = StoreBackend(store)
    begun = newest(store)
    assert begun.messages > begun.spans, "the spans were received first"
    before = Mark(begun.messages, begun.spans - 1)
    store.begin("spans", begun.spans)
    assert backend.stored(before, 1000) == Stored([], before)
    store.end("spans")
    found = backend.stored(before, 1000)
    assert found.mark == begun
    assert {one.operation for one in found.activity} == {"send", "process"}


def test_what_does_not_fit_is_not_looked_at_again(store: Store) -> None:
    stored_flow(store)
    nobody = StoreBackend(store).stored(Mark(0, 0), 1000, parse("topic:nobody", 0))
    assert nobody == Stored([], newest(store))


def test_each_who_follows_is_told_what_fits_his_filter() -> None:
    backend = MemoryBackend()
    filters = [("topic:orders", True), ("topic:orders", True), ("topic:orders", False), ("", True)]
    with serving(backend) as url, ExitStack() as stack:
        followings = []
        for text, listed in filters:
            following = ApiClient(url).follow(parse(text, 0), listed=listed)
            stack.callback(following.close)
            followings.append(iter(following))
        rows = [
            Activity(EventRow("orders/0/1", 1, "orders")),
            Activity(EventRow("t/s", 1, "orders", tapped=False), "process", listed=False),
            Activity(EventRow("payments/0/1", 1, "payments")),
        ]
        end = Activity(EventRow("orders/0/2", 2, "orders"))
        expected = [[0], [0], [0, 1], [0, 2]]
        # Each is there some time after it asked: it is told again until then.
        stop = threading.Event()

        def tell() -> None:
            while not stop.wait(0.1):
                backend.activity += [*rows, end]

        telling = threading.Thread(target=tell)
        telling.start()
        try:
            for each, fits in zip(followings, expected, strict=True):
                for _ in range(2):
                    told = takewhile(lambda one: one.event.id != end.event.id, each)
                    assert [one.event.id for one in told] == [
                        rows[n].event.id for n in sorted(fits)
                    ]
        finally:
            stop.set()
            telling.join()


def test_who_follows_too_slowly_is_told_what_was_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "ROWS", 5)
    follower = tail.Follower()
    rows = [Activity(EventRow(f"orders/0/{number}", 1)) for number in range(12)]
    follower.offer(Stored(rows[:4], Mark(1, 0)))
    follower.offer(Stored(rows[4:], Mark(2, 0), missed=10))
    assert follower.missed == 7 + 10
    assert list(follower.waiting) == rows[7:]
