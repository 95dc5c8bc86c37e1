"""How often little is stored: an insert costs much the same, however little it brings."""

from __future__ import annotations

REST = 6.0
"""Times of what the last insert took that pass before the next, while little waits."""

LONGEST_REST = 0.5
"""Seconds, at most: what happens is to be seen at once."""

BUSY_REST = 0.25
"""Seconds, at most, where so much comes in that most of an insert's cost is that of its rows."""


def rest(took: float, *, busy: bool) -> float:
    """Seconds until the next insert of little, after one that took so many."""
    return min(BUSY_REST if busy else LONGEST_REST, REST * took)
