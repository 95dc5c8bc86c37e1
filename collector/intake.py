"""The only way into the store for taps: bounded, in batches, positions after the rows.

The broker is the log. A batch that was handed over and not stored when the process died is read
again, because the positions that would skip it are stored after its rows; and a message is once
by its position, so reading it again changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from collector.metrics import Counters
from collector.pace import rest
from collector.packing import Packed, Packing
from collector.store.client import Store, StoreError
from collector.taps.tap import Batch, MemberRow, PartitionKey, ProducerRow, ProgressRow
from collector.trouble import Trouble

log = logging.getLogger(__name__)

ROWS_WAITING = 60_000
"""Messages that wait for the store, at most; then a tap waits with its reading."""

BYTES_WAITING = 128 << 20

ROWS_TOGETHER = 40_000
"""Messages in one insert, at most: an insert costs the same whether it is small or large."""

BYTES_TOGETHER = 32 << 20
"""Their columns, at most, unless one batch has more: an insert takes many times as much memory."""

ENOUGH = 20_000
"""Messages for which the next insert does not wait."""

ENOUGH_BYTES = 16 << 20
"""Of memory that messages take for which the next insert does not wait."""

BUSY = 1_000
"""Messages of an insert after which the next waits less."""

FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0


class Intake:
    """`collector.taps.tap.Sink` over a store. Thread-safe."""

    def __init__(
        self,
        store: Store,
        counters: Counters,
        stored: Callable[[], None],
        *,
        packing: Packing | None = None,
        short: Callable[[], str] = str,
        seen: Callable[[], bool] = lambda: True,
    ) -> None:
        """`short` says why nothing more should be stored, or nothing; `seen` whether anybody
        looks."""
        self._store = store
        self._counters = counters
        self._stored = stored
        self._packing = packing or Packing(store.own)
        self._queue: deque[Packed] = deque()
        self._rows = 0
        self._bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._hurry = False
        self._begun: set[PartitionKey] = set()
        """Partitions of which a position came, since the start."""
        self._taken_in = 0
        """Batches, since the start."""
        self._done = 0
        """Those of them that do not wait any more."""
        self._last_received = 0
        self._thread = threading.Thread(target=self._run, name="flowtap-intake", daemon=True)
        self.missed = 0
        """Offsets that taps could not read, since the start."""
        self._short = short
        self._seen = seen
        self._trouble = Trouble(log, "messages wait for the store: %s", "messages are stored again")
        self._small = Trouble(
            log, "what brokers tell waits for the store: %s", "what brokers tell is stored again"
        )

    @property
    def cut_values(self) -> int:
        """Values and headers that were longer than is stored of them."""
        return self._packing.cut_values

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

    def waiting(self) -> Callable[[], bool]:
        """As `catching_up.Storing` has it."""
        with self._changed:
            until = self._taken_in
        return lambda: self._done < until

    def hurry(self) -> None:
        """As `catching_up.Storing` has it."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()

    # The tap's side

    def messages(self, batch: Batch) -> None:
        for packed in self._packed(batch):
            if not self._put(packed):
                return
        self._counters.count("messages", batch.system, "received", len(batch))

    def _packed(self, batch: Batch) -> Iterator[Packed]:
        """The batch as it is stored, without single messages that cannot be written down."""
        try:
            yield self._packing.packed(batch)
        except Exception as error:  # whatever it is, the others are stored
            if len(batch) > 1:
                for half in batch.halves():
                    yield from self._packed(half)
            else:
                self._refuse(batch, error)
                self._counters.count("messages", batch.system, "rejected", 1)
                batch = Batch(batch.system, batch.cluster, next_offsets=batch.next_offsets)
                yield self._packing.packed(batch)

    def _put(self, packed: Packed) -> bool:
        """Says whether it was taken."""
        with self._changed:
            while (
                self._queue
                and not self._stopping
                and (
                    self._rows + len(packed) > ROWS_WAITING
                    or self._bytes + packed.bytes > BYTES_WAITING
                )
            ):
                self._changed.wait(1)
            # One that is left out must not be followed by another: its positions would skip it.
            if self._stopping:
                return False
            if not packed.batch.next_offsets.keys() <= self._begun:
                # A tap that dies before its first position is stored begins later, and misses some.
                self._begun |= packed.batch.next_offsets.keys()
                self._hurry = True
            self._queue.append(packed)
            self._taken_in += 1
            self._rows += len(packed)
            self._bytes += packed.bytes
            self._changed.notify_all()
        return True

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
                for one in batches:
                    self._counters.count("messages", one.batch.system, "rejected", len(one))
            with self._changed:
                self._done += len(batches)
                took = time.monotonic() - began
                busy = sum(map(len, batches)) >= BUSY
                self._changed.wait_for(self._due, rest(took, busy=busy, seen=self._seen()))

    def _due(self) -> bool:
        """Whether the next insert should not wait."""
        enough = self._rows >= ENOUGH or self._bytes >= ENOUGH_BYTES
        return self._stopping or self._hurry or enough

    def _take(self) -> list[Packed]:
        """The next batches that fit in one insert; none when stopped and empty."""
        with self._changed:
            while not self._queue:
                if self._stopping:
                    return []
                self._changed.wait()
            self._hurry = False
            taken: list[Packed] = []
            rows = size = 0
            while self._queue and (
                not taken
                or (
                    rows + len(self._queue[0]) <= ROWS_TOGETHER
                    and size + len(self._queue[0].columns) <= BYTES_TOGETHER
                )
            ):
                taken.append(self._queue.popleft())
                rows += len(taken[-1])
                size += len(taken[-1].columns)
                self._bytes -= taken[-1].bytes
            self._rows -= rows
            self._changed.notify_all()
            return taken

    def _store_batches(self, batches: list[Packed]) -> bool:
        received = self._last_received = max(time.time_ns(), self._last_received + 1)
        self._store.begin("messages", received)
        positions = self._position_columns(batches)
        full = [one for one in batches if len(one)]
        refused = 0
        wait = FIRST_WAIT
        while True:
            try:
                if reason := self._short():
                    raise StoreError(reason)
                refused += self._insert(full, received, f"messages-{received}")
                full = []
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
        for one in batches:
            rejected = min(refused, len(one))
            refused -= rejected
            self._counters.count("messages", one.batch.system, "rejected", rejected)
            self._counters.count("messages", one.batch.system, "stored", len(one) - rejected)
        self._stored()
        return True

    def _insert(self, batches: Sequence[Packed], received: int, token: str) -> int:
        """Insert messages, leaving out single ones that the engine refuses; says how many.

        Raises `StoreError` for what may succeed later.
        """
        if not batches:
            return 0
        table = "messages_plain_in" if all(one.plain for one in batches) else "messages_in"
        blocks = [(len(one), one.columns) for one in batches]
        try:
            self._store.insert_messages(table, blocks, received_ns=received, token=token)
        except StoreError as error:
            if error.passing:
                raise
            if sum(map(len, batches)) > 1:
                first, second = self._halves(batches)
                return self._insert(first, received, f"{token}-1") + self._insert(
                    second, received, f"{token}-2"
                )
            self._refuse(batches[0].batch, error)
            return 1
        return 0

    def _halves(self, batches: Sequence[Packed]) -> tuple[Sequence[Packed], Sequence[Packed]]:
        if half := len(batches) // 2:
            return batches[:half], batches[half:]
        first, second = map(self._packing.packed, batches[0].batch.halves())
        return [first], [second]

    def _refuse(self, batch: Batch, error: Exception) -> None:
        place = (batch.destination[0], batch.partition[0], batch.offset[0])
        log.error("the engine refuses the message at %s/%s/%s: %s", *place, error)

    def _position_columns(self, batches: list[Packed]) -> dict[str, list[Any]]:
        newest: dict[PartitionKey, int] = {}
        for one in batches:
            newest.update(one.batch.next_offsets)
        columns: dict[str, list[Any]] = {
            name: list(values)
            for name, values in zip(_PLACE, zip(*newest, strict=True), strict=False)
        }
        columns["next_offset"] = list(newest.values())
        columns["stored"] = [time.time_ns() // 1000] * len(newest)
        return columns


_PLACE = ("system", "cluster", "destination", "incarnation", "partition")
