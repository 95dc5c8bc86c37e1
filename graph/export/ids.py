"""Ids for formats that take only some characters, and short ones, in a name."""

from __future__ import annotations

import re
from collections.abc import Hashable


class Ids:
    """An id for each thing, made of its name: letters, digits, `-`, `_` and `.`, beginning and
    ending with a letter or digit, and never the same for two, whatever the case."""

    def __init__(self, longest: int = 63) -> None:
        self._longest = longest
        self._ids: dict[Hashable, str] = {}
        self._taken: set[str] = set()

    def of(self, thing: Hashable, name: str) -> str:
        """The thing's id; its name counts when it is asked for first."""
        found = self._ids.get(thing)
        if found is None:
            found = self._ids[thing] = self._free(_plain(name, self._longest))
            self._taken.add(found.lower())
        return found

    def _free(self, wanted: str) -> str:
        found, number = wanted, 1
        while found.lower() in self._taken:
            number += 1
            end = f"-{number}"
            found = wanted[: self._longest - len(end)].rstrip("-_.") + end
        return found


def _plain(name: str, longest: int) -> str:
    # Two signs in a row are not taken everywhere.
    plain = re.sub(r"([-_.])[-_.]+", r"\1", re.sub(r"[^A-Za-z0-9._-]+", "-", name))
    return plain.strip("-_.")[:longest].rstrip("-_.") or "unnamed"
