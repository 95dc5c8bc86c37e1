"""A small shop as data: what its collector would tell. Every figure is made up and fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graph.edges import EdgeRow, Role
from graph.listing import Consumer
from graph.model import Evidence, Progress
from graph.topology import EdgeKey, Topology

NOON = 1_790_856_000 * 1_000_000_000
"""2026-10-01 12:00 UTC."""
MS = 1_000_000


def produce(service: str, destination: str, count: int, **rest: Any) -> EdgeRow:
    """A service sends to a destination."""
    return _row(Role.PRODUCE, service, destination, count, rest)


def consume(service: str, destination: str, count: int, **rest: Any) -> EdgeRow:
    """A service handles what lies on a destination, as the group of its name."""
    return _row(Role.CONSUME, service, destination, count, {"group": service, **rest})


def call(service: str, peer: str, count: int, **rest: Any) -> EdgeRow:
    """A service calls another."""
    return EdgeRow(
        Role.CALL, service=service, peer=peer, count=count, last_seen=NOON, p95=0.02, **rest
    )


def _row(
    role: Role, service: str, destination: str, count: int, rest: Mapping[str, Any]
) -> EdgeRow:
    known: dict[str, Any] = {
        "event_type": destination,
        "system": "kafka",
        "cluster": "shop",
        "last_seen": NOON,
        "p95": 0.004 if role is Role.PRODUCE else 0.025,
        "wait_p95": None if role is Role.PRODUCE else 0.006,
    }
    return EdgeRow(role, service=service, destination=destination, count=count, **{**known, **rest})


def edges() -> list[EdgeRow]:
    """The shop: orders, payments that fail at times, a slow consumer, one without spans."""
    guessed: dict[str, Any] = {"evidence": Evidence.INFERRED, "p95": None, "wait_p95": None}
    return [
        produce("storefront", "order.created", 1204),
        consume("inventory", "order.created", 1204, p95=0.031),
        consume("payment", "order.created", 1204, p95=0.142, errors=37),
        consume("analytics", "order.created", 1188, evidence=Evidence.MATCHED, p95=None),
        consume("order-view", "order.created", 1204, p95=0.009),
        consume("recommendation", "order.created", 892, p95=1.21, wait_p95=34.5),
        produce("inventory", "stock.reserved", 1204),
        consume("order-view", "stock.reserved", 1204),
        produce("payment", "payment.captured", 1167),
        consume("notification", "payment.captured", 1167, p95=0.21, errors=4),
        consume("points", "payment.captured", 1167, **guessed),
        consume("order-view", "payment.captured", 1167),
        produce("payment", "payment.failed", 37, errors=1),
        consume("inventory", "payment.failed", 36),
        consume("storefront", "payment.failed", 36),
        produce("inventory", "stock.released", 36),
        produce("storefront", "order.cancelled", 36),
        consume("notification", "order.cancelled", 36, p95=0.19),
        produce("notification", "sms.dead-letter", 4, event_type="payment.captured"),
        produce("", "user.registered", 61, evidence=Evidence.MATCHED),
        consume("points", "user.registered", 61, **guessed),
        consume("", "user.registered", 61, group="crm-sync", evidence=Evidence.MATCHED, p95=None),
        call("storefront", "payment", 1204),
        call("payment", "bank-gateway", 1204, errors=37),
    ]


def topology() -> Topology:
    """The last ten minutes of the shop."""
    return Topology.build(edges(), start=NOON - 600_000 * MS, end=NOON)


def rates() -> dict[EdgeKey, float]:
    """Messages a second, now: those of the last ten minutes, but one consumer stands still."""
    shown = topology()
    return {
        edge.key: 0.0 if edge.target.name == "crm-sync" else edge.count / 600
        for edge in shown.edges
    }


def lags() -> dict[EdgeKey, int]:
    """Messages that wait, by consuming edge."""
    return {edge.key: 312 for edge in topology().edges if edge.group == "recommendation"} | {
        edge.key: 9 for edge in topology().edges if edge.group == "crm-sync"
    }


def consumers() -> list[Consumer]:
    """What the broker tells of the groups."""
    return [
        Consumer(
            "recommendation",
            "shop",
            "Stable",
            progress=(Progress("shop", "recommendation", "order.created", "0", 892, 1204, NOON),),
        ),
        Consumer(
            "crm-sync",
            "shop",
            "Empty",
            progress=(Progress("shop", "crm-sync", "user.registered", "0", 52, 61, NOON),),
        ),
    ]
