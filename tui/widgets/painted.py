"""Lines as a terminal gets them, kept while they look the same: only what changed is painted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment as Cell
from rich.style import Style
from textual.strip import Strip

MOST = 500
"""Lines that are kept, some screens of them."""


class _Line(NamedTuple):
    cells: Sequence[Cell]
    strip: Strip


class Painted:
    """The lines of one drawing after the other, by their numbers.

    A line that looks as it did gives the same strip, with what Textual has cached in it; so
    whoever compares strips by identity knows which lines are to be painted again.
    """

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        self._shape: tuple[int, int, Style] | None = None

    def strip(
        self, number: int, cells: Sequence[Cell], *, start: int, width: int, blank: Style
    ) -> Strip:
        """`width` columns of a line from column `start` on, filled with spaces in `blank`."""
        shape = start, width, blank
        if shape != self._shape or len(self._lines) >= MOST:
            self._lines.clear()
            self._shape = shape
        known = self._lines.get(number)
        if known is not None and known.cells == cells:
            return known.strip
        strip = Strip(cells)
        if start:
            strip = strip.crop(start, start + width)
        strip = strip.adjust_cell_length(width, blank)
        self._lines[number] = _Line(cells, strip)
        return strip

    def known(self, number: int) -> Strip | None:
        """The strip that a line was last, if it is still kept."""
        line = self._lines.get(number)
        return line.strip if line is not None else None
