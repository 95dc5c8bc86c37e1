"""Rows of any columns as text: what `flowtap sql` prints."""

from __future__ import annotations

import json
from typing import Any, Literal

from graph.table import Table
from tui.drawing.segments import Line, Segment, SegmentRole, cells, cut, line, pad, printable

WIDEST = 60
"""Columns of the terminal that one column of the table takes, at most."""


def table_lines(table: Table) -> list[Line]:
    """A header and a line for each row; numbers stand right, what is longer than its column is
    cut and says so."""
    texts = [[cell_text(value) for value in row] for row in table.rows]
    names = [cut(printable(name), WIDEST) for name in table.names]
    widths = [max(map(cells, column)) for column in zip(names, *texts, strict=True)]
    aligned: list[Literal["left", "right"]] = ["left"] * len(names)
    for at, values in enumerate(zip(*table.rows, strict=True)):
        if all(map(_is_number, values)):
            aligned[at] = "right"

    def drawn(row: list[str], role: SegmentRole) -> Line:
        padded = map(pad, row, widths, aligned)
        return line(*(part for text in padded for part in (Segment(text, role), "  ")))

    return [drawn(names, "label"), *(drawn(row, "") for row in texts)]


def cell_text(value: Any) -> str:
    """A JSON value on one line."""
    if isinstance(value, str):
        text = value
    elif value is None:
        text = "NULL"
    else:
        text = json.dumps(value, ensure_ascii=False)
    return cut(printable(text), WIDEST)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
