"""The machine that is measured on: what it is, how busy, and what a process takes of it.

Reads /proc, so it wants Linux.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import Figure

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, in all its threads, ended ones too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory(pid: int) -> float:
    """What a process holds in memory now, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / MIB


def peak_memory(pid: int) -> float:
    """The most a process held in memory so far, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} does not say its peak")


def _busy_seconds() -> float:
    """What all processes have used so far, time stolen by other machines included."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / _TICK


class Others:
    """How many cores went to processes that are no part of the measurement."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = (os.getpid(), *pids)
        self._began = time.monotonic()
        self._busy, self._ours = _busy_seconds(), sum(map(cpu_seconds, self._pids))

    def cores(self) -> float:
        """Since the beginning, on average; the pids must still be there."""
        ours = sum(map(cpu_seconds, self._pids)) - self._ours
        passed = max(0.01, time.monotonic() - self._began)
        return max(0.0, (_busy_seconds() - self._busy - ours) / passed)


_WORK = b"flowtap" * (1 << 20)


def fixed_work() -> float:
    """Seconds of CPU that the same piece of work takes now: the speed of the machine drifts."""
    began = time.thread_time()
    for _ in range(5):
        hashlib.sha256(_WORK).digest()
    return time.thread_time() - began


@dataclass(frozen=True, slots=True)
class Machine:
    """What it is, and how busy it was before."""

    cores: int
    processor: str
    memory_gib: float
    load: float
    filesystem: str
    sync_ms: float
    """Writing 64 KiB and fdatasync where the stores are."""
    software: str

    def line(self) -> str:
        return (
            f"{self.cores} cores of {self.processor}, {self.memory_gib:.0f} GiB, "
            f"load {self.load:.1f} before; {self.filesystem}, a sync takes {self.sync_ms:.1f} ms; "
            f"{self.software}"
        )


def describe(folder: Path) -> Machine:
    """The machine, with the disk that `folder` is on."""
    info = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line]
    total = os.sysconf("SC_PHYS_PAGES") * _PAGE / (1 << 30)
    packages = ("chdb-core", "clickhouse-connect", "grpcio", "confluent-kafka", "kafka-python")
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=names[0] if names else platform.machine(),
        memory_gib=total,
        load=os.getloadavg()[0],
        filesystem=_filesystem(folder),
        sync_ms=_sync_ms(folder),
        software=", ".join(
            [
                f"Python {platform.python_version()}",
                *(f"{each} {version(each)}" for each in packages),
            ]
        ),
    )


def _filesystem(folder: Path) -> str:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    place = str(folder.resolve())
    best = max(
        (fields for fields in mounts if place.startswith(fields[1])), key=lambda each: len(each[1])
    )
    return best[2]


def _sync_ms(folder: Path) -> float:
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(21):
            began = time.perf_counter()
            file.write(b"x" * 65_536)
            file.flush()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def noise(works: Iterable[float]) -> Figure:
    """The machine's own noise: the same work, timed before each run."""
    return Figure("the same work, before each run", "ms", tuple(each * 1000 for each in works))
