"""How groups stand: each way to be behind, and what is no reason to worry."""

from __future__ import annotations

import pytest

from graph.listing import Consumer
from graph.standing import Standing, badness, standing_of, waiting_seconds
from tests.tui.groups import group, groups


def test_each_standing_is_told() -> None:
    told = {one.group: standing_of(one) for one in groups()}
    assert told == {
        "analytics-batch": Standing.CATCHING,
        "audit": Standing.UNCOMMITTED,
        "crm-sync": Standing.NOBODY,
        "inventory": Standing.KEEPING,
        "mailer": Standing.STILL,
        "old-report": Standing.EMPTY,
        "points": Standing.BEHIND,
        "recommendation": Standing.FALLING,
        "search": Standing.STEADY,
    }
    assert set(told.values()) == set(Standing)


@pytest.mark.parametrize(
    ("waits", "rate", "expected"),
    [
        (4.9, 2.0, Standing.KEEPING),  # not committed yet
        (11.0, 2.0, Standing.FALLING),
        (None, 200.0, Standing.KEEPING),  # read in half a second, whatever its age
        (None, 2.0, Standing.FALLING),
        (None, None, Standing.BEHIND),
        (0.5, 0.0, Standing.KEEPING),  # the first message for minutes, just now
    ],
)
def test_what_waits_for_seconds_only_is_on_its_way(
    waits: float | None, rate: float | None, expected: Standing
) -> None:
    growth = None if rate is None else rate + 1
    one = group("g", ("t", 0, 100), waits=waits, rate=rate, growth=growth)
    assert standing_of(one) is expected


def test_a_group_whose_members_nobody_told_is_not_called_deserted() -> None:
    silent = group("g", ("t", 0, 100), members=0, state="", waits=60, rate=1.0, growth=0.0)
    assert standing_of(silent) is Standing.CATCHING


def test_nobody_reading_is_worse_than_any_lag() -> None:
    slow = group("slow", ("t", 0, 10**9), waits=10**6, rate=1.0, growth=2.0)
    gone = group("gone", ("t", 0, 1), members=0, waits=20)
    assert badness(gone) > badness(slow) > badness(Consumer("idle", state="Stable"))
    assert waiting_seconds(slow) == 10**6
