"""Half of a chain: only what led to its start, or only what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum

from graph.chain.result import Chain, EventKey


class Direction(StrEnum):
    """Which way a chain is followed from its start."""

    BOTH = "both"
    CAUSES = "causes"
    EFFECTS = "effects"


def directed(chain: Chain, direction: Direction) -> Chain:
    """The chain with only the causes, or only the effects, of the events it starts from.

    Upwards, a cause keeps the deliveries that led on; downwards, an event keeps all.
    """
    if direction is Direction.BOTH:
        return chain
    upward = direction is Direction.CAUSES
    if upward:
        kept = _reached(chain, lambda key: (one.cause for one in chain.causes_of(key)))
    else:
        kept = _reached(chain, lambda key: (one.effect for one in chain.effects_of(key)))
    causes = tuple(one for one in chain.causes if one.cause in kept and one.effect in kept)
    led = {cause.delivery for cause in causes}
    return replace(
        chain,
        events=tuple(event for event in chain.events if event.key in kept),
        deliveries=tuple(
            delivery
            for delivery in chain.deliveries
            if delivery.event in kept and (not upward or delivery.key in led)
        ),
        causes=causes,
        related=tuple(key for key in chain.related if key in kept),
        explanations=tuple(one for one in chain.explanations if one.event in kept),
    )


def _reached(chain: Chain, beside: Callable[[EventKey], Iterable[EventKey]]) -> set[EventKey]:
    reached = set(chain.starts)
    waiting = list(reached)
    while waiting:
        for key in beside(waiting.pop()):
            if key not in reached:
                reached.add(key)
                waiting.append(key)
    return reached
