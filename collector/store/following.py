"""What was just stored, by SQL, for those who follow along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from collector.store.client import Store
from collector.store.filters import Tests, message_tests, moment, operation_tests
from collector.store.lists import MESSAGE, OPERATION, UNTAPPED, message_rows, operation_row
from collector.store.rows import nanoseconds
from graph.listing import Activity, EventFilter


class Mark(NamedTuple):
    """How far somebody was told, as times of receipt: spans may wait longer than messages do."""

    messages: int
    spans: int


class _Source(NamedTuple):
    table: str
    columns: str
    time: str
    received: int
    """Which column tells the time of receipt."""


_MESSAGES = _Source("messages AS m", MESSAGE, "m.time", 12)
_OPERATIONS = _Source("operations", f"{OPERATION}, {UNTAPPED}", "start", 14)


def newest(store: Store) -> Mark:
    """What was stored last."""
    row = store.query(
        f"SELECT (SELECT {nanoseconds('max(received)')} FROM messages), "
        f"(SELECT {nanoseconds('max(received)')} FROM operations)"
    )[0]
    return Mark(int(row[0] or 0), int(row[1] or 0))


def stored_since(
    store: Store, mark: Mark, limit: int, wanted: EventFilter, *, listed: bool
) -> tuple[list[Activity], Mark, bool, int]:
    """What was stored after the mark and fits, in its order, `limit` messages and as many
    operations at most; the new mark, whether more is there, and how many may fit and are left
    out."""
    complete = store.complete()
    until = Mark(max(mark.messages, complete["messages"]), max(mark.spans, complete["spans"]))
    if until == mark:
        return [], mark, False, 0
    tests = operation_tests(wanted)
    if listed:
        tests.conditions.append(UNTAPPED)
    messages = _look(store, _MESSAGES, message_tests(wanted), mark.messages, until.messages, limit)
    operations = _look(store, _OPERATIONS, tests, mark.spans, until.spans, limit)
    told = [Activity(event) for event in message_rows(store, messages.rows, failures=False)]
    told += [
        Activity(operation_row(row), row[15], row[16], row[17], bool(row[18]))
        for row in operations.rows
    ]
    told.sort(key=lambda activity: (activity.event.received, activity.event.time))
    return (
        [activity for activity in told if wanted.accepts(activity.event)],
        Mark(messages.mark, operations.mark),
        messages.more or operations.more,
        messages.missed + operations.missed,
    )


class _Look(NamedTuple):
    rows: Sequence[Sequence[Any]]
    mark: int
    more: bool = False
    missed: int = 0


def _look(store: Store, source: _Source, tests: Tests, mark: int, until: int, limit: int) -> _Look:
    """Rows that pass the tests and were received after the mark, up to a time."""
    if until == mark:
        return _Look((), mark)

    def asked(columns: str, received: str, after: str = "") -> Sequence[Sequence[Any]]:
        return store.query(
            f"SELECT {columns} FROM {source.table} WHERE {received} AND {tests.where} {after}",
            tests.parameters,
        )

    def at(ns: int) -> str:
        return tests.bind(moment(ns), "DateTime64(9)")

    rows = asked(
        source.columns,
        f"received > {at(mark)} AND received <= {at(until)}",
        f"ORDER BY received, {source.time} LIMIT {limit + 1:d}",
    )
    if len(rows) <= limit:
        return _Look(rows, until)
    # Whole instants only, where there are several: one insert's rows share theirs.
    last = int(rows[limit][source.received])
    whole = [row for row in rows[:limit] if int(row[source.received]) < last]
    if whole:
        return _Look(whole, int(whole[-1][source.received]), more=True)
    there = int(asked("count()", f"received = {at(last)}")[0][0])
    return _Look(rows[:limit], last, more=True, missed=there - limit)
