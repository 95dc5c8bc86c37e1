"""What went over a node's edges minute by minute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graph.edges import Role

MINUTE = 60_000_000_000


@dataclass(frozen=True, order=True, slots=True)
class MinuteCount:
    """Of one node in one role in one minute."""

    minute: int
    """Its beginning, nanoseconds since the Unix epoch."""
    role: Role
    count: int
    errors: int


def per_minute(counts: Iterable[MinuteCount], role: Role, start: int, end: int) -> list[int]:
    """The counts of one role in each minute of a window, also those without any."""
    first, last = start // MINUTE, -(-end // MINUTE)
    found = [0] * max(0, last - first)
    for one in counts:
        at = one.minute // MINUTE - first
        if one.role is role and 0 <= at < len(found):
            found[at] += one.count
    return found
