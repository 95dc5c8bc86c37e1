"""What headers are called where no framework's profile says otherwise: CloudEvents, plain names.

Header names compare without case. Sources: the CloudEvents Kafka, AMQP and NATS bindings.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.conventions.contexts import STARTING


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A column of `messages` and the headers that fill it, in order of trust."""

    column: str
    headers: tuple[str, ...]
    """Lower case. The first header that is present and not empty wins."""


def _cloud_event(attribute: str) -> tuple[str, ...]:
    """The attribute's header in each binary binding."""
    return tuple(
        f"{prefix}{attribute}" for prefix in ("ce_", "ce-", "cloudevents:", "cloudevents_")
    )


FIELDS: tuple[HeaderField, ...] = (
    HeaderField(
        "message_id",
        (*_cloud_event("id"), "message-id", "message_id", "messageid", "x-message-id"),
    ),
    HeaderField(
        "event_type",
        (*_cloud_event("type"), "event-type", "event_type", "eventtype", "message-type", "type"),
    ),
    HeaderField("source", (*_cloud_event("source"), "source")),
    HeaderField(
        "causation_id",
        (
            *_cloud_event("causationid"),
            "causation-id",
            "causation_id",
            "causationid",
            "x-causation-id",
        ),
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
    ),
)

CONTENT_TYPE = "content-type"

STARTING_HEADERS = _cloud_event(STARTING)
