"""What is seen of the collector and the terminal UI once a second, and the verdict on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from collector.store import queries
from collector.store.client import Store
from tests.benchmarks.collector import Collector
from tests.benchmarks.figures import Figure, Goal, percentile
from tests.benchmarks.machine import cpu_seconds, memory
from tests.soak.sender import Told
from tests.soak.terminal import Terminal

MOST_MIB = 1_000.0
LATE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One second."""

    at: float
    """Seconds since the beginning."""
    mib: float
    files: int
    threads: int
    cpu: float
    """Seconds so far."""
    span_lag: float
    """Age of the oldest request that is not in the store, seconds."""
    message_lag: float
    """Messages that the broker has and the store has not, in seconds of the rate."""
    degraded: bool
    ui_mib: float
    ui_cpu: float
    told: Told

    def line(self) -> str:
        """For whoever waits."""
        return (
            f"{self.at:.0f} s: {self.told.spans:,} spans, {self.told.messages:,} messages; "
            f"behind {self.span_lag:.1f} and {self.message_lag:.1f} s; "
            f"{self.mib:.0f} MiB, {self.cpu:.0f} s of CPU"
        )


class Sender:
    """The process that sends; what it told last."""

    def __init__(self, collector: Collector, bootstrap: str, rate: float) -> None:
        grpc, http = (f"127.0.0.1:{collector.ports[name]}" for name in ("otlp_grpc", "otlp_http"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.sender", grpc, http, bootstrap, str(rate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.told = Told()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.told = Told(**json.loads(line))

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Everything that was begun is answered; it may be called twice."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died
            self._process.stdin.close()
        self._process.wait(60)
        self._thread.join()


def look(
    collector: Collector, terminal: Terminal, sender: Sender, began: float, rate: float
) -> Sample:
    """How it is now; `rate` are messages a second."""
    told = sender.told
    _, body = collector.get("/health")
    health = json.loads(body)
    parts = {part["name"]: part for part in health["components"]}
    stored = parts["intake"]["figures"].get("kafka", {}).get("stored", 0)
    pid = collector.pid
    return Sample(
        at=time.monotonic() - began,
        mib=memory(pid),
        files=len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208 - only their number
        threads=len(os.listdir(f"/proc/{pid}/task")),  # noqa: PTH208 - only their number
        cpu=cpu_seconds(pid),
        span_lag=parts["spool"]["figures"]["oldest_seconds"],
        message_lag=max(0, told.messages - stored) / rate,
        degraded=health["status"] != "ok",
        ui_mib=memory(terminal.pid),
        ui_cpu=cpu_seconds(terminal.pid),
        told=told,
    )


def figures(samples: Sequence[Sample], rate: float) -> list[Figure]:
    """What was seen, beside what it should be; `rate` are spans and messages a second."""
    first, last = samples[0], samples[-1]
    seconds = last.at - first.at

    def grown(
        value: Callable[[Sample], float], of: Callable[[Iterable[float]], float] = mean
    ) -> float:
        """From the second quarter, when all is warm, to the last one."""
        quarter = max(1, len(samples) // 4)
        warm, late = samples[quarter : 2 * quarter], samples[-quarter:]
        return of(map(value, late)) - of(map(value, warm))

    def one(name: str, unit: str, value: float, goal: Goal | None = None) -> Figure:
        return Figure(name, unit, (value,), goal)

    def lag(name: str, values: Sequence[float]) -> list[Figure]:
        return [
            one(f"{name}, p50", "s", percentile(values, 0.5)),
            one(f"{name}, p95", "s", percentile(values, 0.95), Goal(LATE_SECONDS, False)),
            one(f"{name}, most", "s", max(values)),
        ]

    sent, messages = (last.told.spans - first.told.spans), last.told.messages - first.told.messages
    return [
        one("spans acknowledged", "1/s", sent / seconds, Goal(0.95 * rate)),
        one("messages produced", "1/s", messages / seconds, Goal(0.95 * rate)),
        *lag("spans wait for the store", [sample.span_lag for sample in samples]),
        *lag("messages wait for the store", [sample.message_lag for sample in samples]),
        one("memory, most", "MiB", max(sample.mib for sample in samples), Goal(MOST_MIB, False)),
        one("memory, grown", "MiB", grown(lambda sample: sample.mib), Goal(100, False)),
        one("files open, most", "", max(sample.files for sample in samples)),
        # A merge has some hundred open while it lasts, a large one for a minute. What is never
        # closed is there all the time.
        one("files open, grown", "", grown(lambda sample: sample.files, median), Goal(50, False)),
        one("threads, most", "", max(sample.threads for sample in samples)),
        one("threads, grown", "", grown(lambda sample: sample.threads), Goal(10, False)),
        one("collector used", "cores", (last.cpu - first.cpu) / seconds),
        one("the UI used", "cores", (last.ui_cpu - first.ui_cpu) / seconds),
        one("the UI's memory, most", "MiB", max(sample.ui_mib for sample in samples)),
        one("the UI's memory, grown", "MiB", grown(lambda sample: sample.ui_mib), Goal(15, False)),
        one("health was degraded", "s", sum(sample.degraded for sample in samples), Goal(0, False)),
        one("told to come again", "requests", last.told.later),
        one("connections that ended", "", last.told.broken),
        one("refused", "requests", last.told.failed, Goal(0, False)),
        one("not delivered to Kafka", "messages", last.told.undelivered, Goal(0, False)),
    ]


def counted(store: Path) -> dict[str, int]:
    """Different spans and messages in a store that no collector has open."""
    with Store(store) as opened:
        return queries.counted(opened)
