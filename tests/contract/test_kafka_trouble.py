"""What a Kafka tap makes of a broker that dies under it, that forgets, compacts and aborts."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from collector.taps.tap import Batch
from samples.kafka.broker import Broker
from tests.contract.kafka_world import RecordingSink, World, in_use, tapping, until

pytestmark = [
    pytest.mark.kafka,
    # kafka-python leaves the socket of each failed connection to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.usefixtures("quiet_kafka"),
]

READERS = ("confluent-kafka", "kafka-python")
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One that looks for what is to be deleted and compacted all the time."""
    eager = {
        "log.initial.task.delay.ms": "100",
        "log.retention.check.interval.ms": "200",
        "log.cleaner.backoff.ms": "100",
    }
    with Broker(properties=eager) as broker:
        yield broker


@pytest.fixture(scope="module")
def world(broker: Broker) -> World:
    """A cluster that has had a consumer group, and transactions."""
    world = in_use(broker.bootstrap)
    world.transactional("first-ever")
    return world


@pytest.fixture
def topic() -> str:
    return f"orders-{next(numbers)}"


class HeldSink(RecordingSink):
    """A store that takes so many batches of messages, and then waits until it is freed."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.free = threading.Event()
        self.waits = threading.Event()
        self._takes = takes

    def messages(self, batch: Batch) -> None:
        if len(self.sizes) >= self._takes:
            self.waits.set()
            assert self.free.wait(30), "nobody freed the store"
        super().messages(batch)


LITTLE_AHEAD: dict[str, Any] = {
    "confluent_options": {"queued.max.messages.kbytes": 1, "fetch.message.max.bytes": 2_000},
    "kafka_python_options": {"max_partition_fetch_bytes": 2_000},
}
"""Settings of a tap that reads little ahead."""


def offsets_missed(sink: RecordingSink) -> list[int]:
    return [offset for gap in sink.gaps for offset in range(gap.first, gap.last + 1)]


@pytest.mark.parametrize("reader", READERS)
def test_offsets_without_a_message_are_neither_waited_for_nor_missed(
    world: World, topic: str, reader: str
) -> None:
    """Ends of transactions and aborted records have offsets too, and retention takes them."""
    world.create(topic)
    sink = RecordingSink()
    producer = world.transactional(f"of-{topic}")
    with tapping(world, sink, reader=reader, include=(topic,), metadata_interval=0.1) as tap:
        for values, end in (
            ([b"kept"], producer.commit_transaction),
            ([b"dropped"] * 3, producer.abort_transaction),
        ):
            producer.begin_transaction()
            for value in values:
                producer.produce(topic, value)
            producer.flush(30)
            end(30)
        until(lambda: sink.values(topic) == [b"kept"], "the committed message")
        until(lambda: list(sink.stored.values()) == [world.end(topic)], "the end as position")
        until(lambda: tap.status()["lag"] == 0, "that nothing waits")
    world.produce(topic, [b"after"])
    world.forget_before(topic, world.end(topic) - 1)
    with tapping(world, sink, reader=reader, include=(topic,)):
        until(lambda: sink.values(topic) == [b"kept", b"after"], "the next message")
    assert not sink.gaps


@pytest.mark.parametrize("reader", READERS)
def test_what_retention_took_from_a_tap_that_was_too_slow_is_a_gap(
    world: World, topic: str, reader: str
) -> None:
    world.create(topic)
    sink = HeldSink(takes=0)
    sink.stored[world.key(topic)] = 0
    with tapping(world, sink, reader=reader, include=(topic,), **LITTLE_AHEAD):
        world.produce(topic, [b"first"])
        assert sink.waits.wait(20), "the tap hands over"
        # It is held up by now, so it reads hardly any of these before they are gone.
        world.produce(topic, [b"x" * 500] * 300, options={"batch.size": 2_000})
        world.configure(topic, **{"retention.ms": "1"})
        until(lambda: world.start(topic) == 301, "retention")
        world.configure(topic, **{"retention.ms": "-1"})
        world.produce(topic, [b"after"])
        sink.free.set()
        until(lambda: sink.values(topic)[-1:] == [b"after"], "what came after it")
    assert [gap.reason for gap in sink.gaps] == ["retention"]
    missed = offsets_missed(sink)
    read = [row.offset for row in sink.of(topic)]
    assert len(missed) > 100
    assert sorted(read + missed) == list(range(302)), "each is read or said to be missed"


@pytest.mark.parametrize("reader", READERS)
def test_what_a_deleted_topic_still_held_is_a_gap(world: World, topic: str, reader: str) -> None:
    world.create(topic)
    world.produce(topic, [b"x" * 500] * 5_000, options={"batch.size": 2_000})
    sink = HeldSink(takes=1)
    sink.stored[world.key(topic)] = 0
    tapped = tapping(
        world, sink, reader=reader, include=(topic,), metadata_interval=0.01, **LITTLE_AHEAD
    )
    with tapped as tap:
        assert sink.waits.wait(20), "the tap hands over"
        world.delete(topic)
        sink.free.set()
        until(lambda: bool(sink.gaps), "that it was deleted too early")
        until(lambda: tap.status()["destinations"] == 0, "that it is read no longer")
    assert {gap.reason for gap in sink.gaps} == {"the topic was deleted"}
    read = [row.offset for row in sink.of(topic)]
    told = read + offsets_missed(sink)
    assert told == list(range(len(told))), "each is read or said to be missed, as far as was heard"
    assert len(told) > len(read)


@pytest.mark.parametrize("reader", READERS)
def test_what_compaction_took_is_no_gap_and_tombstones_are_messages(
    world: World, topic: str, reader: str
) -> None:
    world.create(topic)
    compacted = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
    world.configure(topic, **compacted, **{"segment.ms": "100"})
    for number in range(50):
        world.produce(topic, [b"%d" % number], key=b"a")
    world.produce(topic, [None], key=b"b")
    time.sleep(0.2)  # Only a segment that a later record closes is compacted.
    world.produce(topic, [b"last"], key=b"c")
    key = world.key(topic)
    sink = RecordingSink()

    def compacted_away() -> bool:
        sink.rows.clear()
        sink.stored[key] = 10  # An offset that will hold nothing.
        with tapping(world, sink, reader=reader, include=(topic,)):
            until(lambda: sink.values(topic)[-1:] == [b"last"], "the last message")
        return len(sink.rows) == 3

    until(compacted_away, "compaction", 30)
    assert [(row.offset, row.key, row.value) for row in sink.rows] == [
        (49, b"a", b"49"),
        (50, b"b", None),
        (51, b"c", b"last"),
    ]
    assert not sink.gaps


def test_a_broker_that_is_killed_in_the_middle_of_a_stream_costs_nothing(
    broker: Broker, world: World, topic: str
) -> None:
    """Not a message, not one twice; and nothing of anybody else's has changed afterwards."""
    world.create(topic)
    before = (world.topics(), world.groups(), world.commits_ever())
    sinks = [RecordingSink() for _ in READERS]
    many = 1_500
    producer = Producer({"bootstrap.servers": world.bootstrap, "enable.idempotence": True})

    def produce() -> None:
        for number in range(many):
            producer.produce(topic, b"%d" % number)
            producer.poll(0.002)
        producer.flush(60)

    stream = threading.Thread(target=produce)
    taps = [
        tapping(world, sink, reader=reader, include=(topic,), groups=True, producers=True)
        for sink, reader in zip(sinks, READERS, strict=True)
    ]
    with taps[0] as one, taps[1] as other:
        stream.start()
        until(lambda: all(len(sink.rows) > 100 for sink in sinks), "the stream's beginning")
        broker.kill()
        away = "that the broker is away shows"
        until(lambda: not one.status()["connected"] and not other.status()["connected"], away)
        broker.restart()
        stream.join(60)
        whole = [b"%d" % number for number in range(many)]
        for sink, reader in zip(sinks, READERS, strict=True):
            until(lambda: sink.values(topic)[-1:] == whole[-1:], f"the last by {reader}", 60)  # noqa: B023
            assert sink.values(topic) == whole
            assert not sink.gaps
        assert (world.topics(), world.groups(), world.commits_ever()) == before
