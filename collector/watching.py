"""Looks for findings while a collector runs, in a thread of its own, and never for long."""

from __future__ import annotations

import logging
import threading

from collector import giving_up
from collector.api.backend import Component
from collector.findings import Watch
from collector.store.client import StoreError
from collector.trouble import Trouble
from graph.figures import date

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between looks, at least."""

LONGEST_REST = 1_200.0
"""Seconds between two looks, at most."""


class Watching:
    """A `Watch` in a thread of its own, while a collector runs."""

    def __init__(self, watch: Watch, share: float = 0.05) -> None:
        """`share` is how much of one core it may take; with 0 it never looks."""
        self._watch = watch
        self._share = share
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flowtap-findings", daemon=True)
        self._trouble = Trouble(
            log, "findings cannot be looked for: %s", "findings are looked for again"
        )

    def start(self) -> None:
        if self._share:
            self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def stop(self, timeout: float) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        wait = EVERY
        while not self._stopping.wait(wait):
            try:
                with giving_up.unless(self._stopping):
                    self._watch.look(live=True)
            except giving_up.GivenUp:
                return
            except StoreError as error:
                if not self._stopping.is_set():
                    self._trouble.begin(str(error))
            else:
                self._trouble.end()
            wait = max(EVERY, min(LONGEST_REST, self._watch.last_cost * (1 / self._share - 1)))

    def component(self) -> Component:
        """How it is doing."""
        watch = self._watch
        troubled = [f"{kind}: {why}" for kind, why in watch.troubles.items()]
        reason = self._trouble.reason or "; ".join(troubled)
        many = sum(one["open"] for one in watch.counts.values())
        if not self._share:
            off = "none are looked for: limits.findings_share is 0"
            return Component("findings", True, off, {})
        until = f"looked until {date(watch.until)[:16]}" if watch.until else "nothing looked at yet"
        return Component(
            "findings",
            not reason,
            reason or f"{until}, {many:,} open",
            {
                "until_ns": watch.until,
                "open": {kind.value: one["open"] for kind, one in watch.counts.items()},
                "cost_seconds": round(watch.last_cost, 3),
                "cost_seconds_in_all": round(watch.cost, 3),
            },
        )
