"""From one event to its chain: identity, cause, expansion.

The names of `graph.chain.result` are here at once. `find` is loaded when it is asked for: a
program that only shows a chain starts sooner without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from graph.chain.expand import find

__all__ = [
    "Attempt",
    "Cause",
    "Chain",
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
]


def __getattr__(name: str) -> Any:
    if name == "find":
        from graph.chain.expand import find

        return find
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
