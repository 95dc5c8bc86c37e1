"""A real store for tests: the engine allows one directory a process, so it is emptied, not made."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from collector.store import native, views
from collector.store.client import Store
from collector.store.rollup import Rollup

KEPT = ("schema_version", "conventions_version")

_token = itertools.count()


def empty(store: Store) -> None:
    """Take every row out of every table. To empty one that is empty costs as much."""
    tables = store.query(
        "SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND active"
    )
    for (table,) in tables:
        if table not in KEPT:
            store.command(f"TRUNCATE TABLE {table}")


def put_spans(store: Store, payload: bytes) -> None:
    """Store a request as a segment of its own."""
    store.insert_spans(payload, received_ns=time.time_ns(), token=f"test-{next(_token)}")


def put_members(store: Store, told: Iterable[tuple[int, str, str, str]]) -> None:
    """Store what a broker told of members: (nanoseconds, group, member, the group's state)."""
    times, groups, names, states = zip(*told, strict=True)
    many = len(times)
    store.insert(
        "members",
        {
            "time": [at // 1_000_000 for at in times],
            "cluster": ["c1"] * many,
            "consumer_group": list(groups),
            "member_id": list(names),
            "client_id": list(names),
            "host": [""] * many,
            "state": list(states),
            "assignment": [[]] * many,
        },
    )


def put_messages(store: Store, columns: Mapping[str, Sequence[Any]]) -> None:
    """Store messages, in the columns of `views.MESSAGE_TYPES`, as an insert of their own."""
    (rows,) = {len(values) for values in columns.values()}
    named = {"event": [b""] * rows, **columns}
    types = [name for name in views.MESSAGE_TYPES if name != "received"]
    block = native.columns(views.MESSAGE_TYPES, {name: named[name] for name in types})
    store.insert_messages(
        "messages_in", [(rows, block)], received_ns=time.time_ns(), token=f"test-{next(_token)}"
    )


def relate_within(store: Store) -> None:
    """Store what older versions did besides: what points at a context from the same trace."""
    store.command(
        """INSERT INTO relations (received, target_trace_id, target_span_id, kind, trace_id,
            span_id, destination, partition, offset, message_id, time)
        SELECT received, r.1, r.2, r.3, trace_id, span_id, r.4, r.5, r.6, r.7, start FROM (
            SELECT received, trace_id, span_id, start, arrayJoin(arrayConcat(
                if(parent_span_id = ''
                        OR arrayExists(l -> l.1 = trace_id AND l.2 = parent_span_id, links),
                    [], [(trace_id, parent_span_id, 'parent', '', '', NULL, '')]),
                arrayMap(l -> (l.1, l.2, 'link', l.3, l.4, l.5, l.6),
                    arrayFilter(l -> l.1 = trace_id, links)))) AS r
            FROM operations)"""
    )


def rolled_up(store: Store) -> Rollup:
    """Compute all edges now, as they stand."""
    rollup = Rollup(store)
    rollup.run(settle=0)
    return rollup
