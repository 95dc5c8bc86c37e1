"""What people write for a point in time, `15m` ago, a date, an epoch number; or between two."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)(?:\s+ago)?")
_EPOCH = re.compile(r"\d{9,19}")
_YEARS = range(1970, 2262)

EXAMPLES = "15m, 2h, 1d, 2026-01-31T12:00:00Z, or seconds since 1970"


class MomentError(ValueError):
    """The text names no point in time; the message shows what would."""


def moment(text: str, now: int) -> int:
    """The time that a text names, nanoseconds since the Unix epoch.

    A duration counts back from `now`; a date without a zone is UTC; an epoch number is in
    seconds, milliseconds, microseconds or nanoseconds, told apart by its length. Raises
    MomentError.
    """
    written = text.strip().lower()
    if written == "now":
        return now
    if found := _AGO.fullmatch(written):
        return max(0, now - round(float(found[1]) * _UNITS[found[2]]))
    if _EPOCH.fullmatch(written):
        digits = len(written)
        unit = "s" if digits <= 11 else "ms" if digits <= 14 else "us" if digits <= 17 else "ns"
        return int(written) * _UNITS[unit]
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        raise MomentError(f"{text!r} is no time: write {EXAMPLES}") from None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    if date.year not in _YEARS:
        raise MomentError(f"{text!r} is no time: the year is outside {_YEARS[0]} to {_YEARS[-1]}")
    whole = int(date.replace(microsecond=0).timestamp())
    return whole * 1_000_000_000 + date.microsecond * 1_000


def interval(text: str, now: int) -> tuple[int, int]:
    """The time between two moments, `2h..1h`; `2h..`, or `2h` alone, goes on until now.

    Gives start and end in nanoseconds since the Unix epoch, the end 0 where it is now. Raises
    MomentError.
    """
    begin, dots, finish = text.partition("..")
    start = moment(begin, now)
    end = moment(finish, now) if dots and finish.strip() not in ("", "now") else 0
    if start >= (end or now):
        raise MomentError(
            f"{text.strip()!r} ends before it begins: write 2h..1h, the earlier first"
        )
    return start, end
