"""When edges are computed: which minutes, how far, and what is remembered of it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from collector.store.client import Store
from collector.store.rollup import edges, gather
from collector.store.rollup import minutes as of

log = logging.getLogger(__name__)

SETTLE = 10.0
"""Seconds after which a message that no span claims is counted as of an unknown producer:
exporters send their spans some seconds after the message is there."""

MINUTES_AT_ONCE = 60
ROWS_AT_ONCE = 100_000
"""Minutes computed in one go, and their operations and messages, which all lie in memory then (two
kilobytes each): so that neither an import of a year nor a store that is behind needs that of all of
its minutes at once. One minute may have more."""

LOOKED_AT_ONCE = 300_000
"""Operations and messages that were stored since, looked at in one go, for the same reason."""

SET_BACK = 60 * 10**9
"""Nanoseconds looked back, always anew, while the clock is behind what is stored."""

SOURCES = ("spans", "messages", "progress")

_LAST = 2**63 - 1 - 2 * of.LATE * 10**9
"""About the last time that there is, in nanoseconds."""


class Rollup:
    """Brings `edges` up to date with what was stored. Thread-safe; one run at a time."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._running = threading.Lock()
        self._since = self._load()
        self._version = int(store.query("SELECT max(version) FROM edges")[0][0])
        self._unsettled: dict[int, float] = {}
        self.last_cost = 0.0
        """CPU-seconds that the last run took at most: what else this process did meanwhile
        counts too, and waiting for a busy machine does not."""

    def run(self, *, settle: float = SETTLE) -> int:
        """Compute the minutes that changed since the last run; says how many they were.

        With `settle=0` every message is counted now, also those whose producer's spans may
        still come. Raises `StoreError`.
        """
        with self._running:
            began, used = time.monotonic(), time.process_time()
            complete = self._complete()
            now = self._clock()
            due = {minute for minute, at in self._unsettled.items() if at <= now or settle == 0}
            minutes = set(due)
            unsettled: set[int] = set()
            if any(complete[source] > self._since[source] for source in SOURCES):
                changed, unsettled = self._changed()
                minutes |= changed
            if minutes:
                self.compute(sorted(minutes), settle=settle)
            # One that changed before it is due is computed now and once more then.
            for minute in due:
                del self._unsettled[minute]
            if settle:
                self._unsettled |= dict.fromkeys(unsettled, now + settle)
            self._save(complete)
            self.last_cost = min(time.monotonic() - began, time.process_time() - used)
            return len(minutes)

    def compute(self, minutes: Sequence[int], *, settle: float = 0.0) -> None:
        """Compute the edges of these minutes (seconds since the epoch) and replace them."""
        self._version = max(time.time_ns(), self._version + 1)
        settled = int((self._clock() - settle) * 1e9)
        for start in range(0, len(minutes), MINUTES_AT_ONCE):
            for some in self._fitting(minutes[start : start + MINUTES_AT_ONCE]):
                self._compute(some, settled)

    def _fitting(self, minutes: Sequence[int]) -> Iterator[Sequence[int]]:
        """As many of them at a time as their rows allow."""
        if len(minutes) == 1:
            yield minutes
            return
        between = {"first": min(minutes), "after": max(minutes) + 60}
        rows = {int(at): int(count) for at, count in self._store.query(of.ROWS, between)}
        some: list[int] = []
        for minute in minutes:
            if some and sum(rows.get(one, 0) for one in (*some, minute)) > ROWS_AT_ONCE:
                yield some
                some = []
            some.append(minute)
        yield some

    def compute_all(self, progress: Callable[[int, int], None]) -> None:
        """Compute every minute of which anything is stored; `progress` is told minutes done and
        their number. Raises `StoreError`."""
        with self._running:
            complete = self._complete()
            minutes = [int(row[0]) for row in self._store.query(of.ALL_MINUTES)]
            for start in range(0, len(minutes), MINUTES_AT_ONCE):
                progress(start, len(minutes))
                self.compute(minutes[start : start + MINUTES_AT_ONCE])
            progress(len(minutes), len(minutes))
            self._unsettled.clear()
            self._save(complete)

    def _changed(self) -> tuple[set[int], set[int]]:
        """The minutes that what was stored since the last run belongs to, and among them those
        of messages."""
        changed: set[int] = set()
        of_messages: set[int] = set()
        for part in self._parts():
            with self._store.rolling() as client:
                _forget(client)
                gather.Gathering(client, of.STORED, part).operations()
                asked = [(changed, of.CHANGED_MINUTES), (of_messages, of.MESSAGE_MINUTES)]
                if client.query(of.PLACED).result_rows[0][0]:
                    asked.append((changed, of.CLAIMED_MINUTES))
                for found, sql in asked:
                    found |= {int(row[0]) for row in client.query(sql, parameters=part).result_rows}
                _forget(client)
        return changed, of_messages

    def _parts(self) -> Iterator[dict[str, str]]:
        """What was stored since the last run, as parameters of `STORED`, in parts that are not
        too large."""
        since = dict(self._since)
        asked = {source: _text(at) for source, at in since.items()}
        rows = 0
        for at, count in self._store.query(of.RECEIPTS, asked):
            if rows and rows + count > LOOKED_AT_ONCE:
                yield {**asked, "until": _text(int(at) - 1)}
                asked |= {
                    source: _text(max(since[source], int(at) - 1))
                    for source in ("spans", "messages")
                }
                rows = 0
            rows += count
        yield {**asked, "until": _text(_LAST)}

    def _compute(self, minutes: Sequence[int], settled: int) -> None:
        with self._store.rolling() as client:
            _forget(client)
            gathering = gather.Gathering(client, of.of_minutes(minutes), {})
            gathering.operations()
            gathering.beside()
            for statement in (
                *edges.committed(minutes),
                edges.call_spans(minutes),
                *edges.STEPS,
            ):
                client.command(statement)
            found = edges.Found(*map(int, client.query(edges.FOUND).result_rows[0]))
            # One insert, so that whoever looks sees the minutes either before or after it.
            client.command(
                f"INSERT INTO edges SELECT minute, {self._version} AS version, role, environment, "
                "service, consumer_group, peer, system, cluster, destination, event_type, "
                "evidence, count, errors, last_seen, latency, wait, now() AS computed "
                f"FROM ({edges.edges(minutes, found)})",
                parameters={"settled": _text(settled)},
            )
            _forget(client)

    def _complete(self) -> dict[str, int]:
        """How far this run brings the edges. A clock that was set back stamps rows with times
        that are stored already: until it has caught up, what is newer than now is looked at
        again and again."""
        complete = self._store.complete()
        latest = int(self._clock() * 1e9)
        return {
            source: at if at <= latest else latest - SET_BACK for source, at in complete.items()
        }

    def _load(self) -> dict[str, int]:
        rows = self._store.query(
            "SELECT value FROM state WHERE name = 'rolled_up' ORDER BY stored DESC LIMIT 1"
        )
        since = dict.fromkeys(SOURCES, 0) | (json.loads(rows[0][0]) if rows else {})
        # Messages that were not settled then have to be looked at again.
        since["messages"] = max(0, since["messages"] - int(SETTLE * 1e9))
        return since

    def _save(self, complete: dict[str, int]) -> None:
        # An insert that is under way holds back: what was done is not done again for it.
        latest = int(self._clock() * 1e9)
        since = {
            source: max(at, self._since[source]) if self._since[source] <= latest else at
            for source, at in complete.items()
        }
        if since != self._since:
            self._since = since
            self._store.insert(
                "state",
                {
                    "name": ["rolled_up"],
                    "value": [json.dumps(since)],
                    "stored": [datetime.now(UTC)],
                },
            )


def _forget(client: Any) -> None:
    tables = ", ".join((*gather.TEMPORARY, *edges.TEMPORARY))
    client.command(f"DROP TEMPORARY TABLE IF EXISTS {tables}")


def _text(nanoseconds: int) -> str:
    """A DateTime64(9) parameter."""
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
