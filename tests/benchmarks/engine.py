"""What happens in the engine itself; these functions run in processes of their own (`apart`)."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count as counter
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from collector.store.client import Store
from collector.store.facts import StoreFacts
from collector.store.rollup import Rollup
from tests.benchmarks import machine, sender
from tests.benchmarks.payload import Order, orders, reading, record, requests
from tests.benchmarks.steps import SHOP, TOPICS

SPAN_TABLES = ("otel_traces", "operations", "relations", "ids")
MESSAGE_TABLES = ("messages", "relations", "ids")
CLUSTER = "benchmark"
INCARNATION = "first"

MINUTE = 60 * 10**9
DAY = 24 * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds."""

    spans: int
    """Different ones."""
    messages: int
    """Different ones."""
    bytes: int
    """On disk, over all tables, as it was left."""
    merged_bytes: int
    """The same, every partition merged into one part."""
    by_table: dict[str, int]
    """Bytes of each table, merged."""


def contents(folder: Path) -> Contents:
    """Look into a store that no collector has open."""
    with Store(folder) as store:
        left = sum(_bytes(store).values())
        for (table,) in store.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() "
            "AND engine LIKE '%MergeTree'"
        ):
            store.command(f"OPTIMIZE TABLE {table} FINAL")
        merged = _bytes(store)
        ((spans,),) = store.query("SELECT uniqExact(TraceId, SpanId) FROM otel_traces")
        ((messages,),) = store.query(
            "SELECT uniqExact(cluster, destination, incarnation, partition, offset) FROM messages"
        )
    return Contents(int(spans), int(messages), left, sum(merged.values()), merged)


def _bytes(store: Store) -> dict[str, int]:
    rows = store.query(
        "SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active "
        "AND database = currentDatabase() GROUP BY table"
    )
    return {str(table): int(size) for table, size in rows}


@dataclass(frozen=True, slots=True)
class Inserted:
    """Inserting a file of requests, in segments."""

    per_second: float
    per_cpu_second: float
    insert_ms: float
    """Of one segment, on average."""
    peak_mib: float


def insert(folder: Path, path: Path, spans: int, segment_requests: int) -> Inserted:
    """Insert a file that holds so many spans, so many requests at a time."""
    segments = [b"".join(each) for each in _chunks(sender.read(path), segment_requests)]
    with Store(folder) as store:
        _insert(store, next(sender.read(path)), time.time_ns())  # The first one warms up.
        began, used = time.perf_counter(), time.process_time()
        for segment in segments:
            _insert(store, segment, time.time_ns())
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        peak = machine.peak_memory(os.getpid())
    return Inserted(spans / seconds, spans / cpu, seconds / len(segments) * 1000, peak)


@dataclass(frozen=True, slots=True)
class Computed:
    """Computing the edges of the running minute, each time after something new was stored."""

    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    edges: int


def compute(folder: Path, count: int, runs: int) -> Computed:
    """Store so many orders with their messages in one minute, and compute it so many times."""
    minute = time.time_ns() // MINUTE * MINUTE
    interval = 50 * 10**9 // count
    seconds, cpu = [], []
    with Store(folder) as store:
        for chunk in _chunks(orders(count, start=minute, interval=interval), CHUNK):
            put(store, chunk, time.time_ns())
        rollup = Rollup(store)
        for run in range(runs + 1):
            more = orders(50, start=minute, interval=interval, seed=2 + run, first=count + 50 * run)
            put(store, list(more), time.time_ns())
            began, used = time.perf_counter(), time.process_time()
            rollup.run()
            seconds.append(time.perf_counter() - began)
            cpu.append(time.process_time() - used)
        ((edges,),) = store.query("SELECT count() FROM edges FINAL WHERE role != 'empty'")
    # The first one is no usual one: everything is new to it.
    return Computed(tuple(seconds[1:]), tuple(cpu[1:]), int(edges))


def fill(folder: Path, count: int, readings: int, sample: int) -> tuple[list[Order], int]:
    """Store so many orders with their messages as if received over 30 days, edges computed.

    Half of them in the last hour, the rest in one minute of every third day before; beside each
    order so many messages of which no span tells. Returns `sample` orders, picked by chance, and
    when the last hour ended.
    """
    now = time.time_ns()
    picked = set(random.Random(3).sample(range(count), sample))
    kept: list[Order] = []
    days = range(29, 0, -3)
    a_day = count // 2 // len(days)
    windows = [(now - day * DAY, MINUTE, a_day) for day in days]
    windows.append((now - 60 * MINUTE, 60 * MINUTE, count - len(days) * a_day))
    first = 0
    with Store(folder) as store:
        for start, lasts, number in windows:
            made = orders(number, start=start, interval=lasts // number, seed=first, first=first)
            for chunk in _chunks(made, CHUNK):
                put(store, chunk, chunk[-1].start, readings)
                kept += (order for order in chunk if order.number in picked)
            first += number
        Rollup(store).run(settle=0)
    return kept, now


def merge(folder: Path, seconds: float = 300.0) -> None:
    """Leave a store as it lies an hour after its last insert: of each week that is over one part,
    which the engine makes when nothing was added to it for an hour, and in the running one what
    merges make by themselves; `seconds` at most are waited for these."""
    with Store(folder) as store:
        for table, week in store.query(
            "SELECT DISTINCT table, partition_id FROM system.parts WHERE active "
            "AND database = currentDatabase() AND partition_id < toString(toYYYYMMDD(today() - 6)) "
            "AND match(partition_id, '^[0-9]{8}$') ORDER BY ALL"
        ):
            store.command(f"OPTIMIZE TABLE {table} PARTITION ID '{week}' FINAL")
        until = time.monotonic() + seconds
        quiet = 0
        while quiet < 5 and time.monotonic() < until:
            time.sleep(1.0)
            ((running,),) = store.query("SELECT count() FROM system.merges")
            quiet = 0 if running else quiet + 1


def resolve(folder: Path, ids: Mapping[str, Sequence[str]]) -> dict[str, list[float]]:
    """Milliseconds that each id takes to be found in the store, without its event or chain."""
    taken: dict[str, list[float]] = {}
    with Store(folder) as store:
        facts = StoreFacts(store)
        for kind, texts in ids.items():
            facts.resolve(texts[0])
            taken[kind] = []
            for text in texts:
                began = time.perf_counter()
                found = facts.resolve(text)
                taken[kind].append((time.perf_counter() - began) * 1000)
                if not found:
                    raise LookupError(text)
    return taken


CHUNK = 2_000
"""Orders in one insert: 22,000 spans, 6,000 messages."""


def put(store: Store, made: Sequence[Order], received: int, readings: int = 0) -> None:
    """Store these orders' spans, in requests of 512, and their messages of all topics; and
    beside each order so many readings."""
    _insert(store, b"".join(requests(SHOP, made, 512)), received)
    records = [record(order, topic) for topic in TOPICS for order in made]
    records += [reading(order, number, readings) for number in range(readings) for order in made]
    count = len(records)
    columns: dict[str, list[Any]] = {
        "received": [received] * count,
        "environment": ["production"] * count,
        "system": ["kafka"] * count,
        "cluster": [CLUSTER] * count,
        "destination": [each.topic for each in records],
        "incarnation": [INCARNATION] * count,
        "partition": [str(each.partition) for each in records],
        "offset": [each.offset for each in records],
        "time": [each.time // 10**6 for each in records],
        "key": [each.key for each in records],
        "header_names": [[name for name, _ in each.headers] for each in records],
        "header_values": [[value for _, value in each.headers] for each in records],
        "value": [each.value for each in records],
        "value_size": [len(each.value) for each in records],
    }
    # As a tap stores messages that bear no framework's mark.
    store.insert("messages_plain_in", columns)
    ends = {(each.topic, each.partition): each.offset + 1 for each in records}
    store.insert(
        "positions",
        {
            "system": ["kafka"] * len(ends),
            "cluster": [CLUSTER] * len(ends),
            "destination": [topic for topic, _ in ends],
            "incarnation": [INCARNATION] * len(ends),
            "partition": [str(partition) for _, partition in ends],
            "next_offset": list(ends.values()),
            "stored": [time.time_ns() // 1000] * len(ends),
        },
    )


def _insert(store: Store, payload: bytes, received: int) -> None:
    store.insert_spans(payload, received_ns=received, token=f"benchmark-{next(_token)}")


_token = counter()

T = TypeVar("T")


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk
