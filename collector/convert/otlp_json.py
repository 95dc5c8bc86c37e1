"""OTLP JSON into OTLP protobuf.

OTLP's JSON is protobuf's with hexadecimal trace and span ids, so that protobuf's own parser
misreads it. Read as the specification says, and liberally where nothing else can be meant:
snake_case names, names of enum values, base64 ids of their exact length (Tempo's files), the
`instrumentationLibrarySpans` of old exporters and the `batches` of Tempo. Unknown fields are
ignored.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
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

_UINT32_MAX = (1 << 32) - 1
_INT32 = (-(1 << 31), (1 << 31) - 1)
_INT64 = (-(1 << 63), (1 << 63) - 1)
_DEEPEST_VALUE = 24
"""A value this deep takes 77 levels of messages, and protobuf's parsers stop at 100."""

_TRACE_ID_BYTES = 16
_SPAN_ID_BYTES = 8


class _InvalidId(Exception):
    """A span without the ids that would make it one."""


def convert(body: bytes) -> Converted:
    """One JSON ExportTraceServiceRequest; spans with invalid ids are left out.

    Raises Malformed.
    """
    return convert_document(load(body))


def convert_document(document: object) -> Converted:
    """As `convert`, from JSON that is parsed already."""
    try:
        try:
            return _convert(document)
        except UnicodeEncodeError:
            return _convert(without_lone_surrogates(document))
    except RecursionError:
        raise Malformed("nested too deeply") from None


def _convert(document: object) -> Converted:
    if not isinstance(document, dict):
        raise unexpected(document, "an OTLP request", "an object")
    request = ExportTraceServiceRequest()
    spans = rejected = 0
    reason = ""
    name, resources = _first(document, "resourceSpans", "resource_spans", "batches")
    for r, resource_json in enumerate(items(resources, name)):
        where = f"{name}[{r}]"
        resource_json = mapping(resource_json, where)
        resource = request.resource_spans.add(
            schema_url=text(_get(resource_json, "schemaUrl"), f"{where}.schemaUrl")
        )
        _resource(resource.resource, resource_json.get("resource"), where)
        scopes_name, scopes = _first(
            resource_json,
            "scopeSpans",
            "scope_spans",
            "instrumentationLibrarySpans",
            "instrumentation_library_spans",
        )
        for s, scope_json in enumerate(items(scopes, f"{where}.{scopes_name}")):
            scope_where = f"{where}.{scopes_name}[{s}]"
            scope_json = mapping(scope_json, scope_where)
            scope = resource.scope_spans.add(
                schema_url=text(_get(scope_json, "schemaUrl"), f"{scope_where}.schemaUrl")
            )
            _scope(scope.scope, scope_json, scope_where)
            for i, span_json in enumerate(items(scope_json.get("spans"), f"{scope_where}.spans")):
                try:
                    _span(scope, mapping(span_json, "span"))
                    spans += 1
                except _InvalidId as error:
                    rejected += 1
                    reason = reason or f"{scope_where}.spans[{i}].{error}"
                except Malformed as error:
                    raise Malformed(f"{scope_where}.spans[{i}].{error}") from None
    return Converted(request.SerializeToString() if spans else b"", spans, rejected, reason)


def _resource(resource: Resource, value: object, where: str) -> None:
    fields = mapping(value, f"{where}.resource")
    try:
        _attributes(resource.attributes, fields)
        resource.dropped_attributes_count = _count(fields, "droppedAttributesCount")
    except Malformed as error:
        raise Malformed(f"{where}.resource.{error}") from None


def _scope(scope: InstrumentationScope, scope_spans: Mapping[str, Any], where: str) -> None:
    name, value = _first(scope_spans, "scope", "instrumentationLibrary", "instrumentation_library")
    fields = mapping(value, f"{where}.{name}")
    try:
        scope.name = text(fields.get("name"), "name")
        scope.version = text(fields.get("version"), "version")
        _attributes(scope.attributes, fields)
        scope.dropped_attributes_count = _count(fields, "droppedAttributesCount")
    except Malformed as error:
        raise Malformed(f"{where}.{name}.{error}") from None


def _span(scope: ScopeSpans, fields: Mapping[str, Any]) -> None:
    # The ids first: nothing is added for a span that has none.
    trace_id = _id(fields, "traceId", _TRACE_ID_BYTES)
    span_id = _id(fields, "spanId", _SPAN_ID_BYTES)
    parent_id = _id(fields, "parentSpanId", _SPAN_ID_BYTES, optional=True)
    span = scope.spans.add(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        trace_state=text(_get(fields, "traceState"), "traceState"),
        flags=integer(fields.get("flags"), "flags", 0, _UINT32_MAX),
        name=text(fields.get("name"), "name"),
        start_time_unix_nano=_time(fields, "startTimeUnixNano"),
        end_time_unix_nano=_time(fields, "endTimeUnixNano"),
        dropped_attributes_count=_count(fields, "droppedAttributesCount"),
        dropped_events_count=_count(fields, "droppedEventsCount"),
        dropped_links_count=_count(fields, "droppedLinksCount"),
    )
    # Numbers that this version of the enums does not know are kept, as protobuf does.
    span.kind = _enum(fields.get("kind"), Span.SpanKind, "kind")  # type: ignore[assignment]  # as above
    _attributes(span.attributes, fields)
    if fields.get("status") is not None:
        status = mapping(fields["status"], "status")
        span.status.message = text(status.get("message"), "status.message")
        span.status.code = _enum(  # type: ignore[assignment]  # as above
            status.get("code"), Status.StatusCode, "status.code"
        )
    for event_json in items(fields.get("events"), "events"):
        event_json = mapping(event_json, "events")
        event = span.events.add(
            time_unix_nano=_time(event_json, "timeUnixNano"),
            name=text(event_json.get("name"), "events.name"),
            dropped_attributes_count=_count(event_json, "droppedAttributesCount"),
        )
        _attributes(event.attributes, event_json)
    for link_json in items(fields.get("links"), "links"):
        _link(span, mapping(link_json, "links"))


def _link(span: Span, fields: Mapping[str, Any]) -> None:
    try:
        trace_id = _id(fields, "traceId", _TRACE_ID_BYTES)
        span_id = _id(fields, "spanId", _SPAN_ID_BYTES)
    except _InvalidId:
        span.dropped_links_count = min(span.dropped_links_count + 1, _UINT32_MAX)
        return
    link = span.links.add(
        trace_id=trace_id,
        span_id=span_id,
        trace_state=text(_get(fields, "traceState"), "links.traceState"),
        dropped_attributes_count=_count(fields, "droppedAttributesCount"),
        flags=integer(fields.get("flags"), "links.flags", 0, _UINT32_MAX),
    )
    _attributes(link.attributes, fields)


def _attributes(target: Any, fields: Mapping[str, Any]) -> None:
    for pair in items(fields.get("attributes"), "attributes"):
        _key_value(target.add(), pair, 0)


def _key_value(target: KeyValue, pair: object, depth: int) -> None:
    fields = mapping(pair, "attributes")
    key = target.key = text(fields.get("key"), "attributes.key")
    try:
        _value(target.value, fields.get("value"), depth)
    except Malformed as error:
        raise Malformed(f"attributes[{key}].{error}" if not depth else str(error)) from None


def _value(target: AnyValue, value: object, depth: int) -> None:
    if depth > _DEEPEST_VALUE:
        raise Malformed(f"value: nested deeper than {_DEEPEST_VALUE}")
    fields = mapping(value, "value")
    for name, content in fields.items():
        if content is None:
            continue
        match name:
            case "stringValue" | "string_value":
                target.string_value = text(content, name)
            case "intValue" | "int_value":
                target.int_value = integer(content, name, *_INT64)
            case "boolValue" | "bool_value":
                if not isinstance(content, bool):
                    raise unexpected(content, name, "true or false")
                target.bool_value = content
            case "doubleValue" | "double_value":
                target.double_value = _double(content, name)
            case "bytesValue" | "bytes_value":
                target.bytes_value = _base64(content, name)
            case "arrayValue" | "array_value":
                target.array_value.SetInParent()
                for item in items(mapping(content, name).get("values"), f"{name}.values"):
                    _value(target.array_value.values.add(), item, depth + 1)
            case "kvlistValue" | "kvlist_value":
                target.kvlist_value.SetInParent()
                for item in items(mapping(content, name).get("values"), f"{name}.values"):
                    _key_value(target.kvlist_value.values.add(), item, depth + 1)
            case _:
                pass


_SNAKE = {
    name: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    for name in (
        "traceId",
        "spanId",
        "parentSpanId",
        "traceState",
        "schemaUrl",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "timeUnixNano",
        "droppedAttributesCount",
        "droppedEventsCount",
        "droppedLinksCount",
    )
}


def _get(fields: Mapping[str, Any], name: str) -> Any:
    value = fields.get(name)
    return fields.get(_SNAKE[name]) if value is None else value


def _first(fields: Mapping[str, Any], *names: str) -> tuple[str, Any]:
    for name in names:
        if fields.get(name) is not None:
            return name, fields[name]
    return names[0], None


def _time(fields: Mapping[str, Any], name: str) -> int:
    return integer(_get(fields, name), name, 0, UINT64_MAX)


def _count(fields: Mapping[str, Any], name: str) -> int:
    return integer(_get(fields, name), name, 0, _UINT32_MAX)


def _id(fields: Mapping[str, Any], name: str, size: int, *, optional: bool = False) -> bytes:
    value = text(_get(fields, name), name)
    if optional and not value:
        return b""
    try:
        # Hexadecimal has no "=", and base64 of these sizes always ends with it.
        raw = base64.b64decode(value, validate=True) if "=" in value else bytes.fromhex(value)
    except (ValueError, binascii.Error):
        raise _InvalidId(f"{name}: {value[:40]!r} is not hexadecimal") from None
    if len(raw) != size or ("=" not in value and len(value) != 2 * size):
        raise _InvalidId(f"{name}: {value[:40]!r} is not {size} bytes")
    if not any(raw):
        if optional:
            return b""
        raise _InvalidId(f"{name}: all zero")
    return raw


def _enum(value: object, enum: Any, name: str) -> int:
    if isinstance(value, str) and value in enum.keys():  # noqa: SIM118 - no mapping
        return int(enum.Value(value))
    return integer(value, name, *_INT32)


def _double(value: object, name: str) -> float:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise unexpected(value, name, "a number")


def _base64(value: object, name: str) -> bytes:
    encoded = text(value, name).translate(_URL_SAFE)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise unexpected(value, name, "base64") from None


_URL_SAFE = str.maketrans("-_", "+/")
