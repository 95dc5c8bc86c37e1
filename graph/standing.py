"""How a consumer group stands: does it keep up, and if not, what becomes of that?"""

from __future__ import annotations

from enum import StrEnum

from graph.listing import Consumer

PATIENCE_SECONDS = 10.0
"""What waits for less than that is only on its way: many clients commit each five seconds."""

STEADY = 0.02
"""Share of what is added by which a pace may differ from it and still keep its distance."""

NOBODY_IN_IT = ("Empty", "Dead")
"""States in which, as the broker says, a group has no member."""


class Standing(StrEnum):
    """How a group stands, in the words that a person reads; the worst come first."""

    NOBODY = "nobody runs"
    """Messages wait, and no member is in the group."""
    STILL = "stands still"
    """Messages wait, it has members, and it has committed nothing in the last minutes."""
    FALLING = "falls behind"
    """More is added than it reads."""
    STEADY = "stays behind"
    """It reads as much as is added."""
    BEHIND = "is behind"
    """Its pace is not known."""
    CATCHING = "catches up"
    UNCOMMITTED = "no commits"
    """Members are in it, and it has committed nothing: what waits is not known."""
    KEEPING = "keeps up"
    EMPTY = "empty"
    """Nobody is in it, and nothing waits for it."""

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Standing).index(self)

    @property
    def behind(self) -> bool:
        """Messages wait for longer than what is only on its way."""
        return self.rank <= Standing.CATCHING.rank

    @property
    def for_ever(self) -> bool:
        """It will not catch up, as things go."""
        return self.rank <= Standing.STEADY.rank


def standing_of(consumer: Consumer) -> Standing:
    """How a group stands by what its broker and its progress tell."""
    deserted = not consumer.members and consumer.state in NOBODY_IN_IT
    if not consumer.lag:
        if deserted:
            return Standing.EMPTY
        committed = any(at.committed >= 0 for at in consumer.progress)
        return Standing.KEEPING if committed else Standing.UNCOMMITTED
    if deserted:
        return Standing.NOBODY
    waiting = waiting_seconds(consumer)
    if waiting is not None and waiting < PATIENCE_SECONDS:
        return Standing.KEEPING
    if consumer.rate is None or consumer.growth is None:
        return Standing.BEHIND
    if not consumer.rate:
        return Standing.STILL
    if abs(consumer.rate - consumer.growth) <= STEADY * consumer.growth:
        return Standing.STEADY
    return Standing.FALLING if consumer.rate < consumer.growth else Standing.CATCHING


def waiting_seconds(consumer: Consumer) -> float | None:
    """How long messages wait: as the oldest one says, else as long as reading them takes; None
    when neither is known."""
    if consumer.lag_seconds is not None:
        return consumer.lag_seconds
    return consumer.lag / consumer.rate if consumer.rate else None


def badness(consumer: Consumer) -> tuple[int, float, int]:
    """Sorts groups: the greater, the worse. Those that nobody reads for first, then by how long
    and how much waits; what is only on its way moves nobody up."""
    standing = standing_of(consumer)
    if not standing.behind:
        return Standing.BEHIND.rank - standing.rank, 0.0, 0
    tier = 2 if standing in (Standing.NOBODY, Standing.STILL) else 1
    return tier, waiting_seconds(consumer) or 0.0, consumer.lag
