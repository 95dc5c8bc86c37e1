"""Event types in the place of destinations, and services alone, whose counts are never guessed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from graph.edges import LeftOut, View
from graph.model import Evidence
from graph.topology import EdgeRow, NodeKind, Role, Topology
from graph.views import by_event_type, by_service, seen_as, unattributed
from graph.wire import topology_from_dict, topology_to_dict
from tests.unit.graph.test_topology import call, consume, produce, shape

SHARED = [
    produce("shop", "orders", event_type="placed", count=10),
    produce("desk", "orders", event_type="placed", count=5),
    consume("orders", "payment", event_type="placed", peer="shop", count=10, errors=1),
    consume("orders", "audit", event_type="placed", peer="shop", count=9),
    consume("orders", "audit", event_type="placed", peer="desk", count=5),
]
"""Two produce to one destination; payment was only ever given what the shop sent."""


def counts(topology: Topology) -> dict[tuple[str, str], int]:
    ids = {node.key: node.id for node in topology.nodes}
    return {(ids[edge.source], ids[edge.target]): edge.count for edge in topology.edges}


def test_services_alone_are_joined_by_context_not_by_what_they_share() -> None:
    alone = by_service(Topology.build(SHARED))

    assert counts(alone) == {
        ("service:shop", "service:payment"): 10,
        ("service:shop", "service:audit"): 9,
        ("service:desk", "service:audit"): 5,
    }
    assert {edge.role for edge in alone.edges} == {Role.DELIVER}
    assert unattributed(alone) == (0, 24)
    (failing,) = [edge for edge in alone.edges if edge.errors]
    assert (failing.target.name, failing.event_types) == ("payment", ("placed",))


def test_what_carries_no_context_comes_from_nobody_known() -> None:
    alone = by_service(
        Topology.build(
            [
                produce("shop", "orders", count=10),
                consume("orders", "payment", peer="shop", count=7),
                consume("orders", "payment", count=3),
                consume("orders", "", group="audit", evidence=Evidence.MATCHED, count=10),
            ]
        )
    )

    assert counts(alone) == {
        ("service:shop", "service:payment"): 7,
        ("unknown:orders", "service:payment"): 3,
        ("unknown:orders", "group:audit"): 10,
    }
    assert unattributed(alone) == (13, 20)


def test_calls_stay_calls_beside_what_goes_through_events() -> None:
    alone = by_service(
        Topology.build(
            [
                *SHARED,
                call("shop", "payment", count=2),
                call("payment", "bank", evidence=Evidence.DECLARED),
            ]
        )
    )

    between = [edge for edge in alone.edges if edge.target.name == "payment"]
    assert [(edge.role, edge.count) for edge in between] == [(Role.CALL, 2), (Role.DELIVER, 10)]
    assert [node.kind for node in alone.named("bank")] == [NodeKind.PEER]


def test_a_producer_of_another_environment_is_itself() -> None:
    alone = by_service(
        Topology.build(
            [
                produce("shop", "orders", environment="east"),
                consume("orders", "payment", environment="west", peer="shop"),
            ]
        )
    )

    (edge,) = alone.edges
    assert (edge.source.environment, edge.target.environment) == ("east", "west")


def test_an_event_type_stands_for_all_its_destinations() -> None:
    events = by_event_type(
        Topology.build(
            [
                produce("shop", "orders", event_type="placed", count=3),
                produce("shop", "orders", event_type="cancelled", count=1),
                produce("retry", "orders.retry", event_type="placed", count=1),
                consume("orders", "payment", group="pay", event_type="placed", count=3),
                call("payment", "bank", evidence=Evidence.DECLARED),
            ]
        )
    )

    assert events.view is View.EVENTS
    assert shape(events) == {
        ("service:shop", "event:placed"),
        ("service:shop", "event:cancelled"),
        ("service:retry", "event:placed"),
        ("event:placed", "service:payment"),
        ("service:payment", "peer:bank"),
    }
    assert events.named("placed")[0].incoming == 4


def test_progress_is_of_the_only_type_there_is_and_says_that_it_is_inferred() -> None:
    passed = consume("orders", "", group="audit", evidence=Evidence.MATCHED, count=4)
    only = by_event_type(Topology.build([produce("shop", "orders", event_type="placed"), passed]))
    (edge,) = [edge for edge in only.edges if edge.role is Role.CONSUME]
    assert (edge.source.kind, edge.source.name) == (NodeKind.EVENT, "placed")
    assert edge.evidence is Evidence.INFERRED

    several = by_event_type(
        Topology.build(
            [
                produce("shop", "orders", event_type="placed"),
                produce("shop", "orders", event_type="cancelled"),
                passed,
            ]
        )
    )
    (edge,) = [edge for edge in several.edges if edge.role is Role.CONSUME]
    assert (edge.source.kind, edge.evidence) == (NodeKind.DESTINATION, Evidence.MATCHED)
    untyped = by_event_type(Topology.build([produce("shop", "orders"), passed]))
    assert shape(untyped) == {
        ("service:shop", "destination:orders"),
        ("destination:orders", "group:audit"),
    }


def test_evidence_is_a_filter() -> None:
    topology = Topology.build([*SHARED, consume("orders", "late", evidence=Evidence.INFERRED)])
    guessed = topology.filtered(evidence=[Evidence.INFERRED])
    assert [edge.target.name for edge in guessed.edges] == ["late"]
    both = Topology.build(
        [
            consume("orders", "late", evidence=Evidence.INFERRED, count=2),
            consume("orders", "late", evidence=Evidence.OBSERVED, count=5),
        ]
    )
    (edge,) = both.filtered(evidence=[Evidence.INFERRED]).edges
    assert (edge.count, edge.evidence) == (2, Evidence.INFERRED)
    assert topology.filtered(evidence=list(Evidence)).edges == topology.edges


ROWS = st.lists(
    st.builds(
        consume,
        st.sampled_from(["a", "b"]),
        st.sampled_from(["x", "y", ""]),
        group=st.sampled_from(["", "g"]),
        peer=st.sampled_from(["", "x", "p"]),
        event_type=st.sampled_from(["", "t"]),
        count=st.integers(1, 9),
        errors=st.integers(0, 1),
    )
    | st.builds(produce, st.sampled_from(["x", "p"]), st.sampled_from(["a", "b"]))
    | st.builds(call, st.sampled_from(["x", "p"]), st.sampled_from(["x", "p"])),
    max_size=12,
)


@given(ROWS, st.sampled_from(View))
def test_no_view_loses_or_adds_what_was_consumed(rows: list[EdgeRow], view: View) -> None:
    topology = Topology.build(rows, start=1, end=2)
    seen = seen_as(topology, view)

    def consumed(of: Topology) -> tuple[int, int]:
        found = [edge for edge in of.edges if edge.role in (Role.CONSUME, Role.DELIVER)]
        return sum(edge.count for edge in found), sum(edge.errors for edge in found)

    assert consumed(seen) == consumed(topology)
    assert (seen.start, seen.end, seen.view) == (1, 2, view)
    assert topology_from_dict(topology_to_dict(seen)) == seen


def test_a_view_keeps_what_was_left_out() -> None:
    cut = replace(Topology.build(SHARED), left=LeftOut(3, 7), covered_from=9)
    for view in View:
        assert (seen_as(cut, view).left, seen_as(cut, view).covered_from) == (LeftOut(3, 7), 9)
