"""JSON paths of a document, as SQL that parses it once."""

from __future__ import annotations

from typing import Any

from collector.conventions.names import Name
from collector.conventions.sql import quote


class Paths:
    """Collects paths; `values` is then an array with each path's text, empty where there is none.

    What is no scalar says nothing.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[str | int, ...], int] = {}
        self._tree: dict[str, Any] = {}
        self._texts: list[str] = []

    def place(self, name: Name) -> int:
        """A path's place in `values`, from 1."""
        if name.path not in self._places:
            self._texts.append(self._text(name))
            self._places[name.path] = len(self._texts)
        return self._places[name.path]

    def __len__(self) -> int:
        return len(self._places)

    def values(self, documents: str) -> str:
        """The texts in the only one of these documents; empty where there is none."""
        shape = quote(_shape(self._tree)) if self._tree else ""
        parsed = f"JSONExtract(d, {shape})" if shape else "0"
        texts = ", ".join(self._texts)
        found = f"arrayMap((d, t) -> [{texts}], {documents}, arrayMap(d -> {parsed}, {documents}))"
        return f"arrayMap(v -> if(match(v, '^(\\\\[|\\\\{{[\"}}])'), '', v), arrayFlatten({found}))"

    def _text(self, name: Name) -> str:
        """A path's text, where `d` is a document and `t` what was parsed of it."""
        if not self._fits(name.path):
            return f"JSONExtractString(d, {name.steps()})"
        text, tree = "t", self._tree
        *above, last = name.path
        for step in above:
            tree = tree.setdefault(str(step), {})
            text = f"tupleElement({text}, {quote(str(step))})"
        tree[str(last)] = "String"
        return f"tupleElement({text}, {quote(str(last))})"

    def _fits(self, path: tuple[str | int, ...]) -> bool:
        """Whether keys lead there, and nothing that is read lies on the way or below."""
        tree: Any = self._tree
        for step in path:
            if isinstance(step, int) or not isinstance(tree, dict):
                return False
            tree = tree.get(step, {})
        return tree in ({}, "String")


def _shape(tree: dict[str, Any]) -> str:
    fields = (
        f"`{name.replace(chr(92), chr(92) * 2).replace('`', chr(92) + '`')}` "
        f"{_shape(below) if isinstance(below, dict) else below}"
        for name, below in tree.items()
    )
    return f"Tuple({', '.join(fields)})"
