"""Lines of detail: a label and its value, headings, wrapped text, bodies with their structure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    clip,
    line,
    pad,
    printable,
)

_DIGITS = re.compile(r"(?:[0-9a-f]{2})+")

LABEL = 11
"""Columns of a label."""
MAX_BODY_LINES = 400
HEX = "hex:"
"""What begins a value that is no text, as it is shown."""


def fact(label: str, *value: Segment | str, width: int, room: int = LABEL) -> list[Line]:
    """A label in `room` columns and its value, wrapped below itself; nothing without a value."""
    parts = [Segment(part) if isinstance(part, str) else part for part in value]
    if not any(part.text for part in parts):
        return []
    wrapped = wrap(parts, width - room - 1)
    first = line(Segment(pad(label, room) + " ", "label"), *wrapped[0])
    return [first, *(line(" " * (room + 1), *rest) for rest in wrapped[1:])]


def heading(text: str, width: int) -> list[Line]:
    """A heading with a rule, and an empty line above."""
    return [
        (),
        line(Segment(f"{text} ", "label"), Segment("─" * (width - cells(text) - 1), "edge")),
    ]


def wrap(parts: list[Segment], width: int) -> list[list[Segment]]:
    """Segments in lines of at most `width` columns, broken at spaces where there are any near."""
    lines: list[list[Segment]] = [[]]
    room = width = max(1, width)
    for part in parts:
        text = printable(part.text)
        # A mark of evidence stays with its word.
        whole = " " not in text.strip() or part.role.startswith("evidence.")
        if room < cells(text) <= width and whole and room < width:
            lines.append([])
            room = width
        while text:
            taken = clip(text, room)
            if not taken and room == width:
                taken = text[0]
            if len(taken) < len(text) and text[len(taken)] != " ":
                word = taken.rfind(" ") + 1
                # A long id would leave half of the line empty: it is broken anywhere.
                if (word or room < width) and cells(taken[word:]) * 2 <= width:
                    taken = taken[:word]
            if taken:
                lines[-1].append(part._replace(text=taken))
                text = text[len(taken) :]
                room -= cells(taken)
            if text:
                text = text.lstrip(" ") if lines[-1] else text
                lines.append([])
                room = width
    return [row for row in lines if row] or [[]]


def body(value: str | None, width: int) -> list[Line]:
    """A message's value: JSON by its structure, other text as it is, wrapped."""
    if value is None:
        return [line(Segment("no value: a tombstone", "dim"))]
    if not value:
        return [line(Segment("empty", "dim"))]
    if value.startswith(HEX) and _DIGITS.fullmatch(value, len(HEX)):
        return _capped(_dump(bytes.fromhex(value[len(HEX) :]), width))
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        lines = [
            line(*part) for text in value.splitlines() for part in wrap([Segment(text)], width)
        ]
    else:
        lines = [line(*part) for drawn in _json(parsed) for part in wrap(drawn, width)]
    return _capped(lines)


def _capped(lines: list[Line]) -> list[Line]:
    more = len(lines) - MAX_BODY_LINES
    if more <= 0:
        return lines
    return [*lines[:MAX_BODY_LINES], line(Segment(f"… {more:,} more lines", "dim"))]


def _dump(data: bytes, width: int) -> list[Line]:
    """Bytes as offset, hex, and what of them is printable; 4, 8 or 16 in a line."""
    count = next((many for many in (16, 8) if 7 + many * 4 <= width), 4)
    lines = []
    for start in range(0, len(data), count):
        piece = data[start : start + count]
        shown = "".join(chr(one) if 32 <= one < 127 else "·" for one in piece)
        lines.append(
            line(
                Segment(f"{start:04x}  ", "dim"),
                Segment(f"{piece.hex(' '):{count * 3}} ", "number"),
                Segment(shown, "string"),
            )
        )
    return lines


def _json(value: object) -> Iterator[list[Segment]]:
    """Pretty JSON, split where keys and values begin; one list a line."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        yield [Segment("nested too deep to be shown", "dim")]
        return
    for row in text.split("\n"):
        stripped = row.lstrip(" ")
        indent = Segment(row[: len(row) - len(stripped)])
        key, rest = "", stripped
        if stripped.startswith('"'):
            end = _string_end(stripped)
            if stripped[end : end + 2] == ": ":
                key, rest = stripped[:end], stripped[end:]
        colon = rest[:2] if key else ""
        shown = rest[2:] if key else rest
        yield [
            indent,
            Segment(key, "key"),
            Segment(colon, "dim"),
            Segment(shown, _json_role(shown)),
        ]


def _string_end(text: str) -> int:
    """Behind the closing quote of the string that this text begins with."""
    at = 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _json_role(text: str) -> SegmentRole:
    if text.startswith('"'):
        return "string"
    return "dim" if text[:1] in "{}[]" else "number"
