"""What happens to every order: its spans, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry.proto.trace.v1.trace_pb2 import Span

CREATED, RESERVED, PAID = TOPICS = ("order.created", "stock.reserved", "payment.completed")
MESSAGE = "mmmmmmmm-mmmm-mmmm-mmmm-mmmmmmmmmmmm"
"""Stands for the id of the order's message on the step's topic."""
ORDER = "order-nnnnnnnn"
"""Stands for the order's key."""

Value = str | int


@dataclass(frozen=True, slots=True)
class Step:
    """One span of every order."""

    service: str
    name: str
    kind: Span.SpanKind.ValueType
    parent: int | None
    """The step it is below."""
    at: int
    """Milliseconds after the order began."""
    lasts: int
    """Milliseconds."""
    said: tuple[tuple[str, Value], ...] = ()
    topic: str = ""
    """Where it is a messaging span."""

    @property
    def consumes(self) -> bool:
        return self.kind == Span.SPAN_KIND_CONSUMER


def _send(service: str, topic: str, parent: int, at: int) -> Step:
    return Step(
        service,
        f"send {topic}",
        Span.SPAN_KIND_PRODUCER,
        parent,
        at,
        2,
        (*_messaging(topic, "send"), ("server.address", "kafka-1"), ("server.port", 9092)),
        topic,
    )


def _process(service: str, topic: str, parent: int, at: int) -> Step:
    said = (
        *_messaging(topic, "process"),
        ("messaging.consumer.group.name", service),
    )
    return Step(service, f"process {topic}", Span.SPAN_KIND_CONSUMER, parent, at, 7, said, topic)


def _messaging(topic: str, kind: str) -> tuple[tuple[str, Value], ...]:
    return (
        ("messaging.system", "kafka"),
        ("messaging.destination.name", topic),
        ("messaging.operation.type", kind),
        ("messaging.message.id", MESSAGE),
        ("messaging.kafka.message.key", ORDER),
    )


def _served(service: str, route: str, parent: int | None, at: int, lasts: int) -> Step:
    said: tuple[tuple[str, Value], ...] = (
        ("http.request.method", "POST"),
        ("url.path", route),
        ("url.scheme", "http"),
        ("http.route", route),
        ("http.response.status_code", 200),
        ("server.address", service),
        ("server.port", 8080),
        ("client.address", "10.1.2.3"),
        ("order.id", ORDER),
    )
    return Step(service, f"POST {route}", Span.SPAN_KIND_SERVER, parent, at, lasts, said)


def _called(service: str, callee: str, route: str, parent: int, at: int, lasts: int) -> Step:
    said: tuple[tuple[str, Value], ...] = (
        ("http.request.method", "POST"),
        ("url.full", f"http://{callee}:8080{route}"),
        ("http.response.status_code", 200),
        ("server.address", callee),
        ("server.port", 8080),
        ("order.id", ORDER),
    )
    return Step(service, f"POST {route}", Span.SPAN_KIND_CLIENT, parent, at, lasts, said)


def _queried(service: str, verb: str, table: str, parent: int, at: int) -> Step:
    said: tuple[tuple[str, Value], ...] = (
        ("db.system.name", "postgresql"),
        ("db.namespace", service),
        ("db.collection.name", table),
        ("db.operation.name", verb),
        ("db.query.text", f"{verb} {table} WHERE order_id = $1 AND version = $2"),
        ("server.address", "postgres"),
        ("server.port", 5432),
    )
    return Step(service, f"{verb} {table}", Span.SPAN_KIND_CLIENT, parent, at, 3, said)


def _worked(service: str, name: str, parent: int, at: int) -> Step:
    said = (("code.function.name", f"shop.{service}.{name}"), ("order.id", ORDER))
    return Step(service, name, Span.SPAN_KIND_INTERNAL, parent, at, 4, said)


SHOP: tuple[Step, ...] = (
    _served("storefront", "/api/v1/orders", None, 0, 12),
    _send("storefront", CREATED, 0, 8),
    _process("inventory", CREATED, 1, 14),
    _send("inventory", RESERVED, 2, 18),
    _process("payment", RESERVED, 3, 25),
    _send("payment", PAID, 4, 29),
    _process("notification", PAID, 5, 36),
    _process("points", PAID, 5, 37),
    _process("order-view", CREATED, 1, 15),
    _process("analytics", CREATED, 1, 19),
    _process("analytics", PAID, 5, 41),
)
"""Eleven spans over seven services, all but one messaging."""

MIXED: tuple[Step, ...] = (
    _served("storefront", "/api/v1/orders", None, 0, 60),
    _worked("storefront", "check_basket", 0, 1),
    _queried("storefront", "SELECT", "baskets", 1, 2),
    _called("storefront", "payment", "/api/v1/payments", 0, 8, 30),
    _served("payment", "/api/v1/payments", 3, 10, 26),
    _queried("payment", "SELECT", "accounts", 4, 12),
    _queried("payment", "INSERT", "payments", 4, 20),
    _queried("storefront", "INSERT", "orders", 0, 42),
    _send("storefront", CREATED, 0, 50),
    _process("inventory", CREATED, 8, 58),
    _worked("inventory", "reserve", 9, 60),
    _queried("inventory", "UPDATE", "stock", 10, 61),
)
"""Twelve spans over three services, one in six messaging."""
