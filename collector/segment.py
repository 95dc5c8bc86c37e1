"""A segment of the spool: whole requests in one file, inserted together and then deleted.

The file is a row of frames, one a request, little-endian:

    magic    4 bytes  b"FTS1"
    length   4 bytes  of the payload
    crc      4 bytes  CRC-32C of the length's four bytes and the payload
    payload  `length` bytes, one serialised ExportTraceServiceRequest

Concatenated serialised messages are one valid merged message, so the payloads in a row are one
request again. Frames are acknowledged in the order in which they lie, after a sync of the file;
hence the first frame that is cut short or does not fit its crc, and all that follows it, was
never acknowledged. The crc covers the length and the magic is not zero: a file that grew before
its data reached the disk reads as zeros, which are no frame.

A segment that the engine refuses is halved at request borders. What was halved is written down
beside the file (`ID.split`) before the halves are given out: after a crash the same parts come
back with the same ids, and a deduplication token never covers other bytes than before.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from crc32c import crc32c

if TYPE_CHECKING:
    from collector.refused import Refused

MAGIC = b"FTS1"
SEGMENT_SUFFIX = ".segment"
SPLIT_SUFFIX = ".split"

_HEADER = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
_WHOLE = "*"

HEADER_BYTES = _HEADER.size


class SegmentDamaged(Exception):
    """A segment's file no longer holds the frames that were written into it."""


def frame_header(payload: bytes) -> bytes:
    """The 12 bytes that go before the payload."""
    return _HEADER.pack(MAGIC, len(payload), _checksum(payload))


def _checksum(payload: bytes | memoryview) -> int:
    return crc32c(payload, crc32c(_LENGTH.pack(len(payload))))


def scan(data: bytes) -> tuple[int, int]:
    """How many whole frames the data starts with, and the bytes that these take."""
    view = memoryview(data)
    requests = position = 0
    while position + HEADER_BYTES <= len(view):
        magic, length, checksum = _HEADER.unpack_from(view, position)
        end = position + HEADER_BYTES + length
        if magic != MAGIC or end > len(view):
            break
        if _checksum(view[position + HEADER_BYTES : end]) != checksum:
            break
        requests += 1
        position = end
    return requests, position


def sync_directory(directory: Path) -> None:
    """Make the directory's names durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SegmentFile:
    """A closed segment on disk, shared by the parts it was split into. Thread-safe."""

    def __init__(
        self,
        path: Path,
        requests: int,
        size: int,
        born: float,
        rejected: Refused,
        gone: Callable[[SegmentFile], None],
    ) -> None:
        self.id = path.name.removesuffix(SEGMENT_SUFFIX)
        self.requests = requests
        self.size = size
        """Bytes of the whole frames."""
        self.born = born
        self.rejected = rejected
        self._path = path
        self._gone = gone
        self._lock = threading.Lock()
        self._splits = self._read_splits()
        self._parts = 1

    def segments(self) -> list[Segment]:
        """The whole, or the parts it had been split into before a crash, in order."""
        return self._parts_of(Segment(self, "", 0, self.requests))

    def _parts_of(self, segment: Segment) -> list[Segment]:
        if segment.suffix not in self._splits or segment.requests <= 1:
            return [segment]
        first, second = segment.split()
        return [*self._parts_of(first), *self._parts_of(second)]

    def read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(self.size)

    def note_split(self, suffix: str) -> None:
        with self._lock:
            self._parts += 1
            if suffix in self._splits:
                return
            with self._marker.open("a", encoding="ascii") as file:
                file.write(f"{suffix or _WHOLE}\n")
                file.flush()
                os.fsync(file.fileno())
            sync_directory(self._path.parent)
            self._splits.add(suffix)

    def release(self) -> None:
        """One part is finished; with the last one the file goes."""
        with self._lock:
            self._parts -= 1
            if self._parts:
                return
            self._path.unlink(missing_ok=True)
            self._marker.unlink(missing_ok=True)
        self._gone(self)

    @property
    def _marker(self) -> Path:
        return self._path.with_suffix(SPLIT_SUFFIX)

    def _read_splits(self) -> set[str]:
        try:
            text = self._marker.read_text(encoding="ascii")
        except FileNotFoundError:
            return set()
        # A line without its end was being written at the crash: its halves were never given out.
        lines = text.split("\n")[:-1]
        return {"" if line == _WHOLE else line for line in lines}


class Segment:
    """Requests to insert together; finished exactly once, by `done` or `reject`, or split."""

    def __init__(self, file: SegmentFile, suffix: str, first: int, requests: int) -> None:
        self.id = file.id + suffix
        """Unique for ever and sorted by age; the same bytes keep it over a restart."""
        self.requests = requests
        self.suffix = suffix
        self._file = file
        self._first = first
        self._finished = False

    @property
    def born(self) -> float:
        """When its first request came, on the spool's clock, in seconds."""
        return self._file.born

    @property
    def size(self) -> int:
        """Bytes of the file that it lies in."""
        return self._file.size

    def payload(self) -> bytes:
        """The requests as one merged ExportTraceServiceRequest. Raises SegmentDamaged, OSError."""
        return b"".join(self.payloads())

    def payloads(self) -> list[memoryview]:
        """The requests, each as it came. Raises SegmentDamaged, OSError."""
        return list(self._payloads())

    def split(self) -> tuple[Segment, Segment]:
        """Two halves at a request border, instead of this one. Raises ValueError for a single."""
        if self.requests < 2:
            raise ValueError(f"segment {self.id} is a single request")
        self._finish()
        self._file.note_split(self.suffix)
        half = self.requests // 2
        return (
            Segment(self._file, self.suffix + ".0", self._first, half),
            Segment(self._file, self.suffix + ".1", self._first + half, self.requests - half),
        )

    def done(self) -> None:
        """It is inserted: forget it."""
        self._finish()
        self._file.release()

    def reject(self, reason: str) -> None:
        """The engine refuses it for good: keep it among the rejected, where it can be read."""
        try:
            payload = self.payload()
        except SegmentDamaged as error:
            payload, reason = self._file.read(), f"{reason}\n{error}"
        self._finish()
        self._file.rejected.keep(f"{self.id}.otlp", payload, reason)
        self._file.release()

    def _finish(self) -> None:
        if self._finished:
            raise ValueError(f"segment {self.id} was finished before")
        self._finished = True

    def _payloads(self) -> Iterator[memoryview]:
        view = memoryview(self._file.read())
        frame = 0
        for index in range(self._first + self.requests):
            payload = frame + HEADER_BYTES
            if payload > len(view):
                raise self._damaged(frame)
            magic, length, _ = _HEADER.unpack_from(view, frame)
            if magic != MAGIC or payload + length > len(view):
                raise self._damaged(frame)
            if index >= self._first:
                yield view[payload : payload + length]
            frame = payload + length

    def _damaged(self, position: int) -> SegmentDamaged:
        return SegmentDamaged(f"segment {self._file.id}: no frame at byte {position}")
