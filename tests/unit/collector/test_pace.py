"""How often is stored and synced: what comes alone at once, many small requests together."""

from __future__ import annotations

import pytest

from collector.pace import BUSY_REST, LONGEST_REST, MANY, SYNCS_APART, UNSEEN_REST, Syncs, rest


def syncs(apart: float, requests: int = 1, count: int = 200) -> list[float]:
    """How long each of so many syncs had to rest, of requests that come so far apart."""
    pace, now, rests = Syncs(), 100.0, []
    for _ in range(count):
        now += apart
        rests.append(pace.rest(now))
        now += rests[-1]
        pace.begins(requests, now)
    return rests


@pytest.mark.parametrize("apart", [10.0, 0.01, 1.05 / MANY])
def test_one_sender_that_waits_for_each_answer_waits_for_nothing_else(apart: float) -> None:
    assert not any(syncs(apart))


def test_many_small_requests_share_a_sync() -> None:
    rests = syncs(0.0003, requests=10)
    assert not rests[0]
    assert rests[20:] == pytest.approx([SYNCS_APART - 0.0003] * len(rests[20:]))


def test_large_requests_are_synced_as_they_come() -> None:
    assert not any(syncs(0.003, requests=2))


def test_when_many_were_there_the_next_alone_rests_once_at_most() -> None:
    pace, now = Syncs(), 100.0
    for _ in range(10):
        now += SYNCS_APART
        pace.begins(50, now)
    assert pace.rest(now) > 0
    now += 0.1
    assert not pace.rest(now)
    pace.begins(1, now)
    assert not pace.rest(now)


def test_inserts_rest_as_long_as_they_may() -> None:
    assert rest(0.01, busy=False, seen=True) == pytest.approx(0.06)
    assert rest(1.0, busy=False, seen=True) == LONGEST_REST
    assert rest(1.0, busy=True, seen=True) == BUSY_REST
    for took in (0.01, 1.0):
        assert rest(took, busy=True, seen=False) == UNSEEN_REST > LONGEST_REST
