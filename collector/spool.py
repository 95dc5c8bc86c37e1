"""Spans on disk before they are acknowledged; whole segments to the engine, exactly once.

`append` returns when the request is written and synced: it survives the death of the process
always, and the loss of power as far as the disk keeps what it says it has synced. One thread
writes; requests that arrive while it syncs, and where many come also soon after, share the next
sync. A segment closes when the consumer asks for one and the first request in it is
`segment_seconds` old, or at `segment_bytes`: a consumer that is busy finds the larger segment when
it comes back, so that load makes inserts fewer and larger.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from collector.later import Later, Stopping
from collector.open_segment import OpenSegment, frames_size
from collector.pace import Syncs
from collector.refused import Refused
from collector.segment import (
    HEADER_BYTES,
    SEGMENT_SUFFIX,
    SPLIT_SUFFIX,
    Segment,
    SegmentFile,
    scan,
    sync_directory,
)
from collector.trouble import Trouble
from graph.figures import size as figure

logger = logging.getLogger(__name__)

_SEGMENT_NAME = re.compile(r"(\d{20})-[0-9a-f]{8}" + re.escape(SEGMENT_SUFFIX))
_DISK_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 30.0

TROUBLE_LASTS = 60.0
"""Seconds after which a failure to write, or a lack of room, says nothing of now any more."""


class SpoolFull(Later):
    """There is no room for more, or it cannot be written."""

    def __init__(self, retry_after_seconds: float, reason: str = "the spool is full") -> None:
        super().__init__(retry_after_seconds, reason)


class SpoolInUse(Exception):
    """Another process writes to this spool's directory."""


@dataclass(frozen=True, slots=True)
class _Append:
    payload: bytes
    future: asyncio.Future[None] | Future[None]
    loop: asyncio.AbstractEventLoop | None


def _fdatasync(descriptor: int) -> None:
    os.fdatasync(descriptor)


class Spool:
    """A bounded queue of requests on disk, between many receivers and one inserter.

    `short` says why nothing more should be taken, or nothing; what was accepted is still written.
    `clock` counts seconds for ages, `wall` nanoseconds since the epoch for ids, `sync` makes a
    file's data durable. Raises SpoolInUse when another process has the directory.
    """

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int = 2 << 30,
        segment_bytes: int = 16 << 20,
        segment_seconds: float = 0.05,
        short: Callable[[], str] = str,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = time.time_ns,
        sync: Callable[[int], None] = _fdatasync,
    ) -> None:
        self.directory = directory
        self.torn_bytes = 0
        """Unacknowledged bytes that a crash left and the start cut off."""
        self.syncs = 0
        self.rejected = Refused(directory / "rejected", durable=True)
        self.max_bytes = max_bytes
        """What may wait, at most."""
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._short = short
        self._trouble = Trouble(logger, "spans are refused: %s", "spans are taken again")
        self._failed_at = float("-inf")
        self._full_at = float("-inf")
        self._clock = clock
        self._wall = wall
        self._sync = sync

        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._ready = threading.Condition(self._lock)
        self._queue: list[_Append] = []
        self._bytes = 0
        self._files: dict[str, SegmentFile] = {}
        self._waiting: deque[Segment] = deque()
        self._open_born: float | None = None
        self._seal_wanted = False
        self._closing = False
        self._stopped = False

        directory.mkdir(parents=True, exist_ok=True)
        self._directory_lock = _lock_directory(directory)
        self._open: OpenSegment | None = None
        self._last_id_ns = 0
        self._recover()
        self._writer = threading.Thread(target=self._write, name="flowtap-spool", daemon=True)
        self._writer.start()

    # Producers

    async def append(self, payload: bytes) -> None:
        """Return once the request is synced. Raises SpoolFull, Stopping."""
        await self.accept(payload)

    def accept(self, payload: bytes) -> asyncio.Future[None]:
        """As `append`, for who waits in a way of its own: done once the request is synced. What
        refuses it is raised at once, what fails while it is written is the future's."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if payload:
            self._submit(_Append(payload, future, loop))
        else:
            future.set_result(None)
        return future

    def append_sync(self, payload: bytes) -> None:
        """As `append`, from any thread that may block."""
        if not payload:
            return
        future: Future[None] = Future()
        self._submit(_Append(payload, future, None))
        future.result()

    def _submit(self, append: _Append) -> None:
        size = HEADER_BYTES + len(append.payload)
        short = self._short()
        with self._lock:
            if self._closing:
                raise Stopping
            if short:
                raise SpoolFull(_DISK_RETRY_SECONDS, short)
            # An empty spool takes any request: one that never fits would be sent for ever.
            if self._bytes and self._bytes + size > self.max_bytes:
                self._note_full()
                raise SpoolFull(min(max(self._oldest(), 1.0), _LONGEST_RETRY_SECONDS))
            self._bytes += size
            self._queue.append(append)
            self._work.notify()

    # The consumer

    def take(self, timeout: float) -> Segment | None:
        """The next segment, closed for good, or None after `timeout` seconds or at the end.

        Segments that an earlier run left come first. Every segment taken must be finished;
        one that is not comes back, with the same id and bytes, at the next start.
        """
        with self._lock:
            deadline = self._clock() + timeout
            while not self._waiting:
                if self._stopped:
                    return None
                now = self._clock()
                due = None
                if self._open_born is not None:
                    due = self._open_born + self._segment_seconds
                    if now >= due:
                        self._seal_wanted = True
                        self._work.notify()
                        self._ready.wait()
                        continue
                if now >= deadline:
                    return None
                self._ready.wait((deadline if due is None else min(due, deadline)) - now)
            return self._waiting.popleft()

    @property
    def pending_bytes(self) -> int:
        """Bytes that are accepted and not yet inserted, taken segments included."""
        with self._lock:
            return self._bytes

    @property
    def trouble(self) -> str:
        """Why requests are refused, or were when one came last; empty when all is well."""
        if reason := self._short():
            return reason
        if self.lately_full:
            return f"the spool was full, {figure(self.max_bytes)}: senders are told to come again"
        return self._trouble.reason if self._clock() < self._failed_at + TROUBLE_LASTS else ""

    def _note_full(self) -> None:
        if not self.lately_full:
            logger.warning("the spool is full, %s: senders have to wait", figure(self.max_bytes))
        self._full_at = self._clock()

    @property
    def lately_full(self) -> bool:
        """Whether a request was refused just now, or lately, because too much waits."""
        return self._clock() < self._full_at + TROUBLE_LASTS

    @property
    def oldest(self) -> float:
        """Seconds since the oldest request that is not yet inserted came; 0 when there is none."""
        with self._lock:
            return self._oldest()

    def close(self) -> None:
        """Sync what was accepted, close the last segment and take nothing more."""
        with self._lock:
            self._closing = True
            self._work.notify()
        self._writer.join()
        if self._directory_lock >= 0:
            os.close(self._directory_lock)
            self._directory_lock = -1

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _oldest(self) -> float:
        born = self._open_born
        for file in self._files.values():
            born = file.born
            break
        return 0.0 if born is None else max(0.0, self._clock() - born)

    def _gone(self, file: SegmentFile) -> None:
        with self._lock:
            self._bytes -= file.size
            del self._files[file.id]

    # The writing thread

    def _write(self) -> None:
        syncs = Syncs()
        while True:
            with self._lock:
                while not (self._queue or self._seal_wanted or self._closing):
                    self._work.wait()
            if rest := syncs.rest(self._clock()):
                time.sleep(rest)
            with self._lock:
                batch, self._queue = self._queue, []
                last = self._closing
            syncs.begins(len(batch), self._clock())
            start = 0
            while start < len(batch):
                start = self._commit(batch, start)
            with self._lock:
                seal = self._seal_wanted
                last = last and not self._queue
            if seal or last:
                self._seal()
            if last:
                break
        with self._lock:
            self._stopped = True
            self._ready.notify_all()

    def _commit(self, batch: Sequence[_Append], start: int) -> int:
        """Write and sync as many requests as the open segment takes; where the rest starts."""
        open_size = self._open.size if self._open else 0
        if open_size and open_size + frames_size([batch[start].payload]) > self._segment_bytes:
            self._seal()
            open_size = 0
        end, size = start, open_size
        while end < len(batch):
            size += frames_size([batch[end].payload])
            if end > start and size > self._segment_bytes:
                break
            end += 1
        payloads = [append.payload for append in batch[start:end]]
        error: Exception | None = None
        try:
            segment = self._open or self._create()
            segment.append(payloads)
            self.syncs += 1
            self._trouble.end()
        except OSError as failure:
            reason = f"the spool {self.directory} cannot be written: {failure.strerror or failure}"
            self._trouble.begin(reason)
            self._failed_at = self._clock()
            error = SpoolFull(_DISK_RETRY_SECONDS, reason)
        except Exception as failure:  # whatever it is, nobody may wait for ever
            logger.exception("the spool %s failed", self.directory)
            error = failure
        if error is not None:
            with self._lock:
                self._bytes -= frames_size(payloads)
        if error is not None or (self._open and self._open.size >= self._segment_bytes):
            self._seal()
        _settle(batch[start:end], error)
        return end

    def _create(self) -> OpenSegment:
        path = self.directory / (self._next_id() + SEGMENT_SUFFIX)
        self._open = OpenSegment(path, self._clock(), self._sync)
        with self._lock:
            self._open_born = self._open.born
            self._ready.notify_all()
        return self._open

    def _seal(self) -> None:
        """Close the open segment and give it to the consumer."""
        segment, self._open = self._open, None
        file = None
        if segment is not None:
            segment.close()
            if segment.requests:
                file = self._file(segment.path, segment.requests, segment.size, segment.born)
        with self._lock:
            if file is not None:
                self._files[file.id] = file
                self._waiting.extend(file.segments())
            self._open_born = None
            self._seal_wanted = False
            self._ready.notify_all()

    def _next_id(self) -> str:
        # Time sorts, the random part is for a clock that was set back and a spool made anew:
        # the engine may still remember the token of a segment that is long gone.
        self._last_id_ns = max(self._wall(), self._last_id_ns + 1)
        return f"{self._last_id_ns:020d}-{secrets.token_hex(4)}"

    def _file(self, path: Path, requests: int, size: int, born: float) -> SegmentFile:
        return SegmentFile(path, requests, size, born, self.rejected, self._gone)

    # The start

    def _recover(self) -> None:
        now = self._wall()
        for path in sorted(self.directory.glob("*" + SEGMENT_SUFFIX)):
            name = _SEGMENT_NAME.fullmatch(path.name)
            if name is None:
                logger.warning("%s is no segment of a spool and is left alone", path)
                continue
            data = path.read_bytes()
            requests, size = scan(data)
            if size < len(data):
                self.torn_bytes += len(data) - size
                logger.warning("%s: %d unacknowledged bytes cut off", path, len(data) - size)
                os.truncate(path, size)
            if not requests:
                path.unlink()
                continue
            id_ns = int(name[1])
            self._last_id_ns = max(self._last_id_ns, id_ns)
            file = self._file(path, requests, size, self._clock() - max(0, now - id_ns) / 1e9)
            self._files[file.id] = file
            self._waiting.extend(file.segments())
            self._bytes += size
        for marker in self.directory.glob("*" + SPLIT_SUFFIX):
            if not marker.with_suffix(SEGMENT_SUFFIX).exists():
                marker.unlink()
        sync_directory(self.directory)


def _lock_directory(directory: Path) -> int:
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SpoolInUse(f"another process writes to {directory}") from None
    return descriptor


def _settle(appends: Sequence[_Append], error: Exception | None) -> None:
    """Wake each event loop once, however many of its requests shared the sync."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for append in appends:
        if append.loop is not None and isinstance(append.future, asyncio.Future):
            by_loop.setdefault(append.loop, []).append(append.future)
        else:
            _resolve([append.future], error)
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, futures, error)
        except RuntimeError:
            logger.debug("a client's event loop closed before its request was synced")


def _resolve(
    futures: Sequence[asyncio.Future[None] | Future[None]], error: Exception | None
) -> None:
    for future in futures:
        if future.done():
            continue  # the client went away; its request stays
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
