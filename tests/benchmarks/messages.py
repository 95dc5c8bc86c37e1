"""Benchmarks of messages on their way from a real Kafka into the store."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.benchmarks import engine
from tests.benchmarks.collector import Collector, CollectorFailed
from tests.benchmarks.figures import Figure, Goal, Report, over
from tests.benchmarks.machine import Others, cpu_seconds, peak_memory
from tests.benchmarks.payload import PARTITIONS, READINGS, VALUE_BYTES, orders, record
from tests.benchmarks.spans import by_table
from tests.benchmarks.steps import CREATED, TOPICS
from tests.benchmarks.world import World, apart, say

SECONDS = 900.0

READERS = (("confluent-kafka", 60_000), ("kafka-python", 25_000))
"""Each with the messages a second that it should reach."""


@dataclass(frozen=True, slots=True)
class Tapped:
    """One run: a topic that is full, read from its beginning into the store."""

    per_second: float
    per_cpu_second: float
    """Of the collector; its start is not counted."""
    peak_mib: float
    bytes_per_message: float
    """Merged, over all tables."""
    broker_cores: float
    others_cores: float
    tables: str


def taps(world: World) -> Report:
    """Both readers on the same topic, one after the other."""
    count = world.sizes.messages
    bootstrap = world.broker.bootstrap
    say(f"filling {CREATED} with {count:,} messages")
    _fill(bootstrap, count)
    first_group(bootstrap)
    figures: list[Figure] = []
    remarks: list[str] = []
    for reader, goal in READERS:
        runs = [_tap(world, reader, count) for _ in range(world.sizes.runs)]
        figures += [
            over(runs, reader, "messages/s", "per_second", Goal(goal)),
            over(runs, reader, "messages/CPU-s", "per_cpu_second"),
            over(runs, f"{reader}, memory peak", "MiB", "peak_mib", Goal(1000, at_least=False)),
            over(
                runs, f"{reader}, disk", "B/message", "bytes_per_message", Goal(250, at_least=False)
            ),
            over(runs, f"{reader}, broker used", "cores", "broker_cores"),
            over(runs, f"{reader}, other processes used", "cores", "others_cores"),
        ]
        remarks = [f"bytes a message, merged: {runs[-1].tables}"]
    did = (
        f"{count:,} messages of {VALUE_BYTES} B with 3 headers from {PARTITIONS} partitions of a "
        f"full topic"
    )
    return Report("kafka", did, tuple(figures), tuple(remarks))


def _tap(world: World, reader: str, count: int) -> Tapped:
    folder = world.folder()
    world.before_run()
    say(f"kafka: {count:,} messages by {reader}")
    broker = world.broker.pid
    assert broker is not None
    kafka: dict[str, Any] = {
        "bootstrap": world.broker.bootstrap,
        "include": [CREATED],
        "since": "beginning",
        "reader": reader,
    }
    with Collector(folder, kafka=kafka) as collector:

        def stored() -> int:
            return int(collector.component("intake").get("kafka", {}).get("stored", 0))

        # Counted from the moment at which it says that it runs: what it read before is not.
        others = Others((collector.pid, broker))
        began, before, early = time.monotonic(), collector.cpu_seconds, stored()
        broker_before = cpu_seconds(broker)
        collector.wait(lambda: stored() >= count, SECONDS, "not all messages are stored")
        seconds, cpu = time.monotonic() - began, collector.cpu_seconds - before
        broker_cpu = cpu_seconds(broker) - broker_before
        busy, peak = others.cores(), peak_memory(collector.pid)
        used = collector.component("kafka").get("reader")
        if used != reader:
            raise CollectorFailed(f"{used} read, not {reader}")
    found = apart(engine.contents, collector.store)
    if found.messages != count:
        raise CollectorFailed(f"{count:,} messages are on the topic, {found.messages:,} stored")
    world.forget(folder)
    return Tapped(
        per_second=(count - early) / seconds,
        per_cpu_second=(count - early) / cpu,
        peak_mib=peak,
        bytes_per_message=found.merged_bytes / count,
        broker_cores=broker_cpu / seconds,
        others_cores=busy,
        tables=by_table(found, count),
    )


def _fill(bootstrap: str, count: int) -> None:
    """Put so many orders' messages where their spans say they are."""
    create_topics(bootstrap, CREATED)
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,  # Keeps their order.
            "log_level": 3,  # Not that a broker that has just started is not ready yet.
            "linger.ms": 50,
            "batch.size": 1 << 18,
            "queue.buffering.max.messages": 200_000,
        }
    )
    for order in orders(count, start=time.time_ns() - count * 50_000, interval=50_000):
        made = record(order)
        while True:
            try:
                producer.produce(
                    made.topic,
                    made.value,
                    made.key,
                    made.partition,
                    timestamp=made.time // 10**6,
                    headers=list(made.headers),
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if producer.flush(60):
        raise RuntimeError("the messages could not be sent")


def create_topics(bootstrap: str, *names: str) -> None:
    """Those that are not there yet."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    there = admin.list_topics(timeout=20).topics
    topics = [NewTopic(name, PARTITIONS, 1) for name in names if name not in there]
    for made in admin.create_topics(topics).values() if topics else ():
        made.result(20)


def shop_topics(bootstrap: str) -> None:
    """Those of the shop and of its readings, on a broker that knows a group."""
    create_topics(bootstrap, *TOPICS, READINGS)
    first_group(bootstrap)


def first_group(bootstrap: str) -> None:
    """Some group commits: a cluster that has never seen one is not read by confluent-kafka."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "benchmark"})
    consumer.commit(offsets=[TopicPartition(CREATED, 0, 0)], asynchronous=False)
    consumer.close()
