"""What a request is told that is not taken now and may come again."""

from __future__ import annotations


class Later(Exception):
    """Not accepted now: try again after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Stopping(Later):
    """The collector takes nothing more; by then another one may run."""

    def __init__(self) -> None:
        super().__init__(2.0, "the collector is stopping")
