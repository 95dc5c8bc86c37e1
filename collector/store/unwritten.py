"""What the disk did not take of what the embedded engine wrote.

Where ClickHouse ends an insert because a write fails, chDB goes on (in 26.9 its
`WriteBufferFromFileDescriptor::nextImpl` leaves the error out): a full disk gives a part whose
files are empty or cut short, which counts as inserted, and whose token is remembered, so that the
same insert is left out when it comes again. A merge is kept like that in the place of what it
merged. Nothing tells of it but a counter.

So the counter is looked at after everything that writes. What was written while it moved has
failed, whoever's write it was: it has to come again, once the parts that are not whole have gone,
and their tokens with them.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from collector.conventions.sql import quote
from collector.room import free
from graph.figures import size

log = logging.getLogger(__name__)

ROOM = 4 << 20
"""Bytes that have to be free before a table is changed or mended: that writes too."""

FAILED = "SELECT value FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"

PARTS = (
    "SELECT table, name, path, bytes_on_disk, partition_id, min_block_number, max_block_number, "
    "level = 0 AND min_block_number = max_block_number AND data_version = min_block_number "
    "FROM system.parts WHERE active AND database = currentDatabase()"
)

BROKEN = (
    "SELECT table, partition_id, min_block_number FROM system.detached_parts "
    "WHERE database = currentDatabase() AND reason = 'broken-on-start' AND level = 0 "
    "AND min_block_number = max_block_number"
)
"""Inserted parts that could not be read when their table was opened."""

LEFT_CLOSED = (
    "SELECT table FROM system.detached_tables "
    "WHERE database = currentDatabase() AND NOT is_permanently"
)
"""Tables that could not be opened again when they were mended."""

FOLDERS = "SELECT name, data_paths[1] FROM system.tables WHERE database = currentDatabase()"

BESIDE = {
    "checksums.txt",
    "columns.txt",
    "columns_substreams.txt",
    "default_compression_codec.txt",
    "metadata_version.txt",
}
"""Files of a part that are no part of its size."""

BLOCK = 512
"""Bytes of the smallest blocks that disks have: what is cut short ends with one."""

ADDED, DROPPED = "1", "2"
"""What a line of a log of tokens begins with; a part and a token follow, between tabs."""


class _Part(NamedTuple):
    table: str
    name: str
    path: str
    bytes: int
    partition: str
    first: int
    last: int
    """Blocks, as inserts are numbered."""
    inserted: bool
    """Neither merged of others nor changed since."""


class Unwritten:
    """Whether the disk took what a store's engine wrote. Thread-safe, but for `mend`."""

    def __init__(self, folder: Path, client: Any) -> None:
        """`folder` is on the store's disk; the client is of a store that has just been opened."""
        self._folder = folder
        self._lock = threading.Lock()
        self._failed = _failed(client)
        # A collector that died before it could mend left this to its successor.
        self._losses = int(bool(_remembered(client)))
        self._mended = 0

    @property
    def pending(self) -> bool:
        """Whether something is not whole, or may be: nothing must be written before `mend`."""
        return self._losses != self._mended

    @contextmanager
    def watched(self, client: Any) -> Iterator[None]:
        """Raises OSError at the end, and instead of another error, if writes failed meanwhile."""
        before = self._losses
        try:
            yield
        except Exception as error:
            self.look(client)
            if self._losses != before:
                raise self._not_taken() from error
            raise
        self.look(client)
        if self._losses != before:
            raise self._not_taken()

    def look(self, client: Any) -> None:
        """Notice what failed since the last look, also in the background."""
        failed = _failed(client)
        with self._lock:
            if failed > self._failed:
                self._failed = failed
                self._losses += 1

    def mend(self, client: Any) -> None:
        """Take away what is not whole, so that it can be written again; nothing else may be
        written meanwhile. Raises OSError while the disk has no room for that."""
        losses = self._losses
        for (table,) in client.query(LEFT_CLOSED).result_rows:
            client.command(f"ATTACH TABLE {table}")
        merged = [part for part in _damaged(client) if not part.inserted]
        for table in {part.table for part in merged}:
            # What it was merged of is taken when the table is opened, and lies there for eight
            # minutes only. So this does not wait for room; nor does it take any.
            with _closed(client, table):
                pass
        inserted = [part for part in _damaged(client) if part.inserted]
        tokens = _remembered(client)
        if inserted or tokens:
            require_room(self._folder)
        for part in inserted:
            client.command(f"ALTER TABLE {part.table} DROP PART {quote(part.name)}")
        for table, lines in tokens.items():
            _forget(client, table, lines)
        self.look(client)
        if self._losses != losses:
            raise self._not_taken()
        self._mended = losses
        if gone := len(merged) + len(inserted) + sum(map(len, tokens.values())):
            log.warning(
                "the disk did not take all that was written: %d of the store's parts were not "
                "whole and have gone; nothing that was stored is lost by it",
                gone,
            )

    def _not_taken(self) -> OSError:
        return OSError(
            f"the disk of {self._folder} did not take all that was written: no space left, or "
            f"it fails ({size(free(self._folder))} free)"
        )


def require_room(folder: Path) -> None:
    """Raises OSError if a disk has not even room for small files. What the engine would then
    leave of a table's definition is an empty file."""
    if (left := free(folder)) < ROOM:
        raise OSError(f"no space left on the disk of {folder}: {size(left)} of {size(ROOM)}")


def _failed(client: Any) -> int:
    """Writes that failed in this process. An event that never was is not there."""
    return int(client.command(FAILED) or 0)


def _parts(client: Any) -> list[_Part]:
    return [_Part(*row) for row in client.query(PARTS).result_rows]


def _damaged(client: Any) -> list[_Part]:
    return [part for part in _parts(client) if not _whole(client, part)]


def _whole(client: Any, part: _Part) -> bool:
    """Whether all of its files are there in their sizes, those that lie beside it too."""
    try:
        sizes = {file.name: file.stat().st_size for file in os.scandir(part.path)}
    except OSError:
        return True  # Merged meanwhile.
    beside = [sizes.pop(name) for name in BESIDE if name in sizes]
    if not all(beside) or sum(sizes.values()) != part.bytes:
        return False
    if any(length % BLOCK == 0 for length in beside):
        asked = f"CHECK TABLE {part.table} PART {quote(part.name)}"
        return bool(client.query(asked).result_rows[0][1])
    return True


@contextmanager
def _closed(client: Any, table: str) -> Iterator[None]:
    """While a table is closed; then its parts and tokens are read again."""
    client.command(f"DETACH TABLE {table}")
    try:
        yield
    finally:
        client.command(f"ATTACH TABLE {table}")


def _remembered(client: Any) -> dict[str, dict[str, str]]:
    """The tokens of inserted parts that could not be read when their table was opened: of each
    table, the part of each token."""
    gone: dict[str, set[str]] = defaultdict(set)
    broken = client.query(BROKEN).result_rows
    there = _parts(client) if broken else []
    for table, partition, block in broken:
        # Where the one that could not be read was the last, its number was given anew.
        if not any(
            (part.table, part.partition) == (table, partition) and part.first <= block <= part.last
            for part in there
        ):
            gone[table].add(f"{partition}_{block}_{block}_0")
    folders = dict(client.query(FOLDERS).result_rows) if gone else {}
    remembered = {}
    for table, parts in gone.items():
        tokens = _tokens(Path(folders[table]))
        if found := {token: part for token, part in tokens.items() if part in parts}:
            remembered[table] = found
    return remembered


def _logs(folder: Path) -> list[Path]:
    """The logs of a table's tokens, oldest first."""
    logs = folder.glob("deduplication_logs/deduplication_log_*.txt")
    return sorted(logs, key=lambda path: int(path.stem.rpartition("_")[2]))


def _tokens(folder: Path) -> dict[str, str]:
    """The part of each token that a table remembers."""
    tokens: dict[str, str] = {}
    for path in _logs(folder):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            operation, _, rest = line.partition("\t")
            part, _, token = rest.partition("\t")
            if operation == ADDED:
                tokens[token] = part
            elif operation == DROPPED:
                tokens.pop(token, None)
    return tokens


def _forget(client: Any, table: str, tokens: dict[str, str]) -> None:
    folder = dict(client.query(FOLDERS).result_rows)[table]
    with _closed(client, table), _logs(Path(folder))[-1].open("a", encoding="utf-8") as file:
        for token, part in tokens.items():
            file.write(f"{DROPPED}\t{part}\t{token}\n")
        file.flush()
        os.fsync(file.fileno())
