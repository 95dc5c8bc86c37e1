"""Rows of the store's tables as the model's records, and the column lists that yield them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector.conventions.copies import COLUMNS
from graph.model import (
    Copied,
    CopyKind,
    IdKind,
    Location,
    Message,
    Operation,
    OperationType,
    Position,
    Relation,
    Span,
    SpanContext,
)


def readable(column: str) -> str:
    """Bytes as text; what is no UTF-8 is shown as hex."""
    return f"if(isValidUTF8({column}), {column}, concat('hex:', lower(hex({column}))))"


def nanoseconds(column: str) -> str:
    return f"toUnixTimestamp64Nano(toDateTime64({column}, 9))"


POSITION = "system, cluster, destination, incarnation, partition"

OPERATION_COLUMNS = (
    f"trace_id, span_id, type, service, {nanoseconds('start')}, duration, parent_span_id, "
    "toValidUTF8(name), environment, instance, scope, lower(kind), system, cluster, "
    "toValidUTF8(destination), partition, offset, consumer_group, client_id, "
    f"{readable('message_id')}, event_id, {readable('conversation_id')}, {readable('key')}, "
    "event_type, batch_count, error, toValidUTF8(error_message), links"
)


def operation(row: Sequence[Any]) -> Operation:
    context = SpanContext(row[0], row[1])
    parent: str = row[6]
    relations = [Relation(SpanContext(row[0], parent), "parent", context)] if parent else []
    relations += [
        Relation(
            SpanContext(link["trace_id"], link["span_id"]),
            "link",
            context,
            link["destination"],
            link["partition"],
            link["offset"],
            link["message_id"],
        )
        for link in row[27]
    ]
    return Operation(
        context=context,
        type=OperationType(row[2]),
        service=row[3],
        start=row[4],
        end=row[4] + row[5],
        parent=parent,
        name=row[7],
        environment=row[8],
        instance=row[9],
        scope=row[10],
        kind=row[11],
        system=row[12],
        cluster=row[13],
        destination=row[14],
        partition=row[15],
        offset=row[16],
        group=row[17],
        client_id=row[18],
        message_id=row[19] or row[20],
        conversation_id=row[21],
        key=row[22],
        event_type=row[23],
        batch_count=row[24],
        error=row[25],
        error_message=row[26],
        relations=tuple(relations),
    )


RELATION_COLUMNS = (
    f"target_trace_id, target_span_id, kind, trace_id, span_id, {POSITION}, offset, message_id"
)


def relation(row: Sequence[Any]) -> Relation:
    target = SpanContext(row[0], row[1])
    if row[2] == "header":
        return Relation(target, "header", Position(*row[5:11]))
    return Relation(target, row[2], SpanContext(row[3], row[4]), row[7], row[9], row[10], row[11])


SPAN_COLUMNS = (
    "TraceId, SpanId, ParentSpanId, toValidUTF8(SpanName), lower(SpanKind), ServiceName, "
    f"{nanoseconds('Timestamp')}, Duration, StatusCode = 'Error'"
)


def span(row: Sequence[Any]) -> Span:
    return Span(
        SpanContext(row[0], row[1]),
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        row[6] + row[7],
        bool(row[8]),
    )


COPIED = "copied.kind, " + ", ".join(
    f"copied.{name}" if name in ("offset", "attempt") else f"toValidUTF8(copied.{name})"
    for name in COLUMNS
)

MESSAGE_COLUMNS = (
    f"{POSITION}, offset, {nanoseconds('time')}, {nanoseconds('received')}, environment, "
    f"{readable('key')}, event_type, source, {readable('message_id')}, {readable('causation_id')}, "
    f"{readable('correlation_id')}, contexts, profile, {COPIED}, "
    f"arrayMap(b -> (b.1, {readable('b.2')}), business) AS shown_business, "
    f"arrayMap(h -> (h.1, {readable('h.2')}), headers) AS shown_headers, "
    f"{readable('value')}, value_size"
)


def message(row: Sequence[Any]) -> Message:
    tombstone = row[29] < 0
    return Message(
        position=Position(*row[0:6]),
        time=row[6],
        received=row[7],
        environment=row[8],
        key=row[9],
        event_type=row[10],
        source=row[11],
        message_id=row[12],
        causation_id=row[13],
        correlation_id=row[14],
        contexts=tuple(SpanContext(c["trace_id"], c["span_id"]) for c in row[15]),
        profile=row[16],
        copied=Copied(CopyKind(row[17]), **dict(zip(COLUMNS, row[18:26], strict=True)))
        if row[17]
        else None,
        business=tuple((name, value) for name, value in row[26]),
        headers=tuple((name, value) for name, value in row[27]),
        value=None if tombstone else row[28],
        value_size=max(0, row[29]),
    )


LOCATION_COLUMNS = (
    f"{readable('written')}, kind, trace_id, span_id, {POSITION}, offset, {nanoseconds('time')}, "
    "event_type, service"
)


def location(row: Sequence[Any]) -> Location:
    in_span = bool(row[2])
    return Location(
        id=row[0],
        kind=IdKind(row[1]),
        position=None if in_span else Position(*row[4:10]),
        context=SpanContext(row[2], row[3]) if in_span else None,
        time=row[10],
        destination=row[6],
        event_type=row[11],
        service=row[12],
    )
