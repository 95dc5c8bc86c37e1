"""The store's handle: one writer with its settings set once, and a small pool of readers.

Embedded, one process owns a directory; `StoreBusy` says so where the engine's own error does
not. A ClickHouse server is reached by its URL with the same SQL.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any

from collector import giving_up
from collector.conventions.own import Own
from collector.store import exploding, migrations, native, views
from collector.store.parameters import parameter
from collector.store.refusals import StoreBusy as StoreBusy
from collector.store.refusals import StoreError as StoreError
from collector.store.refusals import refusal_of
from collector.store.settings import (
    ALLOCATOR,
    MESSAGES_SETTINGS,
    READER_SETTINGS,
    ROLLER_SETTINGS,
    SPANS_SETTINGS,
    WRITER_SETTINGS,
)
from collector.store.unwritten import Unwritten, require_room

log = logging.getLogger(__name__)

READERS = 3

RAW_FORMATS = {"String": "bytes", "DateTime64*": "int", "Tuple": "tuple"}


class Store:
    """An open store. Thread-safe: one insert of spans and one of columns at a time, reads beside
    them."""

    def __init__(
        self, location: Path | str, *, own: Own | None = None, readers: int = READERS
    ) -> None:
        """Open, and create or migrate, the store at a directory or a ClickHouse URL.

        Who stores messages says by what conventions beside the program's; who only reads does
        not, and leaves the store's as they are.
        Raises `StoreBusy` when another process owns the directory, `StoreError` when the
        directory cannot be used or its schema is newer than this program.
        """
        self.location = location
        self.own = own or Own()
        """The user's conventions, as far as this opening knows them."""
        self._lock_file: IO[str] | None = None
        # Taken in this order. Who writes may find that something has to be mended first.
        self._write = threading.RLock()
        self._fill = threading.RLock()
        self._roll = threading.RLock()
        self._readers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._reader_count = 0
        self._clients: list[Any] = []
        self._under_way: dict[str, int] = {}
        self._unwritten: Unwritten | None = None
        self.closed = False
        if isinstance(location, Path):
            self._lock_file = _own(location)
        try:
            self._writer = self._connect({**WRITER_SETTINGS, **self._otlp_format()})
            with self._guarded():
                if isinstance(location, Path):
                    self._unwritten = Unwritten(location, self._writer)
                with self._watched(self._writer):
                    migrations.migrate(self._writer, own, self.require_room)
            self._filler = self._connect(WRITER_SETTINGS)
            self._roller = self._connect(ROLLER_SETTINGS)
            for _ in range(readers):
                self._readers.put(self._connect(READER_SETTINGS))
                self._reader_count += 1
        except BaseException:
            self.close()
            raise

    def _connect(self, settings: Mapping[str, object]) -> Any:
        import clickhouse_connect

        try:
            if isinstance(self.location, Path):
                # Read when the engine is loaded, once in a process.
                os.environ.setdefault("JE_MALLOC_CONF", ALLOCATOR)
                client = clickhouse_connect.get_client(
                    interface="chdb", path=str(self.location / "engine"), settings=dict(settings)
                )
            else:
                client = clickhouse_connect.get_client(
                    dsn=self.location, settings=dict(settings), autogenerate_session_id=False
                )
        except Exception as error:
            raise StoreError(f"cannot open the store at {self.location}: {error}") from error
        self._clients.append(client)
        return client

    def _otlp_format(self) -> dict[str, object]:
        """How the engine learns what a span looks like on the wire.

        Embedded it reads a file of the store: given as a string, it would leave a cache folder
        in whatever directory the process was started in.
        """
        if not isinstance(self.location, Path):
            return {
                "format_schema_source": "string",
                "format_schema": exploding.PROTO,
                "format_schema_message_name": "Request",
            }
        digest = hashlib.sha256(exploding.PROTO.encode()).hexdigest()[:12]
        path = self.location.absolute() / f"otlp-{digest}.proto"
        if not path.exists():
            new = path.with_suffix(".new")
            new.write_text(exploding.PROTO, encoding="ascii")
            new.replace(path)
        return {"format_schema": f"{path}:Request"}

    def close(self) -> None:
        """Close every handle; waits for what is under way."""
        self.closed = True
        with self._write, self._fill, self._roll:
            for _ in range(self._reader_count):
                self._readers.get()
            self._reader_count = 0
            for client in self._clients:
                with suppress(Exception):
                    client.close()
            self._clients.clear()
            if self._lock_file is not None:
                self._lock_file.close()
                self._lock_file = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def insert_spans(self, *requests: bytes | memoryview, received_ns: int, token: str) -> None:
        """Insert serialised `ExportTraceServiceRequest`s, exactly once for each token.

        A repeated call with the same arguments changes nothing, also after a crash in between.
        Raises `StoreError` when the engine refuses what is in them.
        """
        received = exploding.RECEIVED_TAG + received_ns.to_bytes(8, "little")
        self._mend()
        with (
            self._write,
            self._guarded(),
            self._judged(self._writer, "spans_in"),
            self._watched(self._writer),
        ):
            self._writer.raw_insert(
                "spans_in",
                # In a row they are one message. Not joined first: new memory costs more than bytes.
                insert_block=(bytes(part) for part in (*requests, received)),
                fmt="ProtobufSingle",
                settings={"insert_deduplication_token": token, **SPANS_SETTINGS},
            )

    def begin(self, source: str, received_ns: int) -> None:
        """Rows of this source (`spans`, `messages`) and time of receipt are on their way, perhaps
        in several inserts and attempts; until `end` they are not taken to be complete."""
        self._under_way[source] = received_ns

    def end(self, source: str) -> None:
        """All rows that were begun are in."""
        self._under_way.pop(source, None)

    @property
    def under_way(self) -> frozenset[int]:
        """Times of receipt of rows that are on their way: some tables may have them already."""
        return frozenset(dict(self._under_way).values())

    def complete(self) -> dict[str, int]:
        """The newest times of receipt (`progress`: of the look) up to which all rows are in every
        table, by source; an insert fills one table after the other."""
        newest = self.query(
            "SELECT (SELECT toUnixTimestamp64Nano(max(ReceivedAt)) FROM otel_traces), "
            "(SELECT toUnixTimestamp64Nano(max(received)) FROM messages), "
            "(SELECT toUnixTimestamp64Nano(toDateTime64(max(time), 9)) FROM progress)"
        )[0]
        under_way = dict(self._under_way)
        return {
            source: min(int(at), under_way[source] - 1) if source in under_way else int(at)
            for source, at in zip(("spans", "messages", "progress"), newest, strict=True)
        }

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert rows given as columns of equal length."""
        if not next(iter(columns.values()), ()):
            return
        with self.filling() as client, self._judged(client, table):
            client.insert(
                table,
                list(columns.values()),
                column_names=list(columns),
                column_oriented=True,
            )

    def insert_messages(
        self,
        table: str,
        blocks: Sequence[tuple[int, bytes | bytearray]],
        *,
        received_ns: int,
        token: str,
    ) -> None:
        """Insert messages, once for each token and table: numbers of rows, and of each so many the
        columns of `views.MESSAGE_TYPES` after `received`, as `native.columns` writes them.

        A repeated call with the same arguments fills what is missing. Raises `StoreError`.
        """
        received, kind = next(iter(views.MESSAGE_TYPES.items()))
        at = received_ns.to_bytes(8, "little")
        parts: list[bytes | bytearray] = []
        for rows, columns in blocks:
            head = native.counts(len(views.MESSAGE_TYPES), rows)
            parts += (head, native.same(received, kind, at, rows), columns)
        with self.filling() as client, self._judged(client, table):
            client.raw_insert(
                table,
                column_names=list(views.MESSAGE_TYPES),
                insert_block=(part for part in parts),
                fmt="Native",
                settings={"insert_deduplication_token": token, **MESSAGES_SETTINGS},
            )

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Run a statement on the writer: DDL, or INSERT ... SELECT."""
        with self.writing() as client:
            return client.command(sql, parameters=dict(parameters or {}))

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, raw: bool = False
    ) -> Sequence[Sequence[Any]]:
        """Rows of a SELECT; parameters are bound by the engine, as `{name:Type}`.

        `raw` leaves strings as bytes, times as numbers in the column's own unit since 1970, and
        the names of tuples' fields away.
        """
        formats = RAW_FORMATS if raw else None
        with self.reading() as client:
            written = {name: parameter(value) for name, value in (parameters or {}).items()}
            answer = client.query(sql, parameters=written, query_formats=formats)
            return answer.result_rows  # type: ignore[no-any-return]  # clients are of Any

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """The writer's handle, while nothing else is inserted."""
        self._mend()
        with self._write, self._fill, self._guarded(), self._watched(self._writer):
            yield self._writer

    @contextmanager
    def filling(self) -> Iterator[Any]:
        """The handle of rows that come as columns, for one insert at a time. Not the writer's: an
        insert waits for the disk, and what taps bring need not wait for spans meanwhile."""
        self._mend()
        with self._fill, self._guarded(), self._watched(self._filler):
            yield self._filler

    @contextmanager
    def rolling(self, *, alone: bool = False) -> Iterator[Any]:
        """A handle whose temporary tables last, for computing edges beside the writer; `alone`
        while no spans are inserted."""
        self._mend()
        with (
            self._write if alone else nullcontext(),
            self._roll,
            self._guarded(),
            self._watched(self._roller),
        ):
            yield self._roller

    def look(self) -> None:
        """Notice that the disk did not take what was written in the background, by merges, and mend
        it. Raises `StoreError` while it cannot be mended."""
        if self._unwritten is not None:
            with self.reading() as client:
                self._unwritten.look(client)
            self._mend()

    def require_room(self) -> None:
        """Raises `StoreError` if the disk has too little room for changing a table."""
        if isinstance(self.location, Path):
            with self._guarded():
                require_room(self.location)

    def _watched(self, client: Any) -> AbstractContextManager[None]:
        return nullcontext() if self._unwritten is None else self._unwritten.watched(client)

    def _mend(self) -> None:
        if self._unwritten is None or not self._unwritten.pending:
            return
        try:
            with self._write, self._fill, self._roll, self._guarded():
                if self._unwritten.pending:
                    self._unwritten.mend(self._writer)
        except StoreError as error:
            error.passing = True  # Whatever it is, it is not for what was to be written.
            raise

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A handle for one query; waits while all are in use. Raises `GivenUp` instead when
        nobody waits for the answer any more."""
        giving_up.check()
        with self._guarded():
            client = self._readers.get()
            try:
                yield client
            except Exception:
                client = self._renewed(client)
                raise
            finally:
                self._readers.put(client)

    def _renewed(self, client: Any) -> Any:
        """A reader in place of one whose query failed: embedded, what that query had told until
        then would come with the next answer."""
        try:
            fresh = self._connect(READER_SETTINGS)
        except StoreError:
            return client  # Better that one than none.
        self._drop(client)
        return fresh

    @contextmanager
    def apart(self, settings: Mapping[str, object]) -> Iterator[Any]:
        """A handle of its own, with these settings and nothing else, closed afterwards."""
        with self._guarded():
            client = self._connect(settings)
            try:
                yield client
            finally:
                self._drop(client)

    def _drop(self, client: Any) -> None:
        with suppress(ValueError):  # The store was closed meanwhile.
            self._clients.remove(client)
        with suppress(Exception):
            client.close()

    @contextmanager
    def _judged(self, client: Any, table: str) -> Iterator[None]:
        """Nothing is refused for its contents by a table that takes not even nothing."""
        try:
            yield
        except Exception as error:
            refusal = refusal_of(error)
            if not refusal.passing:
                try:
                    client.command(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 0")
                except Exception as broken:
                    refusal = refusal_of(broken)
                    refusal.passing = True
            raise refusal from error

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        if self.closed:
            raise StoreError("the store is closed")
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            raise refusal_of(error) from error


def _own(directory: Path) -> IO[str]:
    """Take the directory's lock, or say who has it."""
    if unfit := {":", "?"}.intersection(str(directory.absolute())):
        # The engine takes what follows for the name of a message, or for options.
        raise StoreError(
            f"cannot use {directory} as the store: its path holds a {' and a '.join(sorted(unfit))}"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = (directory / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise StoreError(f"cannot use {directory} as the store: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        owner = handle.read().strip()
        handle.close()
        who = f"process {owner}" if owner else "another process"
        raise StoreBusy(f"the store at {directory} is open in {who}") from error
    handle.seek(0)
    handle.truncate()
    handle.write(str(os.getpid()))
    handle.flush()
    return handle
