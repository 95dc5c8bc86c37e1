"""Room that is held for the day on which the disk is full: the engine needs some to let go."""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

BYTES = 16 << 20


class Ballast:
    """A file beside the store that is thrown off when nothing else can leave."""

    def __init__(self, folder: Path, size: int = BYTES) -> None:
        self._path = folder / "ballast"
        self._size = size

    def take(self) -> None:
        """Hold the room, unless it is held or the disk has none."""
        if self._path.exists():
            return
        try:
            with self._path.open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError as error:
            log.debug("no ballast at %s: %s", self._path, error)
            self.throw()

    def throw(self) -> bool:
        """Give the room back; says whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
