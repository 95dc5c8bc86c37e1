"""Bodies by SQL: a few of each kind of messages, the newest."""

from __future__ import annotations

from collector.store.client import Store
from collector.store.filters import moment
from collector.store.rows import POSITION, text
from graph.payloads import SAMPLES, Body, PayloadKey

MOST = 20_000
"""Bodies in one answer; of many kinds each has fewer, but one, and of more kinds than that the
rarest have none."""

CHUNK = 1_000
"""Bodies in one statement."""

_KIND = "system, cluster, destination, event_type"


def bodies(store: Store, start_ns: int, end_ns: int) -> list[Body]:
    """At most `SAMPLES` bodies for each event type on each destination that were sent at
    start <= time < end. Raises `StoreError`."""
    # Where they lie first: values are by far the largest column.
    kinds = store.query(
        f"SELECT {_KIND}, groupArrayLast({SAMPLES})(({POSITION}, offset)) FROM messages "
        "WHERE time >= {start:DateTime64(9)} AND time < {end:DateTime64(9)} AND value_size > 0 "
        f"GROUP BY {_KIND} ORDER BY count() DESC LIMIT {MOST}",
        {"start": moment(start_ns), "end": moment(end_ns)},
    )
    each = min(SAMPLES, max(1, MOST // max(1, len(kinds))))
    places = {tuple(place): PayloadKey(*row[:4]) for row in kinds for place in row[4][-each:]}
    wanted = list(places)
    found: list[Body] = []
    for first in range(0, len(wanted), CHUNK):
        rows = store.query(
            f"SELECT {POSITION}, offset, value, value_size FROM messages "
            f"PREWHERE ({POSITION}, offset) IN "
            "{keys:Array(Tuple(String, String, String, String, String, Int64))} "
            f"LIMIT 1 BY {POSITION}, offset",
            {"keys": wanted[first : first + CHUNK]},
            raw=True,
        )
        for row in rows:
            *named, offset, value, size = row
            place = (*map(text, named), offset)
            if value and place in places:
                found.append(Body(places[place], text(value), len(value) < size))
    return found
