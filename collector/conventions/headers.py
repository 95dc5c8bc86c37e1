"""What message headers call things: trace contexts, CloudEvents, and plain names.

Header names compare without case. Every trace context is kept, in order, because frameworks
disagree about which of two they read. Sources: W3C Trace Context, B3 propagation, the
CloudEvents Kafka, AMQP and NATS bindings.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A column of `messages` and the headers that fill it, in order of trust."""

    column: str
    headers: tuple[str, ...]
    """Lower case. The first header that is present and not empty wins."""
    attribute: str = ""
    """The CloudEvents attribute that fills it in structured mode, before the headers."""


def _cloud_event(attribute: str) -> tuple[str, ...]:
    """The attribute's header in each binary binding."""
    return tuple(
        f"{prefix}{attribute}" for prefix in ("ce_", "ce-", "cloudevents:", "cloudevents_")
    )


FIELDS: tuple[HeaderField, ...] = (
    HeaderField(
        "message_id",
        (*_cloud_event("id"), "message-id", "message_id", "messageid", "x-message-id"),
        "id",
    ),
    HeaderField(
        "event_type",
        (*_cloud_event("type"), "event-type", "event_type", "eventtype", "message-type", "type"),
        "type",
    ),
    HeaderField("source", (*_cloud_event("source"), "source"), "source"),
    HeaderField(
        "causation_id",
        (
            *_cloud_event("causationid"),
            "causation-id",
            "causation_id",
            "causationid",
            "x-causation-id",
        ),
        "causationid",
    ),
    HeaderField(
        "correlation_id",
        (
            *_cloud_event("correlationid"),
            "correlation-id",
            "correlation_id",
            "correlationid",
            "x-correlation-id",
            "conversation-id",
            "conversation_id",
        ),
        "correlationid",
    ),
)

STRUCTURED = "application/cloudevents"
"""A content type that begins so holds the whole CloudEvent, as JSON, in the value."""


@dataclass(frozen=True, slots=True)
class ContextHeader:
    """A header that carries a whole trace context in one value."""

    name: str
    """Lower case."""
    pattern: str
    """RE2 with two groups: trace id and span id. What does not match is no context."""


_TRACE = "[0-9a-f]{32}"
_SPAN = "[0-9a-f]{16}"

TRACEPARENTS = (
    # Version 00 ends after the flags; a later version may go on after a dash; ff is forbidden.
    rf"^[ \t]*00-({_TRACE})-({_SPAN})-[0-9a-f]{{2}}[ \t]*$",
    r"^[ \t]*(?:0[1-9a-f]|[1-9a-e][0-9a-f]|f[0-9a-e])"
    rf"-({_TRACE})-({_SPAN})-[0-9a-f]{{2}}(?:-.*)?[ \t]*$",
)

CONTEXTS: tuple[ContextHeader, ...] = (
    *(ContextHeader("traceparent", pattern) for pattern in TRACEPARENTS),
    ContextHeader("b3", rf"^([0-9a-f]{{16}}|{_TRACE})-({_SPAN})(?:-[01d](?:-{_SPAN})?)?$"),
)

CONTEXT_PAIRS: tuple[tuple[str, str], ...] = (("x-b3-traceid", "x-b3-spanid"),)
"""Headers that carry trace id and span id apart, as hex."""

STARTING = ContextHeader("traceparent", TRACEPARENTS[0])
"""The CloudEvents attribute with the context in which the event began, over all its hops: read,
by header or in structured mode, where the message carries no context of its own hop."""

STARTING_HEADERS = _cloud_event(STARTING.name)
