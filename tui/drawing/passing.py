"""What passes by: the newest events of a list, those that came below it while it is held still,
and how many of each type, how fast. Knows no clock and no screen."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graph.listing import EventRow
from graph.terms import Field
from tui.drawing.event_columns import Column, contents
from tui.drawing.event_rows import RowKey
from tui.drawing.segments import cells

KEPT = 2_000
"""Events in the list, and as many below it while it is held."""

TYPES = 200
"""Types that are counted one by one; others are counted together."""

SECONDS = 10
"""Over which a rate is taken."""

SECOND = 1_000_000_000


class Kind(NamedTuple):
    """What events are counted by: their type, or where they say none, their topic."""

    field: Field
    value: str

    @classmethod
    def of(cls, row: EventRow) -> Kind:
        if row.event_type:
            return cls(Field.TYPE, row.event_type)
        return cls(Field.TOPIC, row.destination)


OTHERS = Kind(Field.TEXT, "others")


class Passing:
    """The events that one filter lets through."""

    def __init__(self, kept: int = KEPT) -> None:
        self.rows: tuple[EventRow, ...] = ()
        """Oldest first."""
        self.held = False
        self.new = 0
        """How many came since the list is held still."""
        self.seen = 0
        self.missed = 0
        """How many came too fast to be shown."""
        self.counts: Counter[Kind] = Counter()
        self.widths: dict[Column, int] = {}
        """The most columns that each took so far: it only grows, so that nothing jumps."""
        self._kept = kept
        self._list: deque[EventRow] = deque(maxlen=kept)
        self._below: deque[EventRow] = deque(maxlen=kept)
        self._keys: set[RowKey] = set()
        self._ahead: set[RowKey] = set()
        """Listed since the stream began, before it told them."""
        self._failed: set[RowKey] = set()
        """Marked at the last list."""
        self._seconds: deque[tuple[int, Counter[Kind]]] = deque(maxlen=SECONDS + 1)
        self._began: int | None = None

    def listed(self, rows: Iterable[EventRow]) -> None:
        """What the source lists, newest first: those that are not there yet find their place, and
        what failed meanwhile is marked."""
        told = list(rows)
        fresh = self._fresh(told)
        self._mark(told)
        if not fresh:
            return
        self._note(fresh)
        if self._began is not None:
            self._ahead.update(map(RowKey.of, fresh))
        self._place(fresh)

    def opened(self, now: int) -> None:
        """From now on, what is stored comes."""
        if self._began is None:
            self._began = now

    def came(self, rows: Iterable[EventRow], now: int) -> None:
        """What was stored just now, in its order. It flows also if a list has told it sooner."""
        rows = list(rows)
        late = [row for row in rows if RowKey.of(row) in self._ahead]
        self._ahead.difference_update(map(RowKey.of, late))
        fresh = self._fresh(rows)
        second = now // SECOND
        self.opened(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        self._seconds[-1][1].update(self._note(fresh))
        self._seconds[-1][1].update(map(self._counted_as, late))
        self._place(fresh)

    def _place(self, fresh: Iterable[EventRow]) -> None:
        """By time: a list that was asked for may tell the newest before the stream has told what
        came before them."""
        fresh = list(fresh)
        target = self._below if self.held else self._list
        merged = sorted((*target, *fresh), key=lambda row: row.time)
        target.clear()
        target.extend(merged)
        self.new += len(fresh) if self.held else 0
        self._settle()

    def hold(self) -> None:
        """What is listed stays as it is."""
        self.held = True

    def follow(self) -> None:
        """What came meanwhile is listed, and what comes will be."""
        self.held = False
        self.new = 0
        waited = list(self._below)
        self._below.clear()
        self._place(waited)

    def _mark(self, told: Iterable[EventRow]) -> None:
        """Rows that are there already, and have failed since."""
        failed = {key: row for row in told if row.error and (key := RowKey.of(row)) in self._keys}
        if not failed.keys() <= self._failed:
            self._failed = set(failed)
            self.rows = tuple(failed.get(RowKey.of(row), row) for row in self.rows)
            for rows in (self._list, self._below):
                marked = [failed.get(RowKey.of(row), row) for row in rows]
                rows.clear()
                rows.extend(marked)
            self._settle()

    def _fresh(self, rows: Iterable[EventRow]) -> list[EventRow]:
        """Those that were not seen before."""
        fresh = []
        for row in rows:
            key = RowKey.of(row)
            if key not in self._keys:
                self._keys.add(key)
                fresh.append(row)
        return fresh

    def _note(self, fresh: Iterable[EventRow]) -> Counter[Kind]:
        kinds: Counter[Kind] = Counter()
        for row in fresh:
            self.seen += 1
            kind = self._counted_as(row)
            kinds[kind] += 1
            self.counts[kind] += 1
            for column, text in contents(row):
                size = cells(text)
                if size > self.widths.get(column, 0):
                    self.widths[column] = size
        return kinds

    def _counted_as(self, row: EventRow) -> Kind:
        kind = Kind.of(row)
        return kind if kind in self.counts or len(self.counts) < TYPES else OTHERS

    def _settle(self) -> None:
        if not self.held or not self.rows:
            self.rows = tuple(self._list)
        if len(self._keys) > 4 * self._kept:
            # What is forgotten here comes no more: a stream tells each event once.
            self._keys = {RowKey.of(row) for row in (*self._list, *self._below)}
            self._ahead &= self._keys

    def rates(self, now: int) -> Mapping[Kind, float]:
        """Events a second of each kind in the last seconds; none before one has passed."""
        if self._began is None or now - self._began < SECOND:
            return {}
        oldest = now // SECOND - SECONDS
        total: Counter[Kind] = Counter()
        for second, kinds in self._seconds:
            if second >= oldest:
                total.update(kinds)
        passed = min(now - self._began, now - oldest * SECOND) / SECOND
        return {kind: total[kind] / passed for kind in self.counts}
