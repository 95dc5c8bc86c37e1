"""The demo's comparison finds what is missing, wrong or invented, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from graph.chain import Chain
from graph.edges import EdgeRow, Role
from graph.model import Evidence
from graph.topology import Topology
from samples.shop import truth as ledger
from samples.shop.entries import Outcome
from samples.shop.flow import Known
from tests.builders import Flow
from tests.goldens import assert_golden
from tui.demo.compare import Report, compare
from tui.demo.report import report_lines, report_to_dict
from tui.drawing.segments import text_of

SPAN = (Known.SPAN,)


def seen() -> tuple[Chain, Flow]:
    """An order, and the payment that it caused."""
    flow = Flow()
    order = flow.send("storefront", "orders", message_id="o-1", event_type="order")
    handling = flow.process("payment", order)
    flow.send("payment", "payments", inside=handling, message_id="p-1", event_type="payment")
    return flow.chain(order), flow


def event(name: str, topic: str, service: str, cause: str = "") -> ledger.Event:
    known = SPAN if cause else ()
    return ledger.Event(name, topic, service, topic, 0, 0, cause, known, SPAN, 0)


TRUE_CHAIN = ledger.Chain(
    root="o-1",
    correlation="o-1",
    outcome="completed",
    services=("payment", "storefront"),
    events=(
        event("o-1", "orders", "storefront"),
        event("p-1", "payments", "payment", cause="o-1"),
    ),
    deliveries=(
        ledger.Delivery(
            "o-1", "orders", 0, 0, "payment", "pay", "payment", Outcome.HANDLED, 1, SPAN
        ),
    ),
    copies=(),
)
TRUTH = ledger.Truth(
    edges=(
        ledger.Edge("produce", "storefront", "orders", 1, 0, SPAN, seen_as="storefront"),
        ledger.Edge("consume", "orders", "payment", 1, 0, SPAN, seen_as="payment"),
        ledger.Edge("produce", "payment", "payments", 1, 0, SPAN, seen_as="payment"),
    ),
    chains=(TRUE_CHAIN,),
    unknowable=(
        ledger.Unknowable("producer", "analytics", "tally", 2, "it exports no spans"),
        ledger.Unknowable("consumer name", "analytics", "orders", 1, "only its group is known"),
        ledger.Unknowable("consumer name", "analytics", "payments", 1, "only its group is known"),
    ),
)
ROWS = (
    EdgeRow(Role.PRODUCE, service="storefront", destination="orders", count=1),
    EdgeRow(Role.CONSUME, service="payment", destination="orders", count=1),
    EdgeRow(Role.PRODUCE, service="payment", destination="payments", count=1),
    EdgeRow(Role.PRODUCE, destination="tally", count=2, evidence=Evidence.MATCHED),
)


def against(
    truth: ledger.Truth = TRUTH, rows: tuple[EdgeRow, ...] = ROWS, chain: Chain | None = None
) -> Report:
    found = chain or seen()[0]
    return compare(truth, Topology.build(rows), lambda root: found if root == "o-1" else None)


def kinds(report: Report) -> list[tuple[str, str]]:
    assert not report.agrees
    return [(difference.kind, difference.what) for difference in report.differences]


def test_agrees_when_everything_is_as_written_down() -> None:
    report = against()
    assert report.agrees, report.differences
    assert (report.edges.found, report.chains.found, report.causes.found) == (3, 1, 1)


def test_nothing_to_find_is_no_agreement() -> None:
    assert not against(ledger.Truth((), (), ()), ()).agrees


def test_an_edge_that_is_missing() -> None:
    assert kinds(against(rows=ROWS[1:])) == [("missing", "edge storefront -> orders (produce)")]


def test_a_count_that_is_off_by_one() -> None:
    rows = (replace(ROWS[0], count=2), *ROWS[1:])
    assert kinds(against(rows=rows)) == [("wrong", "edge storefront -> orders (produce)")]


def test_an_error_that_was_not_seen() -> None:
    edges = (replace(TRUTH.edges[1], errors=1),)
    truth = replace(TRUTH, edges=TRUTH.edges[:1] + edges + TRUTH.edges[2:])
    assert kinds(against(truth)) == [("wrong", "edge orders -> payment (consume)")]


def test_an_edge_that_was_invented() -> None:
    rows = (*ROWS, EdgeRow(Role.CONSUME, group="strangers", destination="orders", count=1))
    assert kinds(against(rows=rows)) == [("invented", "edge orders -> strangers (consume)")]


def test_messages_without_a_producer_where_it_could_be_known() -> None:
    rows = (*ROWS, EdgeRow(Role.PRODUCE, destination="orders", count=1))
    assert kinds(against(rows=rows)) == [("wrong", "edge unknown producer -> orders")]


def test_a_chain_that_is_not_found() -> None:
    truth = replace(TRUTH, chains=(TRUE_CHAIN, replace(TRUE_CHAIN, root="o-2")))
    assert kinds(against(truth)) == [("missing", "chain of o-2")]


def test_a_cause_that_is_not_found() -> None:
    chain = replace(seen()[0], causes=())
    assert kinds(against(chain=chain)) == [("missing", "cause of payments p-1")]


def test_a_cause_that_is_less_sure_than_it_could_be() -> None:
    whole = seen()[0]
    chain = replace(whole, causes=(replace(whole.causes[0], evidence=Evidence.INFERRED),))
    assert kinds(against(chain=chain)) == [("wrong", "cause of payments p-1: evidence")]


def test_a_cause_where_there_is_none() -> None:
    first = replace(TRUE_CHAIN.events[1], cause="", cause_known=())
    true = replace(TRUE_CHAIN, events=(TRUE_CHAIN.events[0], first))
    assert kinds(against(replace(TRUTH, chains=(true,)))) == [("invented", "cause of p-1")]


def inferred_only(count: int, right: int) -> Report:
    """Chains whose second event's cause can only be inferred; some are, and rightly."""
    whole = seen()[0]
    by_guess = replace(TRUE_CHAIN.events[1], cause_known=(Known.CORRELATION,))
    true = replace(TRUE_CHAIN, events=(TRUE_CHAIN.events[0], by_guess))
    guessed = replace(whole, causes=(replace(whole.causes[0], evidence=Evidence.INFERRED),))
    answers = iter([guessed] * right + [replace(whole, causes=())] * (count - right))
    truth = replace(TRUTH, chains=(true,) * count)
    return compare(truth, Topology.build(ROWS), lambda root: next(answers))


def test_what_can_only_be_inferred_may_be_missing_now_and_then() -> None:
    report = inferred_only(20, 19)
    assert report.agrees
    grade = report.grades[Evidence.INFERRED]
    assert (grade.recall, grade.precision) == (0.95, 1.0)
    assert report_to_dict(report)["grades"]["inferred"]["recall"] == 0.95


def test_but_not_often() -> None:
    report = inferred_only(20, 18)
    assert not report.differences
    assert not report.agrees


def test_a_wrong_inference_counts_against_it_and_is_no_certain_error() -> None:
    first = replace(TRUE_CHAIN.events[1], cause="", cause_known=())
    true = replace(TRUE_CHAIN, events=(TRUE_CHAIN.events[0], first))
    whole = seen()[0]
    chain = replace(whole, causes=(replace(whole.causes[0], evidence=Evidence.INFERRED),))
    report = against(replace(TRUTH, chains=(true,)), chain=chain)
    assert not report.differences
    assert report.grades[Evidence.INFERRED].precision == 0.0
    assert not report.agrees


def test_a_delivery_that_is_missing_and_one_that_was_invented() -> None:
    elsewhere = replace(TRUE_CHAIN.deliveries[0], service="points", seen_as="points")
    true = replace(TRUE_CHAIN, deliveries=(elsewhere,))
    assert kinds(against(replace(TRUTH, chains=(true,)))) == [
        ("missing", "delivery of o-1 at points"),
        ("invented", "delivery of o-1 at payment"),
    ]


def test_an_event_of_another_producer() -> None:
    other = replace(TRUE_CHAIN.events[1], service="billing")
    true = replace(TRUE_CHAIN, events=(TRUE_CHAIN.events[0], other))
    assert kinds(against(replace(TRUTH, chains=(true,)))) == [
        ("wrong", "event payments p-1: producer")
    ]


def test_a_copy_that_is_not_found() -> None:
    copy = ledger.Copy("o-1", "orders.dlt", 0, 7, "orders/0/0", "payment", SPAN)
    truth = replace(TRUTH, chains=(replace(TRUE_CHAIN, copies=(copy,)),))
    assert kinds(against(truth)) == [("missing", "event o-1: copy at orders.dlt/0/7")]


def test_the_report_as_text_and_as_json() -> None:
    good, bad = against(), against(rows=ROWS[1:])
    texts = ["\n".join(map(text_of, report_lines(report))) for report in (good, bad)]
    assert_golden("cli/demo_report.txt", "\n\n".join(texts))
    said = report_to_dict(bad)
    assert said["agrees"] is False
    assert said["edges"] == {"expected": 3, "found": 2, "wrong": 1}
    assert said["differences"][0]["kind"] == "missing"
    assert said["unknowable"][0]["topic"] == "tally"
