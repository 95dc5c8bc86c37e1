"""What stores what was received, without a store."""

from __future__ import annotations

from collections.abc import Callable


class Slow:
    """Stores what waits only after it was told so often to hurry, as `catching_up.Storing`."""

    def __init__(self, times: float) -> None:
        self.hurried = 0
        self._times = times

    def waiting(self) -> Callable[[], bool]:
        return lambda: self.hurried < self._times

    def hurry(self) -> None:
        self.hurried += 1
