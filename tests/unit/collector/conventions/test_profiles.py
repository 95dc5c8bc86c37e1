"""Each framework's messages are read as it means them, by the real engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from collector.conventions import names
from collector.conventions.plain import Plain
from collector.conventions.profiles import PROFILES, TEXTS
from collector.store.client import Store
from tests.unit.collector.conventions.engine import contexts, read_messages

T, S = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{T}-{S}-01"


@dataclass(frozen=True)
class Case:
    """A message as a framework writes it, and what it says."""

    profile: str
    headers: Mapping[str, str]
    says: Mapping[str, str]
    body: Any = None
    carries: list[tuple[str, str]] = field(default_factory=list)
    title: str = ""


def said(
    message_id: str = "",
    event_type: str = "",
    source: str = "",
    causation_id: str = "",
    correlation_id: str = "",
    alias: str = "",
) -> dict[str, str]:
    values = (message_id, event_type, source, causation_id, correlation_id, alias)
    return dict(zip(TEXTS, values, strict=True))


CASES = (
    Case(
        "nservicebus",
        {
            "NServiceBus.MessageId": "m2",
            "NServiceBus.EnclosedMessageTypes": (
                "Sales.OrderPlaced, Sales, Version=1.0.0.0;Sales.IEvent, Sales, Version=1.0.0.0"
            ),
            "NServiceBus.RelatedTo": "m1",
            "NServiceBus.ConversationId": "conv",
            "NServiceBus.CorrelationId": "m1",
            "NServiceBus.OriginatingEndpoint": "Sales",
            "traceparent": PARENT,
        },
        said("m2", "Sales.OrderPlaced", "Sales", "m1", "conv"),
        carries=[(T, S)],
    ),
    Case(
        "masstransit",
        {
            "MessageId": "m2",
            "ConversationId": "conv",
            "CorrelationId": "order-1",
            "InitiatorId": "order-0",
            "SourceAddress": "loopback://localhost/sales",
            "DestinationAddress": "loopback://localhost/kafka/orders",
            "MT-Activity-Id": PARENT,
        },
        said("m2", "", "loopback://localhost/sales", "order-0", "conv", "order-1"),
        carries=[(T, S)],
        title="rider",
    ),
    Case(
        "masstransit",
        {
            "message-id": "m2",
            "correlation-id": "order-1",
            "MT-MessageType": "urn:message:Sales:OrderPlaced",
            "MT-InitiatorId": "order-0",
            "MT-Source-Address": "rabbitmq://host/sales",
        },
        said(
            *("m2", "urn:message:Sales:OrderPlaced", "rabbitmq://host/sales", "order-0"),
            *("order-1", "order-1"),
        ),
        title="raw",
    ),
    Case(
        "masstransit",
        {"Content-Type": "application/vnd.masstransit+json", "MT-Activity-Id": PARENT},
        said(
            *("m2", "urn:message:Sales:OrderPlaced", "rabbitmq://host/sales", "o0"),
            *("conv", "o1"),
        ),
        {
            "messageId": "m2",
            "conversationId": "conv",
            "correlationId": "o1",
            "initiatorId": "o0",
            "sourceAddress": "rabbitmq://host/sales",
            "destinationAddress": "rabbitmq://host/Sales:OrderPlaced",
            "messageType": ["urn:message:Sales:OrderPlaced", "urn:message:Sales:Event"],
            "message": {"messageId": "of the user"},
        },
        carries=[(T, S)],
        title="envelope",
    ),
    Case(
        "masstransit",
        {},
        said("m2", "urn:message:Sales:OrderPlaced", "", "", "conv"),
        {
            "messageId": "m2",
            "conversationId": "conv",
            "destinationAddress": "rabbitmq://host/Sales:OrderPlaced",
            "messageType": ["urn:message:Sales:OrderPlaced"],
            "message": {},
        },
        title="envelope without a content type",
    ),
    Case(
        "axon-4",
        {
            "axon-message-id": "m2",
            "axon-message-type": "OrderPlaced",
            "axon-metadata-correlationId": "m1",
            "axon-metadata-traceId": "m0",
        },
        said("m2", "OrderPlaced", "", "m1", "m0"),
    ),
    Case(
        "axon",
        {"axon-message-id": "m2", "axon-message-type": "A", "axon-metadata-correlationId": "x"},
        said("m2", "A", "", "", "x"),
        title="of which it is not said what its correlation id is",
    ),
    Case(
        "axon-5",
        {
            "axon-message-id": "m2",
            "axon-message-type": "OrderPlaced",
            "axon-metadata-correlationId": "m0",
            "axon-metadata-causationId": "m1",
        },
        said("m2", "OrderPlaced", "", "m1", "m0"),
    ),
    Case(
        "wolverine",
        {
            "id": "m2",
            "message-type": "OrderPlaced",
            "source": "Sales",
            "conversation-id": "m0",
            "correlation-id": "c",
            "causation-id": "of the user",
            "parent-id": PARENT,
        },
        said("m2", "OrderPlaced", "Sales", "", "c"),
        carries=[(T, S)],
    ),
    Case(
        "rebus",
        {
            "rbs2-msg-id": "m2",
            "rbs2-msg-type": "Sales.OrderPlaced, Sales",
            "rbs2-corr-id": "c",
            "rbs2-corr-seq": "1",
            "rbs2-in-reply-to": "m1",
            "rbs2-sender-address": "sales",
            "rbs2-intent": "pub",
        },
        said("m2", "Sales.OrderPlaced", "sales", "m1", "c"),
    ),
    Case(
        "brighter",
        {
            "MessageId": "m2",
            "MessageType": "MT_EVENT",
            "Topic": "orders",
            "CorrelationId": "c",
            "ce_source": "http://sales",
            "ce_type": "order.placed",
            "ce_id": "m2",
        },
        said("m2", "order.placed", "http://sales", "", "c"),
    ),
    Case(
        "eventuate",
        {
            "ID": "m2",
            "event-type": "OrderPlaced",
            "event-aggregate-type": "Order",
            "event-aggregate-id": "42",
            "PARTITION_ID": "42",
            "DESTINATION": "orders",
        },
        said("m2", "OrderPlaced"),
    ),
    Case(
        "eventuate",
        {},
        said("m3", "Ok", "", "m2"),
        {
            "payload": "{}",
            "headers": {
                "ID": "m3",
                "PARTITION_ID": "42",
                "reply_type": "Ok",
                "reply_to_message_id": "m2",
            },
        },
        title="in the body",
    ),
    Case(
        "eventuate",
        {},
        said("m3", "shop.Paid", "", "m2"),
        {
            "payload": "{}",
            "headers": {
                "ID": "m3",
                "DESTINATION": "order-replies",
                "DATE": "Fri, 02 Jan 2026 03:04:05 GMT",
                "commandreply_type": "shop.Pay",
                "reply_type": "shop.Paid",
                "reply_outcome-type": "SUCCESS",
                "reply_to_message_id": "m2",
            },
        },
        title="by a reactive producer",
    ),
    Case(
        "spring",
        {"__TypeId__": "shop.OrderPlaced", "kafka_correlationId": "c", "id": "m2"},
        said("m2", "shop.OrderPlaced", "", "", "c"),
    ),
    Case(
        "debezium-outbox",
        {"id": "m2", "eventType": "OrderPlaced"},
        said("m2", "OrderPlaced"),
    ),
    Case(
        "debezium-outbox",
        {
            "__debezium.context.connectorLogicalName": "shop",
            "__debezium.context.taskId": "0",
            "__debezium.context.connectorName": "postgresql",
            "id": "m2",
        },
        said("m2"),
        title="with the connector's context",
    ),
    Case(
        "dapr",
        {},
        said("m2", "com.dapr.event.sent", "sales"),
        {
            "data": {"id": "of the user"},
            "id": "m2",
            "pubsubname": "kafka",
            "source": "sales",
            "specversion": "1.0",
            "topic": "orders",
            "traceid": PARENT,
            "traceparent": PARENT,
            "type": "com.dapr.event.sent",
        },
        carries=[(T, S)],
    ),
    Case(
        "cloudevents",
        {},
        said("m2", "order.placed", "/sales", "m1", "c"),
        {
            "specversion": "1.0",
            "id": "m2",
            "type": "order.placed",
            "source": "/sales",
            "causationid": "m1",
            "correlationid": "c",
            "traceparent": PARENT,
        },
        carries=[(T, S)],
        title="without a content type",
    ),
    Case(
        "faststream",
        {"content-type": "application/json", "correlation_id": "c", "message_id": "m2"},
        said("m2", "", "", "", "c"),
    ),
    Case(
        "celery",
        {
            "id": "t2",
            "task": "shop.pay",
            "lang": "py",
            "root_id": "t0",
            "parent_id": "t1",
            "origin": "gen7@web-1",
            "correlation-id": "t2",
        },
        said("t2", "shop.pay", "", "t1", "t0"),
    ),
    Case(
        "celery",
        {},
        said("t2", "shop.pay", "", "t1", "t0"),
        {
            "body": "W1tdLCB7fSwgbnVsbF0=",
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": "shop.pay",
                "id": "t2",
                "root_id": "t0",
                "parent_id": "t1",
                "group": None,
                "origin": "gen7@web-1",
            },
            "properties": {"correlation_id": "t2", "delivery_tag": "d"},
        },
        title="in kombu's envelope",
    ),
    Case(
        "watermill",
        {"_watermill_message_uuid": "m2", "correlation_id": "c", "name": "x"},
        said("m2", "", "", "", "c"),
    ),
    Case(
        "kurrentdb",
        {},
        said("m2", "OrderPlaced", "", "m1", "c"),
        {
            "eventId": "m2",
            "eventType": "OrderPlaced",
            "data": {},
            "metadata": {"$correlationId": "c", "$causationId": "m1"},
        },
    ),
    Case(
        "kurrentdb",
        {},
        said("m2", "OrderPlaced", "", "m1"),
        {
            "eventId": "m2",
            "eventType": "OrderPlaced",
            "data": {},
            "metadata": {"$causationId": "m1"},
        },
        title="with a cause alone",
    ),
    Case(
        "kurrentdb",
        {},
        said("m2", "OrderPlaced"),
        {
            "eventStreamId": "order-42",
            "eventNumber": 0,
            "eventType": "OrderPlaced",
            "eventId": "m2",
            "data": {},
            "metadata": "",
        },
        title="as it is read",
    ),
    Case(
        "kurrentdb",
        {"$correlationId": "c", "$causationId": "m1", "esdb-record-id": "m2"},
        said("m2", "", "", "m1", "c"),
        title="in headers",
    ),
)


def read(store: Store, case: Case) -> dict[str, Any]:
    body = b"" if case.body is None else json.dumps(case.body).encode()
    (row,) = read_messages(store, list(case.headers.items()), value=body)
    return row


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.profile} {case.title}".strip())
def test_a_framework_is_read_as_it_means_it(store: Store, case: Case) -> None:
    row = read(store, case)

    assert row["profile"] == case.profile
    assert {column: row[column] for column in TEXTS} == dict(case.says)
    assert contexts(row) == case.carries
    body = b"" if case.body is None else json.dumps(case.body).encode()
    values = [value.encode() for value in case.headers.values()]
    assert not Plain().covers([list(case.headers)], [values], [body])


def test_every_profile_has_a_case() -> None:
    assert {case.profile for case in CASES} == {profile.name for profile in PROFILES}


def test_no_header_says_two_things_in_one_profile() -> None:
    for profile in PROFILES:
        listed = [text for _, texts in profile.named() for text in texts]
        assert len(listed) == len(set(listed)), profile.name
        for text in (*listed, *profile.unread):
            assert names.parse(text).header == text or "$" in text, text


def test_plain_names_come_after_a_profile_s_own_and_mean_nothing_else_there(store: Store) -> None:
    rows = read_messages(
        store,
        [("correlation-id", "plain"), ("NServiceBus.MessageId", "m"), ("source", "s")],
        [
            ("correlation-id", "plain"),
            ("NServiceBus.ConversationId", "own"),
            ("ce_id", "ce"),
            ("NServiceBus.MessageId", "m"),
        ],
        [("axon-metadata-correlationId", "m1"), ("axon-metadata-traceId", "m0"), ("ce_id", "ce")],
    )
    assert [(row["message_id"], row["causation_id"], row["correlation_id"]) for row in rows] == [
        ("m", "", "plain"),
        ("m", "", "own"),
        ("ce", "m1", "m0"),
    ]
    assert rows[0]["source"] == "s"


@pytest.mark.parametrize(
    "body",
    [
        '{"specversion": "1.0"}',
        '{"note": "\\"specversion\\""}',
        '{"specversion": "1.0", "id": "x"',
        '["specversion"]',
        '{"headers": {"task": "t"}, "x": "\\"content-encoding\\""}',
        '"specversion"',
        "",
    ],
)
def test_a_body_that_only_mentions_a_mark_is_no_framework_s(store: Store, body: str) -> None:
    (row,) = read_messages(store, [("message-id", "m1")], value=body.encode())
    assert (row["profile"], row["message_id"]) == ("", "m1")


def test_what_is_no_scalar_says_nothing(store: Store) -> None:
    event: dict[str, Any] = {"specversion": "1.0", "id": 7, "type": True, "source": ["x"]}
    event |= {"correlationid": None, "causationid": {"a": 1}}
    (row,) = read_messages(store, [], value=json.dumps(event).encode())
    assert {column: row[column] for column in TEXTS} == said("7", "true")
