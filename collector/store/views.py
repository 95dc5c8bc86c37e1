"""The way of a span and of a message through the engine: Null tables and the views between.

    spans_in -> spans -> otel_traces
                      -> operations_in -> operations, relations, ids
    messages_in, messages_plain_in -> messages_parsed -> messages, relations, ids

Null tables keep nothing. All stored tables hang on Null tables, none on another stored table,
so each of them deduplicates a segment by itself and a half-done insert can be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping

from collector.conventions import plain, render, render_messages
from collector.conventions.own import Own

_SCALARS = (
    "string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), "
    "double_value Nullable(Float64), bytes_value Nullable(String)"
)
_FLAT_LIST = f"Tuple(values Array(Tuple({_SCALARS})))"
_FLAT_MAP = f"Tuple(values Array(Tuple(key String, value Tuple({_SCALARS}))))"
_VALUE = f"Tuple({_SCALARS}, array_value {_FLAT_LIST}, kvlist_value {_FLAT_MAP})"
_ATTRIBUTES = f"Array(Tuple(key String, value {_VALUE}))"
_LINKS = (
    f"Array(Tuple(trace_id String, span_id String, trace_state String, attributes {_ATTRIBUTES}))"
)
_EVENTS = f"Array(Tuple(time_unix_nano UInt64, name String, attributes {_ATTRIBUTES}))"
_SPANS = (
    "Array(Tuple(trace_id String, span_id String, trace_state String, parent_span_id String, "
    "flags UInt32, name String, kind Int32, start_time_unix_nano UInt64, "
    f"end_time_unix_nano UInt64, attributes {_ATTRIBUTES}, events {_EVENTS}, links {_LINKS}, "
    "dropped_links_count UInt32, status Tuple(message String, code Int32)))"
)
_RESOURCE_SPANS = (
    f"Array(Tuple(resource Tuple(attributes {_ATTRIBUTES}), "
    f"scope_spans Array(Tuple(scope Tuple(name String, version String), spans {_SPANS}))))"
)

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


def _scalar(value: str) -> str:
    """A scalar OTLP value as text, the way the OpenTelemetry Collector writes it."""
    return (
        f"coalesce({value}.string_value, toString({value}.int_value), "
        f"if(isNull({value}.bool_value), NULL, if({value}.bool_value, 'true', 'false')), "
        f"toString({value}.double_value), base64Encode({value}.bytes_value), '')"
    )


def _json_scalar(value: str) -> str:
    return (
        f"coalesce(toString({value}.int_value), "
        f"if(isNull({value}.bool_value), NULL, if({value}.bool_value, 'true', 'false')), "
        f"toString({value}.double_value), toJSONString({value}.string_value), "
        f"toJSONString(base64Encode({value}.bytes_value)), 'null')"
    )


def _text(value: str) -> str:
    """Any OTLP value as text; lists and maps, one level deep, as JSON."""
    items = (
        f"concat('[', arrayStringConcat(arrayMap(i -> {_json_scalar('i')}, "
        f"{value}.array_value.values), ','), ']')"
    )
    pairs = (
        f"concat('{{', arrayStringConcat(arrayMap(i -> concat(toJSONString(i.key), ':', "
        f"{_json_scalar('i.value')}), {value}.kvlist_value.values), ','), '}}')"
    )
    return (
        f"multiIf(notEmpty({value}.array_value.values), {items}, "
        f"notEmpty({value}.kvlist_value.values), {pairs}, {_scalar(value)})"
    )


def _map(attributes: str) -> str:
    return (
        f"CAST(arrayMap(a -> (a.key, {_text('a.value')}), {attributes}), "
        "'Map(LowCardinality(String), String)')"
    )


def _hex(identifier: str) -> str:
    return f"lower(hex({identifier}))"


def _capped(nanoseconds: str) -> str:
    """Beyond 2262 a time does not fit; it is kept as the last that does."""
    return f"least({nanoseconds}, 9223372036854775807)"


def _time(nanoseconds: str) -> str:
    return f"fromUnixTimestamp64Nano(toInt64({_capped(nanoseconds)}), 'UTC')"


_SPAN_COLUMNS = """Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String,
    TraceState String, SpanName LowCardinality(String), SpanKind LowCardinality(String),
    ServiceName LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String),
    ScopeName String, ScopeVersion String, SpanAttributes Map(LowCardinality(String), String),
    Duration UInt64, StatusCode LowCardinality(String), StatusMessage String,
    `Events.Timestamp` Array(DateTime64(9)), `Events.Name` Array(LowCardinality(String)),
    `Events.Attributes` Array(Map(LowCardinality(String), String)),
    `Links.TraceId` Array(String), `Links.SpanId` Array(String), `Links.TraceState` Array(String),
    `Links.Attributes` Array(Map(LowCardinality(String), String)),
    ReceivedAt DateTime64(9), Flags UInt32, DroppedLinksCount UInt32"""

_EXPLODE = f"""SELECT
    {_time("s.start_time_unix_nano")} AS Timestamp,
    {_hex("s.trace_id")} AS TraceId, {_hex("s.span_id")} AS SpanId,
    if(length(s.parent_span_id) != 8 OR s.parent_span_id = repeat('\\0', 8), '',
        {_hex("s.parent_span_id")}) AS ParentSpanId,
    s.trace_state AS TraceState, s.name AS SpanName,
    transform(s.kind, [1, 2, 3, 4, 5], ['Internal', 'Server', 'Client', 'Producer', 'Consumer'],
        'Unspecified') AS SpanKind,
    ResourceAttributes['service.name'] AS ServiceName, ResourceAttributes,
    ScopeName, ScopeVersion, {_map("s.attributes")} AS SpanAttributes,
    if(s.end_time_unix_nano > s.start_time_unix_nano,
        {_capped("s.end_time_unix_nano")} - {_capped("s.start_time_unix_nano")}, 0) AS Duration,
    transform(s.status.code, [1, 2], ['Ok', 'Error'], 'Unset') AS StatusCode,
    s.status.message AS StatusMessage,
    arrayMap(e -> {_time("e.time_unix_nano")}, s.events) AS `Events.Timestamp`,
    s.events.name AS `Events.Name`,
    arrayMap(e -> {_map("e.attributes")}, s.events) AS `Events.Attributes`,
    arrayMap(l -> {_hex("l.trace_id")}, s.links) AS `Links.TraceId`,
    arrayMap(l -> {_hex("l.span_id")}, s.links) AS `Links.SpanId`,
    s.links.trace_state AS `Links.TraceState`,
    arrayMap(l -> {_map("l.attributes")}, s.links) AS `Links.Attributes`,
    ReceivedAt, s.flags AS Flags, s.dropped_links_count AS DroppedLinksCount
FROM (
  SELECT ReceivedAt, ResourceAttributes, ss.scope.name AS ScopeName,
    ss.scope.version AS ScopeVersion, arrayJoin(ss.spans) AS s
  FROM (
    SELECT ReceivedAt, {_map("rs.resource.attributes")} AS ResourceAttributes,
      arrayJoin(rs.scope_spans) AS ss
    FROM (
      SELECT {_time("received_unix_nano")} AS ReceivedAt,
        arrayJoin(resource_spans) AS rs
      FROM spans_in
    )
  )
)
WHERE length(s.trace_id) = 16 AND length(s.span_id) = 8
  AND s.trace_id != repeat('\\0', 16) AND s.span_id != repeat('\\0', 8)"""

_PLACE_TYPES = {
    "received": "DateTime64(9)",
    "environment": "LowCardinality(String)",
    "system": "LowCardinality(String)",
    "cluster": "LowCardinality(String)",
    "destination": "LowCardinality(String)",
    "incarnation": "LowCardinality(String)",
    "partition": "LowCardinality(String)",
    "offset": "Int64",
    "time": "DateTime64(3)",
}

MESSAGE_TYPES = {
    **_PLACE_TYPES,
    "key": "Nullable(String)",
    "header_names": "Array(LowCardinality(String))",
    "header_values": "Array(String)",
    "value": "Nullable(String)",
    "value_size": "Int64",
    "event": "String",
}
"""The columns in which messages come, and their types."""


def _written(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in types.items())


NULL_TABLES: dict[str, str] = {
    "spans_in": f"resource_spans {_RESOURCE_SPANS}, received_unix_nano UInt64",
    "spans": _SPAN_COLUMNS,
    "operations_in": """received DateTime64(9), environment LowCardinality(String),
    trace_id String, span_id String, parent_span_id String, service LowCardinality(String),
    instance LowCardinality(String), scope LowCardinality(String), name LowCardinality(String),
    kind LowCardinality(String), type LowCardinality(String), system LowCardinality(String),
    cluster LowCardinality(String), destination LowCardinality(String),
    partition LowCardinality(String), offset Nullable(Int64),
    consumer_group LowCardinality(String), client_id LowCardinality(String), message_id String,
    event_id String, event_type LowCardinality(String), conversation_id String, key String,
    batch_count Nullable(Int64), server_address LowCardinality(String), start DateTime64(9),
    duration UInt64, error Bool, error_message String, remote_parent Bool,
    links Array(Tuple(trace_id String, span_id String, destination String, partition String,
        offset Nullable(Int64), message_id String))""",
    "messages_in": _written(MESSAGE_TYPES),
    # The same, of messages that bear no mark.
    "messages_plain_in": _written(MESSAGE_TYPES),
    "messages_parsed": f"""{_written(_PLACE_TYPES)}, key String, key_null Bool,
    event_type LowCardinality(String), source LowCardinality(String), message_id String,
    causation_id String, correlation_id String, alias String,
    contexts Array(Tuple(trace_id String, span_id String)),
    origins Array(Tuple(trace_id String, span_id String)), profile LowCardinality(String),
    copied Tuple(kind LowCardinality(String), destination String, partition String,
        offset Nullable(Int64), message_id String, consumer String, attempt Nullable(Int64),
        error_type String, error_message String),
    business Array(Tuple(name String, value String)),
    headers Array(Tuple(name LowCardinality(String), value String)), value String,
    value_size Int64""",
}

_OPERATION_COLUMNS = """received, environment, trace_id, span_id, parent_span_id, service,
    instance, scope, name, kind, type, system, cluster, destination, partition, offset,
    consumer_group, client_id, message_id, event_id, event_type, conversation_id, key,
    batch_count, server_address, start, duration, error, error_message, remote_parent, links"""

_STORED_MESSAGE_COLUMNS = """received, environment, system, cluster, destination, incarnation,
    partition, offset, time, key, key_null, event_type, source, message_id, causation_id,
    correlation_id, alias, contexts, origins, profile, copied, business, headers, value,
    value_size"""


def views(own: Own | None = None) -> dict[str, tuple[str, str]]:
    """Each view's name, the table it fills and its SELECT, in the order of their making."""
    return {
        "explode_spans": ("spans", _EXPLODE),
        "keep_spans": ("otel_traces", "SELECT * FROM spans"),
        "read_operations": ("operations_in", render.operations_select()),
        "keep_operations": ("operations", f"SELECT {_OPERATION_COLUMNS} FROM operations_in"),
        "relate_operations": ("relations", render.span_relations_select()),
        "index_operations": ("ids", render.operation_ids_select()),
        "read_messages": ("messages_parsed", render_messages.messages_select(own=own)),
        "read_plain_messages": ("messages_parsed", plain.plain_select(own=own)),
        "keep_messages": ("messages", f"SELECT {_STORED_MESSAGE_COLUMNS} FROM messages_parsed"),
        "relate_messages": ("relations", render_messages.header_relations_select()),
        "index_messages": ("ids", render_messages.message_ids_select()),
    }
