"""Bodies by SQL: a few of each kind of messages, the newest."""

from __future__ import annotations

from collections.abc import Collection

from collector.store.client import Store
from collector.store.rows import POSITION, text
from graph.payloads import SAMPLES, Body, PayloadKey

MOST = 20_000
"""Bodies in one answer; of many kinds each has fewer, but one."""

CHUNK = 1_000
"""Bodies in one statement."""

_KIND = "system, cluster, destination, event_type"


def bodies(
    store: Store, start_ns: int, end_ns: int, destinations: Collection[str] = ()
) -> list[Body]:
    """At most `SAMPLES` bodies for each event type on each destination that were sent at
    start <= time < end, of these destinations where some are named. Raises `StoreError`."""
    conditions = ["time >= {start:DateTime64(3)}", "time < {end:DateTime64(3)}", "value_size > 0"]
    parameters: dict[str, object] = {"start": start_ns / 1e9, "end": end_ns / 1e9}
    if destinations:
        conditions.append("destination IN {names:Array(String)}")
        parameters["names"] = sorted(destinations)
    # Where they lie first: values are by far the largest column.
    kinds = store.query(
        f"SELECT {_KIND}, groupArrayLast({SAMPLES})(({POSITION}, offset)) FROM messages "
        f"WHERE {' AND '.join(conditions)} GROUP BY {_KIND}",
        parameters,
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
