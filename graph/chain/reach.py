"""What names events while a chain is looked for, and in which directions they are followed."""

from __future__ import annotations

from typing import Final

from graph.chain.result import Creation, EventKey
from graph.model import Position, SpanContext

Seed = SpanContext | Position
"""Something that names events, once enough is known of it."""


Directions = int
"""In which directions an event is followed: bits of `Reach`. Plain numbers, as the operators of an
enumeration stand out in a large chain's profile."""


class Reach:
    """The directions in which an event can be followed."""

    SHOWN: Final = 0
    """Not at all: it is only another cause of an effect, beside the one that was followed."""
    CAUSES: Final = 1
    EFFECTS: Final = 2
    BOTH: Final = 3


def seed_of(key: EventKey) -> Seed:
    """What names an event."""
    return key.context if isinstance(key, Creation) else key
