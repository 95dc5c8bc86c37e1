"""What was told of a window is told again without merging, and only as long as it is so."""

from __future__ import annotations

import pytest

from collector.store import known_edges, queries
from collector.store.client import Store
from collector.store.known_edges import KnownEdges
from graph.edges import Edges, Patterns
from tests.builders import Flow
from tests.contract.edges_told import BORDER, MINUTE, SECOND, poured

ALL = (0, 2**62)


@pytest.fixture
def merged(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """How often rows were merged, each time what for."""
    asked: list[object] = []

    def counting(store: Store, start: int, end: int, *args: object, **named: object) -> Edges:
        asked.append((start, end))
        return queries.edge_rows(store, start, end, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(known_edges, "edge_rows", counting)
    return asked


def story() -> tuple[Flow, list[object], list[object]]:
    """Something in one minute, and something in the next."""
    flow = Flow()
    flow.now = BORDER - SECOND
    first = flow.send("shop", "orders", tapped=False)
    flow.now = BORDER + SECOND
    second = flow.send("shop", "orders", tapped=False)
    return flow, [first], [second]


def test_it_is_merged_again_when_one_of_its_minutes_was_computed_again(
    store: Store, merged: list[object]
) -> None:
    flow, first, second = story()
    known = KnownEdges(store)
    for number, some in enumerate((first, second), 1):
        poured(store, flow, some)
        for _ in range(2):
            (row,) = known.of(*ALL).rows
            assert row.count == number
            assert known.of(*ALL) == queries.edge_rows(store, *ALL)
        assert len(merged) == number


def test_a_window_is_known_by_its_minutes_whatever_moment_it_was_asked_for(
    store: Store, merged: list[object]
) -> None:
    flow, first, second = story()
    poured(store, flow, [*first, *second])
    known = KnownEdges(store)
    start = BORDER - MINUTE
    assert known.of(start, BORDER + MINUTE) == known.of(start + SECOND, BORDER + 2 * SECOND)
    assert len(merged) == 1

    (row,) = known.of(start, BORDER).rows
    assert row.count == 1
    assert known.of(BORDER + MINUTE, BORDER + 2 * MINUTE) == Edges([])
    assert len(merged) == 3


def test_another_question_about_the_same_minutes_is_another_one(
    store: Store, merged: list[object]
) -> None:
    flow, first, _ = story()
    poured(store, flow, first)
    known = KnownEdges(store)
    for _ in range(2):
        known.of(*ALL, 5)
        known.of(*ALL, 5, Patterns(services=["shop"]))
        known.of(*ALL, 5, Patterns(destinations=["shop"]))
        known.of(*ALL, 5, by_producer=True)
    assert len(merged) == 4


def test_only_few_and_small_answers_are_kept(
    store: Store, merged: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, first, second = story()
    poured(store, flow, [*first, *second])
    known = KnownEdges(store)
    monkeypatch.setattr(known_edges, "KEPT", 1)
    for limit in (5, 6, 5):
        known.of(*ALL, limit)
    assert len(merged) == 3

    monkeypatch.setattr(known_edges, "MOST_ROWS", 0)
    for _ in range(2):
        known.of(*ALL, 7)
    assert len(merged) == 5


def test_of_very_many_minutes_nothing_is_kept(
    store: Store, merged: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, first, second = story()
    poured(store, flow, [*first, *second])
    known = KnownEdges(store)
    before = known.of(*ALL)
    monkeypatch.setattr(queries, "MOST_MINUTES", 1)
    assert known.of(*ALL) == known.of(*ALL) == before
    assert len(merged) == 3
