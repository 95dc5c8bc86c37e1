"""An unknown producer named after the only application that its broker saw write."""

from __future__ import annotations

from typing import Any

import pytest

from graph.edges import EdgeRow, Role
from graph.model import Evidence
from graph.producers import BrokerProducer, prefixes
from graph.topology import NodeKind, Topology

PROCESS = "2f4ae3e4-6c5d-4f0c-a5ae-3d8d1f0b9c11"


def unknown(destination: str, count: int = 5) -> EdgeRow:
    """Messages that neither span nor header claims."""
    return EdgeRow(
        Role.PRODUCE,
        system="kafka",
        cluster="c",
        destination=destination,
        evidence=Evidence.MATCHED,
        count=count,
    )


def produced(service: str, destination: str, evidence: Evidence = Evidence.OBSERVED) -> EdgeRow:
    return EdgeRow(
        Role.PRODUCE,
        service=service,
        system="kafka",
        destination=destination,
        evidence=evidence,
        count=1,
    )


def consumed(destination: str, group: str, service: str = "") -> EdgeRow:
    return EdgeRow(
        Role.CONSUME, service=service, group=group, system="kafka", destination=destination, count=1
    )


def writer(transactional_id: str, destination: str = "orders", **more: Any) -> BrokerProducer:
    return BrokerProducer("kafka", "c", destination, more.pop("id", 7), transactional_id, **more)


def producers_of(topology: Topology, destination: str = "orders") -> set[tuple[str, str]]:
    """(id of the node, evidence) of everyone who produces to it."""
    ids = {node.key: node.id for node in topology.nodes}
    return {
        (ids[edge.source], edge.evidence.value)
        for edge in topology.edges
        if edge.role is Role.PRODUCE and edge.target.name == destination
    }


@pytest.mark.parametrize(
    ("transactional_id", "application"),
    [
        (f"fraud-check-{PROCESS}-1", "fraud-check"),
        (f"fraud-check-{PROCESS}-StreamThread-1", "fraud-check"),
        ("fraud-check-0_12", "fraud-check"),
        ("billing-tx-3", "billing-tx"),
        ("billing.0", "billing"),
        ("billing-7d9f8b6c5-x2k4p-0", "billing"),
        ("billing-0-4", "billing"),
        ("billing", "billing"),
        ("billing-v2-0", "billing-v2"),
        ("tx-0", ""),
        (PROCESS, ""),
        (f"{PROCESS}-0", ""),
        ("550e8400-e29b-41d4-a716-446655440000", ""),
        ("billing-550e8400-e29b-41d4-a716-446655440000", "billing"),
        ("17", ""),
        ("", ""),
        ("---", ""),
    ],
)
def test_an_application_is_what_its_transactional_ids_begin_with(
    transactional_id: str, application: str
) -> None:
    assert (prefixes(transactional_id) or ("",))[-1] == application


def test_the_only_transactional_application_is_the_producer() -> None:
    instances = [writer("billing-0_1", id=1), writer("billing-0_2", id=2)]

    topology = Topology.build([unknown("orders")], producers=instances)

    assert producers_of(topology) == {("service:billing", "inferred")}
    (edge,) = topology.edges
    assert edge.count == 5


@pytest.mark.parametrize(
    "others",
    [
        [writer("shipping-1", id=2)],
        [writer("", id=2)],
        [writer("tx-0", id=2)],
    ],
    ids=["another application", "no transactional id", "an id that names nobody"],
)
def test_two_candidates_stay_unknown(others: list[BrokerProducer]) -> None:
    topology = Topology.build([unknown("orders")], producers=[writer("billing-1", id=1), *others])

    assert producers_of(topology) == {("unknown:orders", "matched")}


@pytest.mark.parametrize("evidence", [Evidence.OBSERVED, Evidence.DECLARED])
def test_who_is_known_to_produce_is_a_candidate_too(evidence: Evidence) -> None:
    rows = [unknown("orders"), produced("shop", "orders", evidence)]

    assert producers_of(Topology.build(rows, producers=[writer("billing-1")])) == {
        ("unknown:orders", "matched"),
        ("service:shop", evidence.value),
    }


def test_messages_without_spans_are_of_the_service_whose_spans_say_the_others() -> None:
    rows = [unknown("orders"), produced("Billing", "orders")]

    (edge,) = Topology.build(rows, producers=[writer("billing-1")]).edges

    assert edge.source.name == "Billing"
    assert [(row.evidence, row.count) for row in edge.rows] == [
        (Evidence.OBSERVED, 1),
        (Evidence.INFERRED, 5),
    ]


def test_an_application_is_the_service_whose_group_has_its_name() -> None:
    rows = [unknown("orders"), consumed("carts", "checkout-app", "checkout")]

    topology = Topology.build(rows, producers=[writer(f"checkout-app-{PROCESS}-1")])

    assert producers_of(topology) == {("service:checkout", "inferred")}


def test_an_application_without_spans_is_the_group_that_it_reads_as() -> None:
    rows = [unknown("orders"), consumed("carts", "checkout-2")]

    topology = Topology.build(rows, producers=[writer("checkout-2-0_1")])

    assert producers_of(topology) == {("group:checkout-2", "inferred")}
    assert [node.id for node in topology.nodes if node.kind is NodeKind.GROUP] == [
        "group:checkout-2"
    ]
    assert len(topology.neighbourhood(topology.named("carts")[0].key, hops=2).nodes) == 3


def test_a_group_that_read_nothing_in_the_window_counts_as_known() -> None:
    topology = Topology.build(
        [unknown("orders")], {"checkout-2": {"c-1"}}, [writer("checkout-2-0_1")]
    )

    assert producers_of(topology) == {("group:checkout-2", "inferred")}


def test_of_another_destination_or_cluster_nothing_is_inferred() -> None:
    elsewhere = [
        writer("billing-1", "refunds"),
        BrokerProducer("kafka", "other", "orders", 1, "billing-1"),
    ]

    topology = Topology.build([unknown("orders")], producers=elsewhere)

    assert producers_of(topology) == {("unknown:orders", "matched")}


def test_who_is_first_seen_to_write_after_the_window_is_not_named_in_it() -> None:
    later = [writer("billing-1", first=200, last=300)]

    assert producers_of(Topology.build([unknown("orders")], producers=later, end=200)) == {
        ("unknown:orders", "matched")
    }
    assert producers_of(Topology.build([unknown("orders")], producers=later, end=201)) == {
        ("service:billing", "inferred")
    }
