"""A bounded folder of refused input, each file with its reason beside it, for people to read."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

_REASON_SUFFIX = ".reason.txt"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Refused:
    """Keeps the newest refused payloads: at most `max_files` of them and `max_bytes` together.

    A payload longer than `sample_bytes` is cut. Two payloads within `min_seconds` keep the first
    only, so that a flood of malformed requests does not become a flood of files. A folder that
    cannot be written is logged and harms nothing else. `durable` files are synced. Thread-safe.
    """

    def __init__(
        self,
        directory: Path,
        *,
        max_files: int = 100,
        max_bytes: int = 256 << 20,
        sample_bytes: int | None = None,
        min_seconds: float = 0.0,
        durable: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self.directory = directory
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._sample_bytes = sample_bytes
        self._min_seconds = min_seconds
        self._durable = durable
        self._clock = clock
        self._wall = wall
        self._last: float | None = None
        self._lock = threading.Lock()
        self._kept: deque[tuple[Path, int]] = deque(self._left())
        self._bytes = sum(size for _, size in self._kept)

    def keep(self, name: str, payload: bytes, reason: str) -> Path | None:
        """Keep the payload as file `name`; None when it was left out or could not be written."""
        with self._lock:
            now = self._clock()
            if self._last is not None and now - self._last < self._min_seconds:
                return None
            self._last = now
            path = self.directory / _UNSAFE.sub("_", name)
            sample = payload if self._sample_bytes is None else payload[: self._sample_bytes]
            if len(sample) < len(payload):
                reason = f"{reason}\n(the first {len(sample)} of {len(payload)} bytes are kept)"
            try:
                self._forget(path)
                self._make_room(len(sample))
                self.directory.mkdir(parents=True, exist_ok=True)
                _reason_of(path).write_text(reason + "\n", encoding="utf-8", errors="replace")
                with path.open("wb") as file:
                    file.write(sample)
                    if self._durable:
                        file.flush()
                        os.fsync(file.fileno())
            except OSError as error:
                logger.warning("refused input is not kept in %s: %s", self.directory, error)
                return None
            self._kept.append((path, len(sample)))
            self._bytes += len(sample)
            return path

    def sample(self, source: str, payload: bytes, reason: str) -> None:
        """Keep the payload under the source's name and the time, as receivers want it."""
        self.keep(f"{self._wall()}-{source}.bin", payload, reason)

    def _forget(self, path: Path) -> None:
        """The same name again (a refusal repeated after a crash) replaces, and counts once."""
        for entry in self._kept:
            if entry[0] == path:
                self._kept.remove(entry)
                self._bytes -= entry[1]
                return

    def _make_room(self, size: int) -> None:
        while self._kept and (
            len(self._kept) >= self._max_files or self._bytes + size > self._max_bytes
        ):
            path, old = self._kept.popleft()
            self._bytes -= old
            path.unlink(missing_ok=True)
            _reason_of(path).unlink(missing_ok=True)

    def _left(self) -> list[tuple[Path, int]]:
        try:
            files = [
                (path, path.stat())
                for path in self.directory.iterdir()
                if not path.name.endswith(_REASON_SUFFIX)
            ]
        except OSError:
            return []
        files.sort(key=lambda file: file[1].st_mtime_ns)
        return [(path, stat.st_size) for path, stat in files]


def _reason_of(path: Path) -> Path:
    return path.with_name(path.name + _REASON_SUFFIX)
