"""Normalises stored spans and messages again, after the conventions changed.

Each week of receipt is filled into tables of its own, which then take the old week's place
table by table. An interruption leaves every week as it was or as it will be, and the store still
wanting a re-index; the next run begins anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from collector.conventions import render, render_messages
from collector.conventions.own import Own
from collector.conventions.sql import quote
from collector.store import migrations
from collector.store.client import Store
from collector.store.rollup import Rollup

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""What is being worked on, how much of it is done, and how much there is."""

DERIVED = ("operations", "relations", "ids", "messages")
"""Tables that the conventions fill; `otel_traces` and the messages' own columns stay."""

_PREFIX = "reindex_"

_SETTINGS = {
    # The views' expressions mean their aliases, the handle for edges means columns.
    "prefer_column_name_to_alias": 0,
    # Equal blocks of different rows must not be taken for a repeated insert.
    "insert_deduplicate": 0,
}


def reindex(store: Store, progress: Progress) -> None:
    """Fill the derived tables and the edges again from `otel_traces` and `messages`, by the
    conventions with which the store was opened.

    The store must have no other writer: inserts of this process wait, another process's would
    be lost. Raises `StoreError`; then, and when it is interrupted, it can simply be run again.
    """
    with _tables_aside(store):
        weeks = _weeks(store)
        columns = {table: _columns(store, table) for table in DERIVED}
        for done, (week, filled) in enumerate(weeks.items()):
            progress(f"week of {week[:4]}-{week[4:6]}-{week[6:]}", done, len(weeks))
            with store.writing(), store.rolling() as client:
                _fill(client, week, filled, columns, store.own)
                _exchange(client, week)
        if weeks:
            progress("weeks", len(weeks), len(weeks))
    Rollup(store).compute_all(lambda done, total: progress("edges", done, total))
    with store.writing() as client:
        migrations.note_reindexed(client, store.own)


@contextmanager
def _tables_aside(store: Store) -> Iterator[None]:
    with store.rolling() as client:
        _drop(client)
        for table in DERIVED:
            client.command(f"CREATE TABLE {_PREFIX}{table} AS {table}")
    try:
        yield
    finally:
        with suppress(Exception), store.rolling() as client:
            _drop(client)


def _drop(client: Any) -> None:
    for table in DERIVED:
        client.command(f"DROP TABLE IF EXISTS {_PREFIX}{table} SYNC")


def _weeks(store: Store) -> dict[str, set[str]]:
    """The weeks of which something is stored, in order, and in which tables."""
    tables = ", ".join(quote(table) for table in ("otel_traces", *DERIVED))
    rows = store.query(
        "SELECT partition_id, groupUniqArray(table) FROM system.parts WHERE active "
        f"AND database = currentDatabase() AND table IN ({tables}) "
        "GROUP BY partition_id ORDER BY partition_id"
    )
    return {row[0]: set(row[1]) for row in rows}


def _fill(
    client: Any, week: str, filled: set[str], columns: Mapping[str, Sequence[str]], own: Own
) -> None:
    for table in DERIVED:
        client.command(f"TRUNCATE TABLE {_PREFIX}{table}")
    spans = f"(SELECT * FROM otel_traces WHERE _partition_id = {quote(week)})"
    of_spans = (
        ("operations", render.operations_select(spans)),
        ("relations", render.span_relations_select(f"{_PREFIX}operations")),
        ("ids", render.operation_ids_select(f"{_PREFIX}operations")),
    )
    of_messages = (
        (
            "messages",
            render_messages.messages_select(f"({_messages(week)})", own, again=True),
        ),
        ("relations", render_messages.header_relations_select(f"{_PREFIX}messages")),
        ("ids", render_messages.message_ids_select(f"{_PREFIX}messages")),
    )
    # To make such a statement ready takes a quarter of a second, however little there is to read.
    for source, statements in (("otel_traces", of_spans), ("messages", of_messages)):
        for table, select in statements if source in filled else ():
            names = ", ".join(columns[table])
            client.command(
                f"INSERT INTO {_PREFIX}{table} ({names}) SELECT {names} FROM ({select})",
                settings=_SETTINGS,
            )


def _columns(store: Store, table: str) -> list[str]:
    rows = store.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() "
        "AND table = {table:String} ORDER BY position",
        {"table": table},
    )
    return [row[0] for row in rows]


def _messages(week: str) -> str:
    """Stored messages in the columns in which a tap hands them over."""
    was = ", ".join(f"o.{column}" for column in render_messages.KEPT)
    types = ", ".join(f"{name} {kind}" for name, kind in render_messages.KEPT.items())
    return f"""SELECT o.received AS received, o.environment AS environment, o.system AS system,
        o.cluster AS cluster, o.destination AS destination, o.incarnation AS incarnation,
        o.partition AS partition, o.offset AS offset, o.time AS time,
        if(o.key_null, NULL, o.key) AS key, o.headers.name AS header_names,
        o.headers.value AS header_values, if(o.value_size < 0, NULL, o.value) AS value,
        o.value_size AS value_size, '' AS event,
        -- A body may be stored cut: then what was read of the whole is all that there is.
        CAST(tuple({was}), 'Tuple({types})') AS was
    FROM messages AS o WHERE _partition_id = {quote(week)}"""


def _exchange(client: Any, week: str) -> None:
    for table in DERIVED:
        _take_place(client, table, week)


def _take_place(client: Any, table: str, week: str) -> None:
    """Put the new rows of a week in place of the old ones, in one step."""
    partition = f"PARTITION ID {quote(week)}"
    filled = client.command(
        f"SELECT count() FROM {_PREFIX}{table} WHERE _partition_id = {quote(week)}"
    )
    if int(filled):
        client.command(f"ALTER TABLE {table} REPLACE {partition} FROM {_PREFIX}{table}")
    else:
        client.command(f"ALTER TABLE {table} DROP {partition}")
