"""Which messages with one id are one event: retry topics, dead letters, mirrors.

A copy is the same event at a new position, not a new event.
"""

from __future__ import annotations

from collections import defaultdict

from graph.chain.names import may_be_same
from graph.model import Message, Position

SAME_ID_LIMIT = 50
"""Messages with one id that are compared for being copies; an id that so many share is none."""


def same_events(messages: list[Message]) -> dict[Position, tuple[Position, ...]]:
    """Messages of one id, by position: the positions of the same event, the original first."""
    if not 1 < len(messages) <= SAME_ID_LIMIT:
        return {message.position: (message.position,) for message in messages}
    messages.sort(key=lambda message: (message.time, message.position))
    repeated = len({message.position[:4] for message in messages}) < len(messages)
    group = {message.position: index for index, message in enumerate(messages)}
    for index, message in enumerate(messages):
        for other in messages[:index]:
            if group[message.position] != group[other.position] and _is_copy(
                message, other, repeated
            ):
                old, new = group[message.position], group[other.position]
                for position, number in group.items():
                    if number == old:
                        group[position] = new
    members: dict[int, list[Position]] = defaultdict(list)
    for message in messages:
        members[group[message.position]].append(message.position)
    return {message.position: tuple(members[group[message.position]]) for message in messages}


def _is_copy(one: Message, other: Message, repeated: bool) -> bool:
    """Whether two messages of one id, at different destinations, are one event.

    They are when they share a trace context. Where none can be compared, or the copy was sent
    with a new one, source and type have to agree as far as both are given, and the id must not
    have been sent twice to one destination.
    """
    if one.position.destination == other.position.destination:
        return False
    if not may_be_same(one.environment, other.environment):
        return False
    if set(one.contexts) & set(other.contexts):
        return True
    if repeated or not may_be_same(one.position.cluster, other.position.cluster):
        return False
    if one.contexts and other.contexts:
        same_source = one.source == other.source and one.source != ""
        return same_source and one.event_type == other.event_type
    return may_be_same(one.source, other.source) and may_be_same(one.event_type, other.event_type)
