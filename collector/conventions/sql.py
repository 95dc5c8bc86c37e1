"""The small words of SQL that all renderings share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RANKS = 64
"""Room for that many names in one field; a name's code is field * RANKS + rank."""


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def array(values: Iterable[str]) -> str:
    """An array literal of strings."""
    return "[" + ", ".join(quote(value) for value in values) + "]"


def lookup(codes: Mapping[str, int], key: str, otherwise: str = "0") -> str:
    """The code of a text, or what holds for every other text."""
    if not codes:
        return otherwise
    return f"transform({key}, {array(codes)}, {list(codes.values())}, {otherwise})"


def where(condition: str, value: str) -> str:
    """An array of the value where the condition holds; elsewhere the value is not computed."""
    return f"arrayMap(i -> {value}, range(toUInt8({condition})))"


_EDGES = " \\t\\n\\f\\r\"\\'"
"""Spaces and quotes around an id, as they stand in a literal."""

_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def normal_id(expression: str) -> str:
    """An id as `ids` keeps it: no quotes, braces or spaces, lower case, a UUID without dashes."""
    bare = _bare(expression)
    return f"if(match({bare}, '{_UUID}'), replaceAll({bare}, '-', ''), {bare})"


def written_id(expression: str) -> str:
    """How an id was written, where that is not how its normal form is read: see
    `collector.store.rows.written`."""
    bare = _bare(expression)
    return f"if({expression} = {bare} AND length({bare}) != 32, '', {expression})"


def _bare(expression: str) -> str:
    return f"lower(trimRight(trimLeft({expression}, '{_EDGES}{{'), '{_EDGES}}}'))"


def few(names: Iterable[str], room: int = RANKS) -> list[str]:
    """The names of one field, as many as there is room for. Raises ValueError."""
    listed = list(names)
    if len(listed) > room:
        raise ValueError(f"more than {room} names for one field: {listed[0]}")
    return listed


def pick(index: int, pairs: str, absent: Iterable[str] = ()) -> str:
    """The best value of the field: `pairs` is sorted by code, so the first of its codes wins."""
    low = index * RANKS
    besides = "".join(f" AND x.2 != {quote(value)}" for value in absent)
    return f"arrayFirst(x -> x.1 >= {low} AND x.1 < {low + RANKS}{besides}, {pairs}).2"
