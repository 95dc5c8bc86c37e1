"""The shop's graph as a product: held against its ledger, read by others, checked by its rules."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from graph.declared import declared
from graph.diff_report import Side, What, report
from graph.edges import Role, View
from graph.export import FORMATS
from graph.export.asyncapi import documents
from graph.rules.checking import check
from graph.rules.reading import rules_of
from graph.rules.rule import Checked, Status, Verdict
from graph.topology import EdgeKey, NodeKind, Topology
from graph.wire.saved import topology_from_saved
from samples.shop.entries import Consumed, Outcome, Position
from samples.shop.flow import ROLES, Known
from tests.integration.shop_run import Run

pytestmark = pytest.mark.kafka

RULES = Path(__file__).parents[2] / "samples" / "shop" / "rules.toml"


def test_services_alone_have_the_ledgers_counts(run: Run) -> None:
    """What carries a context is counted between the two services, what carries none is not."""
    made = {entry.position: entry.service for entry in run.produced}
    expected: Counter[tuple[str, str]] = Counter()
    for chain in run.truth.chains:
        for delivery in chain.deliveries:
            producer = made[Position(delivery.topic, delivery.partition, delivery.offset)]
            seen = Known.SPAN in ROLES[delivery.service].delivery_known
            if seen and Known.SPAN in ROLES[producer].producer_known:
                expected[producer, delivery.service] += 1
    found: Counter[tuple[str, str]] = Counter()
    for edge in run.graphs[View.SERVICES].edges:
        if edge.role is Role.DELIVER and edge.source.kind is NodeKind.SERVICE:
            found[edge.source.name, edge.target.name] += edge.count
    assert found == expected


def test_event_types_have_the_counts_of_their_destinations(run: Run) -> None:
    places, events = run.graphs[View.DESTINATIONS], run.graphs[View.EVENTS]
    for role in (Role.PRODUCE, Role.CONSUME):
        sums = (
            sum(edge.count for edge in of.edges if edge.role is role) for of in (places, events)
        )
        assert len(set(sums)) == 1
    (created,) = events.named("event:order.created")
    orders = [entry for entry in run.produced if entry.type == "order.created"]
    letters = [
        entry
        for entry in run.entries
        if isinstance(entry, Consumed) and entry.outcome is Outcome.DEAD_LETTERED
    ]
    assert {entry.topic for entry in letters} <= {"order.created"}
    assert created.incoming == len(orders) + len(letters), "a dead letter is of its original's type"


def test_its_documents_say_what_was_seen(run: Run) -> None:
    seen = run.graphs[View.DESTINATIONS]
    written = [(name, one) for name, one in documents(seen).items()]
    docs = Side("docs", declared(written, json.loads).topology, declared=True)
    assert report(docs, Side("seen", seen)).items == ()
    gone = [one for one in written if one[0] != "payment"]
    partly = Side("docs", declared(gone, json.loads).topology, declared=True)
    undocumented = report(partly, Side("seen", seen)).items
    assert {one.application for one in undocumented} == {"payment"}
    assert {one.what for one in undocumented} == {What.PRODUCER, What.CONSUMER}


def test_its_documents_say_what_orders_look_like(run: Run) -> None:
    told = documents(replace(run.graphs[View.DESTINATIONS], payloads=run.payloads))
    (created,) = told["storefront"]["channels"]["order.created"]["messages"].values()
    payload = created["payload"]
    assert payload["type"] == "object"
    assert "order_id" in payload["required"]
    assert payload["properties"]["order_id"]["type"] == "string"


def test_what_is_saved_is_the_same_again(run: Run) -> None:
    for graph in run.graphs.values():
        assert topology_from_saved(json.loads(FORMATS["json"].function(graph))) == graph


def checked(run: Run, graph: Topology) -> dict[str, Verdict]:
    rules = rules_of(tomllib.loads(RULES.read_text()))
    found = check(rules, Checked(graph, run.consumers))
    return {one.rule.name: one for one in found}


def test_its_rules_hold(run: Run) -> None:
    found = checked(run, run.graphs[View.DESTINATIONS])
    assert {name: one for name, one in found.items() if one.status is not Status.HOLDS} == {}


def test_a_shop_that_changed_breaks_a_rule_and_says_which(run: Run) -> None:
    graph = run.graphs[View.DESTINATIONS]
    (paid,) = [edge for edge in graph.edges if _is(edge.key, "payment", "payment.failed")]
    other = replace(paid, key=paid.key._replace(source=paid.source._replace(name="points")))
    (broken,) = [
        one
        for one in checked(run, Topology.of_edges([*graph.edges, other])).values()
        if one.status is Status.BROKEN
    ]
    assert broken.sentences == (
        f"points produces payment.failed, which only payment may ({paid.count:,} messages)",
    )


def _is(key: EdgeKey, source: str, target: str) -> bool:
    return (key.source.name, key.target.name) == (source, target)
