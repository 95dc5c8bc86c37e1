"""How tables are sorted, and the headings that say so."""

from __future__ import annotations

from typing import NamedTuple

from tui.drawing.segments import Segment, pad


class Sort(NamedTuple):
    """By which column, and whether the greatest come first."""

    column: str
    down: bool


class SortBy(NamedTuple):
    """The target of a column's heading."""

    column: str


def draw_head(name: str, width: int, sort: Sort, *, right: bool = False) -> Segment:
    """A column's name in its width; that of the one that is sorted by has an arrow."""
    here = name == sort.column
    arrow = ("▼" if sort.down else "▲") if here else ""
    text = pad(f"{name}{arrow}", width, "right" if right else "left")
    return Segment(text, "title" if here else "label", SortBy(name))
