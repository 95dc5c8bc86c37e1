"""What recent flows tell of the order in which kinds of events come; asked when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum

from graph.facts import Kind, Succession

FLOWS = 6
"""Flows that have to show both kinds before their order counts."""

DISSENT = 0.1
"""The part of them that may disagree; one always may, for it can be the one asked about."""

Pair = tuple[Kind, Kind]


class Order(Enum):
    """How one kind of event comes to another."""

    BEFORE = "before"
    AFTER = "after"
    UNKNOWN = "unknown"


class History:
    """Successions by pair; each pair is asked for once."""

    def __init__(self, ask: Callable[[Collection[Pair]], Collection[Succession]]) -> None:
        self._ask = ask
        self._known: dict[Pair, Succession | None] = {}

    def learn(self, pairs: Collection[Pair]) -> None:
        """Ask for all of these that are not known yet, at once."""
        new = sorted({_sorted(*pair) for pair in pairs} - self._known.keys())
        if new:
            self._known.update(dict.fromkeys(new))
            self._known.update(((one.before, one.after), one) for one in self._ask(new))

    def of(self, before: Kind, after: Kind) -> Succession | None:
        """What is known of a pair; None for one that no flow shows, or that was not asked for."""
        found = self._known.get(_sorted(before, after))
        if found is None or found.before == before:
            return found
        return Succession(before, after, found.flows, found.flows - found.first)

    def order(self, before: Kind, after: Kind) -> Order:
        """How the first kind comes to the second; unknown unless enough flows agree."""
        found = self.of(before, after)
        if found is None or found.flows < FLOWS:
            return Order.UNKNOWN
        dissent = max(1, DISSENT * found.flows)
        if found.first >= found.flows - dissent:
            return Order.BEFORE
        return Order.AFTER if found.first <= dissent else Order.UNKNOWN


def _sorted(one: Kind, other: Kind) -> Pair:
    return (one, other) if one <= other else (other, one)
