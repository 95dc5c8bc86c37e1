"""A real Kafka as a test sees it: topics, producers and consumers beside the tap."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

from collector.taps.kafka import KafkaTap
from collector.taps.kafka_settings import KafkaSettings
from collector.taps.tap import Batch, MemberRow, PartitionKey, ProducerRow, ProgressRow, Sink


def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Waits for a condition; fails by name when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)


def throughout(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Watches that a condition stays true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what
        time.sleep(0.05)


@dataclass(frozen=True)
class Row:
    """One record as a tap handed it over."""

    cluster: str
    topic: str
    incarnation: str
    partition: str
    offset: int
    time: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


@dataclass(frozen=True)
class Gap:
    partition: PartitionKey
    first: int
    last: int
    reason: str


@dataclass
class RecordingSink:
    """Keeps what taps hand over; positions are stored with the rows, as a real one does."""

    rows: list[Row] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    progressed: list[ProgressRow] = field(default_factory=list)
    joined: list[MemberRow] = field(default_factory=list)
    produced: list[ProducerRow] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    stored: dict[PartitionKey, int] = field(default_factory=dict)

    def messages(self, batch: Batch) -> None:
        columns = zip(
            batch.destination,
            batch.incarnation,
            batch.partition,
            batch.offset,
            batch.time,
            batch.key,
            batch.header_names,
            batch.header_values,
            batch.value,
            strict=True,
        )
        self.rows += [
            Row(
                batch.cluster,
                topic,
                incarnation,
                partition,
                offset,
                at,
                key,
                tuple(zip(names, values, strict=True)),
                value,
            )
            for topic, incarnation, partition, offset, at, key, names, values, value in columns
        ]
        if len(batch):
            self.sizes.append(len(batch))
        self.stored.update(batch.next_offsets)

    def progress(self, rows: Sequence[ProgressRow]) -> None:
        self.progressed += rows

    def members(self, rows: Sequence[MemberRow]) -> None:
        self.joined += rows

    def producers(self, rows: Sequence[ProducerRow]) -> None:
        self.produced += rows

    def positions(self, system: str, cluster: str) -> Mapping[PartitionKey, int]:
        return {
            key: offset
            for key, offset in self.stored.items()
            if (key.system, key.cluster) == (system, cluster)
        }

    def gap(self, partition: PartitionKey, first: int, last: int, reason: str) -> None:
        self.gaps.append(Gap(partition, first, last, reason))

    def values(self, topic: str) -> list[bytes | None]:
        """Values of a topic in the order they came."""
        return [row.value for row in list(self.rows) if row.topic == topic]

    def of(self, topic: str) -> list[Row]:
        return [row for row in list(self.rows) if row.topic == topic]


class World:
    """Everybody on a broker who is not the tap."""

    def __init__(self, bootstrap: str, **client: str) -> None:
        self.bootstrap = bootstrap
        self._client = {"bootstrap.servers": bootstrap, "log_level": 0, **client}
        self.admin = AdminClient(self._client)

    def create(self, *topics: str, partitions: int = 1, **config: str) -> None:
        new = [NewTopic(topic, partitions, 1, config=config) for topic in topics]
        for created in self.admin.create_topics(new).values():
            created.result()
        until(lambda: set(topics) <= self.topics(), f"creation of {topics}")

    def configure(self, topic: str, **config: str) -> None:
        """Sets some of the topic's options."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        for name, value in config.items():
            resource.add_incremental_config(
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            )
        self.admin.incremental_alter_configs([resource])[resource].result()

    def delete(self, topic: str) -> None:
        self.admin.delete_topics([topic])[topic].result()
        until(lambda: topic not in self.topics(), f"deletion of {topic}")

    def add_partitions(self, topic: str, total: int) -> None:
        self.admin.create_partitions([NewPartitions(topic, total)])[topic].result()
        until(
            lambda: len(self.admin.list_topics(timeout=10).topics[topic].partitions) == total,
            "new partitions",
        )

    def forget_before(self, topic: str, offset: int, partition: int = 0) -> None:
        """As retention does: offsets below are no longer there."""
        for done in self.admin.delete_records([TopicPartition(topic, partition, offset)]).values():
            done.result()

    def allow(self, user: str, kind: str, name: str, operation: str) -> None:
        """Gives a user an operation on one topic or group."""
        binding = AclBinding(
            ResourceType[kind],
            name,
            ResourcePatternType.LITERAL,
            user,
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        self.admin.create_acls([binding])[binding].result()

    def topics(self) -> set[str]:
        return set(self.admin.list_topics(timeout=10).topics)

    def topic_id(self, topic: str) -> str:
        """As Kafka's own tools write it; librdkafka uses the other base64 alphabet."""
        found = self.admin.describe_topics(TopicCollection([topic]))[topic].result().topic_id
        return str(found).translate(str.maketrans("+/", "-_"))

    def key(self, topic: str, partition: int = 0) -> PartitionKey:
        """The partition as a tap names it now."""
        return PartitionKey("kafka", self.cluster_id(), topic, self.topic_id(topic), str(partition))

    def cluster_id(self) -> str:
        return str(self.admin.describe_cluster().result().cluster_id)

    def groups(self) -> set[str]:
        listed = self.admin.list_consumer_groups().result()
        return {group.group_id for group in listed.valid}

    def start(self, topic: str, partition: int = 0) -> int:
        """The first offset that is still there."""
        return self._offset(topic, partition, OffsetSpec.earliest())

    def end(self, topic: str, partition: int = 0) -> int:
        return self._offset(topic, partition, OffsetSpec.latest())

    def _offset(self, topic: str, partition: int, spec: OffsetSpec) -> int:
        where = TopicPartition(topic, partition)
        return int(self.admin.list_offsets({where: spec})[where].result().offset)

    def commits_ever(self) -> int:
        """Records in the topic of committed offsets."""
        topic = "__consumer_offsets"
        known = self.admin.list_topics(timeout=10).topics
        if topic not in known:
            return 0
        return sum(self.end(topic, partition) for partition in known[topic].partitions)

    def produce(self, topic: str, values: Iterable[bytes | None], **more: Any) -> None:
        """Produces in order; `options` are the producer's, the rest goes to every message."""
        options = more.pop("options", {})
        producer = Producer({**self._client, **options})
        for value in values:
            producer.produce(topic, value, **{"partition": 0, **more})
            producer.poll(0)
        assert producer.flush(30) == 0

    def transactional(self, transactional_id: str, **options: Any) -> Producer:
        """A producer whose transactions the broker knows by this id."""
        named = {"transactional.id": transactional_id, **options}
        producer = Producer({**self._client, **named})
        producer.init_transactions(30)
        return producer

    @contextmanager
    def group(self, name: str, topic: str, **options: str) -> Iterator[Consumer]:
        """A real member of a consumer group, closed at the end."""
        consumer = Consumer(
            {
                **self._client,
                "group.id": name,
                "client.id": f"{name}-client",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": "false",
                **options,
            }
        )
        consumer.subscribe([topic])
        try:
            yield consumer
        finally:
            consumer.close()


def take(consumer: Consumer, count: int, seconds: float = 30) -> list[bytes | None]:
    """Values of the next messages that a group's member gets."""
    values: list[bytes | None] = []
    deadline = time.monotonic() + seconds
    while len(values) < count:
        assert time.monotonic() < deadline, f"the group got {len(values)} of {count}"
        values += [each.value() for each in consumer.consume(count, 0.2) if not each.error()]
    return values


@contextmanager
def tapping(
    world: World,
    sink: Sink,
    ready: bool = True,
    clock: Callable[[], float] = time.time,
    **settings: Any,
) -> Iterator[KafkaTap]:
    """A tap at work in its thread. It has found out where to start when the block begins."""
    quiet = {"groups": False, "producers": False}
    tap = KafkaTap(KafkaSettings(bootstrap=world.bootstrap, **{**quiet, **settings}), clock)
    thread = threading.Thread(target=tap.run, args=(sink,))
    thread.start()
    try:
        if ready:
            until(lambda: bool(tap.status()["connected"]), f"connection: {tap.status()}")
        yield tap
    finally:
        tap.stop()
        thread.join(30)
        assert not thread.is_alive(), "the tap did not stop"
        # kafka-python leaves the socket of each failed connection to the garbage collector:
        # now, while a test may say that it expects that, and not in whichever comes next.
        gc.collect()


def in_use(bootstrap: str) -> World:
    """A cluster that has had a consumer group, as every cluster in use has."""
    world = World(bootstrap)
    world.create("first")
    world.produce("first", [b"1"])
    with world.group("first-ever", "first") as member:
        assert take(member, 1) == [b"1"]
        member.commit(asynchronous=False)
    return world
