"""What messaging spans call things, in every generation of the OpenTelemetry conventions.

Each field lists the attribute names that fill it, best first; the first that is present and
not empty wins. Sources: OpenTelemetry semantic conventions 1.0 to 1.44 and their changelogs,
the instrumentations that still write older names, Brave's Kafka tags.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A column of `operations` and the span attributes that fill it, in order of trust."""

    column: str
    attributes: tuple[str, ...]
    absent: tuple[str, ...] = ()
    """Values that some instrumentation writes where it means "none"."""


SPRING_NONE = ("none",)
"""Micrometer's observations write the literal `none` for what they do not know."""

FIELDS: tuple[Field, ...] = (
    Field("system", ("messaging.system",)),
    Field("cluster", ("messaging.kafka.cluster.id",)),
    Field(
        "destination",
        (
            "messaging.destination.name",
            "messaging.destination",
            "messaging.source.name",
            "messaging.destination_publish.name",
            "message_bus.destination",
            "kafka.topic",
            "messaging.rabbitmq.destination.routing_key",
            "messaging.rabbitmq.routing_key",
        ),
    ),
    Field(
        "partition",
        (
            "messaging.destination.partition.id",
            "messaging.kafka.destination.partition",
            "messaging.kafka.source.partition",
            "messaging.kafka.partition",
        ),
        SPRING_NONE,
    ),
    Field("offset", ("messaging.kafka.offset", "messaging.kafka.message.offset"), SPRING_NONE),
    Field(
        "consumer_group",
        (
            "messaging.consumer.group.name",
            "messaging.kafka.consumer.group",
            "messaging.kafka.consumer_group",
            "messaging.destination.subscription.name",
            "messaging.servicebus.destination.subscription_name",
            "messaging.eventhubs.consumer.group",
            "messaging.rocketmq.client_group",
            "messaging.nats.consumer.group",
        ),
        SPRING_NONE,
    ),
    Field(
        "client_id",
        (
            "messaging.client.id",
            "messaging.client_id",
            "messaging.kafka.client_id",
            "messaging.rocketmq.client_id",
            "messaging.consumer.id",
            "messaging.consumer_id",
        ),
        SPRING_NONE,
    ),
    Field("message_id", ("messaging.message.id", "messaging.message_id"), SPRING_NONE),
    Field("event_id", ("cloudevents.event_id",)),
    Field("event_type", ("cloudevents.event_type", "messaging.message_type")),
    Field(
        "conversation_id",
        ("messaging.message.conversation_id", "messaging.conversation_id"),
        SPRING_NONE,
    ),
    Field("key", ("messaging.kafka.message.key", "messaging.kafka.message_key", "kafka.key")),
    Field("batch_count", ("messaging.batch.message_count",)),
    Field("operation_type", ("messaging.operation.type", "messaging.operation")),
    Field("server_address", ("server.address", "net.peer.name", "messaging.url", "peer.service")),
)

OPERATION_TYPES: dict[str, str] = {
    "create": "create",
    "send": "send",
    "publish": "send",
    "receive": "receive",
    "deliver": "process",
    "process": "process",
    "settle": "settle",
}
"""Operation types of all generations to those of 1.28; anything else is left to the kind."""

KIND_TYPES: dict[str, str] = {"Producer": "send", "Consumer": "process"}
"""What a span's kind says where it names no operation type."""


@dataclass(frozen=True, slots=True)
class PositionId:
    """An instrumentation scope that writes a position into `messaging.message.id`."""

    scope: str
    """Prefix of the scope's name."""
    pattern: str
    """RE2 with the groups topic, partition, offset; a group that is missing is empty."""


POSITION_IDS: tuple[PositionId, ...] = (
    PositionId("opentelemetry.instrumentation.aiokafka", r"^(.+)\.(\d+)\.(\d+)$"),
    PositionId("opentelemetry.instrumentation.confluent_kafka", r"^(.+)\.(\d+)\.(\d+)$"),
    PositionId("github.com/dnwe/otelsarama", r"^()()(\d+)$"),
    # Of a batch it is the first and the last offset: no place of one message.
    PositionId("opentelemetry.instrumentation.faststream", r"^()()(?:(\d+)-\d+|\d+-\d+-\d+)$"),
)
"""The id of a message is not one thing: these scopes mean its place by it."""


@dataclass(frozen=True, slots=True)
class NamedType:
    """A scope that tells an operation's type by the name of its span, and by nothing else."""

    scope: str
    kind: str
    ending: str
    """How the span's name ends."""
    type: str


NAMED_TYPES: tuple[NamedType, ...] = (
    NamedType("opentelemetry.instrumentation.faststream", "Producer", " create", "create"),
    # Of kafka-python: it ends before the record is handled.
    NamedType("opentelemetry.instrumentation.kafka", "Consumer", " receive", "receive"),
)


@dataclass(frozen=True, slots=True)
class FailedState:
    """An attribute that tells that the handling failed, whatever the span's status says."""

    attribute: str
    values: tuple[str, ...]
    reason: str
    """The attribute that says why."""


FAILED_STATES: tuple[FailedState, ...] = (
    # A task that asks to be tried again, or that fails by an error it is declared to throw, has
    # ended well for its instrumentation.
    FailedState("celery.state", ("RETRY", "FAILURE"), "celery.retry.reason"),
)

ENVIRONMENT = ("deployment.environment.name", "deployment.environment")
"""Resource attributes that name the environment."""

INSTANCE = ("service.instance.id", "host.name", "k8s.pod.name", "process.pid")
"""Resource attributes that tell instances of one service apart, best first."""

PEER = ("peer.service", "db.namespace", "db.name", "db.system.name", "db.system")
"""Attributes of a client span that name a callee which sends no spans itself."""
