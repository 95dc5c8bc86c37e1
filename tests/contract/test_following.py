"""What was just stored, as those who follow are told it: all that fits, once, or how much more."""

from __future__ import annotations

from typing import Any

import pytest

from collector.api import tail
from collector.api.backend import Stored
from collector.backend import StoreBackend
from collector.store.client import Store
from graph.filter import parse
from graph.listing import ANY_EVENT, Activity, EventFilter, EventRow
from tests.builders import Flow
from tests.flow_in_store import put_flow

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
    mark, more, found = 0, True, list[Activity]()
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


def test_more_than_the_limit_at_one_instant_is_told_as_missed(store: Store) -> None:
    """One insert's rows share their time of receipt, by which the next look goes on."""
    stored_flow(store)
    backend = StoreBackend(store)
    orders = parse("topic:orders", 0)
    whole = told(backend, 1000, orders, listed=True)
    instants = sorted({one.event.received for one in whole})
    mark, more, seen, missed = 0, True, list[Activity](), 0
    while more:
        activity, mark, more, left_out = backend.stored(mark, 7, orders, listed=True)
        assert len(activity) <= 7
        seen += activity
        missed += left_out
    assert len(instants) < len(whole) / 7, "instants have more than fits"
    assert missed and len(seen) + missed == len(whole)
    assert [one for one in whole if one in seen] == seen


def test_who_follows_too_slowly_is_told_what_was_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "ROWS", 5)
    follower = tail.Follower()
    rows = [Activity(EventRow(f"orders/0/{number}", 1)) for number in range(12)]
    follower.offer(Stored(rows[:4], 1))
    follower.offer(Stored(rows[4:], 2, missed=10))
    assert follower.missed == 7 + 10
    assert list(follower.waiting) == rows[7:]
