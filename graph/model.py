"""What is known of a system that talks by events: the frozen facts that a chain is built from.

Times are integers, nanoseconds since the Unix epoch. Trace and span ids are lower-case hex,
32 and 16 characters long; an absent id is the empty string.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

MASKED = "***"
"""Stored in place of a header's value that must not be."""


class Evidence(StrEnum):
    """Why two things are joined, strongest first."""

    OBSERVED = "observed"
    """A span's parent or link, or a trace context carried by the message itself, says so."""
    DECLARED = "declared"
    """The producer says so in a header: a causation id."""
    MATCHED = "matched"
    """Both sides name the same position or message id."""
    INFERRED = "inferred"
    """Only a shared correlation id or key, and order in time, speak for it."""

    @property
    def rank(self) -> int:
        """0 is the surest; a join of a lower rank is never replaced by one of a higher."""
        return list(Evidence).index(self)


class OperationType(StrEnum):
    """OpenTelemetry's messaging operation types; `OTHER` is a span that says none."""

    CREATE = "create"
    SEND = "send"
    RECEIVE = "receive"
    PROCESS = "process"
    SETTLE = "settle"
    OTHER = ""

    @property
    def produces(self) -> bool:
        return self in (OperationType.CREATE, OperationType.SEND)

    @property
    def consumes(self) -> bool:
        return self in (OperationType.RECEIVE, OperationType.PROCESS)


class SpanContext(NamedTuple):
    """A span's address, as it is put into messages and links."""

    trace_id: str
    span_id: str


class Position(NamedTuple):
    """Where a message lies: unique for ever, also when a topic is deleted and created anew."""

    system: str
    cluster: str
    destination: str
    incarnation: str
    """The broker's id of this life of the destination (Kafka's topic id), or empty."""
    partition: str
    offset: int

    def __str__(self) -> str:
        return f"{self.destination}/{self.partition}/{self.offset}"


class IdKind(StrEnum):
    """What an id names. One value can be several of them."""

    MESSAGE = "message"
    """Message id, CloudEvents id."""
    CAUSATION = "causation"
    """The id of the message that caused the one that carries it."""
    CORRELATION = "correlation"
    """Shared by a group of messages: correlation id, conversation id."""
    KEY = "key"
    """Record key."""
    BUSINESS = "business"
    """An id of the business, as configured: written `order_id=123`, found by that or by `123`."""
    TRACE = "trace"
    SPAN = "span"
    POSITION = "position"


class CopyKind(StrEnum):
    """Why a message was put somewhere a second time."""

    RETRY = "retry"
    """To be tried again, by the consumer that failed."""
    DEAD_LETTER = "dead-letter"
    """Given up."""
    FORWARD = "forward"
    """Mirrored, audited, or handed on as it was."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy's headers say of its original, and of why it was copied; all as far as said."""

    kind: CopyKind
    destination: str = ""
    """Where the original lies; with `partition` and `offset` its position."""
    partition: str = ""
    offset: int | None = None
    message_id: str = ""
    """The original's, where the copy has one of its own."""
    consumer: str = ""
    """Who made the copy: a consumer group, an endpoint, a queue."""
    attempt: int | None = None
    """How often it had been tried by then."""
    error_type: str = ""
    """The exception's class, or the broker's word for the reason."""
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One record on a destination, as a tap saw it, with what its headers say."""

    position: Position
    time: int
    """The broker's or producer's timestamp."""
    received: int = 0
    """When the tap stored it."""
    environment: str = ""
    key: str = ""
    event_type: str = ""
    source: str = ""
    """Who says it produced this (CloudEvents source, a framework's endpoint header)."""
    message_id: str = ""
    causation_id: str = ""
    correlation_id: str = ""
    alias: str = ""
    """What its effects call it in their causation id, where that is not its message id; others
    may have the same."""
    contexts: tuple[SpanContext, ...] = ()
    """Every trace context in its headers, in order: the creation context is one of them."""
    profile: str = ""
    """The framework whose headers it carries, by its profile's name; empty for generic ones."""
    copied: Copied | None = None
    """What its headers say of the original, when it is a copy."""
    business: tuple[tuple[str, str], ...] = ()
    """Configured business ids: (name, value)."""
    headers: tuple[tuple[str, str], ...] = ()
    """In order, duplicates kept; values that are no UTF-8 are shown as `hex:...`."""
    value: str | None = None
    """None is a tombstone; cut at the configured size. No UTF-8 is shown as `hex:...`."""
    value_size: int = 0
    """Bytes on the broker, before any cut."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One way in which a span, or a message, points at a span context."""

    target: SpanContext
    """The context pointed at."""
    kind: str
    """`parent`, `link`, or `header` (a message that carries the context)."""
    source: SpanContext | Position
    """Who points: a span, or for `header` a message."""
    destination: str = ""
    partition: str = ""
    offset: int | None = None
    message_id: str = ""
    """The last four: the link's own attributes, absent when the link has none."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What one service did with one or more messages, as its span says it."""

    context: SpanContext
    type: OperationType
    service: str
    start: int
    end: int
    parent: str = ""
    """The parent's span id, in the same trace."""
    name: str = ""
    environment: str = ""
    instance: str = ""
    scope: str = ""
    kind: str = ""
    """`internal`, `server`, `client`, `producer`, `consumer`."""
    system: str = ""
    cluster: str = ""
    destination: str = ""
    partition: str = ""
    offset: int | None = None
    group: str = ""
    client_id: str = ""
    message_id: str = ""
    conversation_id: str = ""
    key: str = ""
    event_type: str = ""
    batch_count: int | None = None
    error: bool = False
    error_message: str = ""
    relations: tuple[Relation, ...] = field(default=(), compare=False)
    """Parent (when it is remote or may be a messaging span) and links of this span."""


@dataclass(frozen=True, slots=True)
class Span:
    """A light row of any span: enough to walk a trace from an effect up to its cause."""

    context: SpanContext
    parent: str
    name: str
    kind: str
    service: str
    start: int
    end: int
    error: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """Where an id was seen."""

    id: str
    """As it was written there, not normalised; a business id with its name, `order_id=123`."""
    kind: IdKind
    position: Position | None = None
    context: SpanContext | None = None
    """Exactly one of the two is set. Without a span id it is those operations of the trace that
    bear the id."""
    time: int = 0
    """When; told only of what is looked for between two times: of a trace the beginning of a minute
    in which one of these began."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a consumer group had got on a partition at a time."""

    cluster: str
    group: str
    destination: str
    partition: str
    committed: int
    """The next offset the group would read; -1 when it has committed none."""
    end: int
    """The partition's end offset at that time; lag is end - committed."""
    time: int
    incarnation: str = ""
    assumed: bool = False
    """The group had committed nothing by then; it is taken to have begun at the partition's
    earliest message, which a group that began at the end did not."""


@dataclass(frozen=True, slots=True)
class Passage:
    """How a consumer group came by one position, as far as its progress was observed.

    An observation is kept only when it says something new: until the next one nothing changed.
    """

    position: Position
    """As it was asked for."""
    group: str
    began: Progress
    """The first observation of the group on this partition."""
    latest: Progress
    before: Progress | None = None
    """The last observation of the group at or before the position; after `after` when its
    offset was set back."""
    after: Progress | None = None
    """The first observation of the group beyond the position."""
    moved: int = 0
    """When the group was first seen where it is now; 0 after its offset was set back."""
    absent: int = 0
    """When the broker was asked and the group had committed nothing yet; 0: never so."""
    rate: float | None = None
    """Messages that the group committed a second in the minutes before the newest observation
    of any group there; None when that is not known."""

    @property
    def waits(self) -> bool:
        """Whether the group has this message still to read."""
        return self.latest.committed <= self.position.offset

    @property
    def ahead(self) -> int:
        """Messages that the group has to read until it is beyond this one; 0 when it is."""
        return max(0, self.position.offset + 1 - max(0, self.latest.committed))
