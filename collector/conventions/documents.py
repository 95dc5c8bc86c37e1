"""JSON paths of a document, as SQL that parses it as seldom as can be."""

from __future__ import annotations

from collector.conventions.names import Name
from collector.conventions.sql import quote


class Paths:
    """Collects paths; `values` is then an array with each path's text, empty where there is none.

    What is no scalar says nothing. All keys of the document itself are read by one parse; for each
    path below it is parsed once more.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[str | int, ...], int] = {}
        self._texts: list[str] = []
        self._keys: list[str] = []

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
        shape = f"Tuple({', '.join(f'{_named(key)} String' for key in self._keys)})"
        # The elements of an array would be taken for the keys in their order.
        whole = "if(match(d, '^\\\\s*\\\\{'), d, '')"
        parsed = f"JSONExtract({whole}, {quote(shape)})" if self._keys else "0"
        texts = ", ".join(self._texts)
        found = f"arrayMap((d, t) -> [{texts}], {documents}, arrayMap(d -> {parsed}, {documents}))"
        return f"arrayMap(v -> if(match(v, '^(\\\\[|\\\\{{[\"}}])'), '', v), arrayFlatten({found}))"

    def _text(self, name: Name) -> str:
        """A path's text, where `d` is a document and `t` what was parsed of it."""
        match name.path:
            case (str(key),):
                self._keys.append(key)
                return f"tupleElement(t, {len(self._keys)})"
        return f"JSONExtractString(d, {name.steps()})"


def _named(key: str) -> str:
    """A key as the name of a field."""
    return "`" + key.replace("\\", "\\\\").replace("`", "\\`") + "`"
