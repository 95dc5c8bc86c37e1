"""What the collector says became of the shop's events, held against the shop's ledger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from graph.fate import Fate, GroupKnown, Status
from graph.model import Evidence
from samples.shop.entries import Committed, Consumed, Outcome
from samples.shop.flow import ROLES, Known
from samples.shop.truth import Delivery
from tests.integration.shop_run import Run

pytestmark = pytest.mark.kafka

SECOND = 10**9

HOW = {Known.SPAN: GroupKnown.SPAN, Known.NAME: GroupKnown.NAME}


def name(delivery: Delivery) -> str:
    """As somebody outside calls the consumer."""
    known = ROLES[delivery.service].group_known
    return delivery.service if known else f"group {delivery.group}"


def told(run: Run) -> Iterator[tuple[Delivery, Fate]]:
    """Deliveries of the events that were asked for, each with its fate."""
    for chain in run.truth.chains:
        for delivery in chain.deliveries:
            if delivery.ce_id in run.fates:
                for fate in run.fates[delivery.ce_id].consumers:
                    if fate.name == name(delivery):
                        yield delivery, fate


def first_commit_beyond(run: Run, service: str, place: str) -> int:
    """When the service had told its broker that it was beyond this message."""
    topic, partition, offset = place.rsplit("/", 2)
    return next(
        entry.time
        for entry in run.entries
        if isinstance(entry, Committed)
        and (entry.service, entry.topic, entry.partition) == (service, topic, int(partition))
        and entry.offset > int(offset)
    )


def test_everybody_who_had_an_event_is_told_once_and_nobody_else(run: Run) -> None:
    had: dict[str, list[str]] = {ce_id: [] for ce_id in run.fates}
    for chain in run.truth.chains:
        for delivery in chain.deliveries:
            if delivery.ce_id in had:
                had[delivery.ce_id].append(name(delivery))
    for ce_id, fates in run.fates.items():
        assert sorted(one.name for one in fates.consumers) == sorted(had[ce_id])
        assert fates.notes == () or not had[ce_id]


def test_what_became_of_each_is_what_the_ledger_says(run: Run) -> None:
    seen = set()
    for delivery, fate in told(run):
        role = ROLES[delivery.service]
        expected = Status.PASSED
        if delivery.outcome is Outcome.DEAD_LETTERED:
            expected = Status.DEAD_LETTERED
        elif Known.SPAN in role.delivery_known:
            expected = Status.HANDLED
        assert (fate.name, fate.status) == (name(delivery), expected), fate
        assert fate.group == delivery.group
        assert fate.group_known == (HOW[role.group_known[0]] if role.group_known else None)
        assert fate.passed_by, "all had been committed when it was asked"
        seen.add((delivery.service, fate.status))
    assert {service for service, _ in seen} == set(ROLES) - {"customer"}


def test_only_spans_of_the_handling_make_it_sure(run: Run) -> None:
    graded = {
        (fate.evidence, delivery.service)
        for delivery, fate in told(run)
        if fate.status is Status.HANDLED
    }
    assert graded == {
        *((Evidence.OBSERVED, one) for one in ("inventory", "points", "storefront", "order-view")),
        *((Evidence.INFERRED, one) for one in ("payment", "notification", "recommendation")),
    }


def test_handled_twice(run: Run) -> None:
    twice = {
        delivery.service: fate
        for delivery, fate in told(run)
        if delivery.attempts == 2 and delivery.outcome is Outcome.HANDLED
    }
    assert {"points", "notification"} <= set(twice)
    assert all(fate.attempts == 2 for fate in twice.values())
    assert "handled it 2 times" in twice["points"].explanation
    assert "received it 2 times" in twice["notification"].explanation


def test_poison_is_told_with_where_it_lies_and_why(run: Run) -> None:
    chain = next(one for one in run.orders("dead-lettered") if one.root in run.fates)
    (copy,) = chain.copies
    (fate,) = [one for one in run.fates[chain.root].consumers if one.name == "inventory"]
    assert fate.status is Status.DEAD_LETTERED
    assert str(fate.copy) == f"{copy.topic}/{copy.partition}/{copy.offset}"
    assert "is no quantity" in fate.error
    assert fate.attempts == 2
    assert run.fates[chain.root].consumers[0] == fate, "it comes first"


def test_a_group_passed_an_event_when_the_ledger_says_so(run: Run) -> None:
    passed = [pair for pair in told(run) if pair[1].status is Status.PASSED]
    assert passed
    for delivery, fate in passed:
        assert (fate.evidence, fate.services) == (Evidence.MATCHED, ())
        assert fate.needed.startswith(f"which service group {fate.group} is")
        place = f"{delivery.topic}/{delivery.partition}/{delivery.offset}"
        committed = first_commit_beyond(run, delivery.service, place)
        (handled,) = [
            entry.time
            for entry in run.entries
            if isinstance(entry, Consumed)
            and entry.service == delivery.service
            and str(entry.position) == place
        ]
        # The broker took the commit after the handling, and before the ledger was written.
        assert fate.passed_after < committed
        assert handled < fate.passed_by + SECOND


def test_who_is_slow_or_away_has_it_pending(run: Run) -> None:
    pending: dict[str, list[Fate]] = {}
    for fates in run.live:
        for fate in fates.consumers:
            if fate.status is not Status.PENDING:
                continue
            pending.setdefault(fate.group, []).append(fate)
            service = next(role.name for role in ROLES.values() if role.group == fate.group)
            assert fate.evidence is Evidence.MATCHED
            assert first_commit_beyond(run, service, fates.event.id) > fate.time
            assert fate.ahead
    assert {"order-view", "recommendation"} <= set(pending)
    assert len(pending["order-view"]) == len(run.live), "it was away all the time"
    assert "so nobody reads" in pending["order-view"][-1].explanation
    slow = pending["recommendation"][-1]
    assert slow.ahead
    assert slow.rate
    assert slow.expected > slow.time


def test_who_came_back_has_handled_it_since(run: Run) -> None:
    waiting = {fates.event.message_id for fates in run.live}
    handled = {
        delivery.ce_id
        for chain in run.truth.chains
        for delivery in chain.deliveries
        if delivery.service == "order-view" and delivery.outcome is Outcome.HANDLED
    }
    assert waiting <= handled
    assert any(
        fate.status is Status.HANDLED
        for delivery, fate in told(run)
        if delivery.service == "order-view" and delivery.ce_id in waiting
    )
