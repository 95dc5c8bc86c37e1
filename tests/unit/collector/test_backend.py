"""When edges are computed: not while they rest, whoever asks."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from collector.audience import Audience
from collector.backend import REST, UNSEEN_REST, StoreBackend
from collector.store.client import Store, StoreError
from collector.store.rollup import Rollup


class Nothing:
    """Stands for a store in which nothing is."""

    location = "http://nowhere"

    def query(self, sql: str) -> list[tuple[int]]:
        return [(0,)]


class Computing:
    """Stands for a rollup: counts its runs, each of which costs two seconds."""

    last_cost = 2.0
    runs = 0

    def __init__(self) -> None:
        self.began, self.goes_on = threading.Event(), threading.Event()
        self.goes_on.set()

    def run(self) -> int:
        self.runs += 1
        self.began.set()
        assert self.goes_on.wait(10)
        return 1


@pytest.mark.parametrize("how", ["refresh", "compute"])
def test_edges_rest_after_they_were_computed(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    computing = Computing()
    answers = StoreBackend(cast(Store, Nothing()), rollup=cast(Rollup, computing))
    getattr(answers, how)()
    assert computing.runs == 1

    now += 2.0 * REST - 0.1
    answers.note_stored()
    answers.refresh()
    answers.compute(due=True)
    assert computing.runs == 1

    now += 0.2
    getattr(answers, how)()
    assert computing.runs == 2


def test_edges_rest_longer_while_nobody_asks_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    computing = Computing()
    computing.last_cost = 0.5
    audience = Audience(clock=lambda: now)
    answers = StoreBackend(
        cast(Store, Nothing()), rollup=cast(Rollup, computing), audience=audience
    )

    def passes(seconds: float) -> None:
        nonlocal now
        now += seconds
        answers.note_stored()

    assert answers.compute()
    passes(0.5 * REST + 0.1)
    assert not answers.compute()
    passes(UNSEEN_REST - 0.5 * REST)
    assert answers.compute(), "findings are looked for in any case"
    passes(1)
    answers.attend()
    answers.refresh()
    assert computing.runs == 3, "somebody came"
    passes(0.5 * REST - 0.1)
    answers.refresh()
    assert computing.runs == 3, "and is still there"
    passes(0.2)
    answers.refresh()
    assert computing.runs == 4


def test_what_is_due_says_whether_it_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    answers = StoreBackend(cast(Store, Nothing()), rollup=cast(Rollup, Computing()))
    assert answers.compute(due=True)
    assert not answers.compute(due=True), "it rests"
    now += 2.0 * REST + 0.1
    assert not answers.compute(), "nothing was stored"
    assert answers.compute(due=True)


def test_who_asks_for_edges_does_not_wait_long_where_they_are_computed_in_any_case() -> None:
    computing = Computing()
    computing.goes_on.clear()
    answers = StoreBackend(cast(Store, Nothing()), rollup=cast(Rollup, computing), patience=0.01)
    answers.refresh()
    assert computing.began.wait(10)

    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(answers.compute) for _ in range(2)]
        answers.note_stored()
        answers.refresh()
        assert not any(one.done() for one in waiting)
        computing.goes_on.set()
    # Who has waited for one run wants no other.
    assert [one.result() for one in waiting] == [False, False]
    assert computing.runs == 1


def test_what_goes_wrong_is_told_to_who_waits() -> None:
    class Broken(Computing):
        def run(self) -> int:
            raise StoreError("no memory")

    answers = StoreBackend(cast(Store, Nothing()), rollup=cast(Rollup, Broken()))
    for ask in (answers.refresh, answers.compute):
        with pytest.raises(StoreError, match="no memory"):
            ask()


def test_edges_are_behind_since_what_they_lack_was_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    computing = Computing()
    answers = StoreBackend(cast(Store, Nothing()), rollup=cast(Rollup, computing))
    now += 5.0
    assert answers.behind == 5.0, "nobody knows what a store lacks that was just opened"
    answers.refresh()
    now += 300.0
    assert answers.behind == 0.0
    answers.note_stored()
    now += 3.0
    answers.note_stored()
    assert answers.behind == 3.0


def test_what_is_stored_while_edges_are_computed_may_be_missing_since_that_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    computing = Computing()
    computing.goes_on.clear()
    answers = StoreBackend(cast(Store, Nothing()), rollup=cast(Rollup, computing), patience=0.01)
    now += 5.0
    answers.refresh()
    assert computing.began.wait(10)
    now += 20.0
    answers.note_stored()
    assert answers.behind == 25.0
    computing.goes_on.set()
    answers.compute()

    assert answers.behind == 20.0
    assert computing.runs == 1
