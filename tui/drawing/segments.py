"""What every drawing is made of: lines of segments, each with its role and what it stands for.

A drawing knows meanings, not colours: a theme (or a terminal's escape codes) gives each role its
look. Roles never carry a meaning alone; the text says it too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterable
from typing import Literal, NamedTuple

SegmentRole = Literal[
    "",
    "title",
    "label",
    "dim",
    "service",
    "destination",
    "group",
    "unknown",
    "event",
    "time",
    "number",
    "id",
    "edge",
    "edge.inferred",
    "evidence.observed",
    "evidence.declared",
    "evidence.matched",
    "evidence.inferred",
    "ok",
    "error",
    "warning",
    "wait",
    "work",
    "key",
    "string",
    "command",
    "match",
]
"""What a piece of text is; the empty role is plain text."""


class Segment(NamedTuple):
    """A piece of text on one line, without line breaks or tabs."""

    text: str
    role: SegmentRole = ""
    target: Hashable = None
    """What it shows (a node's or an event's key, ...), for selection and mouse; or None."""


Line = tuple[Segment, ...]
"""One line of a drawing, left to right."""


def line(*parts: Segment | str) -> Line:
    """Joins segments and plain strings; empty ones are left out."""
    segments = (Segment(part) if isinstance(part, str) else part for part in parts)
    return tuple(segment for segment in segments if segment.text)


def text_of(drawn: Iterable[Segment]) -> str:
    """The line as plain text, without spaces at its end."""
    return "".join(segment.text for segment in drawn).rstrip()


def cells(text: str) -> int:
    """How many terminal columns a text takes: 2 for wide characters, 0 for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def width_of(drawn: Iterable[Segment]) -> int:
    """How many terminal columns a line takes."""
    return sum(cells(segment.text) for segment in drawn)


def clip(text: str, width: int) -> str:
    """As much of the text's beginning as fits into `width` columns."""
    if text.isascii():
        return text[: max(0, width)]
    room = width
    for index, character in enumerate(text):
        room -= _cells(character)
        if room < 0:
            return text[:index]
    return text


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns; what is left out at the end becomes `…`."""
    if cells(text) <= width:
        return text
    return clip(text, width - 1) + "…" if width > 0 else ""


def cut_middle(text: str, width: int) -> str:
    """The text in at most `width` columns; `…` stands for its middle, for ids and long names."""
    if cells(text) <= width or width < 5:
        return cut(text, width)
    head = (width - 1) // 2
    tail = width - 1 - head
    shortened = f"{text[:head]}…{text[-tail:]}"
    return shortened if cells(shortened) <= width else cut(text, width)


def pad(text: str, width: int, align: Literal["left", "right", "center"] = "left") -> str:
    """The text in exactly `width` columns, cut where it is longer."""
    shown = cut(text, width)
    room = width - cells(shown)
    if align == "right":
        return " " * room + shown
    if align == "center":
        return " " * (room // 2) + shown + " " * (room - room // 2)
    return shown + " " * room


def fit(drawn: Line, width: int) -> Line:
    """The line in exactly `width` columns: cut with `…`, or filled with spaces."""
    size = width_of(drawn)
    if size <= width:
        return line(*drawn, " " * (width - size))
    taken: list[Segment] = []
    room = width - 1
    for segment in drawn:
        shown = clip(segment.text, room)
        taken.append(segment._replace(text=shown))
        room -= cells(shown)
        if shown != segment.text:
            break
    return line(*taken, "…" if width > 0 else "", " " * room)


def window(drawn: Line, start: int, width: int) -> Line:
    """Exactly these columns of a line; half of a wide character becomes a space."""
    if start <= 0:
        return _clipped(drawn, width)
    for number, segment in enumerate(drawn):
        size = cells(segment.text)
        if start < size:
            head = clip(segment.text, start)
            rest = segment.text[len(head) :]
            if cells(head) < start and rest:
                rest = " " * (cells(head) + cells(rest[0]) - start) + rest[1:]
            return _clipped((segment._replace(text=rest), *drawn[number + 1 :]), width)
        start -= size
    return line(" " * width)


def _clipped(drawn: Line, width: int) -> Line:
    taken: list[Segment] = []
    for segment in drawn:
        shown = clip(segment.text, width)
        taken.append(segment._replace(text=shown))
        width -= cells(shown)
        if shown != segment.text:
            break
    return line(*taken, " " * width)


def printable(text: str) -> str:
    """The text on one line: control characters, which could move a terminal's cursor, as `·`."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "·" for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
