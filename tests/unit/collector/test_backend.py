"""When edges are computed: not while they rest, whoever asks."""

from __future__ import annotations

import time
from typing import cast

import pytest

from collector.backend import REST, StoreBackend
from collector.store.client import Store
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

    def run(self) -> int:
        self.runs += 1
        return 1


@pytest.mark.parametrize("how", ["refresh", "settle"])
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
    answers.settle()
    assert computing.runs == 1

    now += 0.2
    getattr(answers, how)()
    assert computing.runs == 2
