"""What copies say of their originals is read, whoever wrote the message, by the real engine."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from collector.conventions.copies import COPYINGS
from collector.conventions.plain import Plain
from collector.store.client import Store
from collector.store.facts import StoreFacts
from graph.model import Copied, CopyKind, Position
from tests.unit.collector.conventions.engine import read_messages


def int32(number: int) -> bytes:
    return struct.pack(">i", number)


def int64(number: int) -> bytes:
    return struct.pack(">q", number)


@dataclass(frozen=True)
class Case:
    """A copy's headers, and what they say."""

    name: str
    headers: Mapping[str, str | bytes]
    copied: Copied
    destination: str = "orders"


SPRING: dict[str, str | bytes] = {
    "kafka_dlt-original-topic": "orders",
    "kafka_dlt-original-partition": int32(3),
    "kafka_dlt-original-offset": int64(4711),
    "kafka_dlt-original-timestamp": int64(1_700_000_000_000),
    "kafka_dlt-original-consumer-group": "billing",
    "kafka_dlt-exception-fqcn": "org.springframework.kafka.ListenerFailed",
    "kafka_dlt-exception-cause-fqcn": "shop.Refused",
    "kafka_dlt-exception-message": "no money",
}
RETRY: dict[str, str | bytes] = {
    "kafka_original-topic": "orders",
    "kafka_original-partition": int32(0),
    "kafka_original-offset": int64(7),
    "kafka_exception-fqcn": "shop.Refused",
    "kafka_exception-message": "no money",
    "retry_topic-attempts": int32(2),
}

CASES = (
    Case(
        "spring-dead-letter",
        SPRING,
        Copied(
            CopyKind.DEAD_LETTER,
            "orders",
            "3",
            4711,
            consumer="billing",
            error_type="shop.Refused",
            error_message="no money",
        ),
    ),
    Case(
        "spring-retry",
        RETRY,
        Copied(
            CopyKind.RETRY,
            "orders",
            "0",
            7,
            attempt=2,
            error_type="shop.Refused",
            error_message="no money",
        ),
        "orders-retry-0",
    ),
    Case(
        "spring-retry",
        RETRY,
        Copied(
            CopyKind.DEAD_LETTER,
            "orders",
            "0",
            7,
            attempt=2,
            error_type="shop.Refused",
            error_message="no money",
        ),
        "orders-dlt",
    ),
    Case(
        "kafka-connect",
        {
            "__connect.errors.topic": "orders",
            "__connect.errors.partition": "12",
            "__connect.errors.offset": "0",
            "__connect.errors.connector.name": "to-search",
            "__connect.errors.exception.class.name": "connect.errors.DataException",
            "__connect.errors.exception.message": "not JSON",
        },
        Copied(
            CopyKind.DEAD_LETTER,
            "orders",
            "12",
            0,
            consumer="to-search",
            error_type="connect.errors.DataException",
            error_message="not JSON",
        ),
    ),
    Case(
        "spring-cloud-stream",
        {
            "x-original-topic": "orders",
            "x-original-partition": int32(1),
            "x-original-offset": int64(2**40),
            "x-exception-fqcn": "shop.Refused",
            "x-exception-message": "no money",
        },
        Copied(
            CopyKind.DEAD_LETTER,
            "orders",
            "1",
            2**40,
            error_type="shop.Refused",
            error_message="no money",
        ),
        "error.orders.billing",
    ),
    Case(
        "spring-cloud-stream",
        {
            "x-original-topic": "orders",
            "x-original-partition": "0",
            "x-original-offset": "12",
            "x-consumer-group": "billing",
            "x-attempts": "3",
            "x-error-type": "*errors.refused",
            "x-error-message": "no money",
        },
        Copied(
            CopyKind.DEAD_LETTER,
            "orders",
            "0",
            12,
            consumer="billing",
            attempt=3,
            error_type="*errors.refused",
            error_message="no money",
        ),
        "orders.dlq",
    ),
    Case(
        "rabbitmq",
        {
            "x-death": json.dumps(
                [
                    {"queue": "orders", "reason": "rejected", "count": 2, "exchange": ""},
                    {"queue": "older", "reason": "expired", "count": 1},
                ]
            ),
        },
        Copied(CopyKind.DEAD_LETTER, "orders", consumer="orders", attempt=2, error_type="rejected"),
    ),
    Case(
        "rabbitmq",
        {
            "x-first-death-queue": "orders",
            "x-first-death-reason": "rejected",
            "x-last-death-queue": "wait",
            "x-last-death-reason": "expired",
        },
        Copied(CopyKind.DEAD_LETTER, "orders", consumer="orders", error_type="expired"),
    ),
    Case(
        "watermill-poison",
        {
            "_watermill_message_uuid": "m1",
            "reason_poisoned": "no money",
            "topic_poisoned": "orders",
            "handler_poisoned": "pay",
            "subscriber_poisoned": "kafka.Subscriber",
        },
        Copied(CopyKind.DEAD_LETTER, "orders", consumer="pay", error_message="no money"),
    ),
    Case(
        "nservicebus-error",
        {
            "NServiceBus.FailedQ": "billing",
            "NServiceBus.FLRetries": "3",
            "NServiceBus.ExceptionInfo.ExceptionType": "Shop.Refused",
            "NServiceBus.ExceptionInfo.Message": "no money",
            "NServiceBus.ProcessingEndpoint": "billing",
        },
        Copied(
            CopyKind.DEAD_LETTER,
            "billing",
            consumer="billing",
            attempt=3,
            error_type="Shop.Refused",
            error_message="no money",
        ),
    ),
    Case(
        "nservicebus-retry",
        {"NServiceBus.MessageId": "m1", "NServiceBus.Retries": "2"},
        Copied(CopyKind.RETRY, attempt=2),
    ),
    Case(
        "nservicebus-audit",
        {"NServiceBus.MessageId": "m1", "NServiceBus.ProcessingEndpoint": "billing"},
        Copied(CopyKind.FORWARD, consumer="billing"),
    ),
    Case(
        "masstransit-fault",
        {
            "MT-Reason": "fault",
            "MT-Fault-ExceptionType": "Shop.Refused",
            "MT-Fault-Message": "no money",
            "MT-Fault-InputAddress": "rabbitmq://host/billing",
            "MT-Fault-RetryCount": "4",
        },
        Copied(
            CopyKind.DEAD_LETTER,
            "rabbitmq://host/billing",
            consumer="rabbitmq://host/billing",
            attempt=4,
            error_type="Shop.Refused",
            error_message="no money",
        ),
    ),
    Case(
        "masstransit-redelivery",
        {"MT-Redelivery-Count": "2", "MT-OriginalMessageId": "m1"},
        Copied(CopyKind.RETRY, message_id="m1", attempt=2),
    ),
    Case(
        "masstransit-forward",
        {"MT-Forwarder-Address": "rabbitmq://host/router", "MT-OriginalMessageId": "m1"},
        Copied(CopyKind.FORWARD, message_id="m1", consumer="rabbitmq://host/router"),
    ),
    Case(
        "rebus-error",
        {"rbs2-error-details": "Refused: no money", "rbs2-source-queue": "billing"},
        Copied(
            CopyKind.DEAD_LETTER, "billing", consumer="billing", error_message="Refused: no money"
        ),
    ),
    Case(
        "brighter-rejected",
        {"OriginalTopic": "orders", "RejectionReason": "Unacceptable", "HandledCount": "3"},
        Copied(CopyKind.DEAD_LETTER, "orders", attempt=3, error_type="Unacceptable"),
    ),
    Case(
        "brighter-rejected",
        {
            "originalTopic": "orders",
            "originalMessageType": "MT_EVENT",
            "rejectionTimestamp": "2026-01-02T03:04:05.0000000+00:00",
            "rejectionReason": "DeliveryError",
            "rejectionMessage": "no money",
            "HandledCount": "2",
            "x-original-message-id": "m1",
        },
        Copied(
            CopyKind.DEAD_LETTER,
            "orders",
            message_id="m1",
            attempt=2,
            error_type="DeliveryError",
            error_message="no money",
        ),
        "orders.rejected",
    ),
    Case(
        "brighter-requeued",
        {"ce_id": "m2", "x-original-message-id": "m1", "HandledCount": "2"},
        Copied(CopyKind.RETRY, message_id="m1", attempt=2),
    ),
    Case(
        "nats-source",
        {"Nats-Stream": "ORDERS", "Nats-Sequence": "12"},
        Copied(CopyKind.FORWARD, "ORDERS", offset=12),
    ),
    Case(
        "celery-retry",
        {"id": "t1", "task": "shop.pay", "lang": "py", "parent_id": "t1", "retries": "2"},
        Copied(CopyKind.RETRY, attempt=2),
    ),
)


def copied(
    store: Store,
    headers: Mapping[str, str | bytes],
    on: str = "orders",
    value: bytes = b"",
) -> Copied | None:
    read_messages(store, list(headers.items()), destination=on, value=value)
    at = Position("kafka", "c1", on, "i1", "0", 0)
    (message,) = StoreFacts(store).messages([at])
    return message.copied


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.destination}")
def test_a_copy_tells_of_its_original(store: Store, case: Case) -> None:
    assert copied(store, case.headers, case.destination) == case.copied
    values = [v if isinstance(v, bytes) else v.encode() for v in case.headers.values()]
    assert not Plain().covers([list(case.headers)], [values], [b""])


def test_every_way_to_copy_has_a_case() -> None:
    assert {case.name for case in CASES} == {copying.name for copying in COPYINGS}


@pytest.mark.parametrize(
    ("written", "offset"),
    [
        ("12", 12),
        (int64(12), 12),
        (int32(12), 12),
        ("12345678", 12345678),
        ("1234", 1234),
        (int64(0), 0),
        ("", None),
        ("twelve", None),
        (b"\x00\x01", None),
        ("none", None),
        ("unknown!", None),
        (b"\xff" * 8, None),
    ],
)
def test_numbers_are_text_or_bytes(store: Store, written: str | bytes, offset: int | None) -> None:
    said = copied(store, {"x-original-topic": "orders", "x-original-offset": written})
    assert said == Copied(CopyKind.DEAD_LETTER, "orders", offset=offset)


def test_a_copy_keeps_what_its_framework_said(store: Store) -> None:
    (row,) = read_messages(
        store,
        [*SPRING.items(), ("NServiceBus.MessageId", "m2"), ("NServiceBus.RelatedTo", "m1")],
    )
    assert (row["profile"], row["message_id"], row["causation_id"]) == ("nservicebus", "m2", "m1")
    assert row["copied"]["kind"] == "dead-letter"


def test_of_a_header_that_is_repeated_the_true_original_and_the_newest_error_count(
    store: Store,
) -> None:
    (row,) = read_messages(
        store,
        [
            *RETRY.items(),
            ("kafka_original-topic", "orders-retry-0"),
            ("kafka_original-offset", int64(99)),
            ("kafka_exception-message", "still none"),
            ("retry_topic-attempts", int32(3)),
        ],
    )
    told = row["copied"]
    assert (told["destination"], told["offset"]) == ("orders", 7)
    assert (told["error_message"], told["attempt"]) == ("still none", 3)


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "x", "message-id": "m1"},
        {"id": "t1", "task": "shop.pay", "lang": "py", "retries": "0"},
        {"id": "t1", "task": "shop.pay", "lang": "py", "retries": ""},
    ],
)
def test_a_message_that_is_no_copy_says_nothing_of_one(
    store: Store, headers: dict[str, str]
) -> None:
    assert copied(store, headers) is None


@pytest.mark.parametrize("tries", [0, 2])
def test_a_task_that_is_tried_again_says_so_in_its_envelope(store: Store, tries: int) -> None:
    headers = {"lang": "py", "task": "shop.pay", "id": "t1", "retries": tries}
    envelope = {"body": "W1tdXQ==", "content-encoding": "utf-8", "headers": headers}
    said = copied(store, {}, value=json.dumps(envelope).encode())
    assert said == (Copied(CopyKind.RETRY, attempt=tries) if tries else None)


def test_what_is_no_text_harms_nothing(store: Store) -> None:
    said = copied(store, {"x-original-topic": "orders", "x-exception-message": b"\xff\xfe"})
    assert said is not None and said.error_message == "\ufffd"
