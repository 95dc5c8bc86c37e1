"""Room on a disk: some of it stays free, so that nothing else on the machine fails, and what the
store needs for merging and for letting old parts leave is there."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from graph.figures import size

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


def free(folder: Path) -> int:
    """Bytes that are free for us on a folder's disk. Raises OSError."""
    there = os.statvfs(folder)
    return there.f_bavail * there.f_frsize


class Room:
    """What is free where a folder lies, looked at once a second at most. Thread-safe."""

    def __init__(
        self,
        folder: Path,
        least: int,
        *,
        free: Callable[[Path], int] = free,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`least` are the bytes that stay free."""
        self._folder = folder
        self._least = least
        self._free = free
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._short = ""

    def short(self) -> str:
        """Why nothing more should be written; empty while there is room."""
        with self._lock:
            now = self._clock()
            if now >= self._looked + LOOK_SECONDS:
                self._looked = now
                self._look()
            return self._short

    def _look(self) -> None:
        try:
            free = self._free(self._folder)
        except OSError:
            return  # Whoever writes there will say what is wrong.
        was, self._short = self._short, ""
        if free < self._least:
            self._short = (
                f"the disk of {self._folder} has {size(free)} left, less than the "
                f"{size(self._least)} of limits.free_bytes: flowtap prune makes room"
            )
        if self._short and not was:
            log.warning("nothing more is taken: %s", self._short)
        elif was and not self._short:
            log.warning("there is room again: %s left", size(free))
