"""The services of a chain, in the order in which they come into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from graph.chain.result import Chain, Delivery, Event

UNKNOWN = "?"
"""Stands for a producer that nobody knows."""


def producer_of(event: Event) -> str:
    return event.service or UNKNOWN


def consumer_of(delivery: Delivery) -> str:
    return delivery.service or delivery.group or UNKNOWN


def lanes_of(chain: Chain) -> Mapping[str, int]:
    """Every producer and consumer by name: 0 for who came first."""
    first: dict[str, int] = {}
    for event in chain.events:
        first.setdefault(producer_of(event), event.time)
        first[producer_of(event)] = min(first[producer_of(event)], event.time)
    for delivery in chain.deliveries:
        name = consumer_of(delivery)
        time = delivery.start or chain.event(delivery.event).time
        first[name] = min(first.get(name, time), time)
    names = sorted(first, key=lambda name: (first[name], name))
    return {name: number for number, name in enumerate(names)}


class Handover(NamedTuple):
    """An event on its way to a consumer, or, without a delivery, to nobody."""

    event: Event
    delivery: Delivery | None
    time: int
    """When it arrived; where nobody knows that, when it was produced."""


def handovers(chain: Chain) -> list[Handover]:
    """Every delivery, and every event without one, by time."""
    found = []
    for event in chain.events:
        deliveries = chain.deliveries_of(event.key)
        for delivery in deliveries:
            found.append(Handover(event, delivery, delivery.start or event.time))
        if not deliveries:
            found.append(Handover(event, None, event.time))
    order = {event.key: number for number, event in enumerate(chain.events)}
    return sorted(found, key=lambda one: (one.time, order[one.event.key]))
