"""Copies of an event that consumers made: to be tried again, or because they gave up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graph.chain.result import Event
from graph.fate.consumers import Subscriber
from graph.model import Copied, CopyKind, Evidence, Message, Position

_DEAD = re.compile(r"(?i)(?:^|[^a-z])(?:dlt|dlq|dead[^a-z]?letters?|error)(?:$|[^a-z])")
_RETRY = re.compile(r"(?i)(?:^|[^a-z])retry(?:$|[^a-z])")


def is_called_dead_letter(destination: str) -> bool:
    """Whether a destination is called as those for dead letters are."""
    return _DEAD.search(destination) is not None


@dataclass(frozen=True, slots=True)
class Copy:
    """The event at another position, to be tried again or given up there."""

    kind: CopyKind
    position: Position
    evidence: Evidence
    """That it is such a copy: `declared` by its headers, or `inferred` from the name of where it
    lies."""
    time: int = 0
    said: Copied | None = None

    @property
    def reason(self) -> str:
        """Why it was copied, as far as its headers say."""
        if self.said is None:
            return ""
        return ": ".join(filter(None, (self.said.error_type, self.said.error_message)))


def copies_of(event: Event) -> tuple[Copy, ...]:
    """Retries and dead letters of an event, in the order of its positions."""
    messages = {message.position: message for message in event.messages}
    found = (
        _copy(position, messages.get(position), event.destination) for position in event.positions
    )
    return tuple(one for one in found if one is not None)


def _copy(position: Position, message: Message | None, original: str) -> Copy | None:
    time = message.time if message else 0
    said = message.copied if message else None
    if said is not None:
        if said.kind is CopyKind.FORWARD:
            return None
        return Copy(said.kind, position, Evidence.DECLARED, time, said)
    if position.destination == original:
        return None
    # The name decides only beside an original: a topic may well be called so and be the first.
    if is_called_dead_letter(position.destination):
        return Copy(CopyKind.DEAD_LETTER, position, Evidence.INFERRED, time)
    if _RETRY.search(position.destination):
        return Copy(CopyKind.RETRY, position, Evidence.INFERRED, time)
    return None


@dataclass(frozen=True, slots=True)
class Made:
    """A copy, and why it is taken to be of one consumer's making."""

    copy: Copy
    evidence: Evidence
    """That it is a copy, and this consumer's: the weaker of the two."""


def makers(
    event: Event, copies: Sequence[Copy], consumers: Sequence[Subscriber]
) -> tuple[dict[int, list[Made]], list[Copy]]:
    """Copies by the index of the consumer that made them, and those that nothing assigns."""
    made: dict[int, list[Made]] = {}
    left: list[Copy] = []
    for copy in copies:
        found = _maker(event, copy, consumers)
        if found is None:
            left.append(copy)
            continue
        index, evidence = found
        weaker = max(copy.evidence, evidence, key=lambda one: one.rank)
        made.setdefault(index, []).append(Made(copy, weaker))
    return made, left


def _maker(
    event: Event, copy: Copy, consumers: Sequence[Subscriber]
) -> tuple[int, Evidence] | None:
    if copy.said is not None and copy.said.consumer:
        name = copy.said.consumer.casefold()
        named = [index for index, one in enumerate(consumers) if name in one.names]
        if len(named) == 1:
            return named[0], Evidence.DECLARED
    senders = {
        operation.service.casefold()
        for operation in event.operations
        if operation.destination == copy.position.destination
    }
    sending = [index for index, one in enumerate(consumers) if senders & one.names]
    if len(sending) == 1:
        return sending[0], Evidence.OBSERVED
    failed = [
        index
        for index, one in enumerate(consumers)
        if any(attempt.error for delivery in one.deliveries for attempt in delivery.attempts)
    ]
    reading = [
        index
        for index, one in enumerate(consumers)
        if {passage.position for passage in one.passages} >= {event.positions[0], copy.position}
    ]
    for candidates in (failed, reading, range(len(consumers))):
        if len(candidates) == 1:
            return candidates[0], Evidence.INFERRED
    return None
