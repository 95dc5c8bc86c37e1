"""From one event to its chain: identity, cause, expansion."""

from graph.chain.expand import find
from graph.chain.resolve import Choice, resolve
from graph.chain.result import (
    Attempt,
    Cause,
    Chain,
    Creation,
    Delivery,
    DeliveryKey,
    Event,
    EventKey,
    Join,
    Limits,
    NoEvent,
    Start,
    Stop,
    Via,
)

__all__ = [
    "Attempt",
    "Cause",
    "Chain",
    "Choice",
    "Creation",
    "Delivery",
    "DeliveryKey",
    "Event",
    "EventKey",
    "Join",
    "Limits",
    "NoEvent",
    "Start",
    "Stop",
    "Via",
    "find",
    "resolve",
]
