"""Who consumes and produces what, and how somebody outside could know it: declared beforehand.

    customer --HTTP--> storefront -> order.created -> inventory -> stock.reserved -> payment
        payment.completed -> storefront -> order.completed -> points -> points.awarded
        payment.failed -> inventory -> stock.released -> storefront -> order.cancelled

Beside the saga, notification sends SMS, recommendation learns, order-view keeps the read model,
and analytics counts. "Outside" means: the broker, the messages on it, and the exported spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Known(StrEnum):
    """How somebody outside can know a fact."""

    SPAN = "span"
    """A span says it, by its parent, its links, or the position it names."""
    CAUSATION = "causation id"
    """The message carries `ce_causationid`, the `ce_id` of its cause."""
    SOURCE = "source header"
    """The message carries `ce_source`, the name of its producer."""
    CORRELATION = "correlation id"
    """The service had an earlier message of the same correlation id: to be inferred, not proved."""
    PROGRESS = "group progress"
    """The consumer group committed an offset beyond the message."""
    NAME = "same name"
    """Consumer group and client id bear the service's name, and nothing else joins them."""


@dataclass(frozen=True, slots=True)
class Role:
    """One service's part in the flow. Ways of knowing are listed surest first; none means never."""

    name: str
    library: str
    """The client library it speaks with."""
    group: str = ""
    """Its consumer group."""
    client_id: str = ""
    """What its clients call themselves at the broker; empty: the service's name."""
    consumes: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    delivery_known: tuple[Known, ...] = (Known.SPAN,)
    """How it can be known that a message was delivered to this service."""
    group_known: tuple[Known, ...] = (Known.SPAN,)
    """How it can be known that this group is this service."""
    producer_known: tuple[Known, ...] = (Known.SPAN, Known.SOURCE)
    """How it can be known that this service produced a message."""
    cause_known: tuple[Known, ...] = (Known.SPAN,)
    """How it can be known which message made this service produce another."""

    @property
    def declares_cause(self) -> bool:
        return Known.CAUSATION in self.cause_known


TOPICS = {
    "user.registered": 1,
    "order.created": 3,
    "order.created.dlt": 1,
    "stock.reserved": 3,
    "stock.released": 1,
    "payment.completed": 3,
    "payment.failed": 1,
    "payment.receipt": 1,
    "order.completed": 3,
    "order.completed.retry": 1,
    "order.cancelled": 1,
    "notification.sent": 1,
    "points.awarded": 1,
    "sales.tally": 1,
}
"""Every topic of the shop and how many partitions it gets."""

CUSTOMER = Role(name="customer", library="urllib", delivery_known=(), group_known=())

STOREFRONT = Role(
    name="storefront",
    library="confluent-kafka",
    group="storefront",
    consumes=("payment.completed", "stock.released"),
    produces=("user.registered", "order.created", "order.completed", "order.cancelled"),
    group_known=(Known.NAME,),
)
"""Its instrumentation keeps a process span open while a message is handled."""

INVENTORY = Role(
    name="inventory",
    library="kafka-python",
    group="inventory-workers",
    consumes=("order.created", "payment.failed"),
    produces=("stock.reserved", "stock.released", "order.created.dlt"),
    cause_known=(Known.SPAN, Known.CAUSATION),
)
"""Its instrumentation ends the consumer span at once; the service opens a process span itself."""

PAYMENT = Role(
    name="payment",
    library="aiokafka",
    group="billing",
    consumes=("stock.reserved",),
    produces=("payment.completed", "payment.failed", "payment.receipt"),
    cause_known=(Known.CAUSATION,),
)
"""Its consumer spans end at once too, and nobody minded: what it produces is a new trace."""

NOTIFICATION = Role(
    name="notification",
    library="kafka-python, confluent-kafka",
    group="notification",
    consumes=("order.created", "order.completed", "order.cancelled"),
    produces=("notification.sent",),
    group_known=(Known.NAME,),
    producer_known=(Known.SOURCE,),
    cause_known=(Known.CORRELATION,),
)
"""Only its consumer is instrumented: its messages carry a correlation id and no trace context."""

POINTS = Role(
    name="points",
    library="kafka-python",
    group="loyalty",
    consumes=("user.registered", "order.completed"),
    produces=("points.awarded", "order.completed.retry"),
)
"""Starts a trace of its own for each message, which only links to the message's trace."""

RECOMMENDATION = Role(
    name="recommendation",
    library="aiokafka",
    group="recommendation",
    consumes=("user.registered", "order.created"),
)
"""Takes several messages at once (`getmany`)."""

ORDER_VIEW = Role(
    name="order-view",
    library="confluent-kafka",
    group="order-view",
    consumes=(
        "order.created",
        "stock.reserved",
        "stock.released",
        "payment.completed",
        "payment.failed",
        "order.completed",
        "order.cancelled",
    ),
    group_known=(Known.NAME,),
)
"""Takes several messages at once (`consume`): one span that links to all of them."""

ANALYTICS = Role(
    name="analytics",
    library="confluent-kafka",
    group="reporting",
    client_id="rdkafka",
    consumes=(
        "user.registered",
        "order.created",
        "order.completed",
        "order.cancelled",
        "points.awarded",
        "notification.sent",
    ),
    produces=("sales.tally",),
    delivery_known=(Known.PROGRESS,),
    group_known=(),
    producer_known=(),
    cause_known=(),
)
"""No instrumentation at all, and what it produces has no headers."""

ROLES = {
    role.name: role
    for role in (
        STOREFRONT,
        INVENTORY,
        PAYMENT,
        NOTIFICATION,
        POINTS,
        RECOMMENDATION,
        ORDER_VIEW,
        ANALYTICS,
        CUSTOMER,
    )
}


def consumers(topic: str) -> tuple[Role, ...]:
    """The services that should have every message of this topic."""
    return tuple(role for role in ROLES.values() if topic in role.consumes)
