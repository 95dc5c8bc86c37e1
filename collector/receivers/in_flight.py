"""The memory that requests take while they are read, converted, and on their way to the disk: one
bound for all receivers, since they share one machine."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType

from collector.later import Later
from graph.figures import size

log = logging.getLogger(__name__)

MOST_BYTES = 128 << 20

BUSY_SECONDS = 1.0
"""After which a request may come again: the disk takes far more in a second."""

TROUBLE_LASTS = 60.0
"""Seconds for which it is told that something was turned away."""


class Busy(Later):
    """Too much is on its way already."""

    def __init__(self, most: int) -> None:
        super().__init__(BUSY_SECONDS, f"requests of more than {size(most)} are under way")


class InFlight:
    """Bytes of requests under way. For one event loop; its figures are read from any thread."""

    def __init__(
        self, most: int = MOST_BYTES, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most = most
        self.bytes = 0
        self.refused = 0
        """Requests that were told to come again."""
        self._clock = clock
        self._refused_at = float("-inf")

    def hold(self) -> Held:
        """What one request takes, nothing yet; a context manager."""
        return Held(self)

    @property
    def trouble(self) -> str:
        """Why requests were turned away a short while ago; empty when all is well."""
        if self._clock() > self._refused_at + TROUBLE_LASTS:
            return ""
        return (
            f"senders are told to come again: {size(self.most)} (limits.in_flight_bytes) of "
            "requests were under way"
        )

    def refuse(self) -> Busy:
        """What to raise for one that finds no room."""
        if not self.trouble:
            log.warning("requests of %s are under way, senders have to wait", size(self.most))
        self.refused += 1
        self._refused_at = self._clock()
        return Busy(self.most)


class Held:
    """What one request takes, until it is answered."""

    def __init__(self, all_of_them: InFlight) -> None:
        self._all = all_of_them
        self._size = 0
        self._handed_on = False

    def take(self, size: int) -> None:
        """It takes so many bytes now. Raises Busy, and then it takes none.

        One that is alone may have any size: one that never fits would be sent for ever.
        """
        others = self._all.bytes - self._size
        if size > self._size and others and others + size > self._all.most:
            self.free()
            raise self._all.refuse()
        self._all.bytes = others + size
        self._size = size

    def free(self) -> None:
        """It takes nothing any more."""
        self._all.bytes -= self._size
        self._size = 0

    def hand_on(self) -> None:
        """Whoever made the request may go: from now on only `free` ends it."""
        self._handed_on = True

    def __enter__(self) -> Held:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._handed_on:
            self.free()
