"""Consumer groups as a table: one a line, the worst first, or sorted by any column."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from graph.listing import Consumer
from graph.standing import NOBODY_IN_IT, Standing, badness, standing_of
from tui.drawing import figures
from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    cut,
    cut_middle,
    fit,
    line,
    pad,
    printable,
    width_of,
)
from tui.drawing.sorting import Sort, draw_head

MARKS: dict[Standing, tuple[str, SegmentRole]] = {
    Standing.NOBODY: ("✗", "error"),
    Standing.STILL: ("■", "error"),
    Standing.FALLING: ("▼", "warning"),
    Standing.STEADY: ("=", "warning"),
    Standing.BEHIND: ("…", "warning"),
    Standing.CATCHING: ("▲", "work"),
    Standing.UNCOMMITTED: ("?", "unknown"),
    Standing.KEEPING: ("✓", "ok"),
    Standing.EMPTY: ("·", "dim"),
}


class GroupKey(NamedTuple):
    """A group of one cluster, as a target."""

    cluster: str
    group: str


WORST = Sort("state", down=True)


class _Column(NamedTuple):
    width: int
    role: SegmentRole
    value: Callable[[Consumer], Any]
    """What is sorted by; None is last either way."""
    text: Callable[[Consumer], str]


def catch_up(consumer: Consumer) -> str:
    """Until nothing waits any more, `never` as things go; empty when nothing waits, or unknown."""
    if not consumer.lag:
        return ""
    standing = standing_of(consumer)
    if standing.for_ever:
        return "never"
    return figures.seconds(consumer.catch_up)


def _until(consumer: Consumer) -> float | None:
    if consumer.lag and standing_of(consumer).for_ever:
        return float("inf")
    return consumer.catch_up


def _rate(value: float | None) -> str:
    return "" if value is None else figures.rate(value)


def _count_of_members(consumer: Consumer) -> str:
    if consumer.members:
        return f"{len(consumer.members):,}"
    return "none" if consumer.state in NOBODY_IN_IT else ""


FIGURES: dict[str, _Column] = {
    "lag": _Column(
        6, "number", lambda one: one.lag, lambda one: figures.count(one.lag) if one.lag else ""
    ),
    "oldest": _Column(
        8,
        "wait",
        lambda one: one.lag_seconds,
        lambda one: figures.seconds(one.lag_seconds) if one.lag else "",
    ),
    "rate": _Column(8, "number", lambda one: one.rate, lambda one: _rate(one.rate)),
    "added": _Column(8, "number", lambda one: one.growth, lambda one: _rate(one.growth)),
    "done in": _Column(9, "", _until, catch_up),
    "members": _Column(
        9,
        "",
        lambda one: len(one.members),
        lambda one: _count_of_members(one),
    ),
}
"""Between the names and the state, in this order."""

_NAMES: dict[str, Callable[[Consumer], Any]] = {
    "group": lambda one: (one.group.casefold(), one.cluster),
    "reads": lambda one: (not one.destinations, one.destinations),
}

COLUMNS = (*_NAMES, *FIGURES, "state")
"""All that can be sorted by, left to right."""

_WORTH = ("lag", "oldest", "rate", "done in", "members", "added")
"""Which columns stay where there is not room for all."""

STATE = 14
LEAST_NAMES = 31
"""Columns of group and destinations together, at least."""
LEAST_WIDTH = 60


def next_sort(sort: Sort) -> Sort:
    """By the next column, in the order in which one mostly wants it."""
    return sorted_by(COLUMNS[(COLUMNS.index(sort.column) + 1) % len(COLUMNS)])


def sorted_by(column: str, before: Sort | None = None) -> Sort:
    """By a column; the other way round if it is sorted by that already."""
    if before is not None and before.column == column:
        return Sort(column, not before.down)
    return Sort(column, column not in _NAMES)


class ConsumerTable:
    """A `Drawing` of groups; targets are their `GroupKey`s."""

    def __init__(self, consumers: Sequence[Consumer], sort: Sort, width: int) -> None:
        self.sort = sort
        self.width = max(width, LEAST_WIDTH)
        self.consumers = _sorted(consumers, sort)
        room = self.width - 3 - STATE - LEAST_NAMES
        shown: set[str] = set()
        # What is sorted by shows, however narrow it is.
        for name in dict.fromkeys((*(n for n in FIGURES if n == sort.column), *_WORTH)):
            if FIGURES[name].width <= room:
                shown.add(name)
                room -= FIGURES[name].width
        self.figures = [name for name in FIGURES if name in shown]
        both = self.width - 3 - STATE - sum(FIGURES[name].width for name in self.figures)
        clusters = {one.cluster for one in consumers}
        self._several = len(clusters) > 1
        longest = max((width_of(self._names(one)) for one in consumers), default=5) + 1
        self.group = max(7, min(longest, both * 56 // 100))
        self.reads = both - self.group
        self._index = {_key(one): y for y, one in enumerate(self.consumers)}

    @property
    def height(self) -> int:
        return len(self.consumers)

    @property
    def heading(self) -> Line:
        """Names of the columns; the one that is sorted by has an arrow. Targets are `SortBy`."""
        sort = self.sort
        parts = [Segment("   ")]
        parts += [draw_head("group", self.group, sort), draw_head("reads", self.reads, sort)]
        parts += [draw_head(name, FIGURES[name].width, sort, right=True) for name in self.figures]
        parts += [Segment("  "), draw_head("state", STATE - 2, sort)]
        return fit(line(*parts), self.width)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self.consumers):
            return ()
        one = self.consumers[y]
        key, standing = _key(one), standing_of(one)
        mark, role = MARKS[standing]
        parts = [
            Segment("▸" if key == selected else " ", "title"),
            Segment(f"{mark} ", role),
            *self._named(one),
            *self._read(one),
        ]
        for name in self.figures:
            column = FIGURES[name]
            shade = role if name in ("lag", "done in") and standing.behind else column.role
            if name == "members" and not one.members:
                shade = role if standing is Standing.NOBODY else "dim"
            parts.append(Segment(pad(column.text(one), column.width, "right"), shade))
        parts += [Segment("  "), Segment(pad(standing.value, STATE - 2), role)]
        return tuple(part._replace(target=key) for part in fit(line(*parts), self.width))

    def _names(self, one: Consumer) -> list[Segment]:
        """The group, the services that are in it where they are called otherwise, the cluster."""
        others = [name for name in one.services if name != one.group]
        names = [Segment(printable(one.group), "service" if one.services else "group")]
        if others:
            names.append(Segment(f" {printable(', '.join(others))}", "service"))
        if self._several:
            names.append(Segment(f" @{printable(one.cluster)}", "dim"))
        return names

    def _named(self, one: Consumer) -> list[Segment]:
        room = self.group - 1
        shown: list[Segment] = []
        for name in self._names(one):
            text = cut_middle(name.text, room) if not shown else cut(name.text, room)
            shown.append(name._replace(text=text))
            room -= cells(text)
        return [*shown, Segment(" " * (room + 1))]

    def _read(self, one: Consumer) -> list[Segment]:
        read = one.destinations
        more = f" +{len(read) - 1}" if len(read) > 1 else ""
        room = self.reads - len(more)
        text = cut(printable(read[0]), room) if read else "-"
        return [
            Segment(text, "destination" if read else "dim"),
            Segment(pad(more, self.reads - cells(text)), "dim"),
        ]

    def consumer(self, target: Hashable | None) -> Consumer | None:
        """The group that a target names."""
        at = self._index.get(target) if isinstance(target, GroupKey) else None
        return None if at is None else self.consumers[at]

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return frozenset()

    def rows_of(self, target: Hashable) -> range | None:
        at = self._index.get(target) if isinstance(target, GroupKey) else None
        return None if at is None else range(at, at + 1)

    def first(self) -> Hashable | None:
        return _key(self.consumers[0]) if self.consumers else None

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        at = self.rows_of(target)
        if at is None:
            return self.first()
        beside = max(0, min(len(self.consumers) - 1, at.start + rows))
        return _key(self.consumers[beside]) if beside != at.start else None


def _key(one: Consumer) -> GroupKey:
    return GroupKey(one.cluster, one.group)


def _sorted(consumers: Sequence[Consumer], sort: Sort) -> list[Consumer]:
    ordered = sorted(consumers, key=lambda one: (one.group.casefold(), one.cluster))
    if sort.column in _NAMES:
        return sorted(ordered, key=_NAMES[sort.column], reverse=sort.down)
    if sort.column == "state":
        return sorted(ordered, key=badness, reverse=sort.down)
    value = FIGURES[sort.column].value
    known = [one for one in ordered if value(one) is not None]
    known.sort(key=value, reverse=sort.down)
    return [*known, *(one for one in ordered if value(one) is None)]
