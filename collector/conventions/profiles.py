"""What frameworks call things in their messages. Each profile is known by its own marks.

"correlationId" is the group in most of them, the direct cause in Axon 4 and the task in Celery: so
a profile is recognised first and its names are read before the plain ones, and a header that it
names at all is read as nothing else. Sources: the frameworks' own, as in the profile's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Mark = str | tuple[str, ...]
"""A place whose presence shows the profile; several in a tuple only together. A place is a name as
in `names`, or `content-type=PREFIX`."""

TEXTS = ("message_id", "event_type", "source", "causation_id", "correlation_id", "alias")
"""The columns that a profile can fill."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A framework: how its messages are recognised, and where they say what, in order of trust."""

    name: str
    marks: tuple[Mark, ...]
    """Any of them is enough."""
    message_id: tuple[str, ...] = ()
    event_type: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    causation_id: tuple[str, ...] = ()
    """The id of the message that led to this one."""
    correlation_id: tuple[str, ...] = ()
    alias: tuple[str, ...] = ()
    """What those that it led to call it in their causation id, where that is not its message id.
    Others may have the same; it is the correlation id of a message that has no other."""
    unread: tuple[str, ...] = ()
    """Its headers whose plain meaning would mislead."""
    assembly: bool = False
    """Its types are .NET's in full, `Sales.OrderPlaced, Sales, Version=1.0.0.0`; only the name of
    the first is an event's type."""

    def named(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each column with its names."""
        for column in TEXTS:
            yield column, getattr(self, column)

    def names(self) -> set[str]:
        """All that it names; plain names mean nothing else there."""
        return {text for _, texts in self.named() for text in texts} | set(self.unread)


PROFILES: tuple[Profile, ...] = (
    Profile(
        "nservicebus",
        marks=("nservicebus.messageid", "nservicebus.enclosedmessagetypes"),
        message_id=("nservicebus.messageid",),
        event_type=("nservicebus.enclosedmessagetypes",),
        source=("nservicebus.originatingendpoint",),
        assembly=True,
        causation_id=("nservicebus.relatedto",),
        correlation_id=("nservicebus.conversationid", "nservicebus.correlationid"),
    ),
    # Envelope in the body: on every transport unless raw JSON is configured.
    Profile(
        "masstransit",
        marks=(
            "content-type=application/vnd.masstransit",
            "mt-activity-id",
            "mt-messagetype",
            "mt-message-type",
            "mt-host-info",
            "mt-host-machinename",
            "mt-initiatorid",
            "mt-source-address",
            "initiatorid",
            ("messageid", "conversationid"),
            ("messageid", "sourceaddress"),
            ("$.messageType[0]", "$.messageId", "$.destinationAddress"),
        ),
        message_id=("messageid", "$.messageId", "message-id"),
        event_type=("mt-messagetype", "mt-message-type", "$.messageType[0]"),
        source=("mt-source-address", "sourceaddress", "$.sourceAddress"),
        causation_id=("mt-initiatorid", "initiatorid", "$.initiatorId"),
        # The conversation lasts from the first message to the last; a correlation id is the
        # message's own, or its saga's, and the next one calls it its initiator.
        correlation_id=("conversationid", "$.conversationId"),
        alias=("correlationid", "correlation-id", "$.correlationId"),
        unread=("type", "message-type"),
    ),
    Profile(
        "axon-5",
        marks=("axon-metadata-causationid",),
        message_id=("axon-message-id",),
        event_type=("axon-message-type", "axon-message-name"),
        causation_id=("axon-metadata-causationid",),
        correlation_id=("axon-metadata-correlationid",),
    ),
    Profile(
        "axon-4",
        marks=("axon-metadata-traceid",),
        message_id=("axon-message-id",),
        event_type=("axon-message-type",),
        causation_id=("axon-metadata-correlationid",),
        correlation_id=("axon-metadata-traceid",),
    ),
    # The first message of all, or a user's own metadata: what its correlation id is, is not said.
    Profile(
        "axon",
        marks=("axon-message-id",),
        message_id=("axon-message-id",),
        event_type=("axon-message-type", "axon-message-name"),
        correlation_id=("axon-metadata-correlationid",),
    ),
    # Before Wolverine and Eventuate, which also call their id `id`.
    Profile(
        "celery",
        marks=(
            ("id", "task", "root_id"),
            ("id", "task", "lang"),
            ("$.content-encoding", "$.headers.task", "$.headers.id"),
        ),
        message_id=("id", "$.headers.id"),
        event_type=("task", "$.headers.task"),
        # `origin` is one process, by number and host: no service's name.
        causation_id=("parent_id", "$.headers.parent_id"),
        correlation_id=("root_id", "$.headers.root_id", "group", "$.headers.group"),
        unread=("correlation-id", "correlation_id", "correlationid", "type", "source"),
    ),
    Profile(
        "wolverine",
        marks=(
            ("id", "message-type", "sent-at"),
            ("id", "message-type", "source"),
            ("id", "message-type", "conversation-id"),
            ("id", "message-type", "attempts"),
            ("id", "message-type", "accepted-content-types"),
        ),
        message_id=("id",),
        event_type=("message-type",),
        source=("source",),
        # The conversation is called by the id of its first envelope; `causation-id` is the user's.
        correlation_id=("correlation-id", "conversation-id", "saga-id"),
        unread=("causation-id",),
    ),
    Profile(
        "rebus",
        marks=("rbs2-msg-id", "rbs2-intent", "rbs2-msg-type"),
        message_id=("rbs2-msg-id",),
        event_type=("rbs2-msg-type",),
        source=("rbs2-sender-address",),
        assembly=True,
        causation_id=("rbs2-in-reply-to",),
        correlation_id=("rbs2-corr-id",),
    ),
    Profile(
        "brighter",
        marks=(("messagetype", "messageid", "topic"), "handledcount"),
        message_id=("messageid", "ce_id"),
        # `MessageType` is MT_COMMAND or MT_EVENT, not which.
        event_type=("ce_type",),
        source=("ce_source",),
        correlation_id=("correlationid",),
        unread=("messagetype", "type"),
    ),
    Profile(
        "eventuate",
        marks=(
            "event-aggregate-type",
            "command_type",
            "commandreply_type",
            ("partition_id", "destination"),
            ("$.headers.PARTITION_ID", "$.headers.ID"),
            # Its reactive producers give no partition.
            ("$.headers.DESTINATION", "$.headers.ID"),
        ),
        message_id=("id", "$.headers.ID"),
        event_type=(
            *("event-type", "command_type", "reply_type"),
            *("$.headers['event-type']", "$.headers.command_type", "$.headers.reply_type"),
        ),
        causation_id=("reply_to_message_id", "$.headers.reply_to_message_id"),
    ),
    Profile(
        "watermill",
        marks=("_watermill_message_uuid",),
        message_id=("_watermill_message_uuid",),
        correlation_id=("correlation_id",),
    ),
    Profile(
        "kurrentdb",
        marks=(
            *("$correlationid", "$causationid", "esdb-record-id"),
            "$.metadata.$correlationId",
            "$.metadata.$causationId",
            ("$.eventStreamId", "$.eventNumber", "$.eventId"),
        ),
        message_id=("esdb-record-id", "$.eventId", "$.id"),
        event_type=("esdb-record-schema-subject", "$.eventType", "$.type"),
        causation_id=("$causationid", "$.metadata.$causationId"),
        correlation_id=("$correlationid", "$.metadata.$correlationId"),
    ),
    Profile(
        "spring",
        marks=(
            "__typeid__",
            "spring_json_header_types",
            "kafka_correlationid",
            "__contenttypeid__",
        ),
        message_id=("id",),
        event_type=("__typeid__", "__contenttypeid__"),
        correlation_id=("kafka_correlationid",),
    ),
    # A whole CloudEvent in the body, by Dapr or by anybody.
    Profile(
        "dapr",
        marks=(("$.pubsubname", "$.specversion"),),
        message_id=("$.id",),
        event_type=("$.type",),
        source=("$.source",),
        causation_id=("$.causationid",),
        correlation_id=("$.correlationid",),
    ),
    Profile(
        "cloudevents",
        marks=("content-type=application/cloudevents", ("$.specversion", "$.id", "$.type")),
        message_id=("$.id",),
        event_type=("$.type",),
        source=("$.source",),
        causation_id=("$.causationid",),
        correlation_id=("$.correlationid",),
    ),
    # Its marks are weak, so it comes late: the outbox router's only header is `id`.
    Profile(
        "debezium-outbox",
        marks=(("id", "eventtype"), ("id", "__debezium.context.connectorname")),
        message_id=("id",),
        event_type=("eventtype",),
    ),
    Profile(
        "faststream",
        # On Kafka it writes `correlation_id` alone, which is read by its plain meaning.
        marks=(("correlation_id", "message_id", "content-type"),),
        message_id=("message_id",),
        correlation_id=("correlation_id",),
    ),
)

STRUCTURED = ("dapr", "cloudevents")
"""Profiles of CloudEvents that lie whole in the body: there their `traceparent` is too."""
