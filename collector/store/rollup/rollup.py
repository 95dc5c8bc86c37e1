"""When edges are computed: which minutes, how far, and what is remembered of it."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from collector.store.client import Store
from collector.store.rollup import calls, consumption, edges, gather
from collector.store.rollup import minutes as of
from collector.store.rollup.columns import Found
from collector.store.rollup.giving_way import GivingWay, Statements

log = logging.getLogger(__name__)

SETTLE = 10.0
"""Seconds after which a message that no span claims is counted as of an unknown producer:
exporters send their spans some seconds after the message is there."""

KEPT = 4
"""Minutes, the newest ones, whose slices are kept, so that only those that change are computed."""

MINUTES_AT_ONCE = 60
ROWS_AT_ONCE = 100_000
"""Minutes computed in one go, and their operations and messages, which all lie in memory then (a
kilobyte each): so that neither an import of a year nor a store that is behind needs that of all of
its minutes at once. One slice may have more."""

LOOKED_AT_ONCE = 100_000
"""Operations and messages that were stored since, looked at in one go, for the same reason."""

MANY = 200_000
"""Operations and messages from which on the edges of a slice are made while no spans are inserted:
either takes hundreds of MiB for a second."""

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
        """Slices with messages whose producer's spans may still come, and until when."""
        self._kept: frozenset[int] = frozenset()
        """Minutes of which all slices lie in the table of slices."""
        self._table = ""
        self.last_cost = 0.0
        """CPU-seconds that the last run took at most: what else this process did meanwhile
        counts too, and waiting for a busy machine or for inserts does not."""
        self._way = self._giving_way()

    def run(self, *, settle: float = SETTLE) -> int:
        """Compute the minutes that changed since the last run; says how many they were.

        With `settle=0` every message is counted now, also those whose producer's spans may
        still come. Raises `StoreError`.
        """
        with self._running:
            began, used = time.monotonic(), time.process_time()
            self._way = self._giving_way()
            complete = self._complete()
            now = self._clock()
            due = {slice_ for slice_, at in self._unsettled.items() if at <= now or settle == 0}
            slices = set(due)
            unsettled: set[int] = set()
            if any(complete[source] > self._since[source] for source in SOURCES):
                changed, unsettled = self._changed(int((now - settle) * 1e9))
                slices |= changed
            if slices:
                self._bring(slices, settle)
            # One that changed before it is due is computed now and once more then.
            for slice_ in due:
                del self._unsettled[slice_]
            if settle:
                self._unsettled |= dict.fromkeys(unsettled, now + settle)
            self._save(complete)
            took = time.monotonic() - began - self._way.waited
            self.last_cost = min(took, time.process_time() - used)
            return len({of.minute_of(slice_) for slice_ in slices})

    def compute(self, minutes: Sequence[int], *, settle: float = 0.0) -> None:
        """Compute the edges of these minutes (seconds since the epoch) and replace them."""
        self._kept -= set(minutes)
        self._bring([each for minute in minutes for each in of.slices_of(minute)], settle)

    def _bring(self, slices: Collection[int], settle: float) -> None:
        """Compute these slices, and of minutes that are not kept the others too, and replace
        their minutes."""
        now = self._clock()
        settled = int((now - settle) * 1e9)
        self._version = max(time.time_ns(), self._version + 1)
        minutes = sorted({of.minute_of(slice_) for slice_ in slices})
        # What fails half-way is computed whole again.
        have, self._kept = self._kept, frozenset()
        keep = set(sorted(one for one in have.union(minutes) if one <= now)[-KEPT:])
        for start in range(0, len(minutes), MINUTES_AT_ONCE):
            some = minutes[start : start + MINUTES_AT_ONCE]
            changed = [one for one in slices if of.minute_of(one) in have.intersection(some)]
            with self._rolling() as client:
                self._renew(client, have & keep.union(some), changed)
            for piece in self._pieces(some, sorted(slices), have, keep, now):
                self._compute(piece, settled)
            with self._rolling() as client:
                # One insert, so that whoever looks sees the minutes either before or after it.
                client.command(
                    f"INSERT INTO edges {edges.summed(self._table, some, self._version)}"
                )
            have = have.union(some)
        self._kept = have & keep

    def _renew(self, client: Any, stay: Collection[int], changed: Collection[int]) -> None:
        """Put another table in the place of that of the slices, with what stays of it."""
        old, self._table = self._table, f"r_slices_{next(_numbers)}"
        client.command(edges.slices_table(self._table))
        if stay:
            client.command(
                f"INSERT INTO {self._table} SELECT * FROM {old} "
                f"WHERE {edges.MINUTE_OF_SLICE} IN ({_listed(stay)}) "
                f"AND slice NOT IN ({_listed(changed) or -1})"
            )
        if old:
            client.command(f"DROP TEMPORARY TABLE {old}")

    def _pieces(
        self,
        minutes: Sequence[int],
        slices: Sequence[int],
        have: Collection[int],
        keep: Collection[int],
        now: float,
    ) -> Iterator[of.Slices]:
        """What is to compute of these minutes, as much at a time as its rows allow: they are
        counted anew for each piece, since more come while those before are computed."""
        after = minutes[-1] + of.MINUTE
        rows = self._rows(minutes[0], after)
        piece = of.Slices((), of.SLICE)
        held = 0
        for minute in minutes:
            starts: Sequence[int] = of.slices_of(minute)
            much = sum(rows.get(each, 0) for each in starts)
            unit = of.SLICE
            if minute in have:
                starts = [each for each in slices if of.minute_of(each) == minute]
            elif minute in keep:
                # What is yet to begin counts as changed once there is something.
                starts = [each for each in starts if each <= now or each in slices]
            elif much <= ROWS_AT_ONCE:
                starts, unit = (minute,), of.MINUTE
            for each in starts:
                more = much if unit == of.MINUTE else rows.get(each, 0)
                if piece.starts and (unit != piece.unit or (more and held + more > ROWS_AT_ONCE)):
                    yield piece
                    piece, held = of.Slices((), unit), 0
                    rows = self._rows(each, after)
                    more = much if unit == of.MINUTE else rows.get(each, 0)
                piece = of.Slices((*piece.starts, each), unit)
                held += more
        yield piece

    def _rows(self, first: int, after: int) -> dict[int, int]:
        """Operations and messages in each slice of a stretch of time."""
        between = {"first": first, "after": after}
        return {int(at): int(count) for at, count in self._store.query(of.ROWS, between)}

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

    def _changed(self, settled: int) -> tuple[set[int], set[int]]:
        """The slices that what was stored since the last run belongs to, and among them those
        of messages that were received after a time."""
        changed: set[int] = set()
        unsettled: set[int] = set()
        for part in self._parts():
            with self._rolling() as client:
                _forget(client)
                gather.Gathering(client, of.STORED, part).operations()
                asked = [(changed, of.CHANGED), (unsettled, of.UNSETTLED)]
                if client.query(of.PLACED).result_rows[0][0]:
                    asked.append((changed, of.CLAIMED))
                for found, sql in asked:
                    rows = client.query(sql, parameters={**part, "settled": settled}).result_rows
                    found |= {int(row[0]) for row in rows}
                _forget(client)
        return changed, unsettled

    def _parts(self) -> Iterator[dict[str, str]]:
        """What was stored since the last run, as parameters of `STORED`, in parts that are not
        too large: up to this moment, so that the last one has not all that comes while those
        before are looked at. The next run looks at that."""
        since = dict(self._since)
        asked = {source: _text(at) for source, at in since.items()}
        last, rows = max(self._store.complete().values()), 0
        for at, count in self._store.query(of.RECEIPTS, asked):
            if rows and rows + count > LOOKED_AT_ONCE:
                yield {**asked, "until": _text(int(at) - 1)}
                asked |= {
                    source: _text(max(since[source], int(at) - 1))
                    for source in ("spans", "messages")
                }
                rows = 0
            rows += count
            last = max(last, int(at))
        yield {**asked, "until": _text(min(last, _LAST))}

    def _compute(self, slices: of.Slices, settled: int) -> None:
        with self._rolling() as client:
            _forget(client)
            gathering = gather.Gathering(client, slices.seeds(), {})
            gathering.operations()
            gathering.beside()
            for statement in (
                *consumption.committed(slices),
                calls.call_spans(slices),
                *consumption.STEPS,
            ):
                client.command(statement)
            found = Found(*map(int, client.query(edges.FOUND).result_rows[0]))
        many = found.producing + found.consuming + found.messages > MANY
        with self._rolling(alone=many) as client:
            for statement in edges.edges(slices, found):
                client.command(
                    f"INSERT INTO {self._table} {statement}",
                    parameters={"settled": _text(settled)},
                )
            _forget(client)

    def _giving_way(self) -> GivingWay:
        return GivingWay(lambda: self._store.under_way)

    @contextmanager
    def _rolling(self, *, alone: bool = False) -> Iterator[Statements]:
        with self._store.rolling(alone=alone) as client:
            # No spans are inserted then: to wait would hold them up.
            yield Statements(client, None if alone else self._way)

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


_numbers = itertools.count()


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def _forget(client: Any) -> None:
    tables = ", ".join((*gather.TEMPORARY, *edges.TEMPORARY))
    client.command(f"DROP TEMPORARY TABLE IF EXISTS {tables}")


def _text(nanoseconds: int) -> str:
    """A DateTime64(9) parameter."""
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
