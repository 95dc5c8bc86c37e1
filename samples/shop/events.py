"""Messages as the services see them: CloudEvents in Kafka's binary mode, and copies of them.

In binary mode the event's attributes are headers (`ce_id`, `ce_type`, ...) and the value is its
data, here JSON. See https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/
kafka-protocol-binding.md
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from samples.shop import clock
from samples.shop.entries import Position

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Record:
    """One consumed record, the same from every client library."""

    position: Position
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str:
        """The first header of this name, or an empty string."""
        return next((value.decode() for key, value in self.headers if key == name), "")

    @property
    def ce_id(self) -> str:
        return self.header("ce_id")

    @property
    def type(self) -> str:
        return self.header("ce_type")

    @property
    def correlation(self) -> str:
        return self.header("ce_correlationid")

    @property
    def data(self) -> dict[str, Any]:
        """The body; raises ValueError when it is no JSON object."""
        data = json.loads(self.value)
        if not isinstance(data, dict):
            raise ValueError(f"the body of {self.position} is no object")
        return data


def record(
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]] | None,
) -> Record:
    """A Record from the fields that every library has."""
    return Record(Position(topic, partition, offset), key, value or b"", tuple(headers or ()))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to be sent, with what the ledger needs to know of it."""

    topic: str
    value: bytes
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    ce_id: str = ""
    cause: str = ""
    correlation: str = ""
    copy_of: str = ""


def cloud_event(
    type: str,
    source: str,
    data: Mapping[str, object],
    correlation: str,
    cause: Record | None = None,
    declare_cause: bool = False,
) -> Outgoing:
    """A new event on the topic of its type, keyed by its correlation id.

    `cause` is the message that is being handled; only with `declare_cause` the event says so.
    """
    ce_id = str(uuid.uuid4())
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": ce_id,
        "ce_type": type,
        "ce_source": source,
        "ce_time": _now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ce_correlationid": correlation,
        "content-type": "application/json",
    }
    if cause and declare_cause:
        attributes["ce_causationid"] = cause.ce_id
    return Outgoing(
        topic=type,
        value=json.dumps(data).encode(),
        key=correlation.encode(),
        headers=tuple((name, value.encode()) for name, value in attributes.items()),
        ce_id=ce_id,
        cause=cause.ce_id if cause else "",
        correlation=correlation,
    )


def _now() -> datetime:
    return datetime.fromtimestamp(clock.milliseconds() / 1000, UTC)


def dead_letter(failed: Record, topic: str, error: Exception) -> Outgoing:
    """A copy of a message that could not be handled: all its headers, and where it came from.

    The headers are named as Kafka Connect names them, so that tools recognise them.
    """
    origin = {
        "__connect.errors.topic": failed.position.topic,
        "__connect.errors.partition": str(failed.position.partition),
        "__connect.errors.offset": str(failed.position.offset),
        "__connect.errors.exception.class.name": type(error).__name__,
        "__connect.errors.exception.message": str(error),
    }
    return _copy(failed, topic, {name: value.encode() for name, value in origin.items()})


def retry(failed: Record, topic: str, error: Exception, attempts: int) -> Outgoing:
    """A copy of a message that is to be tried again, after so many attempts.

    The headers are named and written as Spring's retry topics have them: numbers in binary.
    """
    origin = {
        "kafka_original-topic": failed.position.topic.encode(),
        "kafka_original-partition": failed.position.partition.to_bytes(4, "big"),
        "kafka_original-offset": failed.position.offset.to_bytes(8, "big"),
        "kafka_exception-fqcn": type(error).__name__.encode(),
        "kafka_exception-message": str(error).encode(),
        "retry_topic-attempts": attempts.to_bytes(4, "big"),
    }
    return _copy(failed, topic, origin)


def _copy(failed: Record, topic: str, origin: Mapping[str, bytes]) -> Outgoing:
    return Outgoing(
        topic=topic,
        value=failed.value,
        key=failed.key,
        headers=failed.headers + tuple(origin.items()),
        ce_id=failed.ce_id,
        correlation=failed.correlation,
        copy_of=str(failed.position),
    )
