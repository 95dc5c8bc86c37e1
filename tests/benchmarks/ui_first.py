"""Benchmark of the terminal UI's start: what a real terminal gets to see, from process start.

The command runs on a pty of its own beside a collector with a graph, as a user starts it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.benchmarks import sender
from tests.benchmarks.collector import FLOWTAP, Collector
from tests.benchmarks.figures import Goal, Report, over
from tests.benchmarks.machine import cpu_seconds
from tests.benchmarks.steps import CREATED
from tests.benchmarks.world import World, say

ROWS, COLUMNS = 40, 140
PIECE = 65_536
PATIENCE = 30.0
"""Seconds until a screen must have come."""
STARTS = 5
"""In each run; the median of all of them is told."""
ORDERS = 200

CONTROLS = re.compile(
    rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[^\[\]]"
)
"""What moves the cursor, colours, and asks the terminal: no text."""
FRAME = b"flowtap"
"""In the title, which is drawn before anything is answered."""
DATA = CREATED.encode()
"""A destination that only an answer of the collector names."""


@dataclass(frozen=True, slots=True)
class Start:
    """Of one process: milliseconds since it was started."""

    frame: float
    graph: float
    cpu: float
    """That it had worked until the graph, in CPU milliseconds."""


def starts(world: World) -> Report:
    """Start it again and again beside one collector, each time on a fresh terminal."""
    made = world.requests("shop", ORDERS, 512)
    folder = world.folder()
    found: list[Start] = []
    with Collector(folder) as collector:
        for request in sender.read(made.path):
            _post(collector.ports["otlp_http"], request)
        collector.wait_inserted(PATIENCE)
        collector.wait(lambda: DATA in collector.get("/topology")[1], PATIENCE, "no graph")
        collector.wait_quiet()
        environment = _compiled(collector.environment, folder)
        _start(environment)  # Compiles modules, and warms the disk's cache.
        for _ in range(world.sizes.runs):
            world.before_run()
            say("ui_first: starting it")
            found += [_start(environment) for _ in range(STARTS)]
    world.forget(folder)
    figures = (
        over(found, "first screen", "ms", "frame", Goal(900, at_least=False)),
        over(found, "first graph with data", "ms", "graph"),
        over(found, "worked until the graph", "CPU-ms", "cpu"),
    )
    did = f"flowtap tui beside a collector, {len(found)} starts on a pty of {COLUMNS}x{ROWS}"
    return Report("ui_first", did, figures)


def _compiled(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Modules are compiled once, as in an installation, wherever this runs."""
    kept = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def _post(port: int, request: bytes) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with closing(connection):
        connection.request(
            "POST", "/v1/traces", request, {"Content-Type": "application/x-protobuf"}
        )
        status = connection.getresponse().status
    if status != 200:
        raise RuntimeError(f"the collector answered {status}")


def _start(environment: Mapping[str, str]) -> Start:
    """Raises TimeoutError with what was on the terminal when a screen does not come."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began = time.perf_counter()
    process = subprocess.Popen(
        [*FLOWTAP, "tui"],
        env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        seen = _Seen(ours)
        frame = (seen.until(FRAME) - began) * 1000
        graph = (seen.until(DATA) - began) * 1000
        return Start(frame, graph, cpu_seconds(process.pid) * 1000)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


class _Seen:
    """What came out of a pty so far."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._raw = b""

    def until(self, text: bytes) -> float:
        """When the text was there, by `time.perf_counter`."""
        deadline = time.monotonic() + PATIENCE
        while text not in CONTROLS.sub(b"", self._raw):
            ready, _, _ = select.select([self._terminal], [], [], deadline - time.monotonic())
            if not ready:
                raise TimeoutError(f"{text!r} never showed in {self._raw[-2000:]!r}")
            try:
                self._raw += os.read(self._terminal, PIECE)
            except OSError:
                raise TimeoutError(f"it ended without {text!r}: {self._raw[-2000:]!r}") from None
        return time.perf_counter()
