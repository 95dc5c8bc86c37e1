"""A list of events, one a line: when, what, for which key, its id, who produced it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from graph.listing import EventRow
from tui.drawing import figures
from tui.drawing.segments import Line, Segment, cells, cut, cut_middle, fit, line, pad, printable


class EventColumns(NamedTuple):
    """How the width is divided; a column of width 0 is left out."""

    width: int
    title: int
    key: int
    id: int
    service: int

    @classmethod
    def for_rows(cls, rows: Sequence[EventRow], width: int) -> EventColumns:
        """Columns that suit these rows."""
        room = width - 15
        title = min(max((cells(_title(row)) for row in rows), default=5), room * 32 // 100)
        service = min(max((cells(row.service) for row in rows), default=0), room * 22 // 100)
        key = min(max((cells(row.key) for row in rows), default=0), room * 22 // 100)
        title, service = max(title, 5), max(service, 8)
        key = max(key, 3) if key else 0
        rest = room - title - service - key - (3 if key else 2) * 2
        return cls(width, title, key, max(8, rest), service)


class EventsDrawing:
    """A `Drawing` of events, oldest first; targets are the events' ids."""

    def __init__(self, rows: Sequence[EventRow], width: int) -> None:
        self.rows = rows
        self.columns = EventColumns.for_rows(rows, width)
        self._index = {row.id: number for number, row in enumerate(rows)}

    @property
    def height(self) -> int:
        return len(self.rows)

    @property
    def heading(self) -> Line:
        """The line that names the columns."""
        columns = self.columns
        parts = [" time, UTC", " " * 5, pad("event", columns.title), "  "]
        if columns.key:
            parts += [pad("key", columns.key), "  "]
        parts += [pad("id", columns.id), "  ", pad("producer", columns.service)]
        return fit(line(Segment("".join(parts), "label")), columns.width)

    def line(self, y: int, selected: Hashable | None) -> Line:
        if not 0 <= y < len(self.rows):
            return ()
        row, columns = self.rows[y], self.columns
        name = row.message_id or row.id
        parts = [
            Segment("▸" if row.id == selected else " ", "title"),
            Segment(figures.clock(row.time), "time"),
            Segment(" ✗" if row.error else "  ", "error"),
            Segment(pad(cut(_title(row), columns.title), columns.title), "event"),
            Segment("  "),
        ]
        if columns.key:
            parts += [Segment(pad(printable(row.key), columns.key)), Segment("  ")]
        parts += [
            Segment(pad(cut_middle(printable(name), columns.id), columns.id), "id"),
            Segment("  "),
        ]
        if row.service:
            parts.append(Segment(pad(printable(row.service), columns.service), "service"))
        else:
            parts.append(Segment(pad("unknown", columns.service), "dim"))
        return tuple(part._replace(target=row.id) for part in fit(line(*parts), columns.width))

    def lit(self, selected: Hashable | None) -> frozenset[object]:
        return frozenset()

    def rows_of(self, target: Hashable) -> range | None:
        at = self._index.get(target) if isinstance(target, str) else None
        return None if at is None else range(at, at + 1)

    def first(self) -> Hashable | None:
        """The newest."""
        return self.rows[-1].id if self.rows else None

    def step(self, target: Hashable, columns: int, rows: int) -> Hashable | None:
        at = self.rows_of(target)
        if at is None:
            return self.first()
        beside = max(0, min(len(self.rows) - 1, at.start + rows))
        return self.rows[beside].id if beside != at.start else None


def _title(row: EventRow) -> str:
    return printable(row.event_type or row.destination)
