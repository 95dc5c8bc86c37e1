"""What a filter asks of an event: terms of a field and patterns, and whether a value fits them.

Letters compare in any case, ASCII ones only: the store's SQL and this agree on every text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Field(StrEnum):
    """What of an event a term looks at, as it is written before the colon."""

    TOPIC = "topic"
    TYPE = "type"
    KEY = "key"
    SERVICE = "service"
    """Who produced it, as its span or its source header says."""
    ERROR = "error"
    """`yes` when producing it, or an attempt at handling it, failed; else `no`."""
    ENVIRONMENT = "environment"
    ID = "id"
    """Message id, or where it lies: `destination/partition/offset`, `trace id/span id`."""
    CORRELATION = "correlation"
    TEXT = ""
    """Free text: the beginning of an id, key or correlation id."""


class Pattern(NamedTuple):
    """A whole value, with anything between two of its parts: `("order.", "")` is `order.*`."""

    parts: tuple[str, ...]

    def fits(self, value: str) -> bool:
        """Whether the value is one of those that the pattern stands for."""
        return _matching(self.parts)(value) is not None

    @property
    def names_a_place(self) -> bool:
        """Whether it can only be `destination/partition/offset` or `trace id/span id`."""
        return any("/" in part for part in self.parts)


@lru_cache(maxsize=1_000)
def _matching(parts: tuple[str, ...]) -> Callable[[str], re.Match[str] | None]:
    text = ".*".join(map(re.escape, parts))
    return re.compile(text, re.IGNORECASE | re.ASCII | re.DOTALL).fullmatch


@dataclass(frozen=True, slots=True)
class Term:
    """One of the patterns has to fit, or with `excluded` none of them may."""

    field: Field
    patterns: tuple[Pattern, ...]
    excluded: bool = False
