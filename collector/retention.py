"""What the store keeps: old weeks leave by age, the oldest parts when it grows too large."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from collector.api.backend import Component
from collector.ballast import Ballast
from collector.store import prune
from collector.store.client import Store, StoreError
from collector.store.prune import Leaving
from graph.figures import date, size

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between looks."""

DOWN_TO = 0.9
"""Of the size allowed, where a store that has grown beyond it is brought: not a part a minute."""


class Retention:
    """One store's. Thread-safe; one prune at a time."""

    def __init__(
        self,
        store: Store,
        *,
        days: int | None = None,
        most: int | None = None,
        spooled: Callable[[], int] = lambda: 0,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Keeps weeks for so many days, and `most` bytes of store and spool; None is no limit.
        `spooled` are the spool's bytes; `clock` tells nanoseconds since the Unix epoch. Raises
        `StoreError`."""
        self._store = store
        self._days = days
        self._most = most
        self._spooled = spooled
        self._clock = clock
        self._ballast = Ballast(store.location) if isinstance(store.location, Path) else None
        self._pruning = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flowtap-retention", daemon=True)
        self._covered_from = prune.covered_from(store)
        self._oldest = 0
        self._bytes = 0
        self.trouble = ""
        """Why the store is not as small as it should be; empty when all is well."""

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def covered_from(self) -> int:
        """What was received before this has left; 0: nothing has."""
        return self._covered_from

    def leaving(self, *, days: int | None = None, most: int | None = None) -> Leaving:
        """What would leave by age, or for store and spool to have `most` bytes together; of both
        what is more. Raises `StoreError`."""
        now = self._clock()
        found = Leaving(0)
        if days is not None:
            found = prune.by_age(self._store, days, now)
        if most is not None:
            by_size = prune.by_size(self._store, most - self._spooled(), now)
            found = max(found, by_size, key=lambda one: one.until)
        return found

    def prune(self, leaving: Leaving) -> None:
        """Let it leave. Raises `StoreError`."""
        if not leaving.pieces:
            return
        with self._pruning:
            self._prune(leaving.until)
            self._covered_from = max(self._covered_from, leaving.until)
        log.info(
            "what was received before %s has left: %s", date(leaving.until), size(leaving.bytes)
        )

    def _prune(self, until: int) -> None:
        try:
            prune.prune(self._store, until)
        except StoreError as error:
            # Letting something leave takes a little room, and a full disk has none.
            if not error.passing or self._ballast is None or not self._ballast.throw():
                raise
            prune.prune(self._store, until)

    def look(self) -> None:
        """Let leave what is too old or too much. Raises `StoreError`."""
        days, most = self._days, self._most
        if days is not None:
            self.prune(self.leaving(days=days))
        if most is not None and self._together() > most:
            self.prune(self.leaving(most=int(most * DOWN_TO)))
        self._covered_from = prune.covered_from(self._store)
        self._oldest = prune.oldest(self._store)
        self._bytes = self._together()
        if self._ballast is not None:
            self._ballast.take()
        self.trouble = ""
        if most is not None and self._bytes > most:
            self.trouble = (
                f"the store has {size(self._bytes)}, more than the {size(most)} of "
                "retention.size, and what came within the last hour does not leave"
            )

    def component(self) -> Component:
        """How it is doing, as of the last look."""
        most = self._most
        kept = size(self._bytes) + (f" of {size(most)}" if most is not None else "")
        since = f"covers from {date(self._oldest)[:16]}" if self._oldest else "nothing stored yet"
        return Component(
            "retention",
            not self.trouble,
            self.trouble or f"{since}, {kept}",
            {
                "covered_from_ns": self._oldest,
                "bytes": self._bytes,
                "days": self._days,
                "size": most,
            },
        )

    def _together(self) -> int:
        return prune.size(self._store) + self._spooled()

    def _run(self) -> None:
        limited = False
        wait = 0.0
        while not self._stopping.wait(wait):
            wait = EVERY
            try:
                if not limited:
                    prune.limit_parts(self._store, self._most)
                    limited = True
                self.look()
            except StoreError as error:
                if self.trouble != str(error):
                    log.warning("nothing can leave the store: %s", error)
                self.trouble = str(error)
