"""What was just stored, by SQL, for those who follow along."""

from __future__ import annotations

from collector.store.client import Store
from collector.store.filters import Tests, message_tests, moment, operation_tests
from collector.store.lists import MESSAGE, OPERATION, UNTAPPED, message_rows, operation_row
from collector.store.rows import nanoseconds
from graph.listing import Activity, EventFilter


def stored_since(
    store: Store, mark: int, limit: int, wanted: EventFilter, *, listed: bool
) -> tuple[list[Activity], int, bool, int]:
    """What was stored after the mark and fits, in its order, `limit` at most; the new mark,
    whether more is there, and how many of the last instant may fit and are left out."""
    messages, operations = message_tests(wanted), operation_tests(wanted)
    if listed:
        operations.conditions.append(UNTAPPED)
    told = [
        Activity(event)
        for event in message_rows(
            store,
            store.query(
                f"SELECT {MESSAGE} FROM messages AS m WHERE {_after(messages, mark)} "
                f"ORDER BY m.received, m.time LIMIT {limit + 1:d}",
                messages.parameters,
            ),
            failures=False,
        )
    ]
    told += [
        Activity(operation_row(row), row[15], row[16], row[17], bool(row[18]))
        for row in store.query(
            f"SELECT {OPERATION}, {UNTAPPED} FROM operations WHERE {_after(operations, mark)} "
            f"ORDER BY received, start LIMIT {limit + 1:d}",
            operations.parameters,
        )
    ]
    told.sort(key=lambda activity: (activity.event.received, activity.event.time))
    more, missed = len(told) > limit, 0
    if more:
        # Whole instants only, where there are several: one insert's rows share theirs.
        last = told[limit].event.received
        whole = [activity for activity in told[:limit] if activity.event.received < last]
        told = whole or told[:limit]
        if not whole:
            missed = _at(store, last, messages, operations) - limit
    mark = told[-1].event.received if told else mark
    fitting = [activity for activity in told if wanted.accepts(activity.event)]
    return fitting, mark, more, missed


def _after(tests: Tests, mark: int) -> str:
    return f"received > {tests.bind(moment(mark), 'DateTime64(9)')} AND {tests.where}"


def _at(store: Store, instant: int, messages: Tests, operations: Tests) -> int:
    """How many rows of an instant pass these tests."""
    return sum(
        int(
            store.query(
                f"SELECT count() FROM {table} WHERE {tests.where} "
                f"AND received = {tests.bind(moment(instant), 'DateTime64(9)')}",
                tests.parameters,
            )[0][0]
        )
        for table, tests in (("messages AS m", messages), ("operations", operations))
    )


def newest_mark(store: Store) -> int:
    """The time of receipt of what was stored last."""
    row = store.query(
        f"SELECT greatest((SELECT {nanoseconds('max(received)')} FROM messages), "
        f"(SELECT {nanoseconds('max(received)')} FROM operations))"
    )[0]
    return int(row[0] or 0)
