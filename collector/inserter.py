"""From the spool into the store: segment after segment, each exactly once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from collector.segment import Segment, SegmentDamaged
from collector.spool import Spool
from collector.store.client import Store, StoreError

log = logging.getLogger(__name__)

FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0


class Inserter:
    """Takes closed segments and inserts them, in their order.

    A segment that the engine refuses is halved at request borders until the refused requests
    are alone; those are kept aside. What fails for another reason (no room, no memory, a server
    that is away) is tried again until it succeeds: it was acknowledged.
    """

    def __init__(self, spool: Spool, store: Store, stored: Callable[[], None]) -> None:
        self._spool = spool
        self._store = store
        self._stored = stored
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flowtap-inserter", daemon=True)
        self.inserted_requests = 0
        self.rejected_requests = 0
        self.trouble = ""
        """Why the segment at hand is not in the store yet; empty when all is well."""

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Insert what is left, for `timeout` seconds at most; says whether all of it is in."""
        self._stopping.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            segment = self._spool.take(0.2)
            if segment is not None:
                self._insert(segment)
            elif self._stopping.is_set():
                return

    def _insert(self, segment: Segment) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                payload = segment.payload()
                self._store.insert_spans(payload, received_ns=received(segment), token=segment.id)
            except SegmentDamaged as error:
                self._reject(segment, str(error))
                return
            except OSError as error:
                self.trouble = f"a segment of the spool cannot be read: {error}"
            except StoreError as error:
                if not error.passing:
                    self._halve(segment, str(error))
                    return
                self.trouble = str(error)
            else:
                self.trouble = ""
                segment.done()
                self.inserted_requests += segment.requests
                self._stored()
                return
            log.warning("spans wait in the spool: %s", self.trouble)
            if self._stopping.wait(wait):
                return
            wait = min(wait * 2, LONGEST_WAIT)

    def _halve(self, segment: Segment, reason: str) -> None:
        if segment.requests == 1:
            self._reject(segment, reason)
            return
        for half in segment.split():
            self._insert(half)

    def _reject(self, segment: Segment, reason: str) -> None:
        log.error("the engine refuses a request of spans, kept aside: %s", reason)
        self.rejected_requests += segment.requests
        segment.reject(reason)


def received(segment: Segment) -> int:
    """The segment's time of receipt, the same at each replay: it is in its id."""
    return int(segment.id.partition("-")[0])


def wait_empty(spool: Spool, seconds: float) -> bool:
    """Wait until nothing is left in the spool; says whether it is so."""
    until = time.monotonic() + seconds
    while spool.pending_bytes and time.monotonic() < until:
        time.sleep(0.02)
    return not spool.pending_bytes
