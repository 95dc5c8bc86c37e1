"""What a drawing shows, before any format: shapes, lines, and which of them are not certain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graph.chain.result import Cause, Chain, Delivery, DeliveryKey
from graph.edges import View
from graph.model import Evidence
from graph.topology import Edge, NodeKind, Role, Topology

SHOWN_TYPES = 3
"""Event types named on one line; more are counted."""


class Shape(StrEnum):
    """What a node stands for."""

    SERVICE = "service"
    DESTINATION = "destination"
    GROUP = "group"
    PEER = "peer"
    UNKNOWN = "unknown"
    EVENT = "event"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class Node:
    """A shape with some lines of text; its place in the list is its name."""

    lines: tuple[str, ...]
    shape: Shape
    dashed: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """An arrow between two nodes, by their places."""

    source: int
    target: int
    lines: tuple[str, ...] = ()
    dashed: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]


def topology_picture(topology: Topology) -> Picture:
    """Services and destinations; what only the broker knows, or nobody, is dashed."""
    dashed = (NodeKind.GROUP, NodeKind.UNKNOWN, NodeKind.PEER)
    places = {node.key: place for place, node in enumerate(topology.nodes)}
    alone = topology.view is View.SERVICES
    return Picture(
        tuple(
            Node(
                (node.title, f"of {node.label}")
                if alone and node.kind is NodeKind.UNKNOWN
                else (node.title,),
                Shape(node.kind.value),
                dashed=node.kind in dashed,
            )
            for node in topology.nodes
        ),
        tuple(
            Line(
                places[edge.source],
                places[edge.target],
                _edge_lines(edge),
                dashed=edge.evidence is Evidence.INFERRED
                or edge.source.kind is NodeKind.UNKNOWN
                or edge.target.kind is NodeKind.GROUP,
                failed=edge.errors > 0,
            )
            for edge in topology.edges
        ),
    )


def _edge_lines(edge: Edge) -> tuple[str, ...]:
    types = edge.event_types
    named = ", ".join(types[:SHOWN_TYPES])
    if len(types) > SHOWN_TYPES:
        named += f" and {len(types) - SHOWN_TYPES} more"
    if edge.role is Role.CALL:
        named = "calls"
    count = str(edge.count) + (f", {edge.errors} failed" if edge.errors else "")
    return tuple(text for text in (named, edge.group, count) if text)


def chain_picture(chain: Chain) -> Picture:
    """Events with their deliveries, and arrows from delivery to effect; inferred is dashed."""
    nodes = [
        Node(
            tuple(
                dict.fromkeys(
                    text
                    for text in (
                        event.title,
                        str(event.key),
                        event.service and f"by {event.service}",
                    )
                    if text
                )
            ),
            Shape.EVENT,
            dashed=not event.messages and not event.operations,
            failed=event.error,
        )
        for event in chain.events
    ]
    events = {event.key: place for place, event in enumerate(chain.events)}
    lines: list[Line] = []
    deliveries: dict[DeliveryKey, int] = {}
    for delivery in chain.deliveries:
        inferred = delivery.evidence is Evidence.INFERRED
        deliveries[delivery.key] = len(nodes)
        lines.append(Line(events[delivery.event], len(nodes), dashed=inferred))
        nodes.append(
            Node(_delivery_lines(delivery), Shape.DELIVERY, dashed=inferred, failed=delivery.error)
        )
    for cause in chain.causes:
        source = deliveries.get(cause.delivery, events[cause.cause])
        lines.append(
            Line(
                source,
                events[cause.effect],
                _cause_lines(cause),
                dashed=cause.evidence is Evidence.INFERRED,
            )
        )
    return Picture(tuple(nodes), tuple(lines))


def _delivery_lines(delivery: Delivery) -> tuple[str, ...]:
    attempts = len(delivery.attempts)
    return tuple(
        text
        for text in (
            delivery.service or "unknown consumer",
            delivery.group,
            f"{attempts} attempts" if attempts > 1 else "",
            delivery.error_message if delivery.error else "",
        )
        if text
    )


def _cause_lines(cause: Cause) -> tuple[str, ...]:
    calls = list(dict.fromkeys(span.service for span in cause.way if span.service != cause.service))
    lines = [cause.evidence.value]
    if cause.candidates > 1:
        lines.append(f"one of {cause.candidates}")
    if calls:
        lines.append("through " + ", ".join(calls))
    return tuple(lines)
