"""A list of events, one a line, in the columns that were chosen."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple

from graph.listing import EventRow
from tui.drawing.event_columns import USUAL, Column, cell, contents, divided
from tui.drawing.segments import Line, Segment, cells, fit, line, pad

_RIGHT = (Column.SIZE, Column.DELAY)


class RowKey(NamedTuple):
    """Names a row; in another cluster, or in another life of a topic, an id is another event's."""

    id: str
    cluster: str
    time: int

    @classmethod
    def of(cls, row: EventRow) -> RowKey:
        return cls(row.id, row.cluster, row.time)


class EventsDrawing:
    """A `Drawing` of events, oldest first; targets are their `RowKey`s."""

    def __init__(
        self,
        rows: Sequence[EventRow],
        width: int,
        chosen: Collection[Column] = USUAL,
        wants: Mapping[Column, int] | None = None,
    ) -> None:
        """`wants` are the widths of the contents, by column; without, they are measured."""
        self.rows = rows
        self.width = width
        self.columns = divided(chosen, measured(rows) if wants is None else wants, width)
        self._lines: dict[int, Line] = {}
        """Those that were asked for, not selected."""

    @property
    def height(self) -> int:
        return len(self.rows)

    @property
    def heading(self) -> Line:
        """The line that names the columns."""
        parts = [" "] if Column.TIME in self.columns else [" ", "  "]
        for column, width in self.columns.items():
            if len(parts) > 1:
                parts.append("  ")
            parts.append(pad(column.value, width, "right" if column in _RIGHT else "left"))
            if column is Column.TIME:
                parts.append("  ")
        return fit(line(Segment("".join(parts), "label")), self.width)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self.rows):
            return ()
        drawn = self._lines.get(y)
        if drawn is None:
            drawn = self._lines[y] = self._line(self.rows[y])
        if selected is not None and drawn and drawn[0].target == selected:
            return (Segment("▸", "title", selected), *drawn[1:])
        return drawn

    def _line(self, row: EventRow) -> Line:
        key = RowKey.of(row)
        error = Segment(" ✗" if row.error else "  ", "error")
        parts = [Segment(" ", "title")]
        if Column.TIME not in self.columns:
            parts.append(error)
        for column, width in self.columns.items():
            if len(parts) > 1:
                parts.append(Segment("  "))
            parts.append(cell(column, row, width))
            if column is Column.TIME:
                parts.append(error)
        return tuple(Segment(part.text, part.role, key) for part in fit(line(*parts), self.width))

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return frozenset()

    def rows_of(self, target: Hashable) -> range | None:
        # From the end: while the list follows, the last one is looked for.
        for at in range(len(self.rows) - 1, -1, -1):
            if (
                self.rows[at].id == getattr(target, "id", None)
                and RowKey.of(self.rows[at]) == target
            ):
                return range(at, at + 1)
        return None

    def first(self) -> Hashable | None:
        """The newest."""
        return RowKey.of(self.rows[-1]) if self.rows else None

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        at = self.rows_of(target)
        if at is None:
            return self.first()
        beside = max(0, min(len(self.rows) - 1, at.start + rows))
        return RowKey.of(self.rows[beside]) if beside != at.start else None


def measured(rows: Sequence[EventRow]) -> dict[Column, int]:
    """How wide the contents of the columns are."""
    wants: dict[Column, int] = {}
    for row in rows:
        for column, text in contents(row):
            wants[column] = max(wants.get(column, 0), cells(text))
    return wants
