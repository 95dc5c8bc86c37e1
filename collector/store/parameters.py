"""Parameters of questions, written down as the engine reads them."""

from __future__ import annotations

from typing import Any


class _Written:
    """A parameter that is written down already: the client's own way looks at each character of
    each of thousands of keys. What it does not know it takes by its text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def parameter(value: Any) -> Any:
    """Lists of texts, whole numbers, and tuples of these, as the engine reads them."""
    return _Written(_literal(value)) if isinstance(value, list) else value


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, tuple):
        return f"({','.join(map(_literal, value))})"
    if isinstance(value, list):
        return f"[{','.join(map(_literal, value))}]"
    raise TypeError(f"no parameter of a query: {value!r}")
