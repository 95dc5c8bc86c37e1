"""A real store for tests: the engine allows one directory a process, so it is emptied, not made."""

from __future__ import annotations

import itertools
import time

from collector.store.client import Store
from collector.store.rollup import Rollup

KEPT = ("schema_version", "conventions_version")

_token = itertools.count()


def empty(store: Store) -> None:
    """Take every row out of every table."""
    tables = store.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() "
        "AND engine LIKE '%MergeTree'"
    )
    for (table,) in tables:
        if table not in KEPT:
            store.command(f"TRUNCATE TABLE {table}")


def put_spans(store: Store, payload: bytes) -> None:
    """Store a request as a segment of its own."""
    store.insert_spans(payload, received_ns=time.time_ns(), token=f"test-{next(_token)}")


def rolled_up(store: Store) -> Rollup:
    """Compute all edges now, as they stand."""
    rollup = Rollup(store)
    rollup.run(settle=0)
    return rollup
