"""A chain as data: events, their deliveries, and which event led to which, each with evidence.

Times are nanoseconds since the Unix epoch, delays nanoseconds; both are as the clocks said it,
so a delay can be negative (clock skew) and is never corrected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from graph.model import Evidence, IdKind, Message, Operation, Position, Span, SpanContext

if TYPE_CHECKING:
    from graph.chain.explanation import Explanation
    from graph.gaps import Gap

T = TypeVar("T")


class Creation(NamedTuple):
    """Names an event that no tap saw: the context it was created with, and where it went.

    The span may be the producer's, or one that was never exported; an event that is known
    only from one consumer has that consumer's span here.
    """

    context: SpanContext
    destination: str = ""

    def __str__(self) -> str:
        return f"{self.context.trace_id}/{self.context.span_id}"


EventKey = Position | Creation
"""Names one event. A tapped event goes by its first position, others by their creation."""


class Via(StrEnum):
    """What a join was read from."""

    SPAN = "span"
    """The span itself: it is the producing operation of the event."""
    LINK = "link"
    PARENT = "parent"
    """The span's parent, or its nearest messaging ancestor."""
    HEADER = "header"
    """A trace context in the message's headers."""
    POSITION = "position"
    MESSAGE_ID = "message id"
    CAUSATION_ID = "causation id"
    CORRELATION_ID = "correlation id"
    BUSINESS_ID = "business id"
    KEY = "key"
    """The record key."""
    SOURCE = "source header"
    """A header that names the producer."""


class Stop(StrEnum):
    """Which limit ended an expansion."""

    EVENTS = "events"
    DEPTH = "depth"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an expansion goes."""

    events: int = 20_000
    depth: int = 200
    """Generations away from the start, in either direction."""
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Start:
    """Where a chain begins: any spans and positions of the events asked for.

    A context with an empty span id stands for all messaging operations of its trace; with an
    id, for those that bear it.
    """

    contexts: tuple[SpanContext, ...] = ()
    positions: tuple[Position, ...] = ()
    id: tuple[IdKind, str] | None = None
    """As `graph.chain.names.normal` has it."""


class NoEvent(LookupError):
    """Nothing that is known of the start is an event."""


@dataclass(frozen=True, slots=True)
class Join:
    """Why one operation belongs to an event."""

    operation: SpanContext
    evidence: Evidence
    via: Via
    candidates: int = 1
    """Events that fit equally well, this one included; more than 1 is an honest "one of n"."""


@dataclass(frozen=True, slots=True)
class Event:
    """One logical thing that happened: a message with its operations and its copies."""

    key: EventKey
    time: int
    """When it was produced: its first producing operation's start, else the message's time,
    else the start of the first operation that consumed it."""
    destination: str = ""
    system: str = ""
    cluster: str = ""
    environment: str = ""
    event_type: str = ""
    service: str = ""
    """Who produced it; empty when nothing says so."""
    service_evidence: Evidence | None = None
    """`observed` when a span says who produced it, `declared` when only a header does."""
    message_id: str = ""
    correlation_id: str = ""
    causation_id: str = ""
    record_key: str = ""
    messages: tuple[Message, ...] = ()
    """As tapped: the original first, then its copies. Empty: known from spans only."""
    positions: tuple[Position, ...] = ()
    """Where it lies: its messages' positions, and those that only spans name."""
    contexts: tuple[SpanContext, ...] = ()
    """Creation contexts: of its producing operations and in its messages' headers."""
    operations: tuple[Operation, ...] = ()
    """Its create and send operations. Empty: known from headers or consumers only."""
    joins: tuple[Join, ...] = ()
    """Why, one for each of `operations`, in the same order."""
    batch: int = 1
    """Events that share its producing operation; more than 1 for a batch that was sent by
    one span."""

    @property
    def error(self) -> bool:
        """Whether producing it failed."""
        return any(operation.error for operation in self.operations)

    @property
    def title(self) -> str:
        """What to call it: its type, else its destination, else its name."""
        return self.event_type or self.destination or str(self.key)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that a consumer tried to handle an event."""

    start: int
    end: int
    error: bool = False
    error_message: str = ""
    operations: tuple[SpanContext, ...] = ()
    """The process operations (outermost first), or the receive operations where none is."""
    position: Position | None = None
    """Where the event lay that was tried: a retry topic's, or the first; None if unsure."""


class DeliveryKey(NamedTuple):
    """Names one event at one consumer."""

    event: EventKey
    service: str
    group: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event at one consumer: its receive, process and settle operations."""

    event: EventKey
    service: str
    group: str = ""
    start: int = 0
    end: int = 0
    operations: tuple[Operation, ...] = ()
    """By start. Empty when the service picked the message's context up without a span."""
    joins: tuple[Join, ...] = ()
    """Why, one for each of `operations`, in the same order."""
    attempts: tuple[Attempt, ...] = ()
    evidence: Evidence = Evidence.OBSERVED
    """The surest of its joins."""

    @property
    def key(self) -> DeliveryKey:
        return DeliveryKey(self.event, self.service, self.group)

    @property
    def error(self) -> bool:
        """Whether the last attempt failed."""
        return bool(self.attempts) and self.attempts[-1].error

    @property
    def error_message(self) -> str:
        return self.attempts[-1].error_message if self.attempts else ""


@dataclass(frozen=True, slots=True)
class Cause:
    """One event's delivery led a service to produce another event."""

    cause: EventKey
    effect: EventKey
    evidence: Evidence
    """That of the weakest step between the two."""
    via: Via
    service: str = ""
    """The consumer of the cause; with `group` it names the delivery."""
    group: str = ""
    way: tuple[Span, ...] = ()
    """Spans that lie between the consuming and the producing operation, from the cause on:
    internal ones, and calls to other services."""
    delay: int = 0
    """From the delivery's start (else the cause's time) to the effect's time."""
    candidates: int = 1
    """Causes that fit equally well, this one included. A batch that fans in has several
    causes and each of them is certain: that is 1."""

    @property
    def delivery(self) -> DeliveryKey:
        return DeliveryKey(self.cause, self.service, self.group)


@dataclass(frozen=True)
class Chain:
    """What is reachable from one event: up to its causes and down to its effects.

    A graph, not a tree: several causes for one event, several roots, and loops are normal.
    """

    focus: EventKey
    """The event asked for; the earliest of several."""
    starts: tuple[EventKey, ...]
    """All events asked for: several for a trace id or a correlation id."""
    events: tuple[Event, ...]
    """By time, then by key."""
    deliveries: tuple[Delivery, ...] = ()
    """By event in the order of `events`, then by start."""
    causes: tuple[Cause, ...] = ()
    """By effect in the order of `events`, then by cause."""
    related: tuple[EventKey, ...] = ()
    """Events that share only a correlation id with those asked for: nothing says what led to
    them, and nothing joins them to the start."""
    stopped: Stop | None = None
    """The limit that ended the expansion; None means that the chain is whole."""
    covered_from: int = 0
    """What was received before this has left the store; 0: nothing has."""
    gaps: tuple[Gap, ...] = ()
    """What taps missed, where events of this chain lie of which no message is known."""
    explanations: tuple[Explanation, ...] = ()
    """Why each event is joined as it is, in the order of `events`; only when asked for."""

    def event(self, key: EventKey) -> Event:
        """Raises KeyError when the chain has no such event."""
        return self._events[key]

    def __contains__(self, key: EventKey) -> bool:
        return key in self._events

    def deliveries_of(self, key: EventKey) -> tuple[Delivery, ...]:
        return self._deliveries.get(key, ())

    def causes_of(self, key: EventKey) -> tuple[Cause, ...]:
        """The joins that lead to this event."""
        return self._to.get(key, ())

    def effects_of(self, key: EventKey) -> tuple[Cause, ...]:
        """The joins that lead on from this event."""
        return self._from.get(key, ())

    @cached_property
    def services(self) -> tuple[str, ...]:
        """Everyone who produced or consumed, by name."""
        named = {event.service for event in self.events}
        named.update(delivery.service for delivery in self.deliveries)
        return tuple(sorted(named - {""}))

    @cached_property
    def roots(self) -> tuple[EventKey, ...]:
        """Events without a cause in the chain, by time; a chain that only loops has none."""
        return tuple(event.key for event in self.events if event.key not in self._to)

    @cached_property
    def _events(self) -> dict[EventKey, Event]:
        return {event.key: event for event in self.events}

    @cached_property
    def _deliveries(self) -> dict[EventKey, tuple[Delivery, ...]]:
        return _grouped((delivery.event, delivery) for delivery in self.deliveries)

    @cached_property
    def _to(self) -> dict[EventKey, tuple[Cause, ...]]:
        return _grouped((cause.effect, cause) for cause in self.causes)

    @cached_property
    def _from(self) -> dict[EventKey, tuple[Cause, ...]]:
        return _grouped((cause.cause, cause) for cause in self.causes)


def _grouped(pairs: Iterable[tuple[EventKey, T]]) -> dict[EventKey, tuple[T, ...]]:
    lists: dict[EventKey, list[T]] = {}
    for key, value in pairs:
        lists.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in lists.items()}
