"""What a Kafka tap promises, on a real broker, by either client library."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from confluent_kafka import Producer
from kafka import KafkaProducer

from collector.taps.kafka_confluent import ConfluentReader
from collector.taps.kafka_python import PythonReader
from collector.taps.kafka_reader import Reader
from collector.taps.kafka_settings import KafkaSettings
from samples.kafka.broker import Broker
from tests.contract.kafka_world import (
    Gap,
    RecordingSink,
    World,
    in_use,
    take,
    tapping,
    throughout,
    until,
)

pytestmark = [
    pytest.mark.kafka,
    # kafka-python leaves the sockets of failed connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]

numbers = itertools.count(1)


@pytest.fixture(params=["confluent-kafka", "kafka-python"])
def reader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def busy_world(kafka: Broker) -> World:
    """A cluster that has had a consumer group, as every cluster in use has."""
    return in_use(kafka.bootstrap)


@pytest.fixture
def world(busy_world: World, topic: str) -> Iterator[World]:
    """The same, with one topic for this test."""
    busy_world.create(topic)
    yield busy_world
    for left in {topic} & busy_world.topics():
        busy_world.delete(left)


@pytest.fixture
def topic() -> str:
    return f"orders-{next(numbers)}"


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


def counted(first: int, last: int) -> list[bytes | None]:
    """Values that say their number."""
    return [str(number).encode() for number in range(first, last + 1)]


def test_hands_over_messages_as_they_are(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    sent = int(time.time() * 1000) - 12_345
    headers = [("trace", b"1"), ("retry", None), ("trace", b"2"), ("bytes", b"\xff\x00")]
    with tapping(world, sink, reader=reader, include=(topic,)) as tap:
        world.produce(topic, [b"{}"], key=b"k", headers=headers, timestamp=sent)
        world.produce(topic, [None])
        until(lambda: len(sink.rows) == 2, "two messages")
        assert tap.status()["reader"] == reader
        assert tap.status()["cluster"] == world.cluster_id()

    whole, empty = sink.rows
    assert whole.headers == (("trace", b"1"), ("retry", b""), ("trace", b"2"), ("bytes", b"\xff\0"))
    assert (whole.key, whole.value, whole.time) == (b"k", b"{}", sent)
    assert (whole.topic, whole.partition, whole.offset) == (topic, "0", 0)
    assert whole.cluster == world.cluster_id()
    assert whole.incarnation == world.topic_id(topic)
    assert (empty.key, empty.headers, empty.value, empty.offset) == (None, (), None, 1)


def test_topics_that_are_asked_for_again_and_again_leave_nothing(
    world: World, topic: str, reader: str
) -> None:
    readers: dict[str, Callable[[KafkaSettings], Reader]] = {
        "confluent-kafka": ConfluentReader,
        "kafka-python": PythonReader,
    }
    with closing(readers[reader](KafkaSettings(bootstrap=world.bootstrap))) as asked:

        def asked_again(times: int) -> int:
            """Objects that there are when that is done."""
            for _ in range(times):
                asked.describe([topic])
            gc.collect()
            return len(gc.get_objects())

        until(lambda: topic in asked.describe([topic]).topics, "the topic")
        before = asked_again(100)  # What is made once is there then.
        assert asked_again(200) - before < 100


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_reads_every_compression(
    world: World, sink: RecordingSink, topic: str, reader: str, codec: str
) -> None:
    values: list[bytes | None] = [b"compressible " * 100] * 5
    world.produce(topic, values, options={"compression.type": codec, "linger.ms": 50})
    with tapping(world, sink, reader=reader, include=(topic,), since="beginning"):
        until(lambda: sink.values(topic) == values, f"messages packed by {codec}")


def test_begins_at_the_end_or_where_it_is_told(world: World, topic: str, reader: str) -> None:
    # Not long ago: what is older than the broker's retention may be gone at any moment.
    long_ago = int(time.time() * 1000) - 3_600_000
    for number in range(1, 7):
        world.produce(topic, counted(number, number), timestamp=long_ago + number)
    expected: dict[int | str | None, list[bytes | None]] = {
        None: [b"new"],
        "beginning": [*counted(1, 6), b"new"],
        long_ago + 4: [*counted(4, 6), b"new"],
        long_ago + 7_200_000: [b"new"],
    }
    sinks = {start: RecordingSink() for start in expected}
    for start, sink in sinks.items():
        with tapping(world, sink, reader=reader, include=(topic,), since=start):
            pass  # Where to begin is stored before anything is read.
    world.produce(topic, [b"new"])
    for start, sink in sinks.items():
        with tapping(world, sink, reader=reader, include=(topic,), since=start):
            until(lambda: sink.values(topic)[-1:] == [b"new"], f"the new message from {start}")  # noqa: B023
        assert sink.values(topic) == expected[start]


def test_reads_what_appears_later_from_its_beginning(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    late = f"{topic}-late"
    world.produce(topic, [b"old"])
    with tapping(world, sink, reader=reader, include=(f"{topic}*",), metadata_interval=0.3):
        world.create(late)
        world.produce(late, counted(1, 3))
        until(lambda: sink.values(late) == counted(1, 3), "a topic that came later, whole")
        world.add_partitions(topic, 2)
        world.produce(topic, counted(1, 3), partition=1)
        until(lambda: sink.values(topic) == counted(1, 3), "a partition that came later, whole")
    assert {row.partition for row in sink.of(topic)} == {"1"}
    world.delete(late)


def test_leaves_out_what_is_not_wanted(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    unwanted = ["otlp_spans", "flowtap.state", f"{topic}-secret"]
    world.create(*unwanted)
    for name in [*unwanted, topic]:
        world.produce(name, [b"1"])
    with tapping(world, sink, reader=reader, exclude=("*-secret",), since="beginning"):
        until(lambda: bool(sink.values(topic)), "the wanted message")
    assert not {row.topic for row in sink.rows} & {*unwanted, "__consumer_offsets"}
    assert not {key.destination for key in sink.stored} & {*unwanted, "__consumer_offsets"}
    for name in unwanted:
        world.delete(name)


def test_goes_on_where_it_stopped(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    quiet = f"{topic}-quiet"
    world.create(quiet)
    world.produce(quiet, [b"long ago"])
    with tapping(world, sink, reader=reader, include=(f"{topic}*",)):
        world.produce(topic, counted(1, 500))
        until(lambda: len(sink.rows) > 100, "some messages")
    world.produce(topic, counted(501, 600))
    world.produce(quiet, [b"while away"])
    with tapping(world, sink, reader=reader, include=(f"{topic}*",)):
        world.produce(topic, counted(601, 700))
        until(lambda: sink.values(topic)[-1:] == [b"700"], "the last message")
        until(lambda: bool(sink.values(quiet)), "the quiet topic's message")
    assert sink.values(topic) == counted(1, 700), "each once, in order"
    assert sink.values(quiet) == [b"while away"]
    world.delete(quiet)


def test_reads_from_the_beginning_what_came_while_it_was_away(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    late = f"{topic}-late"
    with tapping(world, sink, reader=reader, include=(f"{topic}*",)):
        pass
    world.create(late)
    world.produce(late, counted(1, 3))
    with tapping(world, sink, reader=reader, include=(f"{topic}*",)):
        until(lambda: sink.values(late) == counted(1, 3), "the topic that came meanwhile")
    world.delete(late)


def test_disturbs_nobody(world: World, sink: RecordingSink, topic: str, reader: str) -> None:
    others = world.topics()
    with (
        world.group("billing", topic) as member,
        tapping(world, sink, reader=reader, groups=True, metadata_interval=0.3) as tap,
    ):
        world.produce(topic, counted(1, 200))
        assert take(member, 200) == counted(1, 200), "the group gets every message"
        until(lambda: sink.values(topic) == counted(1, 200), "and so does the tap")
        member.commit(asynchronous=False)
        until(lambda: bool(sink.progressed), "the group's progress")

        commits = world.commits_ever()
        world.produce(topic, counted(201, 300))
        until(lambda: sink.values(topic) == counted(1, 300), "more messages")
        assert tap.status()["reader"] == reader
        throughout(lambda: world.commits_ever() == commits, "the tap committed something", 1)
        assert "flowtap" not in world.groups()
        assert world.topics() == others
    assert "flowtap" not in world.groups(), "closing leaves nothing either"
    assert world.commits_ever() <= commits + 2, "only the group's member leaves the group"


def test_does_not_bring_a_deleted_topic_back(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    stays = f"{topic}-stays"
    world.create(stays)
    with tapping(
        world, sink, reader=reader, include=(f"{topic}*",), groups=True, metadata_interval=0.3
    ) as tap:
        world.produce(topic, counted(1, 10))
        until(lambda: len(sink.values(topic)) == 10, "the messages")
        world.delete(topic)
        throughout(lambda: topic not in world.topics(), "the topic came back", 3)
        assert tap.status()["destinations"] == 1
        world.produce(stays, [b"still here"])
        until(lambda: sink.values(stays) == [b"still here"], "the other topic's message")
        assert topic not in world.topics()
    assert not sink.gaps
    world.delete(stays)


@pytest.mark.parametrize("before", [3, 50])
def test_a_topic_made_anew_is_another_topic(
    world: World, sink: RecordingSink, topic: str, reader: str, before: int
) -> None:
    """Also when it soon has more messages than we had read of the old one: both libraries then
    go on in the middle of the new topic, without a word."""
    with tapping(world, sink, reader=reader, include=(topic,)):
        world.produce(topic, counted(1, before))
        until(lambda: len(sink.rows) == before, "the first life's messages")
        old = world.topic_id(topic)
        world.delete(topic)
        world.create(topic)
        new = world.topic_id(topic)
        world.produce(topic, counted(101, 120))
        until(lambda: len(sink.rows) == before + 20, "the second life's messages")
        world.produce(topic, [b"more"])
        until(lambda: sink.values(topic)[-1:] == [b"more"], "one more")
    lives = {
        life: [(row.offset, row.value) for row in sink.rows if row.incarnation == life]
        for life in (old, new)
    }
    assert old != new
    assert lives[old] == list(enumerate(counted(1, before)))
    assert lives[new] == list(enumerate([*counted(101, 120), b"more"]))
    assert len(sink.rows) == before + 21
    assert not sink.gaps


def test_a_topic_made_anew_while_away_is_read_whole(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    with tapping(world, sink, reader=reader, include=(topic,)):
        world.produce(topic, counted(1, 3))
        until(lambda: len(sink.rows) == 3, "the first life's messages")
    world.delete(topic)
    world.create(topic)
    world.produce(topic, counted(11, 20))
    with tapping(world, sink, reader=reader, include=(topic,)):
        until(lambda: len(sink.rows) == 13, "the second life's messages")
    assert sink.values(topic) == [*counted(1, 3), *counted(11, 20)]


def test_says_what_retention_took(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    with tapping(world, sink, reader=reader, include=(topic,)):
        world.produce(topic, counted(0, 4))
        until(lambda: len(sink.rows) == 5, "the first messages")
    world.produce(topic, counted(5, 9))
    world.forget_before(topic, 8)
    with tapping(world, sink, reader=reader, include=(topic,)):
        until(lambda: sink.values(topic) == [*counted(0, 4), *counted(8, 9)], "what is left")
    key = world.key(topic)
    assert sink.gaps == [Gap(key, 5, 7, "retention")]
    assert sink.stored[key] == 10


def test_goes_to_the_end_when_the_log_no_longer_reaches_its_position(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    """As after an unclean election, which loses what only the old leader had."""
    world.produce(topic, counted(0, 2))
    key = world.key(topic)
    sink.stored[key] = 50
    with tapping(world, sink, reader=reader, include=(topic,)):
        until(lambda: sink.stored[key] == 3, "a position that exists")
        world.produce(topic, [b"new"])
        until(lambda: sink.values(topic) == [b"new"], "the next message")
    assert not sink.gaps


def test_aborted_transactions_are_no_messages(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    producer = Producer({"bootstrap.servers": world.bootstrap, "transactional.id": f"tx-{topic}"})
    producer.init_transactions(30)
    raw = RecordingSink()
    both = [
        tapping(world, sink, reader=reader, include=(topic,)),
        tapping(world, raw, reader=reader, include=(topic,), isolation="read_uncommitted"),
    ]
    with both[0], both[1]:
        for value, end in (
            (b"aborted", producer.abort_transaction),
            (b"committed", producer.commit_transaction),
        ):
            producer.begin_transaction()
            producer.produce(topic, value)
            producer.flush(30)
            end(30)
        until(lambda: sink.values(topic) == [b"committed"], "the committed message")
        until(lambda: raw.values(topic) == [b"aborted", b"committed"], "everything")


def test_gets_past_headers_that_no_library_can_read(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    class Latin(str):
        def encode(self, *_: object, **__: object) -> bytes:
            return b"gr\xf6\xdfe"

    with tapping(world, sink, reader=reader, include=(topic,)):
        world.produce(topic, [b"before"])
        producer = KafkaProducer(bootstrap_servers=world.bootstrap)
        producer.send(topic, b"odd", headers=[(Latin("size"), b"1")]).get(30)
        producer.close()
        world.produce(topic, [b"after"])
        until(lambda: sink.values(topic)[-1:] == [b"after"], "the message behind it")
    if sink.gaps:
        assert sink.values(topic) == [b"before", b"after"]
        assert [(gap.first, gap.last) for gap in sink.gaps] == [(1, 1)]
        assert sink.gaps[0].reason.startswith("unreadable")
    else:
        assert sink.values(topic) == [b"before", b"odd", b"after"]
        assert sink.rows[1].headers == (("flowtap.unreadable", b"a header's name is no UTF-8"),)


def test_reads_in_large_batches_when_there_is_much_and_at_once_when_there_is_little(
    world: World, sink: RecordingSink, topic: str, reader: str
) -> None:
    world.produce(topic, [b"x" * 100] * 30_000, options={"linger.ms": 20})
    with tapping(world, sink, reader=reader, include=(topic,), since="beginning"):
        until(lambda: len(sink.rows) == 30_000, "everything", 60)
        assert max(sink.sizes) >= 3_000
        delays = []
        for number in range(5):
            said = time.monotonic()
            world.produce(topic, counted(number, number))
            until(lambda: len(sink.rows) == 30_001 + number, "one message")  # noqa: B023
            delays.append(time.monotonic() - said)
    assert min(delays) < 0.4, f"seconds from producing to handing over: {delays}"
