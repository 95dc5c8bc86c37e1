"""Of several events that a span may be about, those that agree with what else it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graph.chain.identity import Identity
from graph.chain.names import fits, normal_id, same_destination
from graph.chain.result import Creation, EventKey
from graph.model import Operation, Position, Relation


def fitting(
    identity: Identity,
    operation: Operation,
    relation: Relation,
    keys: Sequence[EventKey],
    at: Position | None,
) -> list[EventKey]:
    """The keys that agree with position, partition, message id and key, as far as any does."""
    left = list(keys)
    for agrees in _checks(identity, operation, relation, at):
        if len(left) > 1:
            left = [key for key in left if agrees(key)] or left
    return left


def is_named(
    identity: Identity,
    operation: Operation,
    relation: Relation,
    key: EventKey,
    at: Position | None,
) -> bool:
    """Whether the operation names this event by position, message id or record key."""
    message_id = normal_id(relation.message_id or operation.message_id)
    return (
        (at is not None and lies_at(identity, key, at))
        or (message_id != "" and message_id in ids_of_event(identity, key))
        or (
            operation.key != ""
            and any(message.key == operation.key for message in identity.messages(key))
        )
    )


def _checks(
    identity: Identity, operation: Operation, relation: Relation, at: Position | None
) -> list[Callable[[EventKey], bool]]:
    checks: list[Callable[[EventKey], bool]] = []
    partition = relation.partition or operation.partition
    message_id = normal_id(relation.message_id or operation.message_id)
    if at:
        checks.append(lambda key: lies_at(identity, key, at))
    if partition:
        checks.append(lambda key: any(p.partition == partition for p in identity.positions(key)))
    if message_id:
        checks.append(lambda key: message_id in ids_of_event(identity, key))
    if operation.key:
        checks.append(lambda key: any(m.key == operation.key for m in identity.messages(key)))
    return checks


def lies_at(identity: Identity, key: EventKey, at: Position) -> bool:
    """Whether the event, or a copy of it, can lie at this position."""
    return any(fits(at, position) for position in identity.positions(key))


def ids_of_event(identity: Identity, key: EventKey) -> set[str]:
    """Message ids of its messages and producing spans, normalised."""
    texts = {message.message_id for message in identity.messages(key)}
    texts.update(operation.message_id for operation, _ in identity.producers(key))
    return {normal_id(text) for text in texts if text}


def may_consume(identity: Identity, operation: Operation, key: EventKey) -> bool:
    """Whether the event lies where the operation says that it consumed."""
    places = [(position.destination, position.system) for position in identity.positions(key)]
    if isinstance(key, Creation):
        sent = identity.known.operations.get(key.context)
        places.append((key.destination, sent.system if sent else ""))
    return any(
        same_destination(destination, operation.destination, system, operation.system)
        for destination, system in places
    )
