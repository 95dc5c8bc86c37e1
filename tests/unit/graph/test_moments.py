"""What people write for a point in time."""

from __future__ import annotations

import pytest

from graph.moments import MomentError, interval, moment

NOW = 1_790_856_000_123_456_789
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("now", NOW),
        ("15m", NOW - 900 * SECOND),
        ("1.5h", NOW - 5400 * SECOND),
        (" 2 d ago ", NOW - 172_800 * SECOND),
        ("250ms", NOW - SECOND // 4),
        ("1w", NOW - 604_800 * SECOND),
        ("100000w", 0),
        ("2026-01-31", 1_769_817_600 * SECOND),
        ("2026-01-31T12:00:00Z", 1_769_860_800 * SECOND),
        ("2026-01-31T13:00:00.25+01:00", 1_769_860_800 * SECOND + SECOND // 4),
        ("1769860800", 1_769_860_800 * SECOND),
        ("1769860800123", 1_769_860_800_123_000_000),
        ("1769860800123456", 1_769_860_800_123_456_000),
        ("1769860800123456789", 1_769_860_800_123_456_789),
        ("0000000060000000000", 60 * SECOND),
    ],
)
def test_moments(text: str, time: int) -> None:
    assert moment(text, NOW) == time


@pytest.mark.parametrize(
    "text", ["", "soon", "15", "-5m", "5 fortnights", "2026-13-01", "1769-01-01", "9999-01-01"]
)
def test_what_is_no_moment_says_what_would_be(text: str) -> None:
    with pytest.raises(MomentError, match="is no time"):
        moment(text, NOW)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2h..1h", NOW - 7200 * SECOND, NOW - 3600 * SECOND),
        ("2h..", NOW - 7200 * SECOND, 0),
        (" 15m ", NOW - 900 * SECOND, 0),
        ("1h .. now", NOW - 3600 * SECOND, 0),
        ("2026-01-31..2026-01-31T12:00:00Z", 1_769_817_600 * SECOND, 1_769_860_800 * SECOND),
    ],
)
def test_intervals(text: str, start: int, end: int) -> None:
    assert interval(text, NOW) == (start, end)


@pytest.mark.parametrize("text", ["1h..2h", "now", "1h..1h", "..1h", "soon..later", ""])
def test_what_is_no_interval_says_so(text: str) -> None:
    with pytest.raises(MomentError):
        interval(text, NOW)
