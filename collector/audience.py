"""Whether anybody looks.

What nobody looks at need not be stored at once, and a large insert costs little more than a small
one. So while nobody asks anything, inserts are seldom (`collector.pace`); who comes then has what
waits stored before the first answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from collector.catching_up import Storing, catch_up

STAYS_SECONDS = 15.0
"""For which somebody who asked is taken to be there still; screens ask more often."""

COMES_SECONDS = 1.0
"""For which who comes waits at most for what waits for the store."""


class Audience:
    """All who ask something. Thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.parts: Sequence[Storing] = ()
        """What stores what was received."""
        self.came = float("-inf")
        """When somebody came last after a while without anybody, by the clock."""
        self._clock = clock
        self._asked = float("-inf")
        self._behind = False
        """Nobody has waited yet for what waited when somebody came."""
        self._changed = threading.Lock()
        self._coming = threading.Lock()

    def there(self) -> bool:
        """Whether somebody asked just now."""
        return self._clock() < self._asked + STAYS_SECONDS

    def follows(self) -> None:
        """Somebody is told what is stored, as it is stored."""
        with self._changed:
            now = self._clock()
            # Who is about to go counts as gone: nothing may begin to rest just before this.
            came = now >= self._asked + STAYS_SECONDS - 1
            self._asked = now
            if came:
                self.came = now
                self._behind = True
        if came:
            # Also where nothing waits yet: what comes now is seen.
            for part in self.parts:
                part.hurry()

    def asks(self) -> None:
        """Somebody asks: if nobody had for a while, returns once what waited is stored, or after
        `COMES_SECONDS`. Raises GivenUp."""
        self.follows()
        if not self._behind:
            return
        with self._coming:  # who comes second waits with the first
            if self._behind:
                self.catch_up(COMES_SECONDS)
                self._behind = False

    def catch_up(self, seconds: float) -> bool:
        """As `catching_up.catch_up`, with all parts."""
        return catch_up(self.parts, seconds)
