"""Why an event of a chain is joined as it is, and why it is not joined where nothing was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graph.chain.result import EventKey, Via
from graph.model import Evidence, SpanContext


class Reason(StrEnum):
    """Why a way found nothing, or was not taken. A sentence; what it is about follows it."""

    # Spans
    NO_SPAN = "no producing span of it was seen"
    NO_LINKS = "the span has no links"
    LINK_UNSEEN = "it links to a span that was never exported"
    LINK_ELSEWHERE = "its links lead to no such event"
    NO_PARENT = "the span is the first of its trace"
    PARENT_UNSEEN = "a span above it was never exported"
    PARENT_ELSEWHERE = "no message's context is above it; its trace begins with"
    NO_CONSUMER_ABOVE = "nothing above it handles a message; its trace begins with"
    CONSUMER_SILENT = "a consuming span is above it that does not say what it handled"

    # Headers
    NOT_TAPPED = "no tap saw its message"
    NO_CONTEXT = "its headers carry no trace context"
    OWN_CONTEXT = "its headers carry only the context it was produced with"
    CONTEXT_UNSEEN = "its headers carry the context of a span that was never exported"
    CONTEXT_ELSEWHERE = "the context in its headers leads to no other event"
    CONTEXT_HANDED_ON = "the context in its headers is of a span that did not produce it"
    NO_SOURCE = "its headers name no source"

    # Ids and positions
    NO_POSITION = "the span names no offset"
    POSITION_UNNAMED = "no producing span names where it lies"
    NO_MESSAGE_ID = "no message id is named"
    MESSAGE_ID_UNSEEN = "nothing with that message id was seen there"
    MESSAGE_ID_UNNAMED = "no producing span names its message id"
    NO_CAUSATION_ID = "its headers name no causation id"
    CAUSATION_UNSEEN = "no message or span with that id was seen"
    CAUSATION_ITSELF = "it names itself"
    CAUSATION_ELSEWHERE = "what has that id is of another cluster or environment"

    # What others share
    NO_PRODUCER = "nothing says which service produced it"
    REQUEST = "its trace begins with a call from outside"
    NO_ID = "it has none"
    NOT_LOOKED_FOR = "not looked for: the event is only shown beside an effect"
    TOO_COMMON = "too many events share it"
    ALONE = "no other event has it"
    ALONE_NEAR = "no other event has it near that time"
    NOT_GIVEN = "no other event with it is known to have been given before to"
    CONTRADICTED = "earlier flows have the candidates after it"

    # Consumers
    POLL = "a receive that names no message, as likely as not an empty poll"
    NOBODY = "no consuming span points at it, or names its position or message id"
    ONLY_BROKER = "known from the broker only; their spans, if any, do not point at it"

    # What found something, and was not taken
    LESS_SURE = "another way is surer"
    SAME = "it says the same"
    NARROWED = "the causation id tells which one"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a way has found."""

    name: str
    """An event's id, a span's `trace id/span id`, or a service."""
    evidence: Evidence
    candidates: int = 1
    """Things that fit equally well, this one included."""
    chosen: bool = True
    note: str = ""
    """What a span is; of a candidate, what earlier flows say of it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One way that was tried."""

    via: Via
    found: tuple[Finding, ...] = ()
    reason: Reason | None = None
    """Why it found nothing, or why what it found was not taken."""
    subject: str = ""
    """What the reason is about: a span, an id, a service, a trace's first span."""


@dataclass(frozen=True, slots=True)
class Handled:
    """Why a consuming span is about the event."""

    operation: SpanContext
    service: str
    group: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The ways that were tried for one event, in their order; after a sure one no more are."""

    event: EventKey
    producer: tuple[Trial, ...]
    """Towards the spans or the service that produced it."""
    causes: tuple[Trial, ...]
    """Towards the events that led to it."""
    deliveries: tuple[Handled, ...] = ()
    """From its consumers' spans to it."""
    undelivered: Reason | None = None
    """Why it has no delivery that spans tell of."""
    subject: str = ""
    """Who reads there, as far as the broker knows."""
