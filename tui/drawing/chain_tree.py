"""A chain as the rows of a tree that admits fan-in: what is reached twice is drawn once.

Rows are told apart by `RowKey`, which stays the same when a chain grows or a part is folded.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from graph.chain.result import Cause, Chain, Delivery, DeliveryKey, Event, EventKey


class RowKind(StrEnum):
    EVENT = "event"
    DELIVERY = "delivery"
    REFERENCE = "reference"
    """Stands where an event is reached again that is drawn elsewhere, once."""
    RELATED = "related"
    """Heads the events that share only a correlation id with the rest."""
    BUNDLE = "bundle"
    """Stands for many rows that are alike."""


class RowKey(NamedTuple):
    """Names a row in its chain."""

    kind: RowKind
    event: EventKey | None = None
    consumer: DeliveryKey | None = None
    """The delivery; for a reference the one that led here. A bundle has its first row's."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree."""

    key: RowKey
    guides: tuple[bool, ...] = ()
    """For each level above, whether its line goes on below this row."""
    last: bool = True
    """Nothing of its own level follows below."""
    event: Event | None = None
    """For a delivery, the event that was delivered."""
    delivery: Delivery | None = None
    cause: Cause | None = None
    """The join drawn by this row: why an event hangs where it hangs."""
    others: int = 0
    """More causes of this event, each of them drawn as a reference."""
    inside: int = 0
    """Rows below this one that belong to it, folded or not."""
    folded: bool = False
    above: bool = False
    """A reference: the event is drawn above this row."""
    loop: bool = False
    """A reference back to an event that led here."""
    alike: tuple[Row, ...] = ()
    """The rows that a bundle stands for; its own fields are those of the first."""

    @property
    def depth(self) -> int:
        return len(self.guides)


def tree(chain: Chain) -> list[Row]:
    """The rows of a chain from its roots down."""
    return counted(_Walk(chain).rows())


def without_folded(whole: list[Row], folded: Collection[RowKey]) -> list[Row]:
    """Of a folded row, only the row itself."""
    if not folded:
        return whole
    hidden = frozenset(folded)
    kept: list[Row] = []
    index = 0
    while index < len(whole):
        row = whole[index]
        shut = row.key in hidden and row.inside > 0
        kept.append(replace(row, folded=True) if shut else row)
        index += 1 + (row.inside if shut else 0)
    return kept


def parent_of(rows: list[Row], index: int) -> int | None:
    """The row that this one belongs to."""
    depth = rows[index].depth
    for above in range(index - 1, -1, -1):
        if rows[above].depth < depth:
            return above
    return None


def sibling_of(rows: list[Row], index: int, step: int) -> int | None:
    """The next (step 1) or previous (-1) row of the same level below the same row."""
    depth = rows[index].depth
    beside = index + step
    while 0 <= beside < len(rows) and rows[beside].depth >= depth:
        if rows[beside].depth == depth:
            return beside
        beside += step
    return None


def way_to(rows: list[Row], index: int) -> list[Event]:
    """The events from the root down to this row's own, for a breadcrumb."""
    way: list[Event] = []
    at: int | None = index
    while at is not None:
        event = rows[at].event
        if event is not None and (not way or way[-1].key != event.key):
            way.append(event)
        at = parent_of(rows, at)
    return way[::-1]


class _Walk:
    """Lays the rows out, depth first without recursion: chains can be thousands deep."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.order = {event.key: index for index, event in enumerate(chain.events)}
        self.homes = self._homes()

    def rows(self) -> list[Row]:
        """All rows, but for the counts of what is inside each."""
        related = frozenset(self.chain.related)
        tops = [event.key for event in self.chain.events if event.key not in self.homes]
        alone = [key for key in tops if key in related]
        waiting = [self._event(key, (), True) for key in tops if key not in related]
        if alone:
            waiting.append(Row(RowKey(RowKind.RELATED)))
            waiting += [self._event(key, (False,), key == alone[-1]) for key in alone]
        waiting.reverse()
        rows: list[Row] = []
        drawn: set[EventKey] = set()
        way: list[Row] = []
        while waiting:
            row = waiting.pop()
            while way and way[-1].depth >= row.depth:
                way.pop()
            if row.key.kind is RowKind.REFERENCE:
                loop = any(above.key.event == row.key.event for above in way)
                rows.append(replace(row, above=row.key.event in drawn, loop=loop))
                continue
            if row.key.kind is RowKind.EVENT and row.key.event is not None:
                drawn.add(row.key.event)
            rows.append(row)
            way.append(row)
            waiting.extend(reversed(self._below(row)))
        return rows

    def _homes(self) -> dict[EventKey, Cause]:
        """For each event the one cause below which it is drawn: the surest, then the earliest.

        Where those would form a ring, an event of it hangs below a less sure cause from outside,
        or stands at the top: every event can be reached from a top, and from one only.
        """
        homes: dict[EventKey, Cause] = {}
        for key in self.order:
            causes = [one for one in self.chain.causes_of(key) if one.cause in self.order]
            if causes:
                homes[key] = min(causes, key=self._preference)
        reached = self._spread([key for key in self.order if key not in homes], homes)
        while len(reached) < len(self.order):
            ring = [key for key in self.order if key not in reached]
            ways_in = [
                cause
                for key in ring
                for cause in self.chain.causes_of(key)
                if cause.cause in reached
            ]
            if ways_in:
                chosen = min(ways_in, key=self._preference)
                homes[chosen.effect] = chosen
                reached |= self._spread([chosen.effect], homes)
            else:
                first = self._on_ring(ring[0], homes)
                del homes[first]
                reached |= self._spread([first], homes)
        return homes

    def _on_ring(self, key: EventKey, homes: dict[EventKey, Cause]) -> EventKey:
        """The earliest event of the ring that the homes of this event lead up to."""
        way = {key: 0}
        while (above := homes[key].cause) not in way:
            way[above] = len(way)
            key = above
        return min(list(way)[way[above] :], key=self.order.__getitem__)

    def _spread(self, tops: list[EventKey], homes: dict[EventKey, Cause]) -> set[EventKey]:
        """What is drawn below these, with them."""
        reached: set[EventKey] = set()
        waiting = list(tops)
        while waiting:
            key = waiting.pop()
            reached.add(key)
            waiting += [
                cause.effect
                for cause in self.chain.effects_of(key)
                if homes.get(cause.effect) == cause and cause.effect not in reached
            ]
        return reached

    def _preference(self, cause: Cause) -> tuple[int, int, str, str]:
        order = self.order.get(cause.cause, 0)
        return cause.evidence.rank, order, cause.service, cause.group

    def _event(self, key: EventKey, guides: tuple[bool, ...], last: bool) -> Row:
        return Row(RowKey(RowKind.EVENT, key), guides, last, self.chain.event(key))

    def _below(self, row: Row) -> list[Row]:
        """The rows that hang directly below a row."""
        if row.event is None:
            return []
        guides = (*row.guides, not row.last) if row.guides else (False,)
        effects = self.chain.effects_of(row.event.key)
        if row.delivery is None:
            deliveries = self.chain.deliveries_of(row.event.key)
            known = {delivery.key for delivery in deliveries}
            below = [
                Row(
                    RowKey(RowKind.DELIVERY, row.event.key, delivery.key),
                    event=row.event,
                    delivery=delivery,
                )
                for delivery in deliveries
            ] + self._effects([cause for cause in effects if cause.delivery not in known])
        else:
            mine = [cause for cause in effects if cause.delivery == row.delivery.key]
            below = self._effects(mine)
        return [
            replace(one, guides=guides, last=number == len(below) - 1)
            for number, one in enumerate(below)
        ]

    def _effects(self, causes: list[Cause]) -> list[Row]:
        rows = []
        for cause in sorted(causes, key=lambda one: self.order.get(one.effect, 0)):
            if cause.effect not in self.order:
                continue
            at_home = self.homes.get(cause.effect) == cause
            rows.append(
                Row(
                    RowKey(
                        RowKind.EVENT if at_home else RowKind.REFERENCE,
                        cause.effect,
                        None if at_home else cause.delivery,
                    ),
                    event=self.chain.event(cause.effect),
                    cause=cause,
                    others=len(self.chain.causes_of(cause.effect)) - 1 if at_home else 0,
                )
            )
        return rows


def counted(rows: list[Row]) -> list[Row]:
    """The same rows, each with the number of rows that belong to it."""
    counted: list[Row] = []
    open_rows: list[int] = []
    inside = [0] * len(rows)
    for index, row in enumerate(rows):
        while open_rows and rows[open_rows[-1]].depth >= row.depth:
            shut = open_rows.pop()
            inside[shut] = index - shut - 1
        open_rows.append(index)
    for shut in open_rows:
        inside[shut] = len(rows) - shut - 1
    for row, number in zip(rows, inside, strict=True):
        counted.append(replace(row, inside=number) if number else row)
    return counted
