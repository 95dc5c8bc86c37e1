"""What keeps a part of the collector from going on, told once when it begins and when it ends."""

from __future__ import annotations

import logging


class Trouble:
    """Empty while all is well. Retries that fail again, for whatever reason, are not told again."""

    def __init__(self, log: logging.Logger, begins: str, ends: str) -> None:
        """`begins` takes the reason as `%s`."""
        self.reason = ""
        self._log = log
        self._begins = begins
        self._ends = ends

    def begin(self, reason: str) -> None:
        """Something failed, perhaps again."""
        if not self.reason:
            self._log.warning(self._begins, reason)
        self.reason = reason

    def end(self) -> None:
        """It succeeded."""
        if self.reason:
            self._log.warning(self._ends)
        self.reason = ""
