"""OTLP protobuf: checked by parsing, cut at span borders; never looked at span by span."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from collector.convert.result import Converted, Malformed

_FRAMING_BYTES = 12
"""More than a tag and a length take."""


def count_spans(payload: bytes) -> int:
    """How many spans the request holds. Raises Malformed when it cannot be parsed."""
    return _count(_parse(payload))


def pieces(payload: bytes, max_bytes: int) -> Iterator[Converted]:
    """The request in requests of about `max_bytes` at most; a larger span stays alone."""
    message = _parse(payload)
    if len(payload) <= max_bytes:
        yield Converted(payload, _count(message))
        return
    part, spans, size = ExportTraceServiceRequest(), 0, 0
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            into = None
            head_size = _head_size(resource, scope)
            for span in scope.spans:
                span_size = span.ByteSize() + _FRAMING_BYTES
                if spans and size + span_size + (head_size if into is None else 0) > max_bytes:
                    yield Converted(part.SerializeToString(), spans)
                    part, spans, size = ExportTraceServiceRequest(), 0, 0
                    into = None
                if into is None:
                    into = part.resource_spans.add(
                        resource=resource.resource, schema_url=resource.schema_url
                    ).scope_spans.add(scope=scope.scope, schema_url=scope.schema_url)
                    size += head_size
                into.spans.append(span)
                spans += 1
                size += span_size
    if spans:
        yield Converted(part.SerializeToString(), spans)


def _head_size(resource: ResourceSpans, scope: ScopeSpans) -> int:
    """Bytes at most that this resource and scope take before their first span."""
    urls = len(resource.schema_url.encode()) + len(scope.schema_url.encode())
    return resource.resource.ByteSize() + scope.scope.ByteSize() + urls + 6 * _FRAMING_BYTES


def _parse(payload: bytes) -> ExportTraceServiceRequest:
    try:
        return ExportTraceServiceRequest.FromString(payload)
    except DecodeError as error:
        raise Malformed(f"not an ExportTraceServiceRequest: {error}") from None


def _count(message: ExportTraceServiceRequest) -> int:
    return sum(
        len(scope.spans) for resource in message.resource_spans for scope in resource.scope_spans
    )
