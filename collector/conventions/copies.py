"""What a copy says of its original: retry topics, dead letters, audited and forwarded messages.

A copy keeps the headers of what it copies, so these are read beside any framework's profile. A
number may be text, or big-endian bytes as Java clients write them. Sources: the brokers' and
frameworks' own, as in the entry's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collector.conventions.profiles import Mark
from graph.model import CopyKind

COLUMNS = (
    *("destination", "partition", "offset", "message_id", "consumer"),
    *("attempt", "error_type", "error_message"),
)
"""The fields of `graph.model.Copied` besides its kind."""

NEWEST = ("attempt", "error_type", "error_message")
"""Where a header is repeated, these say the last time; the others the first, the true original."""

NUMBERS = ("partition", "offset", "attempt")


@dataclass(frozen=True, slots=True)
class Copying:
    """A way to put a message somewhere a second time: its marks, and where it says what."""

    name: str
    kind: CopyKind
    marks: tuple[Mark, ...]
    """Any of them is enough."""
    destination: tuple[str, ...] = ()
    partition: tuple[str, ...] = ()
    offset: tuple[str, ...] = ()
    message_id: tuple[str, ...] = ()
    consumer: tuple[str, ...] = ()
    attempt: tuple[str, ...] = ()
    error_type: tuple[str, ...] = ()
    error_message: tuple[str, ...] = ()
    by_queue: bool = False
    """The destination is a queue of its consumer's own, and names that too."""
    counted: bool = False
    """Every message says how often it was tried before; it is a copy when that is not 0."""
    dead: tuple[str, ...] = ()
    """Endings of a destination's name, in lower case, on which it is a dead letter instead."""

    def named(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each field with its names."""
        for column in COLUMNS:
            yield column, getattr(self, column)


COPYINGS: tuple[Copying, ...] = (
    Copying(
        "spring-dead-letter",
        CopyKind.DEAD_LETTER,
        marks=("kafka_dlt-original-topic", "kafka_dlt-exception-fqcn"),
        destination=("kafka_dlt-original-topic",),
        partition=("kafka_dlt-original-partition",),
        offset=("kafka_dlt-original-offset",),
        consumer=("kafka_dlt-original-consumer-group",),
        attempt=("kafka_deliveryattempt",),
        # The cause is the user's exception, the outer one the listener container's.
        error_type=("kafka_dlt-exception-cause-fqcn", "kafka_dlt-exception-fqcn"),
        error_message=("kafka_dlt-exception-message",),
    ),
    Copying(
        "spring-retry",
        CopyKind.RETRY,
        marks=("retry_topic-attempts", "kafka_original-topic"),
        destination=("kafka_original-topic",),
        partition=("kafka_original-partition",),
        offset=("kafka_original-offset",),
        consumer=("kafka_dlt-original-consumer-group",),
        attempt=("retry_topic-attempts",),
        error_type=("kafka_exception-cause-fqcn", "kafka_exception-fqcn"),
        error_message=("kafka_exception-message",),
        dead=("-dlt", ".dlt"),
    ),
    Copying(
        "kafka-connect",
        CopyKind.DEAD_LETTER,
        marks=("__connect.errors.topic",),
        destination=("__connect.errors.topic",),
        partition=("__connect.errors.partition",),
        offset=("__connect.errors.offset",),
        consumer=("__connect.errors.connector.name",),
        error_type=("__connect.errors.exception.class.name",),
        error_message=("__connect.errors.exception.message",),
    ),
    # Spring Cloud Stream's names, which hand-written dead letters use too, with more of their own.
    Copying(
        "spring-cloud-stream",
        CopyKind.DEAD_LETTER,
        marks=("x-original-topic",),
        destination=("x-original-topic",),
        partition=("x-original-partition",),
        offset=("x-original-offset",),
        consumer=("x-consumer-group",),
        attempt=("x-attempts", "x-attempt-count", "x-retry-count", "x-error-attempt"),
        error_type=("x-exception-fqcn", "x-error-type", "x-error-class", "x-error-name"),
        error_message=("x-exception-message", "x-error-message", "x-error"),
    ),
    Copying(
        "rabbitmq",
        CopyKind.DEAD_LETTER,
        marks=("x-first-death-queue", "x-death$[0].queue"),
        destination=("x-first-death-queue", "x-death$[0].queue"),
        by_queue=True,
        attempt=("x-death$[0].count",),
        error_type=("x-last-death-reason", "x-death$[0].reason", "x-first-death-reason"),
    ),
    Copying(
        "watermill-poison",
        CopyKind.DEAD_LETTER,
        marks=("reason_poisoned",),
        destination=("topic_poisoned",),
        consumer=("handler_poisoned", "subscriber_poisoned"),
        error_message=("reason_poisoned",),
    ),
    Copying(
        "nservicebus-error",
        CopyKind.DEAD_LETTER,
        marks=("nservicebus.failedq",),
        destination=("nservicebus.failedq",),
        by_queue=True,
        attempt=("nservicebus.flretries",),
        error_type=("nservicebus.exceptioninfo.exceptiontype",),
        error_message=("nservicebus.exceptioninfo.message",),
    ),
    Copying(
        "nservicebus-retry",
        CopyKind.RETRY,
        marks=("nservicebus.retries",),
        attempt=("nservicebus.retries",),
    ),
    Copying(
        "nservicebus-audit",
        CopyKind.FORWARD,
        marks=("nservicebus.processingendpoint",),
        consumer=("nservicebus.processingendpoint",),
    ),
    Copying(
        "masstransit-fault",
        CopyKind.DEAD_LETTER,
        marks=("mt-fault-message", "mt-fault-exceptiontype", "mt-reason"),
        destination=("mt-fault-inputaddress",),
        by_queue=True,
        message_id=("mt-originalmessageid",),
        attempt=("mt-fault-retrycount",),
        error_type=("mt-fault-exceptiontype", "mt-reason"),
        error_message=("mt-fault-message",),
    ),
    Copying(
        "masstransit-redelivery",
        CopyKind.RETRY,
        marks=("mt-redelivery-count",),
        message_id=("mt-originalmessageid",),
        attempt=("mt-redelivery-count",),
    ),
    Copying(
        "masstransit-forward",
        CopyKind.FORWARD,
        marks=("mt-forwarder-address",),
        consumer=("mt-forwarder-address",),
        message_id=("mt-originalmessageid",),
    ),
    Copying(
        "rebus-error",
        CopyKind.DEAD_LETTER,
        marks=("rbs2-error-details",),
        destination=("rbs2-source-queue",),
        by_queue=True,
        error_message=("rbs2-error-details",),
    ),
    Copying(
        "brighter-rejected",
        CopyKind.DEAD_LETTER,
        marks=("rejectionreason", "originaltopic"),
        destination=("originaltopic",),
        message_id=("x-original-message-id",),
        attempt=("handledcount",),
        error_type=("rejectionreason",),
        error_message=("rejectionmessage",),
    ),
    # Its gateways that cannot give a message back send it to its own queue, with a new id.
    Copying(
        "brighter-requeued",
        CopyKind.RETRY,
        marks=(("x-original-message-id", "handledcount"),),
        message_id=("x-original-message-id",),
        attempt=("handledcount",),
    ),
    Copying(
        "nats-source",
        CopyKind.FORWARD,
        marks=("nats-stream-source", ("nats-stream", "nats-sequence")),
        destination=("nats-stream",),
        offset=("nats-sequence",),
    ),
    # A task that is tried again is sent by the worker, with its id, mostly to the same queue.
    Copying(
        "celery-retry",
        CopyKind.RETRY,
        marks=(
            ("id", "task", "retries"),
            ("$.content-encoding", "$.headers.task", "$.headers.retries"),
        ),
        attempt=("retries", "$.headers.retries"),
        counted=True,
    ),
)
