"""On which nodes and lines findings stand: on who they are about, and on nobody else."""

from __future__ import annotations

from dataclasses import replace

from graph.chain.result import DeliveryKey
from graph.findings.model import Finding, Proof, State
from graph.model import Evidence
from graph.topology import NodeKey, NodeKind, Topology
from tests.tui import shop
from tests.tui.findings import (
    CONTEXT,
    DEAD,
    MUTED,
    PASSED,
    SENT,
    SKEW,
    STORMING,
    STUCK,
    finding,
    findings,
)
from tests.tui.order import order
from tui.drawing.chain_findings import FoundInChain
from tui.drawing.finding_flags import finding_facts, flag
from tui.drawing.finding_places import found_in, found_on, nodes_of, standing
from tui.drawing.segments import text_of

SHOP = Topology.build(shop.edges())


def nodes(one: Finding) -> set[tuple[str, str]]:
    return {(key.kind.value, key.name) for key in nodes_of(one, SHOP)}


def lines(found: FoundInChain) -> set[tuple[str, str, str]]:
    """(event, consumer or nothing, kind of the worst)."""
    return {
        (
            str(getattr(key, "event", key)),
            key.service if isinstance(key, DeliveryKey) else "",
            some[0].kind.value,
        )
        for key, some in found.items()
    }


def test_a_finding_stands_on_who_it_is_about() -> None:
    assert nodes(DEAD) == {("service", "notification")}, "its dead letters lie nowhere here"
    assert nodes(PASSED) == {("service", "recommendation")}
    assert nodes(SENT) == {("service", "storefront")}
    assert nodes(SKEW) == {("service", "payment"), ("service", "storefront")}
    assert nodes(STUCK) == {("group", "crm-sync")}
    gone = replace(STUCK, subject=STUCK.subject._replace(group="gone", destination="gone"))
    assert nodes(gone) == set()
    by_group = replace(STORMING, subject=STORMING.subject._replace(service="", group="payment"))
    assert nodes(by_group) == {("service", "payment")}, "it consumes as this group"


def test_what_is_about_nobody_stands_on_its_destination() -> None:
    nobody = replace(STUCK, subject=STUCK.subject._replace(group="", destination="stock.reserved"))
    assert nodes(nobody) == {("destination", "stock.reserved")}
    elsewhere = replace(nobody, subject=nobody.subject._replace(cluster="another"))
    assert nodes(elsewhere) == set()
    lies = replace(DEAD, subject=DEAD.subject._replace(peer="stock.reserved"))
    assert nodes(lies) == {("service", "notification"), ("destination", "stock.reserved")}


def test_only_what_is_open_and_not_muted_marks_the_graph_the_worst_first() -> None:
    found = found_on(standing(findings()), SHOP)
    marked = {key.name: text_of([flag(some)]) for key, some in found.items()}
    assert marked == {
        "notification": " ⚑✗",
        "crm-sync": " ⚑✗",
        "recommendation": " ⚑!",
        "inventory": " ⚑·",
    }
    recommendation = next(some for key, some in found.items() if key.name == "recommendation")
    assert [one.kind for one in recommendation] == [PASSED.kind, STORMING.kind]


def test_on_a_chain_a_finding_stands_on_the_event_that_proves_it() -> None:
    chain = order()
    assert lines(found_in([DEAD, PASSED, SENT, SKEW, MUTED], chain)) == {
        ("payment.captured/0/42", "notification", "dead-letter"),
        ("order.created/0/1042", "recommendation", "lost"),
    }
    other = replace(DEAD, proof=(Proof("payment.captured/0/43"),))
    assert not found_in([other], chain), "it is of another event"
    nobody = replace(DEAD, subject=DEAD.subject._replace(group="somebody-else"))
    assert lines(found_in([nobody], chain)) == {("payment.captured/0/42", "", "dead-letter")}
    span = chain.events[0].operations[0].context
    by_span = replace(SENT, proof=(Proof(f"{span.trace_id}/{span.span_id}"),))
    assert lines(found_in([by_span], chain)) == {("order.created/0/1042", "", "lost")}


def test_what_lasts_stands_on_all_that_its_subject_handled_meanwhile() -> None:
    chain = order()
    noon = replace(CONTEXT, proof=(), last=shop.NOON)
    assert lines(found_in([noon], chain)) == {
        ("order.created/0/1042", "inventory", "broken-context")
    }
    before = replace(noon, last=shop.NOON - 30 * 60 * 10**9)
    assert not found_in([before], chain)
    single = replace(DEAD, proof=(), last=shop.NOON)
    assert not found_in([single], chain), "one given up says nothing of the others"
    skewed = replace(SKEW, last=shop.NOON)
    assert lines(found_in([skewed], chain)) == {("order.created/0/1042", "payment", "clock-skew")}


def test_details_tell_the_worst_and_how_many_more_there_are() -> None:
    closed = replace(SENT, state=State.CLOSED)
    told = [text_of(line) for line in finding_facts([closed, PASSED, DEAD, STUCK, SKEW], 200)]
    assert told[0].startswith("finding     ⚑✗ lost: storefront sent 4 messages")
    assert told[0].endswith("lies there. (closed)")
    assert told[-1].strip() == "and 2 more: key 5"
    assert finding_facts([], 80) == []


def test_a_group_that_is_a_node_is_found_by_its_name() -> None:
    rows = [shop.consume("", "order.created", 5, group="audit", evidence=Evidence.MATCHED)]
    topology = Topology.build(rows)
    about = finding(
        STUCK.kind, STUCK.severity, "x", first=2, last=1, group="audit", destination="order.created"
    )
    assert nodes_of(about, topology) == [NodeKey(NodeKind.GROUP, "audit")]
