"""How often little is stored or synced: an insert costs much the same, however little it brings,
and so does a sync."""

from __future__ import annotations

REST = 6.0
"""Times of what the last insert took that pass before the next, while little waits."""

LONGEST_REST = 0.5
"""Seconds, at most: what happens is to be seen at once."""

BUSY_REST = 0.25
"""Seconds, at most, where so much comes in that most of an insert's cost is that of its rows."""

UNSEEN_REST = 5.0
"""Seconds, while nobody asks anything."""


def rest(took: float, *, busy: bool, seen: bool) -> float:
    """Seconds until the next insert of little, after one that took so many; `seen` where somebody
    looks."""
    if not seen:
        return UNSEEN_REST
    return min(BUSY_REST if busy else LONGEST_REST, REST * took)


SYNCS_APART = 0.004
"""Seconds from one sync of the spool to the next, at least, where many requests come."""

MANY = 1_500
"""Requests a second: more than one sender brings that waits for each answer. It would wait for
nothing."""


class Syncs:
    """Lets many small requests share a sync; few are synced as they come."""

    def __init__(self) -> None:
        self._many = False
        self._last = self._since = float("-inf")
        self._requests = 0

    def rest(self, now: float) -> float:
        """Seconds until the next sync should begin."""
        return max(0.0, self._last + SYNCS_APART - now) if self._many else 0.0

    def begins(self, requests: int, now: float) -> None:
        """A sync of so many requests begins."""
        self._last = now
        self._requests += requests
        passed = now - self._since
        if passed >= SYNCS_APART:
            self._many = self._requests >= MANY * passed
            self._since, self._requests = now, 0
