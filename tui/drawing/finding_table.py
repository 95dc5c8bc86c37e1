"""Findings as a table: two lines each, below their kinds, the worst first, or sorted by a column.

   dead-letter  1 open                                 given up by its consumer
▸ ✗ inventory-workers on orders → orders.DLT        12  open   11:51:00  11:59:00
    12 messages (order.created) from orders given up by inventory-workers and …
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from graph.findings.kinds import worst_first
from graph.findings.model import Finding, Kind, State
from tui.drawing import figures
from tui.drawing.finding_lines import KIND, MARKS
from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    cut_middle,
    fit,
    line,
    pad,
    printable,
)
from tui.drawing.sorting import Sort, draw_head

MEANINGS = {
    Kind.LOST: "sent or passed, and no trace of it",
    Kind.DEAD_LETTER: "given up by its consumer",
    Kind.DUPLICATE: "handled, or produced, twice",
    Kind.OUT_OF_ORDER: "of one key, not as they were produced",
    Kind.RETRY_LOOP: "tried again and again",
    Kind.OVERDUE: "the next step has not followed",
    Kind.STUCK: "no progress while messages wait",
    Kind.STORMING: "members keep coming and going",
    Kind.STALE: "further behind than usual, or allowed",
    Kind.UNCONSUMED: "nobody consumes it",
    Kind.BROKEN_CONTEXT: "the trace ends here",
    Kind.CLOCK_SKEW: "two clocks disagree",
}
"""What each kind is, in a few words."""

MUTED = "muted"
"""The heading of what nobody is to be bothered with."""


class FindingKey(NamedTuple):
    """A finding, as a target."""

    id: str


WORST = Sort("kind", down=True)


class _Column(NamedTuple):
    width: int
    value: Callable[[Finding], Any]


FIGURES = {
    "count": _Column(6, lambda one: one.count),
    "state": _Column(8, lambda one: one.state is State.OPEN),
    "first": _Column(12, lambda one: one.first),
    "last": _Column(12, lambda one: one.last),
}
"""After the subject, in this order."""

COLUMNS = ("kind", *FIGURES)
"""All that can be sorted by, left to right."""

LEAST_WIDTH = 70


def next_sort(sort: Sort) -> Sort:
    """By the next column."""
    return sorted_by(COLUMNS[(COLUMNS.index(sort.column) + 1) % len(COLUMNS)])


def sorted_by(column: str, before: Sort | None = None) -> Sort:
    """By a column, the most first; the other way round if it is sorted by that already."""
    if before is not None and before.column == column:
        return Sort(column, not before.down)
    return Sort(column, down=True)


def subject_of(one: Finding) -> list[Segment]:
    """Who and what it is about, in a line."""
    subject, kind = one.subject, one.kind
    if kind is Kind.CLOCK_SKEW:
        return [
            Segment(printable(subject.peer), "service"),
            Segment(" → ", "dim"),
            Segment(printable(subject.service), "service"),
        ]
    parts: list[Segment] = []
    if who := subject.service or subject.group:
        parts.append(Segment(printable(who), "service" if subject.service else "group"))
    if subject.destination:
        parts += [Segment(" on " if parts else "", "dim")]
        parts.append(Segment(printable(subject.destination), "destination"))
    if kind is Kind.DEAD_LETTER and subject.peer:
        parts += [Segment(" → ", "dim"), Segment(printable(subject.peer), "destination")]
    if subject.event_type and subject.event_type != subject.destination:
        parts.append(Segment(f"  {printable(subject.event_type)}", "event"))
    if kind is Kind.OVERDUE:
        parts += [Segment(" → ", "dim"), Segment(printable(subject.peer), "event")]
    return [part for part in parts if part.text] or [Segment("-", "dim")]


class FindingTable:
    """A `Drawing` of findings; targets are their `FindingKey`s."""

    def __init__(self, findings: Sequence[Finding], sort: Sort, width: int, now: int) -> None:
        """Times of the day of `now` are shown without their date."""
        self.sort = sort
        self.width = max(width, LEAST_WIDTH)
        self._today = figures.date(now)[:10]
        groups = _grouped(findings) if sort.column == "kind" else _listed(findings, sort)
        if sort.column == "kind" and not sort.down:
            groups = [*reversed(groups[:-1]), groups[-1]] if _ends_muted(groups) else groups[::-1]
        self.findings: list[Finding] = []
        """As they stand in the table."""
        self._rows: list[tuple[int, str]] = []
        """Of each line the finding's number, or -1 and the heading."""
        self._index: dict[FindingKey, tuple[int, int]] = {}
        """By finding its number and its first line."""
        for title, some in groups:
            if title:
                self._rows += [(-1, "")] * bool(self._rows)
                self._rows.append((-1, title))
            for one in some:
                self._index[FindingKey(one.id)] = len(self.findings), len(self._rows)
                self._rows += [(len(self.findings), "columns"), (len(self.findings), "sentence")]
                self.findings.append(one)
        self._groups = dict(groups)

    @property
    def height(self) -> int:
        return len(self._rows)

    @property
    def heading(self) -> Line:
        """Names of the columns; the one that is sorted by has an arrow. Targets are `SortBy`."""
        parts = [Segment("    "), draw_head("kind", self._room, self.sort)]
        parts += [
            draw_head(name, column.width, self.sort, right=True) for name, column in FIGURES.items()
        ]
        return fit(line(*parts), self.width)

    @property
    def _room(self) -> int:
        """Columns of a subject."""
        return self.width - 4 - sum(column.width for column in FIGURES.values())

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self._rows):
            return ()
        number, what = self._rows[y]
        if number < 0:
            return self._title(what) if what else fit((), self.width)
        one = self.findings[number]
        key = FindingKey(one.id)
        drawn = self._columns(one, key == selected) if what == "columns" else self._sentence(one)
        return tuple(part._replace(target=key) for part in drawn)

    def _title(self, title: str) -> Line:
        some = self._groups[title]
        open_ = sum(one.state is State.OPEN for one in some)
        closed = len(some) - open_
        counts = [f"{open_:,} open"] * bool(open_) + [f"{closed:,} closed"] * bool(closed)
        meaning = "nobody is to be bothered with these" if title == MUTED else MEANINGS[Kind(title)]
        return fit(
            line(
                Segment(f"  {title}", "title"),
                Segment(f"  {', '.join(counts)}", "label"),
                Segment(f"  {meaning}", "dim"),
            ),
            self.width,
        )

    def _columns(self, one: Finding, selected: bool) -> Line:
        mark, role = MARKS[one.severity]
        quiet = one.state is State.CLOSED or bool(one.muted)
        shade: SegmentRole = "dim" if quiet else role
        room = self._room
        named: list[Segment] = []
        if self.sort.column != "kind" or one.muted:
            named.append(Segment(pad(one.kind.value, KIND + 1), shade))
            room -= KIND + 1
        for part in subject_of(one):
            text = cut_middle(part.text, max(0, room - 1))
            named.append(part._replace(text=text))
            room -= cells(text)
        return fit(
            line(
                Segment(" ▸" if selected else "  ", "title"),
                Segment(f"{mark} ", shade),
                *named,
                Segment(" " * max(0, room)),
                Segment(pad(figures.count(one.count), FIGURES["count"].width, "right"), "number"),
                Segment(pad(one.state.value, FIGURES["state"].width, "right"), shade),
                Segment(pad(self._clock(one.first), FIGURES["first"].width, "right"), "time"),
                Segment(pad(self._clock(one.last), FIGURES["last"].width, "right"), "time"),
            ),
            self.width,
        )

    def _sentence(self, one: Finding) -> Line:
        quiet = one.state is State.CLOSED or bool(one.muted)
        return fit(
            line("    ", Segment(printable(one.sentence), "dim" if quiet else "")), self.width
        )

    def _clock(self, at: int) -> str:
        date = figures.date(at)
        return date[11:19] if date[:10] == self._today else date[5:16]

    def finding(self, target: Hashable | None) -> Finding | None:
        """The finding that a target names."""
        at = self._index.get(target) if isinstance(target, FindingKey) else None
        return None if at is None else self.findings[at[0]]

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return frozenset()

    def rows_of(self, target: Hashable) -> range | None:
        at = self._index.get(target) if isinstance(target, FindingKey) else None
        return None if at is None else range(at[1], at[1] + 2)

    def first(self) -> Hashable | None:
        return FindingKey(self.findings[0].id) if self.findings else None

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        at = self._index.get(target) if isinstance(target, FindingKey) else None
        if at is None:
            return self.first()
        if abs(rows) > 1:
            # A page is so many lines, of which each finding has two.
            rows = rows // 2 if rows > 0 else -(-rows // 2)
        beside = max(0, min(len(self.findings) - 1, at[0] + rows))
        return FindingKey(self.findings[beside].id) if beside != at[0] else None


Groups = list[tuple[str, list[Finding]]]


def _grouped(findings: Sequence[Finding]) -> Groups:
    """By kind, those with the worst that is open first; what is muted apart, at the end."""
    ordered = sorted(findings, key=worst_first)
    kinds: dict[Kind, list[Finding]] = {}
    for one in ordered:
        if not one.muted:
            kinds.setdefault(one.kind, []).append(one)
    groups = [(kind.value, some) for kind, some in kinds.items()]
    muted = [one for one in ordered if one.muted]
    return [*groups, (MUTED, muted)] if muted else groups


def _listed(findings: Sequence[Finding], sort: Sort) -> Groups:
    """All in one list by a column; what is muted apart."""
    ordered = sorted(findings, key=worst_first)
    ordered.sort(key=FIGURES[sort.column].value, reverse=sort.down)
    shown = [one for one in ordered if not one.muted]
    muted = [one for one in ordered if one.muted]
    return [("", shown), (MUTED, muted)] if muted else [("", shown)]


def _ends_muted(groups: Groups) -> bool:
    return bool(groups) and groups[-1][0] == MUTED
