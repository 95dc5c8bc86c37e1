"""Numbers as people read them: rates, counts, durations, clock times. Short, of steady width."""

from __future__ import annotations

from graph.figures import SECOND, clock, count, date, duration, rate, seconds, size

__all__ = [
    "SECOND",
    "ago",
    "clock",
    "count",
    "date",
    "duration",
    "offset",
    "rate",
    "seconds",
    "size",
]


def offset(nanoseconds: int) -> str:
    """How long after a beginning: `+12 ms`, `0` for the beginning itself."""
    if nanoseconds == 0:
        return "0"
    return duration(nanoseconds) if nanoseconds < 0 else f"+{duration(nanoseconds)}"


def ago(nanoseconds: int) -> str:
    """How long ago, in whole seconds: `just now`, `for 12 s`, `for 3m 05s`."""
    whole = nanoseconds // SECOND * SECOND
    return f"for {duration(whole).replace('.0 s', ' s')}" if whole > 0 else "just now"
