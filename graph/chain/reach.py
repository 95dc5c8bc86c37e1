"""What names events while a chain is looked for, and in which directions they are followed."""

from __future__ import annotations

from enum import IntFlag

from graph.chain.result import Creation, EventKey
from graph.model import Position, SpanContext

Seed = SpanContext | Position
"""Something that names events, once enough is known of it."""


class Reach(IntFlag):
    """In which directions an event is followed."""

    SHOWN = 0
    """Not at all: it is only another cause of an effect, beside the one that was followed."""
    CAUSES = 1
    EFFECTS = 2
    BOTH = 3


def seed_of(key: EventKey) -> Seed:
    """What names an event."""
    return key.context if isinstance(key, Creation) else key
