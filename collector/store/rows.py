"""Rows of the store's tables as the model's records, and the column lists that yield them.

The columns are asked for raw and as they are (`Store.query`): to plan a statement costs the engine
more than to answer it, and each expression in it a good part of that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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


def text(value: bytes) -> str:
    """What is no UTF-8 is shown as hex."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"hex:{value.hex()}"


def prose(value: bytes) -> str:
    """For people: a run of what is no UTF-8 becomes a replacement character."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return re.sub("\ufffd+", "\ufffd", value.decode("utf-8", "replace"))


POSITION = "system, cluster, destination, incarnation, partition"

OPERATION_COLUMNS = (
    "trace_id, span_id, type, service, start, duration, parent_span_id, name, environment, "
    "instance, scope, kind, system, cluster, destination, partition, offset, consumer_group, "
    "client_id, message_id, event_id, conversation_id, key, event_type, batch_count, error, "
    "error_message, links"
)

OPERATION_KEY = slice(0, 2)
"""The columns that tell rows apart; here trace and span."""


def operation(row: Sequence[Any]) -> Operation:
    trace_id = text(row[0])
    context = SpanContext(trace_id, text(row[1]))
    parent = text(row[6])
    relations = [Relation(SpanContext(trace_id, parent), "parent", context)] if parent else []
    relations += [
        Relation(
            SpanContext(text(trace), text(span)),
            "link",
            context,
            text(destination),
            text(partition),
            offset,
            text(message_id),
        )
        for trace, span, destination, partition, offset, message_id in row[27]
    ]
    return Operation(
        context=context,
        type=OperationType(text(row[2])),
        service=text(row[3]),
        start=row[4],
        end=row[4] + row[5],
        parent=parent,
        name=prose(row[7]),
        environment=text(row[8]),
        instance=text(row[9]),
        scope=text(row[10]),
        kind=text(row[11]).lower(),
        system=text(row[12]),
        cluster=text(row[13]),
        destination=prose(row[14]),
        partition=text(row[15]),
        offset=row[16],
        group=text(row[17]),
        client_id=text(row[18]),
        message_id=text(row[19]) or text(row[20]),
        conversation_id=text(row[21]),
        key=text(row[22]),
        event_type=text(row[23]),
        batch_count=row[24],
        error=row[25],
        error_message=prose(row[26]),
        relations=tuple(relations),
    )


RELATION_COLUMNS = (
    f"target_trace_id, target_span_id, kind, trace_id, span_id, {POSITION}, offset, message_id"
)
RELATION_KEY = slice(0, 11)


def relation(row: Sequence[Any]) -> Relation:
    target = SpanContext(text(row[0]), text(row[1]))
    kind = text(row[2])
    if kind == "header":
        return Relation(target, kind, _position(row[5:11]))
    return Relation(
        target,
        kind,
        SpanContext(text(row[3]), text(row[4])),
        text(row[7]),
        text(row[9]),
        row[10],
        text(row[11]),
    )


SPAN_COLUMNS = (
    "TraceId, SpanId, SpanKind, ParentSpanId, SpanName, ServiceName, Timestamp, Duration, "
    "StatusCode"
)
SPAN_KEY = slice(0, 3)


def span(row: Sequence[Any]) -> Span:
    return Span(
        SpanContext(text(row[0]), text(row[1])),
        text(row[3]),
        prose(row[4]),
        text(row[2]).lower(),
        text(row[5]),
        row[6],
        row[6] + row[7],
        row[8] == b"Error",
    )


_NUMBERS = ("offset", "attempt")

MESSAGE_COLUMNS = (
    f"{POSITION}, offset, copied.kind, time, received, environment, key, event_type, source, "
    "message_id, causation_id, correlation_id, contexts, profile, business, headers, value, "
    "value_size, alias"
)
"""What a copy says besides its kind is in `COPY_COLUMNS`: few messages are copies, and nine more
columns take half as long again."""

MESSAGE_KEY = slice(0, 6)
MILLISECOND = 1_000_000


def position(row: Sequence[Any]) -> Position:
    """Where a message lies; its columns begin with that."""
    return _position(row[MESSAGE_KEY])


def is_copy(row: Sequence[Any]) -> bool:
    """Whether what a message's row says of a copy is not all."""
    return bool(row[6])


def message(row: Sequence[Any], copies: Mapping[Position, Copied]) -> Message:
    """With what a copy says, by its position."""
    here = position(row)
    tombstone = row[21] < 0
    return Message(
        position=here,
        time=row[7] * MILLISECOND,
        received=row[8],
        environment=text(row[9]),
        key=text(row[10]),
        event_type=text(row[11]),
        source=text(row[12]),
        message_id=text(row[13]),
        causation_id=text(row[14]),
        correlation_id=text(row[15]),
        contexts=tuple(SpanContext(text(trace), text(span)) for trace, span in row[16]),
        profile=text(row[17]),
        copied=copies.get(here),
        business=tuple((text(name), text(value)) for name, value in row[18]),
        headers=tuple((text(name), text(value)) for name, value in row[19]),
        value=None if tombstone else text(row[20]),
        value_size=max(0, row[21]),
        alias=text(row[22]),
    )


COPY_COLUMNS = ", ".join((POSITION, "offset", *(f"copied.{name}" for name in ("kind", *COLUMNS))))


def copied(row: Sequence[Any]) -> Copied:
    said: dict[str, Any] = {
        name: value if name in _NUMBERS else prose(value)
        for name, value in zip(COLUMNS, row[7:], strict=True)
    }
    return Copied(CopyKind(text(row[6])), **said)


LOCATION_COLUMNS = f"written, kind, trace_id, span_id, {POSITION}, offset, id"
LOCATION_KEY = slice(0, 11)
LOCATION_ID = 10
SEEN_COLUMNS = f"{LOCATION_COLUMNS}, time"
SEEN_KEY = slice(0, 12)

_UNDASHED = re.compile("([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")


def location(row: Sequence[Any]) -> Location:
    """Without its time, unless that comes after the others."""
    in_span = bool(row[2])
    return Location(
        id=text(row[0]) or written(text(row[LOCATION_ID])),
        kind=IdKind(text(row[1])),
        position=None if in_span else _position(row[4:10]),
        context=SpanContext(text(row[2]), text(row[3])) if in_span else None,
        time=row[11] if len(row) > 11 else 0,
    )


def written(normal: str) -> str:
    """How an id was written of which only the normal form is stored: so, or as a UUID."""
    found = _UNDASHED.fullmatch(normal)
    return "-".join(found.groups()) if found else normal


CONTEXT_COLUMNS = "trace_id, span_id"


def here(named: str, row: Sequence[Any], kind: IdKind) -> Location:
    """An operation that a text names."""
    return Location(named, kind, context=SpanContext(text(row[0]), text(row[1])))


def _position(row: Sequence[Any]) -> Position:
    system, cluster, destination, incarnation, partition, offset = row
    return Position(
        text(system), text(cluster), text(destination), text(incarnation), text(partition), offset
    )
