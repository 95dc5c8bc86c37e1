"""A graph out of aggregated edges, and what their rows say for each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from graph.model import Evidence
from graph.network import cycles, to_networkx
from graph.topology import EdgeRow, NodeKey, NodeKind, Role, Topology


def produce(service: str, destination: str, **fields: Any) -> EdgeRow:
    return _row(Role.PRODUCE, service=service, destination=destination, **fields)


def consume(destination: str, service: str, **fields: Any) -> EdgeRow:
    return _row(Role.CONSUME, service=service, destination=destination, **fields)


def call(service: str, peer: str, **fields: Any) -> EdgeRow:
    return _row(Role.CALL, service=service, peer=peer, system="", **fields)


def _row(role: Role, **fields: Any) -> EdgeRow:
    defaults: dict[str, Any] = {"count": 1, "system": "kafka"}
    return EdgeRow(role, **(defaults | fields))


def shape(topology: Topology) -> set[tuple[str, str]]:
    """Edges by the ids of their ends."""
    ids = {node.key: node.id for node in topology.nodes}
    return {(ids[edge.source], ids[edge.target]) for edge in topology.edges}


def test_services_produce_to_destinations_that_others_consume() -> None:
    topology = Topology.build(
        [
            produce("shop", "orders", count=10, errors=1, last_seen=5),
            consume("orders", "payment", group="pay", count=9),
            call("payment", "bank", count=3),
        ]
    )

    assert shape(topology) == {
        ("service:shop", "destination:orders"),
        ("destination:orders", "service:payment"),
        ("service:payment", "service:bank"),
    }
    (orders,) = topology.named("orders")
    assert (orders.incoming, orders.outgoing, orders.errors, orders.last_seen) == (10, 9, 1, 5)


def test_event_types_of_one_edge_are_summed_and_kept() -> None:
    topology = Topology.build(
        [
            produce("shop", "orders", event_type="created", count=3, p50=1.0, p95=2.0, last_seen=7),
            produce("shop", "orders", event_type="closed", count=1, p50=3.0, p95=9.0, errors=1),
            produce("shop", "orders", evidence=Evidence.DECLARED, count=2),
        ]
    )

    (edge,) = topology.edges
    assert (edge.count, edge.errors, edge.last_seen) == (6, 1, 7)
    assert edge.event_types == ("closed", "created")
    assert edge.evidence is Evidence.OBSERVED
    assert (edge.p50, edge.p95, edge.p99) == (1.5, 9.0, None)
    assert [row.count for row in edge.rows] == [3, 1, 2]


def test_a_span_without_a_cluster_means_the_only_one_there_is() -> None:
    topology = Topology.build(
        [
            produce("", "orders", cluster="c1"),
            produce("shop", "orders"),
            consume("orders", "payment", cluster="c1"),
        ]
    )

    assert shape(topology) == {
        ("unknown:orders", "destination:orders"),
        ("service:shop", "destination:orders"),
        ("destination:orders", "service:payment"),
    }


def test_with_two_clusters_a_span_that_names_none_stays_apart() -> None:
    topology = Topology.build(
        [
            produce("a", "orders", cluster="east"),
            produce("b", "orders", cluster="west"),
            produce("c", "orders"),
        ]
    )

    assert {node.label for node in topology.nodes if node.kind is NodeKind.DESTINATION} == {
        "orders (east)",
        "orders (west)",
        "orders (?)",
    }


def test_environments_are_two_worlds() -> None:
    topology = Topology.build(
        [
            produce("shop", "orders", environment="staging"),
            produce("shop", "orders", environment="production"),
        ]
    )

    assert len(topology.nodes) == 4


def test_a_group_that_nobody_speaks_for_is_a_node() -> None:
    topology = Topology.build([consume("orders", "", group="audit", evidence=Evidence.MATCHED)])

    assert shape(topology) == {("destination:orders", "group:audit")}


def test_a_group_whose_spans_name_it_is_their_service() -> None:
    topology = Topology.build(
        [
            consume("orders", "payment", group="pay", count=5),
            consume("orders", "", group="pay", count=5, evidence=Evidence.MATCHED),
        ]
    )

    (edge,) = topology.edges
    assert (edge.count, edge.evidence, edge.group) == (5, Evidence.OBSERVED, "pay")


def test_a_group_called_like_a_service_is_that_service() -> None:
    topology = Topology.build(
        [
            consume("orders", "Payment", count=5),
            consume("orders", "", group="payment", count=4, evidence=Evidence.MATCHED),
        ]
    )

    (edge,) = topology.edges
    assert (edge.count, edge.evidence, edge.group) == (5, Evidence.OBSERVED, "payment")


def test_a_group_whose_member_is_called_like_a_service_is_that_service() -> None:
    rows = [
        consume("orders", "payment", count=5),
        consume("orders", "", group="g-17", count=4, evidence=Evidence.MATCHED),
    ]

    assert len(Topology.build(rows).edges) == 2
    (edge,) = Topology.build(rows, members={"g-17": {"PAYMENT"}}).edges
    assert edge.group == "g-17"


def test_a_service_that_has_another_group_here_is_another_consumer() -> None:
    topology = Topology.build(
        [consume("orders", "payment", group="live"), consume("orders", "", group="payment")]
    )

    assert len(topology.edges) == 2


def test_the_same_group_on_another_destination_needs_its_own_evidence() -> None:
    topology = Topology.build(
        [consume("orders", "payment", group="pay"), consume("refunds", "", group="pay")]
    )

    assert ("destination:refunds", "group:pay") in shape(topology)


def test_a_callee_without_spans_is_a_peer() -> None:
    topology = Topology.build(
        [
            produce("shop", "orders"),
            call("shop", "postgres", evidence=Evidence.DECLARED),
            call("shop", "stock"),
        ]
    )

    assert {node.id for node in topology.nodes} == {
        "service:shop",
        "service:stock",
        "peer:postgres",
        "destination:orders",
    }


SHOP = Topology.build(
    [
        produce("shop", "orders", event_type="order.created"),
        produce("shop", "users", event_type="user.registered"),
        consume("orders", "payment", event_type="order.created", group="pay"),
        produce("payment", "payments", event_type="payment.taken"),
        consume("payments", "shop", event_type="payment.taken"),
        call("payment", "bank"),
    ]
)


def test_filters_keep_edges_that_touch_what_is_asked_for() -> None:
    assert shape(SHOP.filtered(services=["pay*"])) == {
        ("destination:orders", "service:payment"),
        ("service:payment", "destination:payments"),
        ("service:payment", "service:bank"),
    }
    assert shape(SHOP.filtered(destinations=["ORDERS"])) == {
        ("service:shop", "destination:orders"),
        ("destination:orders", "service:payment"),
    }
    assert shape(SHOP.filtered(event_types=["user.*"])) == {("service:shop", "destination:users")}
    assert shape(SHOP.filtered(services=["shop"], destinations=["payments"])) == {
        ("destination:payments", "service:shop")
    }
    assert SHOP.filtered(environments=["staging"]).edges == ()


def test_a_neighbourhood_grows_by_hops_in_both_directions() -> None:
    payment = NodeKey(NodeKind.SERVICE, "payment")

    assert {node.id for node in SHOP.neighbourhood(payment).nodes} == {
        "service:payment",
        "service:bank",
        "destination:orders",
        "destination:payments",
    }
    assert "service:shop" in {node.id for node in SHOP.neighbourhood(payment, 2).nodes}
    assert SHOP.neighbourhood(payment, 9) == SHOP


def test_cycles_go_through_destinations() -> None:
    names = [[key.name for key in cycle] for cycle in cycles(SHOP)]

    assert names == [["orders", "payment", "payments", "shop"]]
    only_calls = Topology.build([call("a", "b"), call("b", "a")])
    assert cycles(only_calls) == []


def test_a_networkx_graph_has_the_same_nodes_and_edges() -> None:
    graph = to_networkx(SHOP)

    assert set(graph.nodes) == {node.id for node in SHOP.nodes}
    assert {(source, target) for source, target in graph.edges()} == shape(SHOP)
    edge = graph.edges["destination:orders", "service:payment", "consume:pay"]
    assert edge["event_types"] == "order.created"


names = st.sampled_from(["", "a", "b", "A"])
rows = st.builds(
    EdgeRow,
    role=st.sampled_from(Role),
    environment=st.sampled_from(["", "e"]),
    service=names,
    group=names,
    peer=names,
    system=st.sampled_from(["", "kafka"]),
    cluster=st.sampled_from(["", "c1", "c2"]),
    destination=names,
    event_type=names,
    evidence=st.sampled_from(Evidence),
    count=st.integers(0, 9),
    p50=st.none() | st.floats(0, 9),
)


@given(st.lists(rows), st.randoms())
def test_the_order_of_rows_changes_nothing(given_rows: list[EdgeRow], order: Any) -> None:
    shuffled = list(given_rows)
    order.shuffle(shuffled)

    assert Topology.build(shuffled) == Topology.build(given_rows)


@given(st.lists(rows))
def test_produced_counts_are_kept_and_ids_are_unique(given_rows: list[EdgeRow]) -> None:
    topology = Topology.build(given_rows)

    produced = sum(row.count for row in given_rows if row.role is Role.PRODUCE)
    assert sum(edge.count for edge in topology.edges if edge.role is Role.PRODUCE) == produced
    ids = [node.id for node in topology.nodes]
    assert len(set(ids)) == len(ids)


def test_a_row_is_not_changed_by_what_others_say() -> None:
    row = produce("shop", "orders")
    Topology.build([row, produce("", "orders", cluster="c1")])

    assert row == replace(row, cluster="")
