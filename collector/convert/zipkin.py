"""Zipkin v2 JSON into OTLP protobuf.

Zipkin has string tags, microseconds, 64-bit trace ids and no links. Ids are padded with zeros on
the left, as Zipkin itself compares them. A shared span keeps its id on both sides; what belongs
together is decided by those who read. Every tag stays an attribute, also when it says something
that OTLP has a field for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from collector.convert.json_values import (
    UINT64_MAX,
    integer,
    items,
    load,
    mapping,
    text,
    unexpected,
    without_lone_surrogates,
)
from collector.convert.result import Converted, Malformed

_KINDS = {
    "CLIENT": Span.SPAN_KIND_CLIENT,
    "SERVER": Span.SPAN_KIND_SERVER,
    "PRODUCER": Span.SPAN_KIND_PRODUCER,
    "CONSUMER": Span.SPAN_KIND_CONSUMER,
}
_HEX = re.compile(r"[0-9a-fA-F]+")
_TRACE_ID_DIGITS = 32
_SPAN_ID_DIGITS = 16
_MICROSECONDS_MAX = UINT64_MAX // 1000
_PORT_MAX = (1 << 16) - 1

_SCOPE_TAGS = (
    ("otel.scope.name", "otel.scope.version"),
    ("otel.library.name", "otel.library.version"),
)
"""What OpenTelemetry's Zipkin exporters call the instrumentation scope, now and before."""


def convert(body: bytes, received_ns: int) -> Converted:
    """A JSON list of Zipkin v2 spans; `received_ns` (since the epoch) dates spans without a time.

    A span that is none is left out of the result. Raises Malformed when there is no list.
    """
    document = load(body)
    if not isinstance(document, list):
        raise unexpected(document, "Zipkin spans", "an array")
    return convert_spans(document, received_ns)


def convert_spans(spans: Sequence[object], received_ns: int) -> Converted:
    """As `convert`, from JSON that is parsed already."""
    request = ExportTraceServiceRequest()
    scopes: dict[tuple[str, str, str], ScopeSpans] = {}
    count = rejected = 0
    reason = ""
    for index, value in enumerate(spans):
        try:
            try:
                _add(request, scopes, mapping(value, "span"), received_ns)
            except UnicodeEncodeError:
                _add(request, scopes, without_lone_surrogates(value), received_ns)
            count += 1
        except (Malformed, RecursionError) as error:
            rejected += 1
            reason = reason or f"[{index}].{error}"
    return Converted(request.SerializeToString() if count else b"", count, rejected, reason)


def _add(
    request: ExportTraceServiceRequest,
    scopes: dict[tuple[str, str, str], ScopeSpans],
    fields: Mapping[str, Any],
    received_ns: int,
) -> None:
    """Add the span whole, under its service and scope, or raise and add nothing."""
    local = mapping(fields.get("localEndpoint"), "localEndpoint")
    service = text(local.get("serviceName"), "localEndpoint.serviceName")
    tags = {
        key: _tag(value)
        for key, value in mapping(fields.get("tags"), "tags").items()
        if value is not None
    }
    span = _span(fields, tags, local, received_ns)
    scope_name = scope_version = ""
    for name_tag, version_tag in _SCOPE_TAGS:
        if tags.get(name_tag):
            scope_name, scope_version = tags[name_tag], tags.get(version_tag, "")
            break
    for checked in (service, scope_name, scope_version):
        checked.encode()
    place = (service, scope_name, scope_version)
    if place not in scopes:
        resource = request.resource_spans.add()
        if service:
            resource.resource.attributes.add(key="service.name").value.string_value = service
        scopes[place] = resource.scope_spans.add()
        scopes[place].scope.name = scope_name
        scopes[place].scope.version = scope_version
    scopes[place].spans.append(span)


def _span(
    fields: Mapping[str, Any],
    tags: Mapping[str, str],
    local: Mapping[str, Any],
    received_ns: int,
) -> Span:
    start = _microseconds(fields, "timestamp") * 1000 or received_ns
    end = min(start + _microseconds(fields, "duration") * 1000, UINT64_MAX)
    span_id = _id(fields, "id", _SPAN_ID_DIGITS)
    parent_id = _id(fields, "parentId", _SPAN_ID_DIGITS, optional=True)
    span = Span(
        trace_id=_id(fields, "traceId", _TRACE_ID_DIGITS),
        span_id=span_id,
        # Some tracers name a root its own parent.
        parent_span_id=b"" if parent_id == span_id else parent_id,
        name=text(fields.get("name"), "name"),
        kind=_kind(fields),
        start_time_unix_nano=start,
        end_time_unix_nano=end,
    )
    for key, value in tags.items():
        span.attributes.add(key=key).value.string_value = value
    _address(span, tags, local, "network.local", "localEndpoint")
    _remote(span, tags, mapping(fields.get("remoteEndpoint"), "remoteEndpoint"))
    for flag in ("shared", "debug"):
        if fields.get(flag) is True:
            span.attributes.add(key=f"zipkin.{flag}").value.bool_value = True
    _status(span, tags)
    for annotation_json in items(fields.get("annotations"), "annotations"):
        annotation = mapping(annotation_json, "annotations")
        span.events.add(
            time_unix_nano=_microseconds(annotation, "timestamp") * 1000 or start,
            name="" if annotation.get("value") is None else _tag(annotation["value"]),
        )
    return span


def _kind(fields: Mapping[str, Any]) -> Span.SpanKind.ValueType:
    kind = text(fields.get("kind"), "kind")
    if not kind:
        return Span.SPAN_KIND_INTERNAL  # what Zipkin calls a local span
    return _KINDS.get(kind.upper(), Span.SPAN_KIND_UNSPECIFIED)


def _status(span: Span, tags: Mapping[str, str]) -> None:
    code = tags.get("otel.status_code", "").upper()
    error = tags.get("error")
    if code == "ERROR" or (error is not None and error.lower() != "false"):
        span.status.code = Status.STATUS_CODE_ERROR
        if error and error.lower() not in ("true", "false"):
            span.status.message = error
    elif code == "OK":
        span.status.code = Status.STATUS_CODE_OK


def _remote(span: Span, tags: Mapping[str, str], endpoint: Mapping[str, Any]) -> None:
    service = text(endpoint.get("serviceName"), "remoteEndpoint.serviceName")
    if service and "peer.service" not in tags:
        span.attributes.add(key="peer.service").value.string_value = service
    _address(span, tags, endpoint, "network.peer", "remoteEndpoint")


def _address(
    span: Span, tags: Mapping[str, str], endpoint: Mapping[str, Any], prefix: str, where: str
) -> None:
    address = text(endpoint.get("ipv4"), f"{where}.ipv4") or text(
        endpoint.get("ipv6"), f"{where}.ipv6"
    )
    port = integer(endpoint.get("port"), f"{where}.port", 0, _PORT_MAX)
    if address and f"{prefix}.address" not in tags:
        span.attributes.add(key=f"{prefix}.address").value.string_value = address
    if port and f"{prefix}.port" not in tags:
        span.attributes.add(key=f"{prefix}.port").value.int_value = port


def _microseconds(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, float):
        value = int(value) if abs(value) <= _MICROSECONDS_MAX else value
    return integer(value, name, 0, _MICROSECONDS_MAX)


def _tag(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _id(fields: Mapping[str, Any], name: str, digits: int, *, optional: bool = False) -> bytes:
    value = text(fields.get(name), name)
    if optional and not value:
        return b""
    if not _HEX.fullmatch(value) or len(value) > digits:
        raise Malformed(f"{name}: {value[:40]!r} is not up to {digits} hexadecimal digits")
    raw = bytes.fromhex(value.rjust(digits, "0"))
    if not any(raw):
        if optional:
            return b""
        raise Malformed(f"{name}: all zero")
    return raw
