"""A chain as a timeline: a lane for each service, with what it handled and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import NamedTuple

from graph.chain.lanes import consumer_of, lanes_of, producer_of
from graph.chain.result import Chain, Delivery, Event
from tui.drawing.chain_fates import NO_FATES, KnownFates, counts_besides, fate_of, said_of
from tui.drawing.chain_tree import RowKey, RowKind
from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    cut,
    fit,
    line,
    pad,
    printable,
    width_of,
)
from tui.drawing.waterfall import TimeSpan, scale

NAME = 18
"""Columns for a service's name."""

LEAST_LABEL = 5
"""Columns from which a label says something."""


class Bar(NamedTuple):
    """Something that stands in a lane, from a column to one before another."""

    key: RowKey
    start: int
    end: int
    text: str
    role: SegmentRole
    title: str
    fate: tuple[Segment, ...] = ()
    """What became of it beyond what spans say, and the same as marks alone."""
    marks: tuple[Segment, ...] = ()

    def label(self, room: int) -> list[Segment]:
        """Title and fate in so many columns at most; the title is cut before the fate is."""
        title = f" {printable(self.title)}"
        fate = self.fate if cells(title) + width_of(self.fate) <= room else self.marks
        shown = cut(title, max(0, room - width_of(fate)))
        parts = [Segment(shown, "dim"), *fate]
        return [part._replace(target=self.key) for part in line(*parts)]

    @property
    def labelled(self) -> int:
        """Columns of title and marks."""
        return 1 + cells(self.title) + width_of(self.marks)


class TimelineDrawing:
    """A `Drawing`; its targets are the `RowKey`s of the tree."""

    def __init__(self, chain: Chain, width: int, fates: KnownFates = NO_FATES) -> None:
        self.chain = chain
        self.width = width
        self.fates = fates
        self._span = TimeSpan.of(chain)
        self._room = max(10, width - NAME - 2)
        self._rows: list[tuple[str, list[Bar]]] = []
        for name, bars in self._lanes().items():
            for number, row in enumerate(_stacked(bars)):
                self._rows.append((name if number == 0 else "", row))
        self._places = {
            bar.key: (y, number)
            for y, (_, row) in enumerate(self._rows)
            for number, bar in enumerate(row)
        }

    @property
    def height(self) -> int:
        return len(self._rows)

    @property
    def heading(self) -> Line:
        whole = pad(" service", NAME + 1)
        return fit(line(Segment(whole, "label"), scale(self._span, self._room)), self.width)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self._rows):
            return ()
        name, row = self._rows[y]
        here = any(bar.key == selected for bar in row)
        parts = [
            Segment("▸" if here else " ", "title"),
            Segment(pad(printable(name), NAME - 1) + " ", "service"),
        ]
        at = 0
        for number, bar in enumerate(row):
            parts.append(Segment(" " * (bar.start - at)))
            free = (row[number + 1].start if number + 1 < len(row) else self._room) - bar.end - 1
            inside = free < LEAST_LABEL * 2 and len(bar.text) > bar.labelled + 4
            parts += _labelled(bar) if inside else [Segment(bar.text, bar.role, bar.key)]
            at = bar.end
            if free >= LEAST_LABEL and not inside:
                label = bar.label(free + 1)
                parts += label
                at += width_of(tuple(label))
        return fit(line(*parts), self.width)

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        """The same event elsewhere, and what it led to."""
        if not isinstance(selected, RowKey) or selected.event is None:
            return frozenset()
        near = {selected.event, *(one.effect for one in self.chain.effects_of(selected.event))}
        return frozenset(key for key in self._places if key.event in near)

    def rows_of(self, target: Hashable) -> range | None:
        place = self._places.get(target) if isinstance(target, RowKey) else None
        return range(place[0], place[0] + 1) if place else None

    def first(self) -> Hashable | None:
        asked = RowKey(RowKind.EVENT, self.chain.focus)
        return asked if asked in self._places else next(iter(self._places), None)

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        place = self._places.get(target) if isinstance(target, RowKey) else None
        if place is None:
            return self.first()
        y, number = place
        if columns:
            row = self._rows[y][1]
            beside = number + columns
            return row[beside].key if 0 <= beside < len(row) else None
        lane = max(0, min(len(self._rows) - 1, y + rows))
        if lane == y:
            return None
        at = self._rows[y][1][number].start
        return min(self._rows[lane][1], key=lambda bar: abs(bar.start - at)).key

    def _lanes(self) -> dict[str, list[Bar]]:
        bars: dict[str, list[Bar]] = {name: [] for name in lanes_of(self.chain)}
        for event in self.chain.events:
            bars[producer_of(event)].append(self._point(event))
            for delivery in self.chain.deliveries_of(event.key):
                if delivery.start:
                    bars[consumer_of(delivery)].append(self._bar(event, delivery))
        return {name: found for name, found in bars.items() if found}

    def _point(self, event: Event) -> Bar:
        at = self._column(event.time)
        role: SegmentRole = "error" if event.error else "event"
        key = RowKey(RowKind.EVENT, event.key)
        said = tuple(counts_besides(event, self.fates, short=False))
        marks = tuple(counts_besides(event, self.fates, short=True))
        mark = "✗" if event.error else "◆"
        return Bar(key, at, at + 1, mark, role, event.title, said, marks)

    def _bar(self, event: Event, delivery: Delivery) -> Bar:
        start = self._column(delivery.start)
        end = max(start + 1, self._column(delivery.end) + 1)
        text = "━" * (end - start)
        if delivery.error:
            text = text[:-1] + "✗"
        key = RowKey(RowKind.DELIVERY, event.key, delivery.key)
        role: SegmentRole = "error" if delivery.error else "work"
        fate = fate_of(delivery, self.fates)
        if fate is None:
            return Bar(key, start, end, text, role, event.title)
        mark, word, shade = said_of(fate)
        said, marks = (Segment(f"  {mark} {word}", shade),), (Segment(f" {mark}", shade),)
        return Bar(key, start, end, text, role, event.title, said, marks)

    def _column(self, time: int) -> int:
        return min(self._room - 1, self._span.half_column(time, self._room) // 2)


def _labelled(bar: Bar) -> list[Segment]:
    """A bar with its title on it."""
    label = bar.label(len(bar.text) - 4)
    return [
        Segment(bar.text[:1], bar.role, bar.key),
        *label,
        Segment(" " + bar.text[2 + width_of(tuple(label)) :], bar.role, bar.key),
    ]


def _stacked(bars: list[Bar]) -> list[list[Bar]]:
    """Rows in which nothing covers another."""
    rows: dict[int, list[Bar]] = defaultdict(list)
    for bar in sorted(bars, key=lambda bar: (bar.start, bar.end)):
        number = 0
        while rows[number] and rows[number][-1].end >= bar.start:
            number += 1
        rows[number].append(bar)
    return [row for _, row in sorted(rows.items()) if row]
