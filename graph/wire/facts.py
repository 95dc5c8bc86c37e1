"""The facts themselves as dicts: messages, operations, spans, positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from graph.model import (
    Copied,
    CopyKind,
    Message,
    Operation,
    OperationType,
    Position,
    Relation,
    Span,
    SpanContext,
)

Json = dict[str, Any]


def iso(time: int) -> str | None:
    """Nanoseconds since the Unix epoch as `2026-01-31T12:00:00.123456789Z`; None for 0."""
    if not time:
        return None
    seconds, nanos = divmod(time, 1_000_000_000)
    written = _second(seconds)
    return f"{written}.{nanos:09d}Z" if written else None


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    """A chain has thousands of times in few seconds. Empty beyond what a date can be."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def context_to_dict(context: SpanContext) -> Json:
    return {"trace_id": context.trace_id, "span_id": context.span_id}


def context_from_dict(data: Mapping[str, Any]) -> SpanContext:
    return SpanContext(data["trace_id"], data["span_id"])


def times(name: str, time: int) -> Json:
    return {f"{name}_ns": time, name: iso(time)}


def same(data: Mapping[str, Any], *names: str) -> Json:
    return {name: data[name] for name in names}


def plain(kind: type, *told_apart: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in told_apart)


_RELATION_PLAIN = plain(Relation, "target", "kind", "source")
_SPAN_PLAIN = plain(Span, "context", "start", "end")
_OPERATION_PLAIN = plain(Operation, "context", "type", "start", "end", "relations")
_COPIED_PLAIN = plain(Copied, "kind")
_MESSAGE_TEXTS = plain(
    Message,
    *("position", "time", "received", "contexts", "copied", "business"),
    *("headers", "value", "value_size"),
)


def position_to_dict(position: Position) -> Json:
    """`system`, `cluster`, `destination`, `incarnation`, `partition`, `offset` (a number)."""
    return position._asdict()


def position_from_dict(data: Mapping[str, Any]) -> Position:
    return Position(**same(data, *Position._fields))


def message_to_dict(message: Message, *, bodies: bool = True) -> Json:
    """A message; `headers` is a list of [name, value] in order, `value` null for a tombstone."""
    return {
        "position": position_to_dict(message.position),
        **times("time", message.time),
        **times("received", message.received),
        **{name: getattr(message, name) for name in _MESSAGE_TEXTS},
        "contexts": [context_to_dict(context) for context in message.contexts],
        "copied": _copied_to(message.copied) if message.copied else None,
        "business": [list(pair) for pair in message.business],
        "headers": [list(pair) for pair in message.headers] if bodies else None,
        "value": message.value if bodies else None,
        "value_size": message.value_size,
    }


def message_from_dict(data: Mapping[str, Any]) -> Message:
    return Message(
        position=position_from_dict(data["position"]),
        time=data["time_ns"],
        received=data["received_ns"],
        contexts=tuple(context_from_dict(context) for context in data["contexts"]),
        copied=_copied_from(data["copied"]) if data["copied"] else None,
        business=tuple((name, value) for name, value in data["business"]),
        headers=tuple((name, value) for name, value in data["headers"] or ()),
        **same(data, *_MESSAGE_TEXTS, "value", "value_size"),
    )


def _copied_to(copied: Copied) -> Json:
    return {"kind": copied.kind.value, **{name: getattr(copied, name) for name in _COPIED_PLAIN}}


def _copied_from(data: Mapping[str, Any]) -> Copied:
    return Copied(CopyKind(data["kind"]), **same(data, *_COPIED_PLAIN))


def operation_to_dict(operation: Operation) -> Json:
    """An operation, flat, with `trace_id`, `span_id` and its `relations` (who it points at)."""
    return {
        **context_to_dict(operation.context),
        "type": operation.type.value,
        **times("start", operation.start),
        **times("end", operation.end),
        **{name: getattr(operation, name) for name in _OPERATION_PLAIN},
        "relations": [_relation_to(relation) for relation in operation.relations],
    }


def operation_from_dict(data: Mapping[str, Any]) -> Operation:
    context = context_from_dict(data)
    return Operation(
        context=context,
        type=OperationType(data["type"]),
        start=data["start_ns"],
        end=data["end_ns"],
        relations=tuple(_relation_from(relation, context) for relation in data["relations"]),
        **same(data, *_OPERATION_PLAIN),
    )


def span_to_dict(span: Span) -> Json:
    """A light span: `trace_id`, `span_id`, `parent`, `name`, `kind`, `service`, times, `error`."""
    return {
        **context_to_dict(span.context),
        **times("start", span.start),
        **times("end", span.end),
        **{name: getattr(span, name) for name in _SPAN_PLAIN},
    }


def span_from_dict(data: Mapping[str, Any]) -> Span:
    return Span(
        context=context_from_dict(data),
        start=data["start_ns"],
        end=data["end_ns"],
        **same(data, *_SPAN_PLAIN),
    )


def _relation_to(relation: Relation) -> Json:
    return {
        "kind": relation.kind,
        **context_to_dict(relation.target),
        **{name: getattr(relation, name) for name in _RELATION_PLAIN},
    }


def _relation_from(data: Mapping[str, Any], source: SpanContext) -> Relation:
    return Relation(
        target=context_from_dict(data),
        kind=data["kind"],
        source=source,
        **same(data, *_RELATION_PLAIN),
    )
