"""Questions about what was received and is not stored yet.

Little is stored seldom: who asks for an id a moment after it was sent would be told that nothing is
known by it. So before that is said, what waits is stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from collector import giving_up

LOOK_SECONDS = 0.01


class Storing(Protocol):
    """What stores what was received, at a pace of its own."""

    def waiting(self) -> Callable[[], bool]:
        """Tells, whenever it is called, whether something still waits that was received by now."""

    def hurry(self) -> None:
        """Store what waits without a rest before it."""


def catch_up(parts: Sequence[Storing], seconds: float) -> bool:
    """Return once all is stored that was received by now, or after so many seconds; False where
    nothing waited. Raises GivenUp."""
    waiting = [(part, part.waiting()) for part in parts]
    late = [(part, waits) for part, waits in waiting if waits()]
    until = time.monotonic() + seconds
    found = bool(late)
    while late and time.monotonic() < until:
        giving_up.check()
        for part, _ in late:
            part.hurry()
        time.sleep(LOOK_SECONDS)
        late = [(part, waits) for part, waits in late if waits()]
    return found
