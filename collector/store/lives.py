"""Which lives of which destinations were tapped: few, and asked for with nearly every chain."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from collector.store.client import Store

AGE = 1.0
"""Seconds after which a topic may have been made anew without being noticed here."""


class Life(NamedTuple):
    """One life of a destination."""

    system: str
    cluster: str
    destination: str
    incarnation: str


class Lives:
    """The destinations in `positions`, read again when one is unknown or they are old."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._lives: Mapping[str, list[Life]] = {}

    def of(self, destinations: Collection[str]) -> Mapping[str, list[Life]]:
        """Every life of these, an empty list for one that was never tapped."""
        with self._lock:
            unknown = any(name not in self._lives for name in destinations)
            if unknown or self._clock() > self._read_at + AGE:
                self._read()
            return {name: self._lives.get(name, []) for name in destinations}

    def _read(self) -> None:
        lives: dict[str, list[Life]] = defaultdict(list)
        for row in self._store.query(
            "SELECT DISTINCT system, cluster, destination, incarnation FROM positions"
        ):
            lives[row[2]].append(Life(*row))
        self._lives = dict(lives)
        self._read_at = self._clock()
