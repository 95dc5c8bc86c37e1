"""Findings of how things stand now: groups that are stuck, stale or storming, and what nobody
consumes. Brokers have to be watched for that."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from collector.store.client import Store
from graph.findings.model import Finding, Kind, State
from graph.findings.thresholds import Rule, Rules
from tests import stores
from tests.builders import EPOCH, Flow
from tests.contract.test_findings import members, told, watched
from tests.poured import pour

SECOND = 10**9
MINUTE = 60 * SECOND
BEGIN = EPOCH // MINUTE * MINUTE + MINUTE
NOW = BEGIN + 20 * MINUTE

RULES = Rules()


def traffic(flow: Flow, destination: str = "orders") -> None:
    """A message each ten seconds."""
    for at in range(BEGIN, NOW, 10 * SECOND):
        flow.send("shop", destination, time=at, spanned=False, source="/shop")


def read(flow: Flow, group: str, *, until: int = NOW, delay: int = 0) -> None:
    """A group commits each ten seconds all orders that are older than the delay, until a time."""
    sent = [one.time for at, one in sorted(flow.messages.items()) if at.destination == "orders"]
    for at in range(BEGIN, until, 10 * SECOND):
        committed = sum(one < at - delay for one in sent)
        flow.commit(group, "orders", committed, end=sum(one < at for one in sent), time=at)


def found(store: Store, flow: Flow, rules: Rules = RULES) -> list[Finding]:
    pour(flow, store)
    stores.rolled_up(store)
    return list(watched(store, NOW, rules, live=True).found().findings)


def only(findings: Sequence[Finding], kind: Kind) -> Finding:
    assert [one.kind for one in findings] == [kind], told(list(findings))
    assert findings[0].sentence and findings[0].coverage
    assert findings[0].state is State.OPEN
    return findings[0]


def test_a_group_that_keeps_up_is_none(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers")
    members(store, NOW, "readers")
    assert found(store, flow) == []


def test_a_group_that_stands_still_is_stuck(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers", until=BEGIN + 5 * MINUTE)
    for at in range(BEGIN + 5 * MINUTE, NOW, 10 * SECOND):
        flow.commit("readers", "orders", 30, end=(at - BEGIN) // SECOND // 10, time=at)
    members(store, NOW, "readers")
    one = only(found(store, flow), Kind.STUCK)
    assert one.subject.group == "readers"
    assert "stands still: it has 1 member and commits nothing, and 89 messages" in one.sentence
    assert one.proof[0].id == "orders/0/30"
    assert one.first == BEGIN + 300 * SECOND, "since the oldest that waits"


def test_a_group_without_members_is_stuck_when_messages_wait_for_long(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers", until=BEGIN + 5 * MINUTE)
    flow.commit("readers", "orders", 30, end=119, time=NOW - SECOND)
    members(store, NOW, "readers", state="Empty", name="")
    one = only(found(store, flow), Kind.STUCK)
    assert "Group readers has no member, and 89 messages of orders wait for it" in one.sentence


def test_nothing_is_claimed_of_a_broker_that_is_not_watched_any_more(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers", until=BEGIN + 5 * MINUTE)
    flow.commit("readers", "orders", 30, end=119, time=NOW - 10 * MINUTE)
    members(store, NOW - 10 * MINUTE, "readers")
    assert found(store, flow) == []


def test_a_group_far_behind_is_stale(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers", delay=8 * MINUTE)
    members(store, NOW, "readers")
    one = only(found(store, flow), Kind.STALE)
    assert "5m 00s are allowed" in one.sentence
    assert one.said["behind"] == pytest.approx(480, abs=11)


def test_how_far_behind_a_group_may_be_can_be_said(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers", delay=8 * MINUTE)
    members(store, NOW, "readers")
    slower = Rule(kinds=("stale",), services=("read*",), thresholds=(("stale_seconds", 900.0),))
    assert found(store, flow, Rules((slower,))) == []


def test_a_group_that_is_slow_by_habit_is_not_stale(store: Store) -> None:
    flow = Flow()
    orders = [flow.send("shop", "orders", time=at) for at in range(BEGIN, NOW, 10 * SECOND)]
    for order in orders:
        if order.time + 6 * MINUTE < NOW:
            flow.process("mail", order, by="link", start=order.time + 6 * MINUTE, group="mail")
    read(flow, "mail", delay=6 * MINUTE)
    members(store, NOW, "mail")
    assert found(store, flow) == []


def test_members_that_keep_leaving_are_a_storm(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers")
    for number in range(6):
        members(store, NOW - (7 - number) * MINUTE, "readers", name=f"m-{number}")
    members(store, NOW, "readers", name="m-6")
    one = only(found(store, flow), Kind.STORMING)
    assert "losing members: 6 left within ten minutes, and it has 1 member now" in one.sentence
    assert one.count == one.minutes == 1


def test_a_deployment_is_no_storm(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers")
    for number in range(6):
        members(store, NOW - 3 * MINUTE, "readers", name=f"old-{number}")
        members(store, NOW, "readers", name=f"new-{number}")
    assert found(store, flow) == []


def test_what_nobody_consumes_is_told(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    traffic(flow, "audit")
    read(flow, "readers")
    members(store, NOW, "readers")
    one = only(found(store, flow), Kind.UNCONSUMED)
    assert one.sentence == "Nobody consumes audit: 120 messages produced by shop in the last day."


def test_nobody_is_missed_where_groups_are_not_watched(store: Store) -> None:
    flow = Flow()
    traffic(flow, "audit")
    assert found(store, flow) == []


def test_who_reads_without_a_group_is_seen_by_spans(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers")
    members(store, NOW, "readers")
    for at in range(BEGIN, NOW, MINUTE):
        flow.process("auditor", flow.send("shop", "audit", time=at), by="link", start=at + SECOND)
    assert found(store, flow) == []


@pytest.mark.parametrize("name", ["__internal", "counts-changelog", "orders.retry"])
def test_some_destinations_are_read_by_nobody_when_all_is_well(store: Store, name: str) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers")
    members(store, NOW, "readers")
    traffic(flow, name)
    assert found(store, flow) == []


def two_types(flow: Flow) -> None:
    """One of them is handled, by `mail`."""
    for number, at in enumerate(range(BEGIN, NOW, 10 * SECOND)):
        kind = "order.created" if number % 3 else "order.viewed"
        sent = flow.send("shop", "orders", time=at, event_type=kind)
        if kind == "order.created":
            flow.process(
                "mail", sent, by="link", start=at + SECOND, group="readers", event_type=kind
            )


def test_a_type_that_nobody_handles_is_told_where_all_consumers_are_known(store: Store) -> None:
    flow = Flow()
    two_types(flow)
    read(flow, "readers")
    members(store, NOW, "readers")
    one = only(found(store, flow), Kind.UNCONSUMED)
    assert one.sentence == (
        "Nobody handles order.viewed of orders: 40 messages in the last day, of which mail handled "
        "none."
    )


def test_a_group_without_spans_may_handle_any_type(store: Store) -> None:
    flow = Flow()
    two_types(flow)
    read(flow, "readers")
    read(flow, "reports")
    members(store, NOW, "readers", "reports")
    assert found(store, flow) == []


def test_what_retention_took_before_a_group_came_to_it(store: Store) -> None:
    flow = Flow()
    traffic(flow)
    read(flow, "readers")
    flow.commit("late", "orders", 3, end=120, time=NOW - SECOND)
    members(store, NOW, "readers", "late")
    store.insert(
        "gaps",
        {
            "system": ["kafka"],
            "cluster": ["c1"],
            "destination": ["orders"],
            "incarnation": ["i1"],
            "partition": ["0"],
            "first_offset": [0],
            "last_offset": [9],
            "reason": ["retention"],
            "noticed": [(NOW - 5 * MINUTE) // 1_000_000],
        },
    )
    (one,) = [each for each in found(store, flow) if each.kind is Kind.UNCONSUMED]
    assert one.count == 7
    assert "Retention took 7 messages of orders before group late came to them" in one.sentence
