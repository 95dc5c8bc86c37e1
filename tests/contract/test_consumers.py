"""Consumer groups as a real store tells them: how much waits, how old it is, how fast it goes."""

from __future__ import annotations

import time

import pytest

from collector.backend import StoreBackend
from collector.store import groups
from collector.store.client import Store
from graph.fate import GroupKnown, Status
from graph.listing import Consumer
from tests import stores
from tests.builders import Flow
from tests.flow_in_store import put_flow
from tests.serving import serving
from tui.client import ApiClient, LocalSource

SECOND = 10**9


def told(store: Store, flow: Flow) -> dict[str, Consumer]:
    put_flow(store, flow)
    stores.rolled_up(store)
    return {one.group: one for one in groups.consumers(store)}


def test_nothing_is_told_of_an_empty_store(store: Store) -> None:
    assert groups.consumers(store) == []


def test_lag_has_messages_and_seconds_and_a_time_to_catch_up(store: Store) -> None:
    flow = Flow()
    start = flow.now
    for number in range(20):
        flow.send("shop", "orders", spanned=False, time=start + number * SECOND)
    flow.commit("points", "orders", 2, end=10, time=start + 10 * SECOND)
    flow.commit("points", "orders", 12, end=16, time=start + 15 * SECOND)
    flow.commit("idle", "orders", 20, time=start + 20 * SECOND)
    flow.commit("points", "orders", 14, end=20, time=start + 20 * SECOND)
    found = told(store, flow)
    points = found["points"]
    assert (points.lag, points.oldest) == (6, start + 14 * SECOND)
    assert points.lag_seconds == pytest.approx(6.0)
    assert points.rate == pytest.approx(1.2)
    assert points.growth == pytest.approx(1.0)
    assert points.catch_up == pytest.approx(6 / 0.2)
    idle = found["idle"]
    assert (idle.lag, idle.lag_seconds, idle.catch_up, idle.oldest) == (0, 0.0, 0.0, 0)
    assert idle.rate is None, "seen once: nothing to compare with"
    assert groups.consumers(store, paces=False)[1].oldest == 0


def test_a_rate_is_that_of_the_last_minutes(store: Store) -> None:
    flow = Flow()
    start = flow.now
    flow.commit("stuck", "orders", 0, end=0, time=start)
    flow.commit("stuck", "orders", 6_000, end=6_600, time=start + 60 * SECOND)
    flow.commit("slow", "orders", 0, end=0, time=start)
    for minute in range(5):
        at = start + (900 - 240 + minute * 60) * SECOND
        flow.commit("slow", "orders", 60 * minute, end=5_000 + 120 * minute, time=at)
    found = told(store, flow)
    assert (found["stuck"].rate, found["stuck"].growth) == (0.0, 0.0)
    slow = found["slow"]
    assert slow.rate == pytest.approx(1.0)
    assert slow.growth == pytest.approx(2.0)
    for one in (slow, found["stuck"]):
        assert one.catch_up is None, "never, as things go"
        assert one.lag_seconds is None, "no tap saw what waits"


def test_what_a_group_is_assumed_to_have_begun_with_is_no_pace(store: Store) -> None:
    flow = Flow()
    start = flow.now
    flow.commit("late", "orders", 0, end=900, time=start, assumed=True)
    flow.commit("late", "orders", 900, end=900, time=start + 2 * SECOND)
    flow.commit("late", "orders", 910, end=910, time=start + 12 * SECOND)
    assert told(store, flow)["late"].rate == pytest.approx(1.0)


def test_fates_and_groups_are_told_alike_over_http_and_in_process(store: Store) -> None:
    flow = Flow()
    flow.now = time.time_ns()
    order = flow.send("shop", "orders", message_id="o-1", event_type="Ordered")
    flow.process("points", order, group="loyalty")
    flow.commit("loyalty", "orders", 0)
    flow.commit("loyalty", "orders", 1)
    flow.commit("search", "orders", 0)
    put_flow(store, flow)
    stores.rolled_up(store)
    store.insert(
        "members",
        {
            "time": [flow.now // 10**6],
            "cluster": ["c1"],
            "consumer_group": ["search"],
            "member_id": ["m-1"],
            "client_id": ["rdkafka"],
            "host": ["10.0.0.7"],
            "state": ["Stable"],
            "assignment": [[("orders", "0")]],
        },
    )
    local = LocalSource(StoreBackend(store), "store")
    with serving(StoreBackend(store)) as url:
        remote = ApiClient(url)
        assert remote.consumers() == local.consumers()
        fates = remote.fate("o-1")
        assert fates == local.fate("orders/0/0")
    search, points = fates.consumers
    assert (search.group, search.status, search.ahead) == ("search", Status.PENDING, 1)
    assert (points.services, points.status) == (("points",), Status.HANDLED)
    assert points.group_known is GroupKnown.SPAN
    assert points.passed_after < points.passed_by
    (member,) = {one.group: one for one in local.consumers()}["search"].members
    assert (member.client_id, member.host) == ("rdkafka", "10.0.0.7")
