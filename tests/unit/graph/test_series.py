"""Counts by minute, with the minutes between in which nothing was."""

from __future__ import annotations

from graph.edges import Role
from graph.series import MINUTE, MinuteCount, per_minute


def test_minutes_without_anything_count_nothing() -> None:
    counts = [
        MinuteCount(10 * MINUTE, Role.PRODUCE, 5, 0),
        MinuteCount(12 * MINUTE, Role.PRODUCE, 7, 1),
        MinuteCount(12 * MINUTE, Role.CONSUME, 9, 0),
        MinuteCount(99 * MINUTE, Role.PRODUCE, 1, 0),
    ]

    assert per_minute(counts, Role.PRODUCE, 10 * MINUTE, 14 * MINUTE) == [5, 0, 7, 0]
    assert per_minute(counts, Role.CONSUME, 12 * MINUTE + 5, 13 * MINUTE + 1) == [9, 0]
    assert per_minute(counts, Role.CALL, 10 * MINUTE, 10 * MINUTE) == []
