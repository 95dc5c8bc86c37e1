"""What a collector lets leave by itself, and what it says of it."""

from __future__ import annotations

import pytest

from collector.retention import Retention
from collector.store import prune
from collector.store.client import Store, StoreError
from tests.contract.test_prune import DAY, MONDAY, NOW, put, received


def retention(store: Store, *, days: int | None = None, most: int | None = None) -> Retention:
    return Retention(store, days=days, most=most, clock=lambda: NOW)


def test_what_is_young_and_little_stays(store: Store) -> None:
    put(store, NOW - DAY)
    kept = retention(store, days=7, most=1 << 30)
    kept.look()
    assert received(store) == [NOW - DAY]
    assert kept.covered_from == 0
    component = kept.component()
    assert component.ok
    assert component.detail.startswith("covers from 2026-06-29 00:00, ")
    assert component.detail.endswith(" of 1.1 GB")
    assert retention(store).component().detail.startswith("nothing stored yet")


def test_old_weeks_leave_and_that_is_told(store: Store) -> None:
    for at in (MONDAY, NOW - DAY):
        put(store, at)
    kept = retention(store, days=14)
    assert kept.covered_from == 0
    kept.look()
    assert received(store) == [NOW - DAY]
    assert kept.covered_from == prune.covered_from(store) > MONDAY
    figures = kept.component().figures or {}
    assert figures["covered_from_ns"] == NOW - DAY


def test_a_store_that_is_too_large_becomes_somewhat_smaller_than_it_may_be(store: Store) -> None:
    store.command("SYSTEM STOP MERGES")
    times = [NOW - DAY + at * 10**9 for at in range(20)]
    for at in times:
        put(store, at)
    most = prune.size(store) - 1
    kept = retention(store, most=most)
    kept.look()
    left = received(store)
    assert left == times[-len(left) :]
    assert 0.7 * most < prune.size(store) < 0.95 * most
    kept.look()
    assert received(store) == left
    assert not kept.trouble
    store.command("SYSTEM START MERGES")


def test_the_spool_counts_as_the_stores(store: Store) -> None:
    put(store, NOW - DAY)
    spooled = [0]
    most = prune.size(store) + 1_000_000
    kept = Retention(store, most=most, spooled=lambda: spooled[0], clock=lambda: NOW)
    kept.look()
    assert received(store)
    spooled[0] = 1_000_001
    kept.look()
    assert not received(store)


def test_too_much_within_an_hour_is_trouble_and_stays(store: Store) -> None:
    put(store, NOW - 1)
    kept = retention(store, most=1000)
    kept.look()
    assert received(store) == [NOW - 1]
    component = kept.component()
    assert not component.ok
    assert "more than the 1.0 kB of retention.size" in component.detail


def test_a_prune_that_is_cut_short_is_done_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in (MONDAY, NOW - DAY):
        put(store, at)
    kept = retention(store, days=14)
    with monkeypatch.context() as patch:

        def broken(*_: object) -> None:
            raise StoreError("the disk is full")

        patch.setattr(prune, "_drop", broken)
        with pytest.raises(StoreError):
            kept.look()
    assert len(received(store)) == 2
    kept.look()
    assert received(store) == [NOW - DAY]
