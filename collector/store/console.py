"""Questions of a person in SQL: read only, our own tables, one at a time, with caps."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from collector.store.client import Store, StoreError
from collector.store.statements import (
    BESIDES,
    CATEGORIES,
    NOT_THESE,
    TABLE_FUNCTIONS,
    TABLES,
    TREE_NODES,
    Known,
    Refused,
    check_syntax,
    check_tree,
    statement,
)
from graph.table import Table

LENGTH = 20_000
"""Characters of a statement."""
ROWS = 10_000
"""Rows of an answer."""
BYTES = 16 << 20
"""Of an answer, as JSON."""
SECONDS = 10
MEMORY = 512 << 20
"""Bytes that the engine may use for one statement."""

SETTINGS: Mapping[str, object] = {
    "max_threads": 1,
    "max_execution_time": SECONDS,
    "timeout_overflow_mode": "throw",
    "max_memory_usage": MEMORY,
    "max_result_bytes": BYTES,
    "result_overflow_mode": "throw",
    # One more, to know whether there are more.
    "limit": ROWS + 1,
    "max_ast_elements": 2 * TREE_NODES,
    "max_expanded_ast_elements": 4 * TREE_NODES,
    "allow_introspection_functions": 0,
    "output_format_json_quote_64bit_integers": 0,
    # Last: from then on none can be changed.
    "readonly": 1,
}

_PREFIX = re.compile(r"^(?:Code: \d+\. DB::Exception: )+")
_READONLY = 164
_TOO_MUCH = {
    159: f"it took longer than {SECONDS} seconds",
    160: f"it would take longer than {SECONDS} seconds",
    241: f"it needs more than {MEMORY >> 20} MB of memory",
    396: f"its answer has more than {BYTES >> 20} MB",
}
"""Errors of the engine by number: a cap was reached."""


class Busy(StoreError):
    """Another statement is running."""


class Console:
    """One store's. Thread-safe; a statement that comes while another one runs is turned away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._one = threading.Lock()

    def ask(self, text: str, limit: int = ROWS) -> Table:
        """The rows that a statement tells, `limit` at most. Raises Refused, also for what the
        engine cannot make sense of; Busy, StoreError."""
        if len(text) > LENGTH:
            raise Refused(f"the statement has more than {LENGTH:,} characters")
        if not self._one.acquire(blocking=False):
            raise Busy("another statement is running")
        try:
            return self._asked(text, min(limit, ROWS))
        except Refused:
            raise
        except StoreError as error:
            if error.code in _TOO_MUCH:
                raise Refused(f"{_TOO_MUCH[error.code]}: ask for less") from error
            if error.code == _READONLY or (error.code and not error.passing):
                raise Refused(_PREFIX.sub("", str(error))) from error
            raise
        finally:
            self._one.release()

    def _asked(self, text: str, limit: int) -> Table:
        known = self._known
        # A handle for each: a statement that fails leaves traces in the one that it had.
        with self._store.apart(SETTINGS) as client:
            sql = "SELECT formatQuerySingleLine({text:String})"
            ((canonical,),) = client.query(sql, parameters={"text": text}).result_rows
            asked = statement(canonical, known)
            if asked.select:
                # In brackets there is no room for FORMAT, INTO OUTFILE or SETTINGS at the end.
                inside = f"EXPLAIN AST SELECT * FROM ({asked.select})"
                check_syntax(_lines(client, inside), known)
                check_tree(_lines(client, f"EXPLAIN QUERY TREE {asked.select}"), known)
            if asked.explains:
                return _told(client.query(asked.sql), limit)
            told = client.raw_query(asked.sql, fmt="JSONCompact")
        if len(told) > BYTES:
            raise Refused(f"{_TOO_MUCH[396]}: ask for less")
        return _table(json.loads(told.decode("utf-8", "replace")), limit)

    @cached_property
    def _known(self) -> Known:
        rows = self._store.query("SELECT name, alias_to, categories, origin FROM system.functions")
        by_name = {name: (category, origin) for name, alias, category, origin in rows if not alias}
        computing: set[str] = set()
        other: set[str] = set()
        aggregates: set[str] = set()
        for name, alias, _, _ in rows:
            real = alias or name
            category, origin = by_name.get(real, ("", ""))
            fine = origin == "System" and (
                real in BESIDES or (category in CATEGORIES and real not in NOT_THESE)
            )
            (computing if fine else other).add(name.casefold())
            if fine and category == "Aggregate Functions":
                aggregates.add(name.casefold())
        makers = {name.casefold() for name in self._names("system.table_functions")}
        refused = other | (makers - TABLE_FUNCTIONS)
        ends = self._names("system.aggregate_function_combinators")
        ((database,),) = self._store.query("SELECT currentDatabase()")
        here = "WHERE database = currentDatabase()"
        tables = self._store.query(f"SELECT name FROM system.tables {here}")
        columns = self._store.query(
            f"SELECT DISTINCT lower(name) FROM system.columns {here} AND table IN "
            "{tables:Array(String)}",
            {"tables": list(TABLES)},
        )
        return Known(
            database,
            frozenset((computing | {name.casefold() for name in BESIDES}) - refused),
            frozenset(refused - {name for (name,) in columns}),
            frozenset(aggregates - refused),
            tuple(end.casefold() for end in ends),
            frozenset(name for (name,) in tables if name not in TABLES),
            frozenset(
                name.casefold() for name in self._names("system.databases") if name != database
            ),
        )

    def _names(self, table: str) -> list[str]:
        return [name for (name,) in self._store.query(f"SELECT name FROM {table}")]


def _lines(client: Any, sql: str) -> list[str]:
    return [line for (line,) in client.query(sql).result_rows]


def _told(answer: Any, limit: int) -> Table:
    rows = answer.result_rows
    return Table(
        tuple(answer.column_names),
        tuple(kind.name for kind in answer.column_types),
        tuple(map(tuple, rows[:limit])),
        len(rows) > limit,
    )


def _table(told: Mapping[str, Any], limit: int) -> Table:
    rows = told["data"]
    return Table(
        tuple(one["name"] for one in told["meta"]),
        tuple(one["type"] for one in told["meta"]),
        tuple(map(tuple, rows[:limit])),
        len(rows) > limit,
    )
