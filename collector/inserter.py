"""From the spool into the store: segment after segment, each exactly once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from collector.pace import rest
from collector.segment import Segment, SegmentDamaged
from collector.spool import Spool
from collector.store.client import Store, StoreError
from collector.trouble import Trouble

log = logging.getLogger(__name__)

FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0

ENOUGH = 8 << 20
"""Bytes of spans for which the next insert does not wait."""

BUSY = 512 << 10
"""Bytes of a segment that is no trickle."""

LOOK_SECONDS = 0.02
"""How often it is looked whether enough is there, while little was."""


class Inserter:
    """Takes closed segments and inserts them, in their order.

    A segment that the engine refuses is halved at request borders until the refused requests
    are alone; those are kept aside. What fails for another reason (no room, no memory, a server
    that is away) is tried again until it succeeds: it was acknowledged.
    """

    def __init__(
        self,
        spool: Spool,
        store: Store,
        stored: Callable[[], None],
        *,
        seen: Callable[[], bool] = lambda: True,
    ) -> None:
        """`seen` says whether anybody looks."""
        self._spool = spool
        self._enough = min(ENOUGH, spool.max_bytes // 2)
        self._seen = seen
        self._store = store
        self._stored = stored
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._late = False
        self._thread = threading.Thread(target=self._run, name="flowtap-inserter", daemon=True)
        self.inserted_requests = 0
        self.rejected_requests = 0
        self.left_segments = 0
        """Segments that could not be inserted before the stop; the next start takes them again."""
        self._trouble = Trouble(log, "spans wait in the spool: %s", "spans are stored again")

    @property
    def trouble(self) -> str:
        """Why the segment at hand is not in the store yet; empty when all is well."""
        return self._trouble.reason

    def start(self) -> None:
        # What a crash left half inserted is not complete until it is inserted again.
        self._store.begin("spans", 0)
        self._thread.start()

    def stop(self, timeout: float | None) -> bool:
        """Insert what is left, for `timeout` seconds at most; says whether all of it is in.

        Then no other segment is begun: what is left waits in the spool for the next start."""
        self._stopping.set()
        self._hurry.set()
        self._thread.join(timeout)
        self._late = True
        return not self._thread.is_alive() and not self.left_segments

    def waiting(self) -> Callable[[], bool]:
        """As `catching_up.Storing` has it."""
        asked = time.monotonic()
        return lambda: self._spool.oldest > time.monotonic() - asked

    def hurry(self) -> None:
        """As `catching_up.Storing` has it."""
        self._hurry.set()

    def _run(self) -> None:
        while not self._late:
            segment = self._spool.take(0.2)
            if not self._stopping.is_set():
                self._hurry.clear()
            if segment is None:
                self._complete()
                if self._stopping.is_set():
                    return
                continue
            began = time.monotonic()
            if not self.left_segments:
                self._store.begin("spans", received(segment))
            try:
                finished = self._insert(segment)
            except Exception as error:  # whatever it is, the next segments must not wait for ever
                log.exception("segment %s stays in the spool", segment.id)
                self._trouble.begin(f"a segment stays in the spool: {error!r}")
                finished = False
            if finished:
                self._complete()
                self._stored()
                took = time.monotonic() - began
                self._rest(rest(took, busy=segment.size >= BUSY, seen=self._seen()))
            else:
                self.left_segments += 1

    def _rest(self, seconds: float) -> None:
        """Wait until enough is there for another insert, or somebody asks, or is refused for want
        of room, so long at most."""
        until = time.monotonic() + seconds
        while (
            self._spool.pending_bytes < self._enough
            and not self._spool.lately_full
            and not self._stopping.is_set()
            and time.monotonic() < until
        ):
            if self._hurry.wait(LOOK_SECONDS):
                return

    def _complete(self) -> None:
        """Nothing is half inserted, unless a segment was left."""
        if not self.left_segments:
            self._store.end("spans")

    def _insert(self, segment: Segment) -> bool:
        """Says whether the segment is done with; else it stays for the next start."""
        wait = FIRST_WAIT
        while True:
            try:
                requests = segment.payloads()
                self._store.insert_spans(*requests, received_ns=received(segment), token=segment.id)
            except SegmentDamaged as error:
                self._reject(segment, str(error))
                return True
            except OSError as error:
                self._trouble.begin(f"a segment of the spool cannot be read: {error}")
            except StoreError as error:
                if not error.passing:
                    return self._halve(segment, str(error))
                self._trouble.begin(str(error))
            else:
                if not self.left_segments:
                    self._trouble.end()
                segment.done()
                self.inserted_requests += segment.requests
                return True
            if self._stopping.wait(wait):
                return False
            wait = min(wait * 2, LONGEST_WAIT)

    def _halve(self, segment: Segment, reason: str) -> bool:
        if segment.requests == 1:
            self._reject(segment, reason)
            return True
        first, second = segment.split()
        return self._insert(first) & self._insert(second)

    def _reject(self, segment: Segment, reason: str) -> None:
        log.error("the engine refuses a request of spans, kept aside: %s", reason)
        self.rejected_requests += segment.requests
        segment.reject(reason)


def received(segment: Segment) -> int:
    """The segment's time of receipt, the same at each replay: it is in its id."""
    return int(segment.id.partition("-")[0])
