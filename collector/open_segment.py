"""The segment that grows: written, synced and closed by the spool's one writing thread."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from collector.segment import HEADER_BYTES, frame_header, sync_directory

logger = logging.getLogger(__name__)

_MOST_BUFFERS = 1024
"""What one writev takes (IOV_MAX)."""


class OpenSegment:
    """A new segment file; `size` and `requests` count what is synced. Raises OSError."""

    def __init__(self, path: Path, born: float, sync: Callable[[int], None]) -> None:
        self.path = path
        self.born = born
        self.size = 0
        self.requests = 0
        self._sync = sync
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)

    def append(self, payloads: Sequence[bytes]) -> None:
        """Write these requests and sync them together, their file's name with the first ones.

        After an OSError the segment must be closed: after a failed sync the kernel may forget
        what it could not write, and a later sync would succeed without it.
        """
        buffers: list[bytes] = []
        for payload in payloads:
            buffers += (frame_header(payload), payload)
        _write_all(self._descriptor, buffers)
        self._sync(self._descriptor)
        if not self.size:
            sync_directory(self.path.parent)
        self.size += frames_size(payloads)
        self.requests += len(payloads)

    def close(self) -> None:
        """Cut off what failed to sync; the file stays if a request is in it. Never raises."""
        try:
            if os.fstat(self._descriptor).st_size > self.size:
                os.ftruncate(self._descriptor, self.size)
            if not self.requests:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("unacknowledged bytes stay in %s: %s", self.path, error)
        try:
            os.close(self._descriptor)
        except OSError as error:
            logger.warning("closing %s: %s", self.path, error)


def frames_size(payloads: Sequence[bytes]) -> int:
    """Bytes that these requests take in a segment."""
    return sum(map(len, payloads)) + HEADER_BYTES * len(payloads)


def _write_all(descriptor: int, buffers: list[bytes]) -> None:
    for start in range(0, len(buffers), _MOST_BUFFERS):
        part: list[bytes | memoryview] = list(buffers[start : start + _MOST_BUFFERS])
        while part:
            written = os.writev(descriptor, part)
            while part and written >= len(part[0]):
                written -= len(part.pop(0))
            if part and written:
                part[0] = memoryview(part[0])[written:]
