"""Columns as the engine's Native format has them, so that they are written down only once.

A block is its counts of columns and rows, and then each column: name, type, values. Columns that
are written down one after the other belong to one block as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def columns(types: Mapping[str, str], values: Mapping[str, Sequence[Any]]) -> bytearray:
    """Columns of equal length, by name, as they follow one another in a block. Raises whatever
    the conversion of a value raises that its type cannot hold."""
    from clickhouse_connect.datatypes.registry import get_from_name
    from clickhouse_connect.driver.insert import InsertContext

    kinds = {name: get_from_name(types[name]) for name in values}
    context = InsertContext("", list(kinds), list(kinds.values()))
    written = bytearray()
    for name, kind in kinds.items():
        context.start_column(name)
        written += _head(name, kind.insert_name)
        kind.write_column(values[name], written, context)
    return written


def same(name: str, kind: str, value: bytes, rows: int) -> bytes:
    """A column that has the same value in each row, given in the engine's own form."""
    return _head(name, kind) + value * rows


def counts(columns: int, rows: int) -> bytes:
    """What a block begins with."""
    return _varint(columns) + _varint(rows)


def _head(name: str, kind: str) -> bytes:
    return b"".join(_varint(len(text)) + text for text in (name.encode(), kind.encode()))


def _varint(number: int) -> bytes:
    coded = bytearray()
    while number > 0x7F:
        coded.append(number & 0x7F | 0x80)
        number >>= 7
    coded.append(number)
    return bytes(coded)
