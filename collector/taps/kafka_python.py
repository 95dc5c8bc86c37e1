"""Reads Kafka with kafka-python, with mends for what it would do to a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import (
    CorruptRecordError,
    KafkaError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)

from collector.taps.kafka_python_admin import (
    client_options,
    cluster_id,
    described,
    listed_offsets,
    open_admin,
    text,
)
from collector.taps.kafka_reader import SYSTEM, BrokerAway, Cluster, Partition, Read, When, apart
from collector.taps.kafka_settings import KafkaSettings
from collector.taps.tap import Batch


class PythonReader:
    """Reads with kafka-python."""

    name = "kafka-python"

    def __init__(self, settings: KafkaSettings) -> None:
        self._isolation = settings.isolation
        self._admin = open_admin(settings)
        options = {
            # A fetch that waits for half a second would hold up what another one brings.
            "fetch_max_wait_ms": 100,
            **client_options(settings),
            "group_id": None,
            "enable_auto_commit": False,
            "allow_auto_create_topics": False,
            "auto_offset_reset": "none",
            "isolation_level": settings.isolation,
        }
        try:
            self._consumer = KafkaConsumer(**options)
        except (KafkaError, OSError) as error:
            self._admin.close()
            raise BrokerAway(text(error)) from error
        # The option above does not reach the metadata requests: without this line a deleted
        # topic comes back to life because it is still being read.
        self._consumer._client.cluster.config["allow_auto_create_topics"] = False

    def cluster(self, wanted: Callable[[str], bool]) -> Cluster:
        identity = cluster_id(self._admin)
        seen, _ = described(self._admin, None)
        return Cluster(
            identity,
            {name: topic for name, topic in seen.topics.items() if wanted(name)},
            frozenset(filter(wanted, seen.unclear)),
        )

    def describe(self, topics: Collection[str]) -> Cluster:
        seen, _ = described(self._admin, topics)
        return seen

    def offsets(self, partitions: Collection[Partition], when: When) -> dict[Partition, int]:
        found = listed_offsets(self._admin, partitions, when, self._isolation)
        after_the_last = [partition for partition, offset in found.items() if offset < 0]
        found.update(listed_offsets(self._admin, after_the_last, "latest", self._isolation))
        return {partition: offset for partition, offset in found.items() if offset >= 0}

    def assign(self, positions: Mapping[Partition, int]) -> None:
        added = {TopicPartition(*each): offset for each, offset in positions.items()}
        self._consumer.assign(list(self._consumer.assignment() | added.keys()))
        for partition, offset in added.items():
            self._consumer.seek(partition, offset)

    def unassign(self, partitions: Collection[Partition]) -> None:
        gone = {TopicPartition(*each) for each in partitions}
        self._consumer.assign(list(self._consumer.assignment() - gone))

    def read(self, limit: int, seconds: float) -> Read:
        batch = Batch(SYSTEM, "")
        read = Read(batch)
        deadline = time.monotonic() + seconds
        # One poll gives what one fetch brought; several fill a batch.
        while len(batch) < limit and (left := deadline - time.monotonic()) > 0:
            try:
                arrived = self._consumer.poll(int(left * 1000) + 1, max_records=limit - len(batch))
            except OffsetOutOfRangeError as error:
                read.out_of_range.update(Partition(*each) for each in error.args[0])
                break
            except TopicAuthorizationFailedError as error:
                read.refused.update(error.args[0])
                break
            except CorruptRecordError as error:
                partition, offset = self._stuck(error)
                read.unreadable[partition] = (offset, text(error))
                break
            except KafkaError as error:
                if len(batch):
                    break  # Hand over what there is; the error comes again.
                raise BrokerAway(text(error)) from error
            for partition, records in arrived.items():
                _append(batch, partition.topic, str(partition.partition), records)
        return read

    def _stuck(self, error: Exception) -> tuple[Partition, int]:
        """Where the library stands that will raise this again, and then turn for ever."""
        records = self._consumer._fetcher._next_partition_records
        if not records:
            raise BrokerAway(text(error)) from error
        return Partition(*records.topic_partition), records.next_fetch_offset

    def ends(self) -> dict[Partition, int]:
        heard: dict[Partition, int] = {}
        for partition in self._consumer.assignment():
            high = self._consumer.highwater(partition)
            if high is not None and high >= 0:
                heard[Partition(*partition)] = high
        return heard

    def positions(self) -> dict[Partition, int]:
        # The public way to ask would talk to the broker.
        states = self._consumer._subscription.assignment
        return {
            Partition(*at): state.position.offset
            for at, state in states.items()
            if state.position is not None
        }

    def close(self) -> None:
        self._consumer.close(autocommit=False)
        self._admin.close()


def _append(batch: Batch, topic: str, number: str, records: list[Any]) -> None:
    count = len(records)
    names, values = apart(record.headers for record in records)
    batch.destination += [topic] * count
    batch.partition += [number] * count
    batch.offset += [record.offset for record in records]
    batch.time += [record.timestamp for record in records]
    batch.key += [record.key for record in records]
    batch.header_names += names
    batch.header_values += values
    batch.value += [record.value for record in records]
