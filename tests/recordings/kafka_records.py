"""Everything that lies on topics of a real Kafka, byte for byte."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from confluent_kafka import Consumer, TopicCollection, TopicPartition
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


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
