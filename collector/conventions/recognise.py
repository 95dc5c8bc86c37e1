"""How messages are recognised by their marks, as SQL.

A header that is enough alone leads at once to what it is a mark of; what is one only together with
others, or lies in the body, has a bit, and the bits of a message are compared with what is needed.
Where several are found, the first of the table is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from collector.conventions import names
from collector.conventions.documents import Paths
from collector.conventions.headers import CONTENT_TYPE
from collector.conventions.profiles import Mark
from collector.conventions.sql import array, lookup, quote, where

Place = TypeVar("Place", str, int)

MOST = 255
"""Candidates in one table, and bits 63, at most."""

SAYS = f"{CONTENT_TYPE}="
"""Before the beginning of a content type that is a mark."""


@dataclass
class Table:
    """Candidates of which a message can be one, first to last."""

    candidates: Sequence[tuple[str, tuple[Mark, ...]]]
    single: dict[str, int] = field(default_factory=dict)
    """Headers that are enough alone: the place of the candidate, counted from the end."""
    together: list[tuple[int, int]] = field(default_factory=list)
    """Bits that are enough together, and the place."""


class Recogniser:
    """The marks of several tables.

    Its expressions stand where `seen` are the codes of a message's headers, `said_type` the start
    of its content type as far as it is a mark, `texts` those of `paths` in its body, and `bits`
    those of `bits()`.
    """

    def __init__(self, *tables: Iterable[tuple[str, tuple[Mark, ...]]]) -> None:
        self.paths = Paths()
        """What is read of a body; others may add to it."""
        self.tables = [Table(list(candidates)) for candidates in tables]
        self.bit_of: dict[str, int] = {}
        """Headers that are marks with others, and their bits, from 1."""
        self._body: dict[int, int] = {}
        self.types: dict[str, int] = {}
        """What content types begin with that are marks, and their bits."""
        self.needles: dict[str, None] = {}
        """Of these one is in each body that bears a mark."""
        self.together: list[frozenset[str]] = []
        """Headers that are a mark together."""
        self._bits = 0
        for table in self.tables:
            if len(table.candidates) > MOST:
                raise ValueError(f"there are more than {MOST} profiles")
            for index, (_, marks) in enumerate(table.candidates):
                for mark in marks:
                    self._learn(table, MOST - index, (mark,) if isinstance(mark, str) else mark)

    def _learn(self, table: Table, place: int, mark: Sequence[str]) -> None:
        (first, *others) = mark
        if not others and not first.startswith(("$.", "$[", SAYS)):
            header = names.parse(first).header
            table.single[header] = max(place, table.single.get(header, 0))
            return
        needed = 0
        for text in mark:
            if text.startswith(SAYS):
                bit = self._bit(self.types, text.removeprefix(SAYS).lower())
            elif names.parse(text).in_body:
                bit = self._bit(self._body, self.paths.place(names.parse(text)))
            else:
                bit = self._bit(self.bit_of, names.parse(text).header)
            needed |= 1 << (bit - 1)
        if not any(text.startswith(("$.", "$[", SAYS)) for text in mark):
            self.together.append(frozenset(names.parse(text).header for text in mark))
        # One key is looked for in every body: that costs little, parsing more.
        for text in mark:
            if text.startswith(("$.", "$[")):
                keys = [step for step in names.parse(text).path if isinstance(step, str)]
                self.needles[f'"{keys[-1]}"' if keys else "["] = None
                break
        table.together.append((needed, place))

    def _bit(self, bits: dict[Place, int], place: Place) -> int:
        if place not in bits:
            self._bits += 1
            if self._bits > 63:
                raise ValueError("there are too many marks that count only together, or in bodies")
            bits[place] = self._bits
        return bits[place]

    def place_of(self, name: str) -> int:
        """A candidate's place in the first table, as headers lead to it."""
        return MOST - [one for one, _ in self.tables[0].candidates].index(name)

    def said_type(self) -> str:
        """The beginning of the content type that is a mark."""
        longest = sorted(self.types, key=len, reverse=True)
        begins = "|".join(map(re.escape, longest)) or "$^"
        values = (
            f"arrayFilter((v, n) -> lower(n) = {quote(CONTENT_TYPE)}, header_values, header_names)"
        )
        return f"arrayMap(v -> extract(lower(v), {quote(f'^({begins})')}), {values})[1]"

    def in_body(self) -> str:
        """Whether one of the keys that can be marks occurs in the body."""
        if not self.needles:
            return "0"
        needles = array(self.needles)
        return (
            f"if(event = '', multiSearchAny(assumeNotNull(value), {needles}), "
            f"multiSearchAny(event, {needles}))"
        )

    def bits(self, share: str) -> str:
        """The bits of a message; `share` is a header's own, of its code `s`."""
        of_headers = f"arrayMap(s -> bitShiftRight(bitShiftLeft(toUInt64(1), {share}), 1), seen)"
        of_places = _numbers(
            [
                1 << (self._body[place] - 1) if place in self._body else 0
                for place in range(1, len(self.paths) + 1)
            ]
        )
        as_many = f"arraySlice({of_places}, 1, length(texts))"
        of_body = f"arraySum((t, b) -> if(t = '', 0, b), texts, {as_many})"
        types = {text: 1 << (bit - 1) for text, bit in self.types.items()}
        parts = [
            f"arrayReduce('groupBitOr', {of_headers})",
            f"toUInt64({lookup(types, 'said_type')})",
            f"toUInt64({of_body})",
        ]
        return f"bitOr(bitOr({parts[0]}, {parts[1]}), {parts[2]})"

    def first(self, table: Table, share: str) -> str:
        """The name of the first candidate of which a message bears a mark; empty without."""
        place = f"arrayMax(arrayMap(s -> {share}, seen))"
        if table.together:
            needed, places = zip(*table.together, strict=True)
            enough = (
                "arrayMax(arrayMap((need, place) -> if(bitAnd(bits, need) = need, place, 0), "
                f"{_numbers(needed)}, {_numbers(places)}))"
            )
            place = f"greatest({place}, arrayMax({where('bits != 0', enough)}))"
        listed = array(name for name, _ in table.candidates)
        return f"{listed}[{MOST + 1} - {place}]"


def _numbers(values: Sequence[int]) -> str:
    """Numbers of one type, whatever they are."""
    return f"CAST({list(values)}, 'Array(UInt64)')"
