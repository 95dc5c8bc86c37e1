"""What taps missed, by SQL."""

from __future__ import annotations

from collections.abc import Collection

from collector.store.client import Store
from collector.store.rows import nanoseconds
from graph.gaps import Gap

MOST = 1_000
"""Gaps that are told, at most."""


def gaps(store: Store, destinations: Collection[str] = ()) -> list[Gap]:
    """What taps missed, of these destinations where some are named: the newest first, `MOST` at
    most. Raises `StoreError`."""
    where = "WHERE destination IN {destinations:Array(String)}" if destinations else ""
    rows = store.query(
        "SELECT system, cluster, destination, incarnation, partition, first_offset, last_offset, "
        f"reason, {nanoseconds('noticed')} FROM gaps FINAL {where} "
        f"ORDER BY noticed DESC, destination, partition, first_offset LIMIT {MOST}",
        {"destinations": list(destinations)},
    )
    return [Gap(*row) for row in rows]
