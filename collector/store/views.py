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
from collector.store import exploding

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
    "spans_in": exploding.REQUESTS,
    "spans": exploding.SPANS,
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
        "explode_spans": ("spans", exploding.EXPLODE),
        "keep_spans": ("otel_traces", "SELECT * FROM spans"),
        "read_operations": ("operations_in", render.operations_select()),
        "keep_operations": ("operations", f"SELECT {_OPERATION_COLUMNS} FROM operations_in"),
        "relate_operations": ("relations", render.span_relations_select()),
        "index_operations": ("ids", render.operation_ids_select(once=True)),
        "read_messages": ("messages_parsed", render_messages.messages_select(own=own)),
        "read_plain_messages": ("messages_parsed", plain.plain_select(own=own)),
        "keep_messages": ("messages", f"SELECT {_STORED_MESSAGE_COLUMNS} FROM messages_parsed"),
        "relate_messages": ("relations", render_messages.header_relations_select()),
        "index_messages": ("ids", render_messages.message_ids_select()),
    }
