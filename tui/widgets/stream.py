"""What is being stored, from a thread that reads it to the screen: in batches, by one message.

The thread never waits for the screen, and the screen never for it: what is not taken in time is
dropped, oldest first, and counted.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import NamedTuple

from textual.message import Message
from textual.message_pump import MessagePump

from graph.listing import EventFilter, EventRow
from tui.source import Following, Source, SourceError

WAITING = 5_000
"""Events that wait for the screen at most."""


class Batch(NamedTuple):
    """What came since the last one was taken."""

    rows: list[EventRow]
    missed: int
    """How many were dropped, here or where they came from."""


class Told(Message, bubble=False):
    """A stream has something to take, has been opened, or has ended; the latter two are said."""

    def __init__(self, stream: Stream, *, opened: bool = False, ended: bool = False) -> None:
        super().__init__()
        self.stream = stream
        self.opened = opened
        self.ended = ended


class Stream:
    """Events that fit, from now on, until it is closed or its source goes away."""

    def __init__(self, asker: MessagePump, source: Source, wanted: EventFilter) -> None:
        self.error: Exception | None = None
        """Why it ended; None where the source just closed it."""
        self._asker = asker
        self._source = source
        self._wanted = wanted
        self._lock = threading.Lock()
        self._rows: deque[EventRow] = deque()
        self._missed = 0
        self._told = False
        self._closed = False
        self._following: Following | None = None
        # A daemon: leaving must not wait for a collector that says nothing.
        threading.Thread(target=self._read, name="follows", daemon=True).start()

    def take(self) -> Batch:
        """What came; nothing is told again before something new comes."""
        with self._lock:
            batch = Batch(list(self._rows), self._missed)
            self._rows.clear()
            self._missed = 0
            self._told = False
        return batch

    def close(self) -> None:
        """Nothing is told any more."""
        with self._lock:
            self._closed = True
            following = self._following
        if following is not None:
            following.close()

    def _read(self) -> None:
        try:
            following = self._source.follow(self._wanted, listed=True)
            with self._lock:
                self._following = following
                closed = self._closed
            if closed:
                following.close()
                return
            self._tell(opened=True)
            missed = 0
            for activity in following:
                self._put(activity.event, following.missed - missed)
                missed = following.missed
        except Exception as error:  # told by the screen, never lost in a thread
            self.error = error
        finally:
            self._tell(ended=True)

    def _put(self, row: EventRow, missed: int) -> None:
        with self._lock:
            if len(self._rows) >= WAITING:
                self._rows.popleft()
                missed += 1
            self._rows.append(row)
            self._missed += missed
            told, self._told = self._told, True
        if not told:
            self._tell()

    def _tell(self, *, opened: bool = False, ended: bool = False) -> None:
        if not self._closed:
            # Whoever asked may have closed meanwhile, and its loop with it.
            with contextlib.suppress(RuntimeError):
                self._asker.post_message(Told(self, opened=opened, ended=ended))

    @property
    def refused(self) -> SourceError | None:
        """What the source said when it ended; what is no `SourceError` is a fault of ours, and
        is raised."""
        if self.error is not None and not isinstance(self.error, SourceError):
            raise self.error
        return self.error
