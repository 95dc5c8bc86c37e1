"""Spans and records through the engine's own views, and what they were read as."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.trace.v1 import trace_pb2

from collector.store.client import Store
from tests import stores

Value = str | int | float | bool | bytes

PRODUCER, CONSUMER, CLIENT, INTERNAL = (
    trace_pb2.Span.SPAN_KIND_PRODUCER,
    trace_pb2.Span.SPAN_KIND_CONSUMER,
    trace_pb2.Span.SPAN_KIND_CLIENT,
    trace_pb2.Span.SPAN_KIND_INTERNAL,
)

_ids = itertools.count(1)


@dataclass(frozen=True)
class Told:
    """A span as an exporter sends it."""

    attributes: Mapping[str, Value] = field(default_factory=dict)
    kind: int = CONSUMER
    scope: str = ""
    resource: Mapping[str, Value] = field(default_factory=dict)
    links: Sequence[tuple[bytes, bytes, Mapping[str, Value]]] = ()
    flags: int = 0
    parent: bytes = b""
    name: str = ""
    failure: str | None = None
    """The message of its error status."""


def read_spans(store: Store, *told: Told) -> list[dict[str, Any] | None]:
    """The row of `operations` for each span, None where it was taken for no messaging span."""
    data = trace_pb2.TracesData()
    ids = []
    for one in told:
        resource = data.resource_spans.add()
        _fill(resource.resource.attributes, one.resource)
        scope = resource.scope_spans.add()
        scope.scope.name = one.scope
        number = next(_ids)
        ids.append(f"{number:016x}")
        span = scope.spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            parent_span_id=one.parent,
            name=one.name,
            kind=one.kind,
            flags=one.flags,
            start_time_unix_nano=time.time_ns(),
        )
        if one.failure is not None:
            span.status.code = trace_pb2.Status.STATUS_CODE_ERROR
            span.status.message = one.failure
        _fill(span.attributes, one.attributes)
        for trace_id, span_id, attributes in one.links:
            _fill(span.links.add(trace_id=trace_id, span_id=span_id).attributes, attributes)
    stores.put_spans(store, data.SerializeToString())
    rows = {row["span_id"]: row for row in _rows(store, "operations")}
    return [rows.get(span_id) for span_id in ids]


def read_span(store: Store, told: Told) -> dict[str, Any]:
    """The row of `operations` for one messaging span."""
    (row,) = read_spans(store, told)
    assert row is not None
    return row


def read_messages(
    store: Store,
    *headers: Sequence[tuple[str, str | bytes]],
    value: bytes | None = b"",
    event: bytes = b"",
    destination: str = "orders",
    table: str = "messages_in",
) -> list[dict[str, Any]]:
    """The rows of `messages` for records with these headers, in their order."""
    count = len(headers)
    names = [[name for name, _ in each] for each in headers]
    values = [[v if isinstance(v, bytes) else v.encode() for _, v in each] for each in headers]
    store.insert(
        table,
        {
            "received": [time.time_ns()] * count,
            "environment": [""] * count,
            "system": ["kafka"] * count,
            "cluster": ["c1"] * count,
            "destination": [destination] * count,
            "incarnation": ["i1"] * count,
            "partition": ["0"] * count,
            "offset": list(range(count)),
            "time": [1_700_000_000_000] * count,
            "key": [None] * count,
            "header_names": names,
            "header_values": values,
            "value": [value] * count,
            "value_size": [-1 if value is None else len(value)] * count,
            "event": [event] * count,
        },
    )
    rows = {row["offset"]: row for row in _rows(store, "messages")}
    return [rows[offset] for offset in range(count)]


def contexts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The contexts of a row of `messages`."""
    return [(one["trace_id"], one["span_id"]) for one in row["contexts"]]


def _rows(store: Store, table: str) -> list[dict[str, Any]]:
    with store.reading() as client:
        return list(client.query(f"SELECT * FROM {table}").named_results())


def _fill(attributes: Any, told: Mapping[str, Value]) -> None:
    for name, value in told.items():
        one = attributes.add(key=name).value
        if isinstance(value, bool):
            one.bool_value = value
        elif isinstance(value, int):
            one.int_value = value
        elif isinstance(value, float):
            one.double_value = value
        elif isinstance(value, bytes):
            one.bytes_value = value
        else:
            one.string_value = value
