"""The terminal UI in a terminal that nobody looks at, with somebody who presses keys."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import cycle
from types import TracebackType

KEYS = ("1", "2", "down", "enter", "escape", "4", "2")
"""The graph, the events, one event's chain, back, consumers: everything that asks."""

KEY_SECONDS = 2.0
SIZE = (50, 200)
"""Rows and columns."""

_BYTES = {"down": b"\x1b[B", "enter": b"\r", "escape": b"\x1b"}


class Terminal:
    """A command in a pseudo-terminal; a context manager."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.drawn = 0
        """Bytes that it wrote."""
        self._stopping = threading.Event()

    def __enter__(self) -> Terminal:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._screen = ours
        self._process = subprocess.Popen(
            self._command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=self._environment,
            start_new_session=True,
        )
        os.close(theirs)
        self._threads = [threading.Thread(target=one) for one in (self._read, self._press)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join()
        os.close(self._screen)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def _read(self) -> None:
        while True:
            try:
                said = os.read(self._screen, 1 << 16)
            except OSError:  # what Linux says once the other side is closed
                return
            if not said:
                return
            self.drawn += len(said)

    def _press(self) -> None:
        keys = cycle(KEYS)
        while not self._stopping.wait(KEY_SECONDS):
            key = next(keys)
            try:
                os.write(self._screen, _BYTES.get(key, key.encode()))
            except OSError:
                return


def pause(until: float) -> None:
    """Sleep until a time of the monotonic clock."""
    time.sleep(max(0.0, until - time.monotonic()))
