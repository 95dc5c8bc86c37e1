"""What changed between two windows: told when it is more than chance, and never by a name alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.edges import EdgeRow
from graph.topology import NodeKind, Topology
from graph.topology_diff import Change, Difference, EdgeChange, compare, with_quiet
from tests.unit.graph.test_topology import call, consume, produce, shape


def compared(before: list[EdgeRow], after: list[EdgeRow], stretch: float = 1.0) -> Difference:
    return compare(Topology.build(before), Topology.build(after), stretch=stretch)


def only(difference: Difference) -> EdgeChange:
    (change,) = difference.changes.values()
    return change


def test_what_begins_is_new_and_what_ends_is_gone_but_still_drawn() -> None:
    difference = compared(
        [produce("shop", "orders", count=9), produce("shop", "old", count=9)],
        [produce("shop", "orders", count=9), produce("shop", "fresh", count=9)],
    )

    told = {key.target.name: one.traffic for key, one in difference.changes.items()}
    assert told == {"orders": Change.SAME, "fresh": Change.NEW, "old": Change.GONE}
    (gone,) = (edge for edge in difference.topology.edges if edge.target.name == "old")
    assert (gone.count, gone.rows[0].count) == (0, 0)
    assert (difference.count(Change.NEW), difference.count(Change.GONE)) == (1, 1)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (1000, 1900, Change.SAME),
        (1000, 2000, Change.MORE),
        (1000, 500, Change.LESS),
        (1000, 501, Change.SAME),
        (1, 3, Change.SAME),
        (10, 40, Change.MORE),
    ],
)
def test_traffic_changed_when_it_is_a_multiple_and_no_chance(
    before: int, after: int, change: Change
) -> None:
    difference = compared(
        [produce("shop", "orders", count=before)], [produce("shop", "orders", count=after)]
    )

    assert only(difference).traffic is change
    assert only(difference).changed is (change is not Change.SAME)
    assert only(difference).factor == after / before


def test_a_longer_window_may_count_more() -> None:
    before, after = [produce("a", "t", count=1000)], [produce("a", "t", count=4000)]

    assert only(compared(before, after, stretch=4.0)).traffic is Change.SAME


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (0, 1, Change.NEW),
        (2, 3, Change.SAME),
        (10, 60, Change.MORE),
        (60, 10, Change.LESS),
        (60, 0, Change.GONE),
        (1, 0, Change.SAME),
    ],
)
def test_errors_are_news_from_the_first_on(before: int, after: int, change: Change) -> None:
    difference = compared(
        [produce("shop", "orders", count=1000, errors=before)],
        [produce("shop", "orders", count=1000, errors=after)],
    )

    assert only(difference).errors is change
    assert difference.failing == (change in (Change.NEW, Change.MORE))


def test_a_service_whose_own_spans_are_missing_in_one_window_is_no_news() -> None:
    """The bank is called in both; only in the earlier one a span of its own was seen."""
    difference = compared(
        [call("payment", "bank", count=9), call("bank", "vault", count=1)],
        [call("payment", "bank", count=9)],
    )

    told = {key.target.name: one.traffic for key, one in difference.changes.items()}
    assert told == {"bank": Change.SAME, "vault": Change.GONE}


def test_a_cluster_or_group_that_one_window_does_not_name_is_no_news() -> None:
    difference = compared(
        [consume("orders", "payment", group="pay", cluster="eu", count=9)],
        [consume("orders", "payment", count=9)],
    )

    assert only(difference).traffic is Change.SAME


def test_two_that_it_could_be_are_not_taken_for_one() -> None:
    difference = compared(
        [produce("shop", "orders", cluster=name, count=9) for name in ("eu", "us")],
        [produce("shop", "orders", count=9)],
    )

    told = sorted((key.target.cluster, one.traffic) for key, one in difference.changes.items())
    assert told == [("", Change.NEW), ("eu", Change.GONE), ("us", Change.GONE)]


def test_what_was_known_and_is_quiet_stays_in_the_graph() -> None:
    known = Topology.build(
        [produce("shop", "orders", count=50), consume("orders", "payment", count=40, p95=0.2)]
    )
    shown = Topology.build([produce("shop", "orders", count=2)], start=60, end=120)

    whole = with_quiet(shown, known)

    assert shape(whole) == shape(known)
    counts = {edge.key.role.value: (edge.count, edge.p95) for edge in whole.edges}
    assert counts == {"produce": (2, None), "consume": (0, None)}
    assert (whole.start, whole.end) == (60, 120)
    assert with_quiet(whole, known) is whole, "nothing more to add"


ROWS = st.lists(
    st.builds(
        lambda kind, one, two, cluster, count: (
            call(one, two, count=count)
            if kind == 0
            else produce(one, two, count=count, cluster=cluster)
            if kind == 1
            else consume(one, two, count=count, cluster=cluster)
        ),
        st.integers(0, 2),
        st.sampled_from("abc"),
        st.sampled_from("abc"),
        st.sampled_from(["", "eu", "us"]),
        st.integers(1, 500),
    ),
    max_size=12,
)


@given(ROWS, ROWS)
def test_any_two_windows_can_be_compared(before: list[EdgeRow], after: list[EdgeRow]) -> None:
    earlier, later = Topology.build(before), Topology.build(after)
    difference = compare(earlier, later)

    keys = [edge.key for edge in difference.topology.edges]
    assert len(keys) == len(set(keys)) >= len(later.edges)
    assert set(difference.changes) == set(keys)
    ends = {key for edge in keys for key in (edge.source, edge.target)}
    assert ends == {node.key for node in difference.topology.nodes}
    assert all(node.kind in NodeKind for node in difference.topology.nodes)
    same = compare(later, later)
    assert not any(one.changed for one in same.changes.values())
    assert same.topology is later


@given(ROWS, ROWS)
def test_quiet_edges_change_no_count(before: list[EdgeRow], after: list[EdgeRow]) -> None:
    shown = Topology.build(after)
    whole = with_quiet(shown, Topology.build(before))

    kept = {edge.key: edge.count for edge in shown.edges}
    assert {edge.key: edge.count for edge in whole.edges if edge.key in kept} == kept
    assert all(edge.count == 0 for edge in whole.edges if edge.key not in kept)
