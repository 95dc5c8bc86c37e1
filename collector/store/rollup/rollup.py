"""When edges are computed: which minutes, how far, and what is remembered of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from collector.store.client import Store
from collector.store.rollup import edges, gather

log = logging.getLogger(__name__)

SETTLE = 10.0
"""Seconds after which a message that no span claims is counted as of an unknown producer:
exporters send their spans some seconds after the message is there."""

MINUTES_AT_ONCE = 60
"""Minutes computed in one go, so that an import of a year does not need its memory at once."""


class Rollup:
    """Brings `edges` up to date with what was stored. Thread-safe; one run at a time."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._running = threading.Lock()
        self._since = self._load()
        self._unsettled: dict[int, float] = {}
        self.last_seconds = 0.0
        """How long the last run took."""

    def run(self, *, settle: float = SETTLE) -> int:
        """Compute the minutes that changed since the last run; says how many they were.

        With `settle=0` every message is counted now, also those whose producer's spans may
        still come. Raises `StoreError`.
        """
        with self._running:
            began = time.monotonic()
            newest = self._newest()
            now = self._clock()
            minutes = {minute for minute, due in self._unsettled.items() if due <= now}
            if settle == 0:
                minutes |= set(self._unsettled)
            if newest > self._since:
                with self._store.rolling() as client:
                    rows = client.query(
                        gather.CHANGED_MINUTES, parameters={"since": _text(self._since)}
                    ).result_rows
                minutes |= {int(row[0].replace(tzinfo=UTC).timestamp()) for row in rows}
            if minutes:
                self.compute(sorted(minutes), settle=settle)
                self._note(minutes, now, settle)
            if newest > self._since:
                self._since = newest
                self._save()
            self.last_seconds = time.monotonic() - began
            return len(minutes)

    def compute(self, minutes: Sequence[int], *, settle: float = 0.0) -> None:
        """Compute the edges of these minutes (seconds since the epoch) and replace them."""
        version = time.time_ns()
        settled = int((self._clock() - settle) * 1e9)
        for start in range(0, len(minutes), MINUTES_AT_ONCE):
            chunk = minutes[start : start + MINUTES_AT_ONCE]
            with self._store.rolling() as client:
                for table in (*gather.GATHERED, *edges.TEMPORARY):
                    client.command(f"DROP TEMPORARY TABLE IF EXISTS {table}")
                listed = ", ".join(f"toDateTime({minute}, 'UTC')" for minute in chunk)
                client.command(
                    "CREATE TEMPORARY TABLE r_minutes ENGINE = Memory AS "
                    f"SELECT arrayJoin([{listed}]) AS minute"
                )
                for statement in (*gather.GATHER, *edges.CALL_SPANS, *edges.STEPS):
                    client.command(statement)
                union = " UNION ALL ".join(
                    f"SELECT {edges.COLUMNS} FROM ({statement})" for statement in edges.EDGES
                )
                client.command(
                    f"INSERT INTO edges SELECT minute, {version} AS version, role, environment, "
                    "service, consumer_group, peer, system, cluster, destination, event_type, "
                    "evidence, count, errors, last_seen, latency, wait, now() AS computed "
                    f"FROM ({union}) UNION ALL SELECT minute, {version}, 'empty', '', '', '', '', "
                    "'', '', '', '', '', 0, 0, toDateTime64(0, 9), "
                    f"{edges._NO_TIMES}, {edges._NO_TIMES}, now() FROM r_minutes",
                    parameters={"settled": _text(settled)},
                )

    def compute_all(self, progress: Callable[[int, int], None]) -> None:
        """Compute every minute of which anything is stored; `progress` is told minutes done and
        their number. Raises `StoreError`."""
        with self._running:
            newest = self._newest()
            rows = self._store.query(gather.ALL_MINUTES)
            minutes = [int(row[0].replace(tzinfo=UTC).timestamp()) for row in rows]
            for start in range(0, len(minutes), MINUTES_AT_ONCE):
                progress(start, len(minutes))
                self.compute(minutes[start : start + MINUTES_AT_ONCE])
            progress(len(minutes), len(minutes))
            self._unsettled.clear()
            self._since = newest
            self._save()

    def _note(self, minutes: set[int], now: float, settle: float) -> None:
        for minute in minutes:
            self._unsettled.pop(minute, None)
            if settle and minute > now - 3600:
                self._unsettled[minute] = now + settle

    def _newest(self) -> int:
        rows = self._store.query(
            "SELECT greatest((SELECT toUnixTimestamp64Nano(max(ReceivedAt)) FROM otel_traces), "
            "(SELECT toUnixTimestamp64Nano(max(received)) FROM messages), "
            "(SELECT toUnixTimestamp64Nano(toDateTime64(max(time), 9)) FROM progress))"
        )
        return int(rows[0][0] or 0)

    def _load(self) -> int:
        rows = self._store.query(
            "SELECT value FROM state WHERE name = 'rolled_up' ORDER BY stored DESC LIMIT 1"
        )
        return int(rows[0][0]) if rows else 0

    def _save(self) -> None:
        self._store.insert(
            "state",
            {"name": ["rolled_up"], "value": [str(self._since)], "stored": [datetime.now(UTC)]},
        )


def _text(nanoseconds: int) -> str:
    """A DateTime64(9) parameter."""
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
