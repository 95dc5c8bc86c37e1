"""Old rows leave: everything that was received before a time, in whole partitions and parts.

Nothing is rewritten for it. A week that lies before the time leaves as a partition of every
table. Where the store has to become smaller than its newest week, the week's oldest parts leave
too: a merge joins neighbours only, so that each part holds what was received between two times.
What a part holds from both sides of the time stays, and is not counted as covered.

`positions`, from which taps go on, and `progress_newest`, where groups are now, always stay.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from collector.conventions.sql import quote
from collector.store.client import Store, StoreError

RECEIVED = {
    "otel_traces": "ReceivedAt",
    "operations": "received",
    "relations": "received",
    "messages": "received",
    "ids": "received",
}
"""Tables that grow with what is received, and their column that says when that was."""

BESIDES = ("edges", "progress", "findings")
"""Smaller ones, in weeks too."""

KEPT_AT_LEAST = 3600 * 10**9
"""Nanoseconds before now of which nothing leaves for the sake of size: late spans still belong
to it, and a store that forgets faster is of no use."""

LARGEST_PART = 16
"""With a cap on its size, a store's parts grow to this fraction of it at most: it becomes smaller
in steps of a part."""

LOOKS = 5
"""At the parts that are to leave, before one that cannot be dropped is an error."""

_DAY = 86_400 * 10**9
_WEEK = 7 * _DAY
_FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Piece:
    """A part on disk."""

    table: str
    week: str
    """Its partition: the Monday, as the engine writes it (`20261116`)."""
    name: str
    bytes: int
    rows: int
    newest: int
    """When the last of its rows was received, at most."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves with everything that was received before `until`."""

    until: int
    """Nanoseconds since the Unix epoch; 0: nothing leaves."""
    pieces: tuple[Piece, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(piece.bytes for piece in self.pieces)

    @property
    def rows(self) -> int:
        """Of spans and messages."""
        tables = ("otel_traces", "messages")
        return sum(piece.rows for piece in self.pieces if piece.table in tables)

    @property
    def weeks(self) -> tuple[str, ...]:
        """Weeks that leave whole, as the dates of their Mondays."""
        whole = {piece.week for piece in self.pieces if week_end(piece.week) <= self.until}
        return tuple(f"{week[:4]}-{week[4:6]}-{week[6:]}" for week in sorted(whole))


def covered_from(store: Store) -> int:
    """What was received before this has left; 0 when nothing has. Raises `StoreError`."""
    rows = store.query("SELECT max(toUInt64OrZero(value)) FROM state WHERE name = 'pruned'")
    return int(rows[0][0])


def oldest(store: Store) -> int:
    """When the first of what the store holds was received; 0 when it holds nothing."""
    found = [
        store.query(f"SELECT toUnixTimestamp64Nano(min({column})), count() FROM {table}")[0]
        for table, column in RECEIVED.items()
    ]
    return max(covered_from(store), min((at for at, count in found if count), default=0))


def size(store: Store) -> int:
    """Bytes on disk of everything that the store holds."""
    rows = store.query(
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()"
    )
    return int(rows[0][0])


def by_age(store: Store, days: int, now: int) -> Leaving:
    """The weeks that ended more than so many days ago."""
    day = datetime.fromtimestamp((now - days * _DAY) // 10**9, UTC).date()
    monday = day - timedelta(days=day.weekday())
    until = int(datetime(monday.year, monday.month, monday.day, tzinfo=UTC).timestamp()) * 10**9
    return _before(_pieces(store), until)


def by_size(store: Store, most: int, now: int) -> Leaving:
    """The oldest parts, as many as have to leave so that the store has `most` bytes, or as may."""
    pieces = _pieces(store)
    left = size(store)
    until = 0
    for piece in sorted(pieces, key=lambda one: one.newest):
        if left <= most or piece.newest >= now - KEPT_AT_LEAST:
            break
        left -= piece.bytes
        until = piece.newest + 1
    return _before(pieces, until)


def prune(store: Store, until: int) -> None:
    """Let everything leave that was received before a time. An interruption leaves some of it,
    which goes with the next call. Raises `StoreError`."""
    noted = False
    with suppress(StoreError):  # a full disk: it has room afterwards
        _note(store, until)
        noted = True
    _drop_all(store, until)
    _carry_progress(store, until)
    _drop(store, _before(_pieces(store), until).pieces, until)
    _forget_small(store, until)
    if not noted:
        _note(store, until)


def limit_parts(store: Store, most: int | None) -> None:
    """Keep parts small enough for a store of `most` bytes to leave in steps; None: as they grow."""
    name = "max_bytes_to_merge_at_max_space_in_pool"
    for table in RECEIVED:
        now = store.query(f"SHOW CREATE TABLE {table}")[0][0]
        bytes_ = 0 if most is None else max(1 << 20, most // LARGEST_PART)
        if bytes_ and not re.search(rf"{name} = {bytes_}\b", now):
            store.require_room()
            store.command(f"ALTER TABLE {table} MODIFY SETTING {name} = {bytes_}")
        elif not bytes_ and name in now:
            store.require_room()
            store.command(f"ALTER TABLE {table} RESET SETTING {name}")


def week_end(week: str) -> int:
    """When a partition's week is over."""
    try:
        monday = datetime(int(week[:4]), int(week[4:6]), int(week[6:8]), tzinfo=UTC)
    except ValueError:  # a table of somebody's own, in other partitions
        return _FOREVER
    return int(monday.timestamp()) * 10**9 + _WEEK


def _pieces(store: Store) -> list[Piece]:
    newest: dict[tuple[str, str], int] = {}
    for table, column in RECEIVED.items():
        # The engine knows it without reading rows.
        sql = f"SELECT _part, toUnixTimestamp64Nano(max({column})) FROM {table} GROUP BY _part"
        newest |= {(table, part): at for part, at in store.query(sql)}
    tables = ", ".join(map(quote, (*RECEIVED, *BESIDES)))
    found = []
    for table, week, part, bytes_, rows in store.query(
        "SELECT table, partition_id, name, bytes_on_disk, rows FROM system.parts "
        f"WHERE active AND database = currentDatabase() AND table IN ({tables})"
    ):
        # One that was just written, or merged, is newer than whatever leaves now.
        at = newest.get((table, part), _FOREVER) if table in RECEIVED else week_end(week) - 1
        found.append(Piece(table, week, part, bytes_, rows, at))
    return found


def _before(pieces: Iterable[Piece], until: int) -> Leaving:
    leaving = tuple(piece for piece in pieces if piece.newest < until)
    return Leaving(until if leaving else 0, leaving)


def _drop_all(store: Store, until: int) -> None:
    """A merge may take a part away between the look and the drop: then there is another look."""
    for tried in range(LOOKS):
        left = [one for one in _before(_pieces(store), until).pieces if one.table in RECEIVED]
        if not left:
            return
        try:
            _drop(store, left, until)
        except StoreError:
            if tried + 1 == LOOKS:
                raise


def _drop(store: Store, pieces: Sequence[Piece], until: int) -> None:
    whole = {(one.table, one.week) for one in pieces if week_end(one.week) <= until}
    for table, week in sorted(whole, key=lambda one: one[1]):
        store.command(f"ALTER TABLE {table} DROP PARTITION ID {quote(week)}")
    for piece in sorted(pieces, key=lambda one: one.newest):
        if (piece.table, piece.week) not in whole:
            store.command(f"ALTER TABLE {piece.table} DROP PART {quote(piece.name)}")


def _carry_progress(store: Store, until: int) -> None:
    """Groups' progress is stored when it changes: how far they had got when the oldest week that
    stays began still holds."""
    place = "cluster, consumer_group, destination, incarnation, partition"
    day = datetime.fromtimestamp(until // 10**9, UTC).date()
    store.command(
        f"INSERT INTO progress (time, {place}, committed, end_offset) SELECT {{monday:Date}}, "
        f"{place}, argMax(committed, time), argMax(end_offset, time) FROM progress "
        f"WHERE toMonday(time, 'UTC') < {{monday:Date}} AND NOT assumed GROUP BY {place}",
        {"monday": day - timedelta(days=day.weekday())},
    )


def _forget_small(store: Store, until: int) -> None:
    """Rows of tables too small for partitions. A group's newest members stay, however old."""
    before = {"until": f"{until // 10**9}"}
    for table, condition in (
        ("gaps", "noticed < {until:DateTime64(3)}"),
        ("producers", "observed < {until:DateTime64(3)} AND last_time < {until:DateTime64(3)}"),
        (
            "members",
            "time < {until:DateTime64(3)} AND (cluster, consumer_group, time) NOT IN "
            "(SELECT cluster, consumer_group, max(time) FROM members "
            "GROUP BY cluster, consumer_group)",
        ),
    ):
        if store.query(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1", before):
            store.require_room()
            # Not waited for: on a full disk it would wait for room.
            store.command(
                f"DELETE FROM {table} WHERE {condition} SETTINGS lightweight_deletes_sync = 0",
                before,
            )


def _note(store: Store, until: int) -> None:
    if until > covered_from(store):
        store.insert(
            "state",
            {
                "name": ["pruned"],
                "value": [str(until)],
                "stored": [time.time_ns() // 1000],
            },
        )
