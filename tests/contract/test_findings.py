"""Findings over a real store: each fault is found, on the right events, and healthy histories
give none."""

from __future__ import annotations

import pytest

from collector.findings import Watch
from collector.store.client import Store
from collector.store.findings.events import StoreFindingFacts
from graph.findings.facts import Run
from graph.findings.model import Finding, Kind
from graph.findings.thresholds import NO_RULES, Rules
from graph.model import OperationType
from tests import stores
from tests.builders import Flow
from tests.histories import BEGIN, FAULTS, MINUTE, SECOND, SLOW_FAULTS, History, thin
from tests.poured import pour


def members(store: Store, at: int, *groups: str, state: str = "Stable", name: str = "m-1") -> None:
    """The broker tells who is in these groups."""
    stores.put_members(store, [(at, group, name, state) for group in groups])


def stored(store: Store, history: History) -> None:
    pour(history.flow, store)
    members(store, history.end + 10 * MINUTE, "orders-readers")
    stores.rolled_up(store)


def watched(store: Store, now: int, rules: Rules = NO_RULES, *, live: bool = False) -> Watch:
    watch = Watch(store, rules, clock=lambda: now / SECOND)
    watch.look(live=live)
    assert watch.troubles == {}
    return watch


def told(findings: list[Finding]) -> list[str]:
    return [f"{one.kind}: {one.sentence}" for one in findings]


@pytest.mark.parametrize("seed", range(3))
def test_a_healthy_history_gives_none(store: Store, seed: int) -> None:
    history = History(seed)
    stored(store, history)
    watch = watched(store, history.end + 60 * MINUTE)
    assert told(list(watch.found().findings)) == []
    assert watch.until >= history.end


def test_an_exporter_that_loses_spans_is_no_consumer_that_loses_messages(store: Store) -> None:
    history = History(900)
    thin(history, "spans lost")
    stored(store, history)
    found = watched(store, history.end + 60 * MINUTE).found().findings
    assert told(list(found)) == [], "in some minute nearly all spans of some type are there"


@pytest.mark.parametrize("fault", [*FAULTS, *SLOW_FAULTS])
def test_each_fault_is_found_alone(store: Store, fault: str) -> None:
    if fault in ("overdue", "dead letter"):  # What follows has to be learned first.
        history = History(7, fault, minutes=12, orders=15, faults=1)
    else:
        # In the one of "vanished" the first message of a minute is among those that vanish.
        history = History(2004 if fault == "vanished" else 7, fault)
    stored(store, history)
    found = list(watched(store, history.end + 60 * MINUTE).found().findings)
    assert [one.kind for one in found] == [(FAULTS | SLOW_FAULTS)[fault]], told(found)
    (one,) = found
    proofs = {proof.id for proof in one.proof} | {proof.note for proof in one.proof}
    shown = " ".join(proofs)
    assert [proof for proof in history.proofs if proof not in shown] == [], one
    assert one.sentence and one.coverage


@pytest.mark.parametrize("by", ["link", "parent", "link in one trace"])
@pytest.mark.parametrize("early", [5, 30], ids=["a little", "more than is looked for at first"])
def test_what_was_handled_by_a_clock_that_is_slow_was_not_passed(
    store: Store, early: int, by: str
) -> None:
    flow = Flow()
    for number in range(60):
        order = flow.send(
            "shop", "orders", time=BEGIN + number * SECOND, event_type="order.created"
        )
        late = early if number == 1 else -1
        flow.process(
            "mail",
            order,
            by=by.partition(" ")[0],
            inside=order if by == "link in one trace" else None,
            # One that names no destination is known by what it points at alone.
            destination="" if number == 1 else "orders",
            start=order.time - late * SECOND,
        )
    pour(flow, store)
    stores.rolled_up(store)
    # Minutes are mostly looked at one by one, as they are complete.
    found = StoreFindingFacts(store).unhandled(Run(BEGIN, BEGIN + MINUTE))
    assert [(one.of, one.number, one.lacking) for one in found if one.lacking or one.number] == []


@pytest.mark.parametrize("older", [False, True])
def test_a_send_whose_message_another_span_of_it_made_has_not_vanished(
    store: Store, older: bool
) -> None:
    flow = Flow()
    for number in range(10):
        flow.send("shop", "orders", time=BEGIN + number * SECOND)
    below, linked, lost = (
        flow.send("shop", "orders", tapped=False, time=BEGIN + second * SECOND)
        for second in (10, 11, 12)
    )
    flow.operation("shop", "orders", OperationType.CREATE, inside=below)
    flow.operation("shop", "orders", OperationType.CREATE, links=[linked])
    pour(flow, store)
    if older:
        stores.relate_within(store)
    (found,) = StoreFindingFacts(store).vanished(Run(BEGIN, BEGIN + MINUTE))
    assert lost.context
    assert [one.id for one in found.proof] == [f"{lost.context.trace_id}/{lost.context.span_id}"]


def test_a_flow_that_hung_before_its_next_step_was_known_is_found_later(store: Store) -> None:
    history = History(7, "overdue", minutes=12, orders=5, faults=1)
    stored(store, history)
    now = BEGIN + 8 * MINUTE + 150 * SECOND
    watch = Watch(store, clock=lambda: now / SECOND)
    watch.look(live=False)
    assert told(list(watch.found().findings)) == []
    now = history.end + 60 * MINUTE
    watch.look(live=False)
    (one,) = watch.found().findings
    assert one.kind is Kind.OVERDUE
    assert {proof.id for proof in one.proof} == history.proofs
