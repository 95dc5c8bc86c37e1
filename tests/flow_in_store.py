"""A flow's spans and messages in a real store, by the ways that real ones take."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

from collector.intake import Intake
from collector.metrics import Counters
from collector.store.client import Store
from collector.store.rollup import Rollup
from collector.taps.tap import Batch, PartitionKey
from graph.model import Message, Operation, Relation, Span
from tests import stores
from tests.builders import Flow

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


def put_flow(store: Store, flow: Flow) -> Rollup:
    """Store it all, and compute the edges as if its time had settled."""
    request = ExportTraceServiceRequest()
    for context, span in flow.spans.items():
        request.resource_spans.append(_span(span, flow.operations.get(context)))
    if request.resource_spans:
        stores.put_spans(store, request.SerializeToString())
    if flow.messages:
        intake = Intake(store, Counters(), lambda: None)
        intake.start()
        intake.messages(_batch(list(flow.messages.values())))
        assert intake.stop(60)
    return stores.rolled_up(store)


def _span(span: Span, operation: Operation | None) -> otlp.ResourceSpans:
    made = otlp.Span(
        trace_id=bytes.fromhex(span.context.trace_id),
        span_id=bytes.fromhex(span.context.span_id),
        parent_span_id=bytes.fromhex(span.parent),
        name=span.name,
        kind=KINDS[span.kind or "internal"],  # type: ignore[arg-type]
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
    )
    if span.error:
        made.status.code = otlp.Status.STATUS_CODE_ERROR
    if operation is not None:
        made.attributes.extend(_operation(operation))
        made.links.extend(_link(one) for one in operation.relations if one.kind == "link")
    return otlp.ResourceSpans(
        resource=Resource(attributes=_attributes({"service.name": span.service})),
        scope_spans=[otlp.ScopeSpans(spans=[made])],
    )


def _operation(operation: Operation) -> list[KeyValue]:
    return _attributes(
        {
            "messaging.system": operation.system,
            "messaging.destination.name": operation.destination,
            "messaging.operation.type": operation.type.value,
            "messaging.destination.partition.id": operation.partition,
            "messaging.kafka.offset": operation.offset,
            "messaging.consumer.group.name": operation.group,
            "messaging.message.id": operation.message_id,
            "messaging.message.conversation_id": operation.conversation_id,
            "messaging.batch.message_count": operation.batch_count,
        }
    )


def _link(relation: Relation) -> otlp.Span.Link:
    return otlp.Span.Link(
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


def _attributes(values: dict[str, str | int | None]) -> list[KeyValue]:
    return [
        KeyValue(
            key=name,
            value=AnyValue(string_value=value)
            if isinstance(value, str)
            else AnyValue(int_value=value),
        )
        for name, value in values.items()
        if value not in ("", None)
    ]


def _batch(messages: list[Message]) -> Batch:
    (first, *_) = messages
    batch = Batch(first.position.system, first.position.cluster)
    for message in messages:
        headers = {
            "ce_id": message.message_id,
            "ce_type": message.event_type,
            "ce_source": message.source,
            "ce_causationid": message.causation_id,
            "ce_correlationid": message.correlation_id,
        }
        said = [(name, value) for name, value in headers.items() if value]
        said += [("traceparent", f"00-{one.trace_id}-{one.span_id}-01") for one in message.contexts]
        batch.destination.append(message.position.destination)
        batch.incarnation.append(message.position.incarnation)
        batch.partition.append(message.position.partition)
        batch.offset.append(message.position.offset)
        batch.time.append(message.time // 1_000_000)
        batch.key.append(message.key.encode() if message.key else None)
        batch.header_names.append([name for name, _ in said])
        batch.header_values.append([value.encode() for _, value in said])
        batch.value.append(None if message.value is None else message.value.encode())
        batch.next_offsets[PartitionKey(*message.position[:5])] = message.position.offset + 1
    return batch
