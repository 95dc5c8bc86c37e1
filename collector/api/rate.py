"""How often one address may ask: a token bucket each."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

ADDRESSES = 1_000
"""That are remembered; the one that has been quiet for longest is forgotten first."""


class Rate:
    """Lets `per_second` requests of each address pass on average, and twice as many at once."""

    def __init__(
        self, per_second: float, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second = per_second
        self._burst = max(1.0, 2 * per_second)
        self._monotonic = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """What may still pass, and when that was so; the address that asked last at the end."""

    def wait(self, address: str) -> float:
        """Seconds until a request may pass; 0 lets it pass now, and counts it."""
        now = self._monotonic()
        left, since = self._left.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - since) * self.per_second)
        passes = left >= 1
        self._left[address] = (left - 1 if passes else left, now)
        if len(self._left) > ADDRESSES:
            self._left.popitem(last=False)
        return 0.0 if passes else (1 - left) / self.per_second
