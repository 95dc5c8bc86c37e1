"""Reads Kafka with confluent-kafka (librdkafka)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from collector.taps.kafka_confluent_ids import take_id
from collector.taps.kafka_reader import (
    OFFSETS_TOPIC,
    SYSTEM,
    BrokerAway,
    Cluster,
    Headers,
    Partition,
    Read,
    Topic,
    When,
    WouldCreateTopic,
    apart,
)
from collector.taps.kafka_settings import KafkaSettings
from collector.taps.tap import Batch

log = logging.getLogger(__name__)

ABSENT = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}

UNREADABLE_HEADERS: Headers = (("flowtap.unreadable", b"a header's name is no UTF-8"),)
"""Stands for all headers of a record of which the library gives none."""
UNDECODED = (UnicodeDecodeError, SystemError)
"""What comes of a header's name that is no UTF-8."""
OUT_OF_RANGE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every librdkafka client of this tap is told, before its own options."""
    return {
        "client.id": "flowtap",
        "reconnect.backoff.max.ms": 1000,
        "socket.timeout.ms": int(settings.request_timeout * 1000),
        # Without a logger librdkafka writes to stderr, across whatever is on the screen.
        "logger": log,
        **settings.for_confluent(),
    }


class ConfluentReader:
    """Reads with librdkafka. Raises WouldCreateTopic on a cluster without groups so far."""

    name = "confluent-kafka"

    def __init__(self, settings: KafkaSettings) -> None:
        self._timeout = settings.request_timeout
        self._down = ""
        self._isolation = IsolationLevel[settings.isolation.upper()]
        options = client_options(settings)
        try:
            self._admin = AdminClient(options)
            self._refuse_first_group()
            self._consumer = Consumer(
                {
                    # Deep enough to fill a batch, and no second's pause when it is full.
                    "queued.max.messages.kbytes": 32 * 1024,
                    "fetch.queue.backoff.ms": 20,
                    **options,
                    "error_cb": self._heard,
                    # The library wants a group's name; with assign() the group never comes to be.
                    "group.id": "flowtap",
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    # Tells how far it has read where no message follows.
                    "enable.partition.eof": True,
                    "allow.auto.create.topics": False,
                    "auto.offset.reset": "error",
                    "isolation.level": settings.isolation,
                }
            )
        except KafkaException as error:
            raise BrokerAway(_text(error)) from error
        self._assigned: set[Partition] = set()
        self._reached: dict[Partition, int] = {}
        """Ends that were read up to, since the partition was assigned."""

    def _refuse_first_group(self) -> None:
        """The library asks for its group's coordinator even when it never joins the group, and
        the first who asks makes the broker create the topic of committed offsets."""
        answer = self._admin.describe_topics(
            TopicCollection([OFFSETS_TOPIC]), request_timeout=self._timeout
        )
        try:
            answer[OFFSETS_TOPIC].result()
        except KafkaException as error:
            if _code(error) in ABSENT:
                raise WouldCreateTopic(OFFSETS_TOPIC) from error
            if _code(error) != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise BrokerAway(_text(error)) from error

    def cluster(self, wanted: Callable[[str], bool]) -> Cluster:
        self._admin.poll(0)  # Serves the library's log.
        try:
            listed = self._admin.list_topics(timeout=self._timeout)
        except KafkaException as error:
            raise BrokerAway(_text(error)) from error
        return self._described([name for name in listed.topics if wanted(name)], listed.cluster_id)

    def describe(self, topics: Collection[str]) -> Cluster:
        return self._described(topics, "")

    def _described(self, names: Collection[str], cluster: str | None) -> Cluster:
        if not names:
            return Cluster(cluster or "", {})
        topics: dict[str, Topic] = {}
        unclear: set[str] = set()
        answers = self._admin.describe_topics(
            TopicCollection(list(names)), request_timeout=self._timeout
        )
        for name, answer in answers.items():
            try:
                described = answer.result()
            except KafkaException as error:
                if _code(error) in ABSENT:
                    continue
                if error.args[0].code() in (
                    KafkaError._TIMED_OUT,
                    KafkaError._TRANSPORT,
                    KafkaError._ALL_BROKERS_DOWN,
                ):
                    raise BrokerAway(_text(error)) from error
                unclear.add(name)
                continue
            topics[name] = Topic(
                take_id(described), tuple(sorted(p.id for p in described.partitions))
            )
        return Cluster(cluster or "", topics, frozenset(unclear))

    def offsets(self, partitions: Collection[Partition], when: When) -> dict[Partition, int]:
        found = self._listed(partitions, when)
        after_the_last = [partition for partition, offset in found.items() if offset < 0]
        if after_the_last:
            found.update(self._listed(after_the_last, "latest"))
        return {partition: offset for partition, offset in found.items() if offset >= 0}

    def _listed(self, partitions: Collection[Partition], when: When) -> dict[Partition, int]:
        if not partitions:
            return {}
        spec = {"earliest": OffsetSpec.earliest, "latest": OffsetSpec.latest}.get(
            str(when), lambda: OffsetSpec.for_timestamp(when)
        )()
        answers = self._admin.list_offsets(
            {TopicPartition(*partition): spec for partition in partitions},
            isolation_level=self._isolation,
            request_timeout=self._timeout,
        )
        found: dict[Partition, int] = {}
        for asked, answer in answers.items():
            try:
                found[Partition(asked.topic, asked.partition)] = answer.result().offset
            except KafkaException as error:
                log.debug("no offset of %s/%s: %s", asked.topic, asked.partition, _text(error))
        return found

    def assign(self, positions: Mapping[Partition, int]) -> None:
        moved = self._assigned & positions.keys()
        self.unassign(moved)
        self._consumer.incremental_assign(
            [TopicPartition(*partition, offset) for partition, offset in positions.items()]
        )
        self._assigned |= positions.keys()

    def unassign(self, partitions: Collection[Partition]) -> None:
        gone = self._assigned & set(partitions)
        if gone:
            self._consumer.incremental_unassign([TopicPartition(*each) for each in gone])
            self._assigned -= gone
            for each in gone:
                self._reached.pop(each, None)

    def _heard(self, error: Any) -> None:
        """Called by the library from within consume()."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._down = error.str()

    def read(self, limit: int, seconds: float) -> Read:
        arrived = self._consumer.consume(limit, seconds)
        if self._down and not arrived:
            raise BrokerAway(self._down)
        messages = [message for message in arrived if message.error() is None]
        names, values = apart(_headers(messages))
        batch = Batch(
            SYSTEM,
            "",
            destination=list(map(Message.topic, messages)),
            partition=[_NUMBERS[number] for number in map(Message.partition, messages)],
            offset=list(map(Message.offset, messages)),
            time=[stamp for _, stamp in map(Message.timestamp, messages)],
            key=list(map(Message.key, messages)),
            header_names=names,
            header_values=values,
            value=list(map(Message.value, messages)),
        )
        read = Read(batch)
        if len(messages) < len(arrived):
            self._sort_errors((each for each in arrived if each.error() is not None), read)
        return read

    def _sort_errors(self, messages: Iterable[Any], read: Read) -> None:
        for message in messages:
            error = message.error()
            if error.code() == KafkaError._PARTITION_EOF:
                if (at := Partition(message.topic(), message.partition())) in self._assigned:
                    self._reached[at] = message.offset()
            elif error.code() in OUT_OF_RANGE:
                read.out_of_range.add(Partition(message.topic(), message.partition()))
            elif error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                read.refused.add(message.topic())
            else:
                # The rest mends itself or shows when the cluster is asked: brokers that went
                # away, topics that were deleted, a group that we may not ask for and do not need.
                log.debug("%s", error.str())

    def ends(self) -> dict[Partition, int]:
        heard: dict[Partition, int] = {}
        for partition in self._assigned:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
            if high >= 0:
                heard[partition] = high
        return heard

    def positions(self) -> dict[Partition, int]:
        return dict(self._reached)

    def close(self) -> None:
        self._consumer.close()


def _headers(messages: Sequence[Message]) -> list[Headers]:
    """Every message's headers; asked for once, and through `map`.

    A name that is no UTF-8 is half an answer beside an error, and the message keeps that half:
    asked again, or by a call that the interpreter has specialised, it crashes the process.
    """
    found: list[Headers] = []
    answers = map(Message.headers, messages)
    while len(found) < len(messages):
        try:
            for pairs in answers:
                found.append(pairs or ())
        except UNDECODED:
            found.append(UNREADABLE_HEADERS)
    return found


class _Numbers(dict[int, str]):
    """Partition numbers as text, each made once."""

    def __missing__(self, number: int) -> str:
        self[number] = text = str(number)
        return text


_NUMBERS = _Numbers()


def _code(error: KafkaException) -> int:
    return int(error.args[0].code())


def _text(error: KafkaException) -> str:
    return str(error.args[0].str())
