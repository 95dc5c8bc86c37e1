"""Each fault of the shop leads to exactly one finding, on the events that its ledger names; the
healthy shop has none. What can be switched is told in docs/findings.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from graph.findings.model import Finding, Kind
from samples.kafka.broker import Broker
from samples.shop.entries import Committed, Consumed, Left, Lost, Outcome, Produced
from tests.integration import faulty_run
from tests.integration.faulty_run import Faulty

pytestmark = pytest.mark.kafka

ALL = {
    ("lost", "storefront", "user.registered", "sent"),
    ("lost", "order-view", "order.created", "passed"),
    ("dead-letter", "", "order.created", "order.created.dlt"),
    ("duplicate", "points", "order.completed", ""),
    ("duplicate", "points", "points.awarded", "produced"),
    ("out-of-order", "inventory", "order.created", ""),
    ("retry-loop", "points", "order.completed", ""),
    ("overdue", "", "stock.reserved", "payment.completed or payment.failed"),
    ("stuck", "recommendation", "", ""),
    ("storming", "notification", "", ""),
    ("stale", "reporting", "", ""),
    ("unconsumed", "", "payment.receipt", ""),
    ("broken-context", "points", "user.registered", "samples.shop.telemetry"),
    ("broken-context", "points", "order.completed", "samples.shop.telemetry"),
    ("clock-skew", "order-view", "", "storefront"),
    ("clock-skew", "order-view", "", "inventory"),
    ("clock-skew", "order-view", "", "payment"),
}
"""Kind, who (its service, or else its group where that is the only name), where, the other one."""


@pytest.fixture(scope="module")
def run(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    return faulty_run.begin(kafka.bootstrap, tmp_path_factory.mktemp("faulty"))


def name(one: Finding) -> tuple[str, str, str, str]:
    subject = one.subject
    by_group = one.kind in (Kind.STUCK, Kind.STORMING, Kind.STALE)
    who = subject.group if by_group else subject.service
    return one.kind.value, who, subject.destination, subject.peer


def the(run: Faulty, kind: Kind, peer: str | None = None, destination: str = "") -> Finding:
    """The only one of its kind."""
    (found,) = (
        one
        for one in run.found
        if one.kind is kind
        and peer in (None, one.subject.peer)
        and destination in ("", one.subject.destination)
        and not one.muted
    )
    return found


def proved(one: Finding) -> set[str]:
    return {proof.id for proof in one.proof}


def consumed(run: Faulty, service: str, *outcomes: Outcome) -> list[Consumed]:
    return [
        entry
        for entry in run.entries
        if isinstance(entry, Consumed) and entry.service == service and entry.outcome in outcomes
    ]


def produced(run: Faulty, topic: str) -> list[Produced]:
    return [one for one in run.entries if isinstance(one, Produced) and one.topic == topic]


def places(entries: Iterable[Consumed | Produced]) -> set[str]:
    return {str(entry.position) for entry in entries}


def agree(one: Finding, truth: set[str]) -> None:
    """So many as the ledger says, and proved by these; of many, by some."""
    assert one.count == len(truth) > 0
    assert proved(one) <= truth
    assert len(proved(one)) >= min(3, len(truth))


def test_the_healthy_shop_has_none(run: Faulty) -> None:
    assert [one for one in run.healthy if not one.muted] == []


def test_each_fault_is_found_and_nothing_else(run: Faulty) -> None:
    found = [name(one) for one in run.found if not one.muted]
    assert sorted(found) == sorted(ALL)
    assert {kind for kind, *_ in ALL} == set(Kind)


def test_lost_on_the_way(run: Faulty) -> None:
    lost = {entry.context for entry in run.entries if isinstance(entry, Lost)}
    agree(the(run, Kind.LOST, "sent"), lost)


def test_gone_past(run: Faulty) -> None:
    agree(the(run, Kind.LOST, "passed"), places(consumed(run, "order-view", Outcome.SKIPPED)))


def test_given_up(run: Faulty) -> None:
    copies = {str(one.position) for one in produced(run, "order.created.dlt")}
    agree(the(run, Kind.DEAD_LETTER), copies)
    assert len(copies) == len(consumed(run, "inventory", Outcome.DEAD_LETTERED))


def test_handled_twice(run: Faulty) -> None:
    again = places(consumed(run, "points", Outcome.DUPLICATE))
    agree(the(run, Kind.DUPLICATE, ""), again)


def test_produced_twice(run: Faulty) -> None:
    awards = produced(run, "points.awarded")
    times = Counter(one.ce_id for one in awards)
    one = the(run, Kind.DUPLICATE, "produced")
    assert one.count == sum(count == 2 for count in times.values()) > 0
    assert proved(one) <= places(each for each in awards if times[each.ce_id] == 2)
    assert len(proved(one)) == min(6, 2 * one.count)


def test_overtaken(run: Faulty) -> None:
    """Whatever inventory began after what lies behind it in the same partition."""
    furthest: dict[int, int] = defaultdict(int)
    late = set()
    handled = consumed(run, "inventory", *Outcome)
    for entry in (one for one in handled if one.topic == "order.created" and one.attempt == 1):
        if entry.offset < furthest[entry.partition]:
            late.add(str(entry.position))
        furthest[entry.partition] = max(furthest[entry.partition], entry.offset)
    agree(the(run, Kind.OUT_OF_ORDER), late)


def test_tried_again_and_again(run: Faulty) -> None:
    failed = Counter(entry.position for entry in consumed(run, "points", Outcome.FAILED))
    one = the(run, Kind.RETRY_LOOP)
    assert {run.spans[proof] for proof in proved(one)} == {str(place) for place in failed}
    assert one.count == len(failed)
    assert one.said["attempts"] == max(failed.values()) == min(failed.values())
    assert one.said["error"] == "the account is locked for a while"


def test_a_saga_that_hangs(run: Faulty) -> None:
    answered = {
        one.cause for topic in ("completed", "failed") for one in produced(run, f"payment.{topic}")
    }
    hang = [one for one in produced(run, "stock.reserved") if one.ce_id not in answered]
    agree(the(run, Kind.OVERDUE), places(hang))


def test_a_group_that_stands_still(run: Faulty) -> None:
    """It waits for the first message of each partition."""
    waiting: dict[tuple[str, int], Produced] = {}
    for topic in ("user.registered", "order.created"):
        for one in produced(run, topic):
            waiting.setdefault((topic, one.partition), one)
    stuck = the(run, Kind.STUCK)
    assert proved(stuck) == places(waiting.values())
    assert "stands still: it has 1 member and commits nothing" in stuck.sentence
    assert not consumed(run, "recommendation", *Outcome)


def test_members_that_keep_leaving(run: Faulty) -> None:
    left = [entry for entry in run.entries if isinstance(entry, Left)]
    assert {entry.service for entry in left} == {"notification"}
    # One that came and left between two looks is not seen.
    assert 4 <= int(the(run, Kind.STORMING).said["left"]) <= len(left)


def test_a_read_model_that_is_late(run: Faulty) -> None:
    """What waits was committed up to just before it, or is the first of its partition."""
    stood = {
        f"{entry.topic}/{entry.partition}/{entry.offset}"
        for entry in run.entries
        if isinstance(entry, Committed) and entry.service == "analytics"
    }
    firsts: dict[tuple[str, int], str] = {}
    for entry in run.entries:
        if isinstance(entry, Produced):
            firsts.setdefault(entry.position[:2], str(entry.position))
    one = the(run, Kind.STALE)
    assert proved(one) <= stood | set(firsts.values())
    assert proved(one) & stood, "it reads, though slowly"


def test_what_nobody_reads(run: Faulty) -> None:
    one = the(run, Kind.UNCONSUMED)
    assert one.said["messages"] == len(produced(run, "payment.receipt"))
    assert one.said["producers"] == "payment"


@pytest.mark.parametrize("topic", ["user.registered", "order.completed"])
def test_a_service_that_drops_the_context(run: Faulty, topic: str) -> None:
    one = the(run, Kind.BROKEN_CONTEXT, "samples.shop.telemetry", topic)
    handled = [entry for entry in consumed(run, "points", *Outcome) if entry.topic == topic]
    assert one.count == len(handled)
    assert {run.spans[proof] for proof in proved(one)} <= places(handled)


@pytest.mark.parametrize("peer", ["storefront", "inventory", "payment"])
def test_a_clock_that_is_off(run: Faulty, peer: str) -> None:
    one = the(run, Kind.CLOCK_SKEW, peer)
    assert 4 < float(one.said["seconds"]) < 5
