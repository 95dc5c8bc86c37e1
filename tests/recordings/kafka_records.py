"""Everything that lies on topics of a real Kafka, byte for byte, and how far its groups got."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

_AS_KAFKA_PRINTS = str.maketrans("+/", "-_")
"""Topic ids: the client's text of them is in the other alphabet of base64."""


def create(bootstrap: str, topics: dict[str, int]) -> None:
    """Make topics with that many partitions; raises when one exists."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    made = admin.create_topics([NewTopic(name, count, 1) for name, count in topics.items()])
    for future in made.values():
        future.result(30)


def records(bootstrap: str, topics: Sequence[str]) -> list[dict[str, Any]]:
    """All records by position; bytes are in base64, times in milliseconds."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    cluster = admin.list_topics(timeout=30).cluster_id
    described = admin.describe_topics(TopicCollection(list(topics)))
    found: list[dict[str, Any]] = []
    settings = {"bootstrap.servers": bootstrap, "group.id": "never joined"}
    with closing(Consumer(settings)) as consumer:
        for topic, future in described.items():
            description = future.result(30)
            for partition in description.partitions:
                at = TopicPartition(topic, partition.id, 0)
                _, end = consumer.get_watermark_offsets(at, timeout=30)
                consumer.assign([at])
                for _ in range(end):
                    record = consumer.poll(30)
                    assert record is not None and not record.error(), record
                    found.append(
                        {
                            "system": "kafka",
                            "cluster": cluster,
                            "destination": topic,
                            "incarnation": str(description.topic_id).translate(_AS_KAFKA_PRINTS),
                            "partition": str(partition.id),
                            "offset": record.offset(),
                            "time": record.timestamp()[1],
                            "key": _base64(record.key()),
                            "headers": [[k, _base64(v)] for k, v in record.headers() or ()],
                            "value": _base64(record.value()),
                        }
                    )
    return found


def progress(bootstrap: str, groups: Sequence[str]) -> list[dict[str, Any]]:
    """The committed offsets of groups as they are now, at a time in milliseconds."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    found: list[dict[str, Any]] = []
    for group in groups:
        asked = [ConsumerGroupTopicPartitions(group)]
        (answer,) = admin.list_consumer_group_offsets(asked).values()
        for at in answer.result(30).topic_partitions:
            found.append(
                {
                    "group": group,
                    "destination": at.topic,
                    "partition": str(at.partition),
                    "committed": at.offset,
                    "time": time.time_ns() // 1_000_000,
                }
            )
    return found


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
