"""What findings are made of: next steps that are learned, thresholds, silence, order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.findings.facts import Flow
from graph.findings.kinds import QUIET, TABLE, worst_first
from graph.findings.model import Kind, Severity, State, Subject, subject_id
from graph.findings.steps import ENOUGH, firsts, learned
from graph.findings.thresholds import NAMES, Rule, Rules, Thresholds
from tests import found

SECOND = 10**9
LATE = 10**6 * SECOND


def flow(number: int, *events: str, start: int = 0) -> Flow:
    """A flow of events a second apart; `topic` or `topic:type`."""
    told = []
    for at, event in enumerate(events):
        topic, _, kind = event.partition(":")
        told.append((topic, kind, start + at * SECOND, f"{topic}/0/{number}", "kafka", "c1"))
    return Flow(f"flow-{number}", tuple(told))


def steps(flows: list[Flow], until: int = LATE) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for step in learned(flows, until):
        said.setdefault(step.after[1] or step.after[0], []).append(step.names)
    return said


def test_what_follows_in_each_flow_is_the_next_step() -> None:
    flows = [flow(n, "orders", "stock", "payments") for n in range(40)]
    assert steps(flows) == {"orders": ["stock"], "stock": ["payments"]}


def test_one_of_several_will_do() -> None:
    flows = [flow(n, "stock", "paid" if n % 4 else "declined") for n in range(40)]
    assert steps(flows) == {"stock": ["paid or declined"]}


@pytest.mark.parametrize("late", [10, 200], ids=["mostly after it", "always after it"])
def test_what_goes_on_beside_a_flow_is_no_part_of_it(late: int) -> None:
    """A mail comes before the payment in each flow, and mostly after the stock."""
    flows = []
    for n in range(120):
        stock, mail = (4, 5) if n % late else (5, 4)
        ends = ("paid", "done") if n % 4 else ("declined", "released", "off")
        parts = (*((("orders",), 0), (("stock",), stock), (("mail",), mail), (ends, 9)),)
        events = [one for names, at in parts for one in flow(n, *names, start=at * SECOND).events]
        flows.append(Flow(f"flow-{n}", tuple(events)))
    known = {("orders", "stock"), ("stock", "paid"), ("stock", "declined"), ("orders", "mail")}
    said = {(one.after[0], one.names) for one in learned(flows, LATE, known)}
    assert said == {
        ("orders", "stock"),
        ("orders", "mail"),
        ("stock", "paid or declined"),
        ("paid", "done"),
        ("declined", "released"),
        ("released", "off"),
    }


def test_branches_side_by_side_are_each_a_next_step() -> None:
    flows = [
        flow(n, "orders", *(("mail", "stock") if n % 2 else ("stock", "mail"))) for n in range(40)
    ]
    assert steps(flows) == {"orders": ["mail", "stock"]}


@pytest.mark.parametrize(
    "flows",
    [
        [flow(n, "orders", "stock") for n in range(ENOUGH - 1)],
        [flow(n, "orders", *(["stock"] if n % 10 else [])) for n in range(60)],
        [flow(n, "orders") for n in range(60)],
        [flow(n, "orders", f"topic-{n % 8}") for n in range(80)],
    ],
    ids=["too few", "not always", "nothing", "too many ways"],
)
def test_without_a_rule_nothing_is_expected(flows: list[Flow]) -> None:
    assert steps(flows) == {}


def test_what_had_no_time_to_follow_says_nothing() -> None:
    done = [flow(n, "orders", "stock") for n in range(40)]
    begun = [flow(n, "orders", start=LATE - 10 * SECOND) for n in range(40, 80)]
    assert steps([*done, *begun]) == {"orders": ["stock"]}
    lucky = [flow(n, "orders", "stock", start=LATE - 10 * SECOND) for n in range(40)]
    assert steps(lucky) == {}, "only those that were quick would be counted"


def test_a_rare_way_on_is_one_too() -> None:
    """Payments that are declined once in a hundred times, and what that undoes."""
    flows = [
        flow(n, "stock", "mail", *(["paid", "done"] if n % 100 else ["declined", "released"]))
        for n in range(300)
    ]
    (paid,) = (one for one in learned(flows, LATE, {("stock", "paid")}) if one.names == "paid")
    patience = 60 * SECOND
    for going in (flows[1], flows[100], flow(0, "stock", "mail", "refunded")):
        assert paid.met(firsts(going), patience), going
    late = Flow("late", (*flow(0, "stock").events, ("paid", "", 90 * SECOND, "", "", "")))
    early = flow(0, "mail", "stock")
    for hanging in (flow(0, "stock"), flow(0, "stock", "mail"), early, late):
        assert not paid.met(firsts(hanging), patience), hanging


def test_nothing_is_to_follow_what_was_given_up() -> None:
    whole = [flow(n, "orders", "stock") for n in range(30)]
    dead = [flow(n, "orders") for n in range(30, 60)]
    assert steps([*whole, *dead]) == {}
    for of in ("orders", ""):
        assert steps([*whole, *(one._replace(dead=(of,)) for one in dead)]) == {"orders": ["stock"]}
    assert steps([*whole, *(one._replace(dead=("stock",)) for one in dead)]) == {}


def test_delays_are_learned_too() -> None:
    flows = [flow(n, "orders", "stock") for n in range(39)]
    slow = Flow("slow", (*flow(39, "orders").events, ("stock", "", 9 * SECOND, "", "", "")))
    (step,) = learned([*flows, slow], LATE)
    assert (step.flows, step.share, step.longest) == (40, 1.0, 9 * SECOND)


def test_the_last_rule_that_fits_counts() -> None:
    rules = Rules(
        (
            Rule(thresholds=(("attempts", 9.0),)),
            Rule(kinds=("retry-loop",), services=("PAY*",), thresholds=(("attempts", 3.0),)),
            Rule(kinds=("stale",), thresholds=(("attempts", 2.0),)),
        )
    )
    kind, payment = Kind.RETRY_LOOP, Subject(service="payment")
    assert rules.of(kind, payment, "attempts") == 3
    assert rules.of(kind, Subject(group="readers"), "attempts") == 9
    assert rules.of(kind, Subject(group="pay-1"), "attempts") == 3, "a group has a name too"
    assert rules.of(kind, payment, "stuck_seconds") == Thresholds().stuck_seconds
    assert rules.says(kind, payment, "attempts") and not rules.says(kind, payment, "departed")
    assert rules.least(kind, "attempts") == 3
    assert Rules().least(kind, "attempts") == 5


def test_a_rule_of_a_destination_does_not_fit_what_has_none() -> None:
    rule = Rule(destinations=("orders*",), mute="ours")
    assert rule.fits(Kind.LOST, Subject(destination="orders.paid"))
    assert not rule.fits(Kind.LOST, Subject(service="orders"))


def test_the_last_reason_mutes() -> None:
    rules = Rules((Rule(kinds=("stale",), mute="first"), Rule(services=("rep*",), mute="last")))
    assert rules.muted(found.MUTED) == "last"
    assert rules.muted(found.DEAD) == ""


def test_the_open_and_worst_come_first() -> None:
    closed = replace(found.DEAD, state=State.CLOSED)
    notice = replace(found.SKEW, state=State.OPEN)
    newer = replace(found.DEAD, last=found.DEAD.last + 1)
    listed = [found.MUTED, closed, notice, found.DEAD, newer]
    assert sorted(listed, key=worst_first) == [newer, found.DEAD, notice, closed, found.MUTED]


def test_every_kind_is_in_the_table_and_every_threshold_is_used() -> None:
    assert set(TABLE) == set(Kind) == set(QUIET)
    for entry in TABLE.values():
        assert (entry.look is None) is not (entry.stand is None)
    assert len(NAMES) == 11
    assert [one.rank for one in Severity] == [0, 1, 2]


def test_a_subject_has_an_id_of_its_own() -> None:
    ids = {
        subject_id(kind, subject)
        for kind in (Kind.LOST, Kind.STALE)
        for subject in (Subject("a", "b"), Subject("ab"), Subject("", "ab"), Subject())
    }
    assert len(ids) == 8
    assert subject_id(Kind.LOST, Subject(service="mail")) == subject_id(
        Kind.LOST, Subject(service="mail")
    )
