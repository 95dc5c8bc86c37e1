"""Benchmarks of spans on their way into the store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import engine
from tests.benchmarks.collector import Collector, CollectorFailed
from tests.benchmarks.figures import Figure, Goal, Report, over
from tests.benchmarks.machine import Others, memory, peak_memory
from tests.benchmarks.sender import Sent
from tests.benchmarks.world import Requests, World, apart, say

PROTOCOLS = {"grpc": "OTLP/gRPC", "http": "OTLP/HTTP"}

SECONDS = 900.0
"""After which a run is given up."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One run: a file of requests from a sender through the collector into its store."""

    per_second: float
    """From the first request until all were inserted."""
    acknowledged_per_second: float
    per_cpu_second: float
    """Of the collector, until all were inserted."""
    per_cpu_second_settled: float
    """The same with the merges and edges of the seconds that followed."""
    ack_ms_p50: float
    ack_ms_p99: float
    rest_mib: float
    """Before the first request."""
    peak_mib: float
    bytes_per_span: float
    """Merged, over all tables."""
    left_bytes_per_span: float
    """As the collector left it."""
    sender_cores: float
    others_cores: float
    retries: int
    tables: str


def engine_only(world: World) -> Report:
    """Segments inserted without receivers or spool."""
    made = world.requests("shop", world.sizes.orders, 512)
    figures: list[Figure] = []
    for segment_spans in (20_000, 100_000):
        runs = []
        for _ in range(world.sizes.runs):
            folder = world.folder()
            world.before_run()
            say(f"engine, {segment_spans:,} spans an insert")
            runs.append(apart(engine.insert, folder, made.path, made.spans, segment_spans // 512))
            world.forget(folder)
        name = f"inserts of {segment_spans:,}"
        figures += [
            over(runs, name, "spans/s", "per_second"),
            over(runs, name, "spans/CPU-s", "per_cpu_second"),
            over(runs, name, "ms each", "insert_ms"),
            over(runs, name, "MiB peak", "peak_mib"),
        ]
    return Report(
        "engine", f"{made.spans:,} spans into the engine alone, from memory", tuple(figures)
    )


@dataclass(frozen=True, slots=True)
class Way:
    """A way into the collector, and what is to be reached on it."""

    name: str
    protocol: str
    recipe: str
    request_spans: int
    flight: int
    per_second: float | None = None
    per_cpu_second: float | None = None


WAYS = (
    Way("grpc", "grpc", "shop", 512, 16, 85_000, 55_000),
    Way("http", "http", "shop", 512, 16, 85_000, 55_000),
    Way("mixed", "grpc", "mixed", 512, 16, None, 80_000),
    Way("small", "grpc", "shop", 10, 64, 25_000, None),
)


def through_collector(world: World, way: Way) -> Report:
    """Requests over the network, acknowledged when synced, until they are in the store."""
    count = world.sizes.small_orders if way.request_spans < 512 else world.sizes.orders
    made = world.requests(way.recipe, count, way.request_spans)
    runs = [_deliver(world, way, made) for _ in range(world.sizes.runs)]

    def goal(value: float | None) -> Goal | None:
        return Goal(value) if value is not None else None

    figures = (
        over(runs, "acknowledged and inserted", "spans/s", "per_second", goal(way.per_second)),
        over(runs, "acknowledged", "spans/s", "acknowledged_per_second"),
        over(runs, "collector", "spans/CPU-s", "per_cpu_second", goal(way.per_cpu_second)),
        over(
            runs,
            f"with {world.sizes.after:.0f} s after it",
            "spans/CPU-s",
            "per_cpu_second_settled",
        ),
        over(runs, "answer p50", "ms", "ack_ms_p50"),
        over(runs, "answer p99", "ms", "ack_ms_p99"),
        over(runs, "memory before", "MiB", "rest_mib", Goal(400, at_least=False)),
        over(runs, "memory peak", "MiB", "peak_mib", Goal(1000, at_least=False)),
        over(runs, "disk, merged", "B/span", "bytes_per_span", Goal(80, at_least=False)),
        over(runs, "disk, as left", "B/span", "left_bytes_per_span"),
        over(runs, "sender used", "cores", "sender_cores"),
        over(runs, "other processes used", "cores", "others_cores"),
    )
    did = (
        f"{made.spans:,} spans over {PROTOCOLS[way.protocol]}, {made.requests:,} requests of up to "
        f"{way.request_spans}, {way.flight} in flight, {made.path.stat().st_size // made.spans} "
        f"B a span"
    )
    retries = sum(run.retries for run in runs)
    remarks = [f"bytes a span, merged: {runs[-1].tables}"]
    if retries:
        remarks.append(f"{retries} requests were told to come again")
    return Report(way.name, did, figures, tuple(remarks))


def _deliver(world: World, way: Way, made: Requests) -> Delivered:
    folder = world.folder()
    world.before_run()
    say(f"{way.name}: {made.spans:,} spans through a collector")
    with Collector(folder) as collector:
        address = f"127.0.0.1:{collector.ports[f'otlp_{way.protocol}']}"
        with _sender(way, address, made.path) as sending:
            assert sending.stdin is not None and sending.stdout is not None
            if sending.stdout.readline().strip() != "ready":
                raise RuntimeError("the sender did not start")
            collector.wait_quiet()
            rest = memory(collector.pid)
            others = Others((collector.pid, sending.pid))
            before = collector.cpu_seconds
            began = time.monotonic()
            sending.stdin.write("go\n")
            sending.stdin.flush()
            said = sending.stdout.readline()
            if not said:
                raise RuntimeError("the sender ended before its time")
            sent = Sent(**json.loads(said))
            collector.wait_inserted(SECONDS)
            seconds, cpu = time.monotonic() - began, collector.cpu_seconds - before
            busy = others.cores()
        time.sleep(world.sizes.after)
        settled = collector.cpu_seconds - before
        peak = peak_memory(collector.pid)
    found = apart(engine.contents, collector.store)
    if found.spans != made.spans:
        raise CollectorFailed(f"{made.spans:,} spans were sent, {found.spans:,} are stored")
    world.forget(folder)
    return Delivered(
        per_second=made.spans / seconds,
        acknowledged_per_second=made.spans / sent.seconds,
        per_cpu_second=made.spans / cpu,
        per_cpu_second_settled=made.spans / settled,
        ack_ms_p50=sent.ack_ms_p50,
        ack_ms_p99=sent.ack_ms_p99,
        rest_mib=rest,
        peak_mib=peak,
        bytes_per_span=found.merged_bytes / made.spans,
        left_bytes_per_span=found.bytes / made.spans,
        sender_cores=sent.cpu_seconds / sent.seconds,
        others_cores=busy,
        retries=sent.retries,
        tables=by_table(found, made.spans),
    )


def by_table(found: engine.Contents, count: int) -> str:
    """Bytes of each table for each of `count` things, largest first."""
    sizes = sorted(found.by_table.items(), key=lambda each: -each[1])
    return ", ".join(f"{table} {size / count:.1f}" for table, size in sizes if size >= count)


def _sender(way: Way, address: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.benchmarks.sender"),
            *(way.protocol, address, str(way.flight), str(path)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
