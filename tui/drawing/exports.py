"""What a screen can be exported as: formats, what goes into them, and a name for the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from graph.export import Format
from tui.drawing.segments import Line, Segment, fit, line, pad

T = TypeVar("T")

LONGEST_NAME = 80
"""Characters of a file's name before its ending."""

MOST_COPIED = 74_000
"""Bytes that every usual terminal takes for its clipboard; some leave out what is longer."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One format in which something can be had."""

    name: str
    suffix: str
    """Of a file's name, with its dot."""
    about: str
    write: Callable[[], str] | None = None
    """Writes it, in any thread; None is a picture of the screen, which only the screen takes."""


PICTURE = Offer("svg", ".svg", "a picture of this screen, for a file only")


@dataclass(frozen=True, slots=True)
class Export:
    """What a screen shows, ready to be written."""

    what: str
    """For people: `12 edges, last 15 min`."""
    stem: str
    """The proposed file's name, without its ending."""
    offers: tuple[Offer, ...] = ()

    @property
    def all(self) -> tuple[Offer, ...]:
        """The offers, and the picture that every screen has."""
        return (*self.offers, PICTURE)


def offers(
    formats: Mapping[str, Format[T]],
    shown: T,
    completed: Callable[[Format[T], T], T] = lambda _, shown: shown,
) -> tuple[Offer, ...]:
    """An offer for each format that what is shown can be written in, `completed` for it."""

    def offer(one: Format[T]) -> Offer:
        return Offer(one.name, one.suffix, one.about, lambda: one.function(completed(one, shown)))

    return tuple(map(offer, formats.values()))


def counted(count: int, one: str, more: str = "") -> str:
    """`1 edge`, `1,204 edges`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def stem(what: str, of: str = "", now: int = 0) -> str:
    """A file's name without its ending: of an id's safe characters, or of a time in UTC."""
    if of:
        of = re.sub(r"[^\w.=-]+", "-", of).strip("-.")
    elif now:
        of = f"{datetime.fromtimestamp(now // 1_000_000_000, UTC):%Y%m%d-%H%M%S}"
    return "-".join(filter(None, ("flowtap", what, of)))[:LONGEST_NAME]


def offer_lines(offered: Sequence[Offer], width: int) -> list[Line]:
    """A line for each format; targets are their names."""
    widest = max(len(one.name) for one in offered) + 3
    ending = max(10, max(len(one.suffix) for one in offered) + 2)
    lines = []
    for one in offered:
        row = line(
            Segment(" "),
            Segment(pad(f" {one.name}", widest), "key"),
            Segment(pad(one.suffix, ending), "label"),
            Segment(one.about, "dim"),
        )
        lines.append(tuple(part._replace(target=one.name) for part in fit(row, width)))
    return lines
