"""The only way into the store for taps: bounded, batched, positions after the rows.

The broker is the log. A batch that was handed over and not stored when the process died is read
again, because the positions that would skip it are stored after its rows; and a message is once
by its position, so reading it again changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collector.conventions.plain import Plain
from collector.masks import MASK, BodyMasks
from collector.metrics import Counters
from collector.pace import rest
from collector.store.client import Store, StoreError
from collector.taps.tap import Batch, MemberRow, PartitionKey, ProducerRow, ProgressRow
from collector.trouble import Trouble

log = logging.getLogger(__name__)

ROWS_WAITING = 60_000
"""Messages that wait for the store, at most; then a tap waits with its reading."""

BYTES_WAITING = 128 << 20

ROWS_TOGETHER = 40_000
"""Messages in one insert, at most: an insert costs the same whether it is small or large."""

FEW = 1_000
"""Messages that may wait for the next insert."""

FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0

HEADERS_KEPT = 256
"""Headers stored of one message, at most."""


class Intake:
    """`collector.taps.tap.Sink` over a store. Thread-safe."""

    def __init__(
        self,
        store: Store,
        counters: Counters,
        stored: Callable[[], None],
        *,
        environment: str = "",
        masked: Sequence[str] = (),
        masked_paths: Sequence[str] = (),
        body_bytes: int = 64 << 10,
        header_bytes: int = 8 << 10,
        short: Callable[[], str] = str,
    ) -> None:
        """`short` says why nothing more should be stored, or nothing."""
        self._store = store
        self._counters = counters
        self._stored = stored
        self._environment = environment
        self._masked = frozenset(masked)
        self._body_masks = BodyMasks(masked_paths)
        self._body_bytes = body_bytes
        self._header_bytes = header_bytes
        self._seen_names: set[str] = set()
        self._masked_names: set[str] = set()
        self._plain = Plain(store.own)
        self._queue: deque[tuple[Batch, int]] = deque()
        self._rows = 0
        self._bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._last_received = 0
        self._thread = threading.Thread(target=self._run, name="flowtap-intake", daemon=True)
        self.cut_values = 0
        """Values and headers that were longer than is stored of them."""
        self.missed = 0
        """Offsets that taps could not read, since the start."""
        self._short = short
        self._trouble = Trouble(log, "messages wait for the store: %s", "messages are stored again")
        self._small = Trouble(
            log, "what brokers tell waits for the store: %s", "what brokers tell is stored again"
        )

    @property
    def trouble(self) -> str:
        """Why messages wait, or what brokers tell; empty when all is well."""
        return self._trouble.reason or self._small.reason

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Store what was handed over, for `timeout` seconds at most; says whether all is. What
        taps hand over from now on is left to the broker, and read again at the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # The tap's side

    def messages(self, batch: Batch) -> None:
        size = sum(len(value) for value in batch.value if value is not None)
        with self._changed:
            while (
                self._queue
                and not self._stopping
                and (self._rows + len(batch) > ROWS_WAITING or self._bytes + size > BYTES_WAITING)
            ):
                self._changed.wait(1)
            # One that is left out must not be followed by another: its positions would skip it.
            if self._stopping:
                return
            self._queue.append((batch, size))
            self._rows += len(batch)
            self._bytes += size
            self._changed.notify_all()
        self._counters.count("messages", batch.system, "received", len(batch))

    def progress(self, rows: Sequence[ProgressRow]) -> None:
        columns: dict[str, list[Any]] = {
            "time": [row.time_ms for row in rows],
            "cluster": [row.cluster for row in rows],
            "consumer_group": [row.group for row in rows],
            "destination": [row.destination for row in rows],
            "incarnation": [row.incarnation for row in rows],
            "partition": [row.partition for row in rows],
            "committed": [row.committed for row in rows],
            "end_offset": [row.end for row in rows],
            "assumed": [row.assumed for row in rows],
        }
        self._keep("progress", columns)

    def members(self, rows: Sequence[MemberRow]) -> None:
        columns: dict[str, list[Any]] = {
            "time": [row.time_ms for row in rows],
            "cluster": [row.cluster for row in rows],
            "consumer_group": [row.group for row in rows],
            "member_id": [row.member_id for row in rows],
            "client_id": [row.client_id for row in rows],
            "host": [row.host for row in rows],
            "state": [row.state for row in rows],
            "assignment": [list(row.assignment) for row in rows],
        }
        self._keep("members", columns)

    def producers(self, rows: Sequence[ProducerRow]) -> None:
        columns: dict[str, list[Any]] = {
            "observed": [row.time_ms for row in rows],
            "system": [row.system for row in rows],
            "cluster": [row.cluster for row in rows],
            "destination": [row.destination for row in rows],
            "incarnation": [row.incarnation for row in rows],
            "partition": [row.partition for row in rows],
            "producer_id": [row.producer_id for row in rows],
            "epoch": [row.epoch for row in rows],
            "transactional_id": [row.transactional_id for row in rows],
            "first_time": [row.first_ms for row in rows],
            "last_time": [row.last_ms for row in rows],
            "transaction_offset": [row.transaction_offset for row in rows],
        }
        self._keep("producers", columns)

    def positions(self, system: str, cluster: str) -> Mapping[PartitionKey, int]:
        rows = self._store.query(
            "SELECT destination, incarnation, partition, max(next_offset) FROM positions "
            "WHERE system = {system:String} AND cluster = {cluster:String} GROUP BY ALL",
            {"system": system, "cluster": cluster},
        )
        return {PartitionKey(system, cluster, row[0], row[1], row[2]): row[3] for row in rows}

    def gap(self, partition: PartitionKey, first: int, last: int, reason: str) -> None:
        self.missed += last - first + 1
        log.warning("%s/%s: %d..%d missed: %s", *partition[2::2], first, last, reason)
        columns: dict[str, list[Any]] = {
            name: [value] for name, value in zip(_PLACE, partition, strict=True)
        } | {
            "first_offset": [first],
            "last_offset": [last],
            "reason": [reason],
            "noticed": [time.time_ns() // 10**6],
        }
        self._keep("gaps", columns)

    def _keep(self, table: str, columns: dict[str, list[Any]]) -> None:
        """Store small rows at once, however long it takes: nobody tells them again."""
        wait = FIRST_WAIT
        while True:
            try:
                self._store.insert(table, columns)
            except StoreError as error:
                self._small.begin(str(error))
                with self._changed:
                    if self._stopping or not error.passing:
                        return
                    self._changed.wait(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                self._small.end()
                self._stored()
                return

    # The store's side

    def _run(self) -> None:
        while True:
            batches = self._take()
            if not batches:
                return
            began = time.monotonic()
            try:
                if not self._store_batches(batches):
                    return
            except Exception as error:  # whatever it is, the next batches must not wait for ever
                log.exception("messages that cannot be stored are left out")
                self._trouble.begin(f"messages were left out: {error!r}")
                for batch in batches:
                    self._counters.count("messages", batch.system, "rejected", len(batch))
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopping or self._rows >= FEW, rest(time.monotonic() - began)
                )

    def _take(self) -> list[Batch]:
        """The next batches that fit in one insert; none when stopped and empty."""
        with self._changed:
            while not self._queue:
                if self._stopping:
                    return []
                self._changed.wait()
            taken: list[Batch] = []
            rows = 0
            while self._queue and (not taken or rows + len(self._queue[0][0]) <= ROWS_TOGETHER):
                batch, size = self._queue.popleft()
                taken.append(batch)
                rows += len(batch)
                self._bytes -= size
            self._rows -= rows
            self._changed.notify_all()
            return taken

    def _store_batches(self, batches: list[Batch]) -> bool:
        table = "messages_plain_in" if all(map(self._is_plain, batches)) else "messages_in"
        columns = self._columns(batches)
        self._store.begin("messages", self._last_received)
        positions = self._position_columns(batches)
        refused = 0
        wait = FIRST_WAIT
        while True:
            try:
                if reason := self._short():
                    raise StoreError(reason)
                refused += self._insert(table, columns)
                columns = {}
                self._store.insert("positions", positions)
            except StoreError as error:
                self._trouble.begin(str(error))
                with self._changed:
                    if self._stopping:
                        return False
                    self._changed.wait(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                break
        self._store.end("messages")
        self._trouble.end()
        for batch in batches:
            rejected = min(refused, len(batch))
            refused -= rejected
            self._counters.count("messages", batch.system, "rejected", rejected)
            self._counters.count("messages", batch.system, "stored", len(batch) - rejected)
        self._stored()
        return True

    def _is_plain(self, batch: Batch) -> bool:
        return self._plain.covers(batch.header_names, batch.header_values, batch.value)

    def _insert(self, table: str, columns: dict[str, list[Any]]) -> int:
        """Insert rows, leaving out single ones that the engine refuses; says how many.

        Raises `StoreError` for what may succeed later.
        """
        if not columns:
            return 0
        try:
            self._store.insert(table, columns)
        except StoreError as error:
            rows = len(columns["offset"])
            if error.passing:
                raise
            if rows == 1:
                place = [columns[name][0] for name in ("destination", "partition", "offset")]
                log.error("the engine refuses the message at %s/%s/%s: %s", *place, error)
                return 1
            half = rows // 2
            first = {name: column[:half] for name, column in columns.items()}
            second = {name: column[half:] for name, column in columns.items()}
            return self._insert(table, first) + self._insert(table, second)
        return 0

    def _columns(self, batches: list[Batch]) -> dict[str, list[Any]]:
        received = self._last_received = max(time.time_ns(), self._last_received + 1)
        columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        for batch in batches:
            count = len(batch)
            columns["received"] += [received] * count
            columns["environment"] += [self._environment] * count
            columns["system"] += [batch.system] * count
            columns["cluster"] += [batch.cluster] * count
            columns["destination"] += batch.destination
            columns["incarnation"] += batch.incarnation
            columns["partition"] += batch.partition
            columns["offset"] += batch.offset
            columns["time"] += batch.time
            columns["key"] += batch.key
            columns["header_values"] += self._header_values(batch)
            columns["header_names"] += batch.header_names
            values, events = self._values(batch)
            columns["value"] += values
            columns["event"] += events
            columns["value_size"] += [-1 if v is None else len(v) for v in batch.value]
        if not any(columns["event"]):
            del columns["event"]
        return columns

    def _values(self, batch: Batch) -> tuple[list[bytes | None], list[bytes]]:
        """Values as they are stored, and what may be JSON whole where it is cut: it is read
        before it is forgotten."""
        cap = self._body_bytes
        events = [b""] * len(batch)
        bodies = batch.value
        if self._body_masks:
            bodies = [v and self._body_masks.applied(v) for v in bodies]
        long = [at for at, v in enumerate(bodies) if v is not None and len(v) > cap]
        if not long:
            return bodies, events
        self.cut_values += len(long)
        cut = list(bodies)
        for at in long:
            value = cut[at] or b""
            cut[at] = value[:cap]
            if value[:64].lstrip()[:1] in (b"{", b"["):
                events[at] = value
        return cut, events

    def _header_values(self, batch: Batch) -> list[list[bytes]]:
        cap = self._header_bytes
        rows = list(batch.header_values)
        for at, names in enumerate(batch.header_names):
            if not self._seen_names.issuperset(names):
                self._learn(names)
            values = rows[at]
            if not self._masked_names.isdisjoint(names):
                rows[at] = values = [
                    MASK if name in self._masked_names else value
                    for name, value in zip(names, values, strict=True)
                ]
            if any([len(value) > cap for value in values]):  # noqa: C419 - a list is faster here
                self.cut_values += 1
                rows[at] = values = [value[:cap] for value in values]
            if len(values) > HEADERS_KEPT:
                self.cut_values += 1
                batch.header_names[at] = names[:HEADERS_KEPT]
                rows[at] = values[:HEADERS_KEPT]
        return rows

    def _learn(self, names: Sequence[str]) -> None:
        """Headers are masked in any case; the spellings that occur are few, so they are kept."""
        if len(self._seen_names) > 100_000:
            self._seen_names.clear()
        self._seen_names.update(names)
        self._masked_names.update(name for name in names if name.lower() in self._masked)

    def _position_columns(self, batches: list[Batch]) -> dict[str, list[Any]]:
        newest: dict[PartitionKey, int] = {}
        for batch in batches:
            newest.update(batch.next_offsets)
        columns: dict[str, list[Any]] = {
            name: list(values)
            for name, values in zip(_PLACE, zip(*newest, strict=True), strict=False)
        }
        columns["next_offset"] = list(newest.values())
        columns["stored"] = [time.time_ns() // 1000] * len(newest)
        return columns


_PLACE = ("system", "cluster", "destination", "incarnation", "partition")

_COLUMNS = (
    "received",
    "environment",
    *("system", "cluster", "destination", "incarnation", "partition"),
    "offset",
    "time",
    "key",
    "header_names",
    "header_values",
    "value",
    "value_size",
    "event",
)
