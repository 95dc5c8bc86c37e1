"""Requests as they came, exploded into spans.

The engine reads a segment as one row, each field of OTLP as a column of its own: a column of
arrays in arrays, of resources, scopes, spans. An insert pays for each expression of its views
before it reads a row, and most for those that reach into tuples of many fields; so only an
attribute is a tuple, and only as deep as its lists.
"""

from __future__ import annotations

from collections.abc import Iterable

PROTO = """syntax = "proto2";
message Scalar { optional string string_value = 1; optional bool bool_value = 2;
  optional int64 int_value = 3; optional double double_value = 4; optional bytes bytes_value = 7; }
message Pair { optional string key = 1; optional Scalar value = 2; }
message List { repeated Scalar values = 1; }
message Pairs { repeated Pair values = 1; }
message Value { optional string string_value = 1; optional bool bool_value = 2;
  optional int64 int_value = 3; optional double double_value = 4; optional List array_value = 5;
  optional Pairs kvlist_value = 6; optional bytes bytes_value = 7; }
message Attribute { optional string key = 1; optional Value value = 2; }
message Resource { repeated Attribute attributes = 1; }
message Scope { optional string name = 1; optional string version = 2; }
message Link { optional bytes trace_id = 1; optional bytes span_id = 2;
  optional string trace_state = 3; repeated Attribute attributes = 4; }
message Event { optional fixed64 time_unix_nano = 1; optional string name = 2;
  repeated Attribute attributes = 3; }
message Status { optional string message = 2; optional int32 code = 3; }
message Span { optional bytes trace_id = 1; optional bytes span_id = 2;
  optional string trace_state = 3; optional bytes parent_span_id = 4; optional string name = 5;
  optional int32 kind = 6; optional fixed64 start_time_unix_nano = 7;
  optional fixed64 end_time_unix_nano = 8; repeated Attribute attributes = 9;
  repeated Event events = 11; repeated Link links = 13; optional uint32 dropped_links_count = 14;
  optional Status status = 15; optional fixed32 flags = 16; }
message ScopeSpans { optional Scope scope = 1; repeated Span spans = 2; }
message ResourceSpans { optional Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Request { repeated ResourceSpans resource_spans = 1;
  optional fixed64 received_unix_nano = 1000; }
"""
"""The subset of OTLP that is stored. proto2 with `optional`, so 0 and absent stay apart.
Field 1000 is ours: the segment's time of receipt, appended to it, the same at each replay."""

RECEIVED_TAG = b"\xc1\x3e"
"""Protobuf key of field 1000, fixed64; eight little-endian bytes follow."""


_KINDS = ("bool", "int", "double", "bytes")


def _others(prefix: str) -> str:
    """All scalars but text. Numbers are read as their text: nothing here reckons with them."""
    return ", ".join(f"{prefix}{kind}_value Nullable(String)" for kind in _KINDS)


def _item(prefix: str) -> str:
    return f"{prefix}string_value Nullable(String), {_others(prefix)}"


_ATTRIBUTES = (
    f"Array(Tuple(key LowCardinality(String), value_string_value String, {_others('value_')}, "
    f"value_array_value_values Array(Tuple({_item('')})), "
    f"value_kvlist_value_values Array(Tuple(key String, {_item('value_')}))))"
)
_SPAN = {
    "trace_id": "String",
    "span_id": "String",
    "trace_state": "String",
    "parent_span_id": "String",
    "flags": "UInt32",
    "name": "LowCardinality(String)",
    "kind": "Int32",
    "start_time_unix_nano": "UInt64",
    "end_time_unix_nano": "UInt64",
    "attributes": _ATTRIBUTES,
    "events.time_unix_nano": "Array(UInt64)",
    "events.name": "Array(LowCardinality(String))",
    "events.attributes": f"Array({_ATTRIBUTES})",
    "links.trace_id": "Array(String)",
    "links.span_id": "Array(String)",
    "links.trace_state": "Array(String)",
    "links.attributes": f"Array({_ATTRIBUTES})",
    "dropped_links_count": "UInt32",
    "status.message": "String",
    "status.code": "Int32",
}
_SCOPE = {"scope.name": "String", "scope.version": "String"}
_GROUPS = "resource_spans."
_SCOPES = "resource_spans.scope_spans."
_SPANS = "resource_spans.scope_spans.spans."

REQUESTS = ",\n    ".join(
    (
        f"`{_GROUPS}resource.attributes` Array({_ATTRIBUTES})",
        *(f"`{_SCOPES}{name}` Array(Array({kind}))" for name, kind in _SCOPE.items()),
        *(f"`{_SPANS}{name}` Array(Array(Array({kind})))" for name, kind in _SPAN.items()),
        "received_unix_nano UInt64",
    )
)
"""Columns of requests in a row, as the engine reads them by `PROTO`."""

SPANS = """Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String,
    TraceState String, SpanName LowCardinality(String), SpanKind LowCardinality(String),
    ServiceName LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String),
    ScopeName String, ScopeVersion String, SpanAttributes Map(LowCardinality(String), String),
    Duration UInt64, StatusCode LowCardinality(String), StatusMessage String,
    `Events.Timestamp` Array(DateTime64(9)), `Events.Name` Array(LowCardinality(String)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)),
    `Links.TraceId` Array(String), `Links.SpanId` Array(String), `Links.TraceState` Array(String),
    `Links.Attributes` Array(Map(LowCardinality(String), String)),
    ReceivedAt DateTime64(9), Flags UInt32, DroppedLinksCount UInt32"""
"""Columns of spans."""


def _json_scalar(value: str) -> str:
    """A scalar inside of a list or map."""
    return (
        f"coalesce({value}int_value, {value}bool_value, {value}double_value, "
        f"toJSONString({value}string_value), toJSONString(base64Encode({value}bytes_value)), "
        "'null')"
    )


_TEXT = (
    "if(empty(a.value_array_value_values) AND empty(a.value_kvlist_value_values), "
    "coalesce(a.value_int_value, a.value_bool_value, a.value_double_value, "
    "base64Encode(a.value_bytes_value), a.value_string_value), "
    "if(empty(a.value_kvlist_value_values), "
    f"concat('[', arrayStringConcat(arrayMap(i -> {_json_scalar('i.')}, "
    "a.value_array_value_values), ','), ']'), "
    "concat('{', arrayStringConcat(arrayMap(i -> concat(toJSONString(i.key), ':', "
    f"{_json_scalar('i.value_')}), a.value_kvlist_value_values), ','), '}}')))"
)
"""Any OTLP value as text, the way the OpenTelemetry Collector writes it; lists and maps, one level
deep, as JSON."""


def _map(attributes: str) -> str:
    return (
        f"CAST(arrayMap(a -> (a.key, {_TEXT}), {attributes}), "
        "'Map(LowCardinality(String), String)')"
    )


def _hex(identifier: str) -> str:
    return f"lower(hex({identifier}))"


def _capped(nanoseconds: str) -> str:
    """Beyond 2262 a time does not fit; it is kept as the last that does."""
    return f"least({nanoseconds}, 9223372036854775807)"


def _time(nanoseconds: str) -> str:
    return f"fromUnixTimestamp64Nano(toInt64({_capped(nanoseconds)}), 'UTC')"


def _flat(name: str) -> str:
    return name.replace(".", "_")


def _joined(names: Iterable[str], source: str, into: str) -> str:
    """One level of arrays less of these columns, both sides as formats of a column's name."""
    return ", ".join(f"{source.format(_flat(n))} AS {into.format(_flat(n))}" for n in names)


# Of a group, of a scope in it, of a span in that: the names end in how far they are taken apart.
_OF_GROUP = ", ".join(
    (
        f"`{_GROUPS}resource.attributes` AS resource_attributes",
        *(f"`{_SCOPES}{name}` AS {_flat(name)}_1" for name in _SCOPE),
        *(f"`{_SPANS}{name}` AS {_flat(name)}_1" for name in _SPAN),
    )
)
_OF_SCOPE = f"{_joined(_SCOPE, '{}_1', '{}')}, {_joined(_SPAN, '{}_1', '{}_2')}"

EXPLODE = f"""SELECT
    {_time("start_time_unix_nano")} AS Timestamp,
    {_hex("trace_id")} AS TraceId, {_hex("span_id")} AS SpanId,
    if(length(parent_span_id) != 8 OR parent_span_id = repeat('\\0', 8), '',
        {_hex("parent_span_id")}) AS ParentSpanId,
    trace_state AS TraceState, name AS SpanName,
    transform(kind, [1, 2, 3, 4, 5], ['Internal', 'Server', 'Client', 'Producer', 'Consumer'],
        'Unspecified') AS SpanKind,
    ResourceAttributes['service.name'] AS ServiceName, ResourceAttributes,
    scope_name AS ScopeName, scope_version AS ScopeVersion, {_map("attributes")} AS SpanAttributes,
    if(end_time_unix_nano > start_time_unix_nano,
        {_capped("end_time_unix_nano")} - {_capped("start_time_unix_nano")}, 0) AS Duration,
    transform(status_code, [1, 2], ['Ok', 'Error'], 'Unset') AS StatusCode,
    status_message AS StatusMessage,
    arrayMap(e -> {_time("e")}, events_time_unix_nano) AS `Events.Timestamp`,
    events_name AS `Events.Name`,
    arrayMap(e -> {_map("e")}, events_attributes) AS `Events.Attributes`,
    arrayMap(l -> {_hex("l")}, links_trace_id) AS `Links.TraceId`,
    arrayMap(l -> {_hex("l")}, links_span_id) AS `Links.SpanId`,
    links_trace_state AS `Links.TraceState`,
    arrayMap(l -> {_map("l")}, links_attributes) AS `Links.Attributes`,
    {_time("received_unix_nano")} AS ReceivedAt, flags AS Flags,
    dropped_links_count AS DroppedLinksCount
FROM (
    SELECT received_unix_nano, {_map("resource_attributes")} AS ResourceAttributes,
        {", ".join(f"{_flat(name)}_1" for name in (*_SCOPE, *_SPAN))}
    FROM spans_in
    ARRAY JOIN {_OF_GROUP}
)
ARRAY JOIN {_OF_SCOPE}
ARRAY JOIN {_joined(_SPAN, "{}_2", "{}")}
WHERE length(trace_id) = 16 AND length(span_id) = 8
  AND trace_id != repeat('\\0', 16) AND span_id != repeat('\\0', 8)"""
"""What a materialized view selects out of requests, in the columns of `SPANS`."""
