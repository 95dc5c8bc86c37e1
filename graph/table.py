"""Rows of any columns: what a question in SQL is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name and the engine's type, and rows of JSON values."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool = False
    """There were more rows than are told."""


def table_to_dict(table: Table) -> dict[str, Any]:
    """`columns` (`name`, `type`), `rows` (lists of values), `more`."""
    return {
        "columns": [
            {"name": name, "type": kind}
            for name, kind in zip(table.names, table.types, strict=True)
        ],
        "rows": [list(row) for row in table.rows],
        "more": table.more,
    }


def table_from_dict(data: Mapping[str, Any]) -> Table:
    columns = data["columns"]
    return Table(
        tuple(one["name"] for one in columns),
        tuple(one["type"] for one in columns),
        tuple(map(tuple, data["rows"])),
        data["more"],
    )
