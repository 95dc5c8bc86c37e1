"""How the tables name a place in a message: a header, a JSON path of the body or of a header.

`order-id`, or `header:order-id`, is a header, in any case; `$.order.lines[0].id` a path of a JSON
body; `x-death$[0].queue` a path of a header that holds JSON.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from collector.conventions.sql import quote

_PATH = re.compile(r"\$(?:\.[^.\[\]]+|\[\d+\]|\['[^']*'\]|\[\"[^\"]*\"\])+")
_STEPS = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[(['\"])(.*?)\3\]")


class NotAName(ValueError):
    """What is written names no place in a message."""


@dataclass(frozen=True, slots=True)
class Name:
    """A place in a message that can hold a value."""

    header: str
    """Lower case; empty means the body."""
    path: tuple[str | int, ...] = ()
    """Keys, and indexes from 0, in the JSON there; empty means the header's whole value."""

    @property
    def in_body(self) -> bool:
        return not self.header

    def steps(self) -> str:
        """The path as the engine takes it: with indexes from 1."""
        return ", ".join(
            str(step + 1) if isinstance(step, int) else quote(step) for step in self.path
        )


@lru_cache(maxsize=10_000)
def parse(text: str) -> Name:
    """A place by its name. Raises NotAName."""
    header, path = text.strip().removeprefix("header:"), ""
    for begin in ("$.", "$["):
        at = header.find(begin)
        if at >= 0:
            header, path = header[:at], header[at:]
            break
    if path and not _PATH.fullmatch(path):
        raise NotAName(f"{text!r} is no path: write $.key.key[0], or $['a key']")
    if not header and not path:
        raise NotAName("the name of a header, or a path like $.key, is missing")
    steps: list[str | int] = []
    for found in _STEPS.finditer(path):
        steps.append(int(found[2]) if found[2] else found[1] or found[4])
    return Name(header.lower(), tuple(steps))
