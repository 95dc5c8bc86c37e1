"""A story of `tests.builders` as a real store gets to know it: OTLP, and records with headers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from collector.store.client import Store
from graph.model import Copied, CopyKind, Message, Operation, Relation, Span
from tests import stores
from tests.builders import Flow

KINDS = {
    "internal": trace_pb2.Span.SPAN_KIND_INTERNAL,
    "server": trace_pb2.Span.SPAN_KIND_SERVER,
    "client": trace_pb2.Span.SPAN_KIND_CLIENT,
    "producer": trace_pb2.Span.SPAN_KIND_PRODUCER,
    "consumer": trace_pb2.Span.SPAN_KIND_CONSUMER,
}


def pour(flow: Flow, store: Store) -> None:
    """Store all messages and spans of a story."""
    stores.put_spans(store, request(flow).SerializeToString())
    columns = defaultdict(list)
    for message in flow.messages.values():
        for name, value in _columns(message).items():
            columns[name].append(value)
    if columns:
        stores.put_messages(store, columns)
        store.insert("positions", _read_to(flow))
    pour_progress(flow, store)


def pour_progress(flow: Flow, store: Store) -> None:
    """Store what the broker told of the groups' progress."""
    if not flow.progress:
        return
    store.insert(
        "progress",
        {
            "time": [one.time // 1_000_000 for one in flow.progress],
            "cluster": [one.cluster for one in flow.progress],
            "consumer_group": [one.group for one in flow.progress],
            "destination": [one.destination for one in flow.progress],
            "incarnation": [one.incarnation for one in flow.progress],
            "partition": [one.partition for one in flow.progress],
            "committed": [one.committed for one in flow.progress],
            "end_offset": [one.end for one in flow.progress],
            "assumed": [one.assumed for one in flow.progress],
        },
    )


def _read_to(flow: Flow) -> dict[str, list[object]]:
    """Where a tap would go on, which is how a store knows what was tapped."""
    ends = {message.position[:5]: message.position.offset + 1 for message in flow.messages.values()}
    names = ("system", "cluster", "destination", "incarnation", "partition")
    columns: dict[str, list[object]] = {
        name: [place[at] for place in ends] for at, name in enumerate(names)
    }
    stored = [datetime.now(UTC)] * len(ends)
    return {**columns, "next_offset": list(ends.values()), "stored": list(stored)}


def request(flow: Flow) -> ExportTraceServiceRequest:
    """All spans of a story, one resource each."""
    made = ExportTraceServiceRequest()
    for context, span in flow.spans.items():
        operation = flow.operations.get(context)
        resource = made.resource_spans.add()
        resource.resource.attributes.extend(
            _attributes(
                {
                    "service.name": span.service,
                    "service.instance.id": operation.instance if operation else "",
                    "deployment.environment.name": operation.environment if operation else "",
                }
            )
        )
        scope = resource.scope_spans.add()
        scope.scope.name = operation.scope if operation else ""
        scope.spans.append(_span(span, operation))
    return made


def _span(span: Span, operation: Operation | None) -> trace_pb2.Span:
    made = trace_pb2.Span(
        trace_id=bytes.fromhex(span.context.trace_id),
        span_id=bytes.fromhex(span.context.span_id),
        parent_span_id=bytes.fromhex(span.parent),
        name=span.name,
        kind=KINDS[span.kind],
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
    )
    if span.error:
        made.status.code = trace_pb2.Status.STATUS_CODE_ERROR
    if operation is None:
        return made
    made.attributes.extend(
        _attributes(
            {
                "messaging.system": operation.system,
                "messaging.operation.type": operation.type.value,
                "messaging.destination.name": operation.destination,
                "messaging.destination.partition.id": operation.partition,
                "messaging.kafka.offset": operation.offset,
                "messaging.kafka.cluster.id": operation.cluster,
                "messaging.consumer.group.name": operation.group,
                "messaging.client.id": operation.client_id,
                "messaging.message.id": operation.message_id,
                "messaging.message.conversation_id": operation.conversation_id,
                "messaging.kafka.message.key": operation.key,
                "messaging.batch.message_count": operation.batch_count,
                "cloudevents.event_type": operation.event_type,
            }
        )
    )
    made.links.extend(_link(one) for one in operation.relations if one.kind == "link")
    if operation.error:
        made.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        made.status.message = operation.error_message
    return made


def _link(relation: Relation) -> trace_pb2.Span.Link:
    return trace_pb2.Span.Link(
        trace_id=bytes.fromhex(relation.target.trace_id),
        span_id=bytes.fromhex(relation.target.span_id),
        attributes=_attributes(
            {
                "messaging.destination.name": relation.destination,
                "messaging.destination.partition.id": relation.partition,
                "messaging.kafka.offset": relation.offset,
                "messaging.message.id": relation.message_id,
            }
        ),
    )


def _attributes(values: dict[str, str | int | None]) -> Iterable[KeyValue]:
    for name, value in values.items():
        if isinstance(value, int):
            yield KeyValue(key=name, value=AnyValue(int_value=value))
        elif value:
            yield KeyValue(key=name, value=AnyValue(string_value=value))


CLOUD_EVENTS = ("ce_id", "ce_type", "ce_source", "ce_causationid", "ce_correlationid")
MASSTRANSIT = (
    *("MessageId", "MT-MessageType", "SourceAddress", "InitiatorId", "ConversationId"),
    "CorrelationId",
)
"""Where the texts of a message are told."""


def _texts(message: Message) -> tuple[str, ...]:
    return (
        message.message_id,
        message.event_type,
        message.source,
        message.causation_id,
        message.correlation_id,
        message.alias,
    )


def _columns(message: Message) -> dict[str, object]:
    headers = [("traceparent", f"00-{c.trace_id}-{c.span_id}-01") for c in message.contexts]
    headers += [
        (name, value)
        for name, value in zip(
            MASSTRANSIT if message.alias else CLOUD_EVENTS, _texts(message), strict=False
        )
        if value
    ]
    headers += _spring(message.copied) if message.copied else []
    at = message.position
    value = (message.value or "{}").encode()
    return {
        "environment": message.environment,
        "system": at.system,
        "cluster": at.cluster,
        "destination": at.destination,
        "incarnation": at.incarnation,
        "partition": at.partition,
        "offset": at.offset,
        "time": message.time // 1_000_000,
        "key": message.key.encode() or None,
        "header_names": [name for name, _ in headers],
        "header_values": [value.encode() for _, value in headers],
        "value": value,
        "value_size": len(value),
    }


def _spring(copied: Copied) -> list[tuple[str, str]]:
    """What a copy says, in the headers of Spring for Kafka."""
    dead = copied.kind is CopyKind.DEAD_LETTER
    prefix = "kafka_dlt-original-" if dead else "kafka_original-"
    said = [("topic", copied.destination), ("partition", copied.partition)]
    said += [("offset", str(copied.offset))] if copied.offset is not None else []
    said += [("consumer-group", copied.consumer)] if copied.consumer and dead else []
    return [(prefix + name, value) for name, value in said]
