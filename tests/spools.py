"""Spools on a disk and a clock that do what a test says, and what a crash would leave of them."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.segment import Segment
from collector.spool import Spool


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Disk:
    """Syncs for real, counts, and holds or fails a sync when told to."""

    def __init__(self) -> None:
        self.synced_sizes: list[int] = []
        self.threads: set[int] = set()
        self.started = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.error: OSError | None = None

    def __call__(self, descriptor: int) -> None:
        self.threads.add(threading.get_ident())
        self.started.set()
        assert self.go.wait(30)
        if self.error is not None:
            raise self.error
        os.fdatasync(descriptor)
        self.synced_sizes.append(os.fstat(descriptor).st_size)


class Story:
    """Makes spools in one directory and their copies as a crash would leave them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "spool"
        self.clock = Clock()
        self.wall_ns = 1_700_000_000_000_000_000
        self.disk = Disk()
        self._copies = itertools.count()
        self._open: list[Spool] = []

    def spool(
        self,
        directory: Path | None = None,
        *,
        max_bytes: int = 1 << 20,
        segment_bytes: int = 1 << 16,
    ) -> Spool:
        spool = Spool(
            directory or self.directory,
            max_bytes=max_bytes,
            segment_bytes=segment_bytes,
            segment_seconds=0.2,
            clock=self.clock,
            wall=lambda: self.wall_ns,
            sync=self.disk,
        )
        self._open.append(spool)
        return spool

    def crash(self) -> Path:
        """The directory as it is now, elsewhere: what a start after kill -9 finds."""
        copy = self.directory.with_name(f"crash-{next(self._copies)}")
        shutil.copytree(self.directory, copy)
        return copy

    def due(self, spool: Spool) -> Segment:
        """The next segment, after enough time for it to close."""
        self.clock.now += 0.2
        segment = spool.take(0)
        assert segment is not None
        return segment

    def close(self) -> None:
        self.disk.go.set()
        for spool in self._open:
            spool.close()


def request(name: str) -> bytes:
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.add(name=name)
    return message.SerializeToString()


def names(payload: bytes) -> list[str]:
    return [
        span.name
        for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def segment_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.segment"))


def drain(story: Story, spool: Spool) -> list[str]:
    found = []
    story.clock.now += 1
    while (segment := spool.take(0)) is not None:
        found += names(segment.payload())
        segment.done()
    return found
