"""The seam between a broker and the store.

A tap reads and hands over; the intake stores and then tells the tap how far it may forget.
A tap never joins or commits a group, never creates a destination, never acknowledges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class PartitionKey(NamedTuple):
    """One partition in one life of a destination."""

    system: str
    cluster: str
    destination: str
    incarnation: str
    partition: str


@dataclass(slots=True)
class Batch:
    """Records of any partitions of one cluster, as columns of equal length.

    Times are milliseconds since the Unix epoch. Keys and values are bytes, None when the
    broker says null. Headers keep order and duplicates.
    """

    system: str
    cluster: str
    destination: list[str] = field(default_factory=list)
    incarnation: list[str] = field(default_factory=list)
    partition: list[str] = field(default_factory=list)
    offset: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    key: list[bytes | None] = field(default_factory=list)
    header_names: list[Sequence[str]] = field(default_factory=list)
    header_values: list[Sequence[bytes]] = field(default_factory=list)
    value: list[bytes | None] = field(default_factory=list)
    next_offsets: dict[PartitionKey, int] = field(default_factory=dict)
    """Where reading goes on after this batch; stored once its rows are."""

    def __len__(self) -> int:
        return len(self.offset)

    def halves(self) -> tuple[Batch, Batch]:
        """Its first and its second half; the second one says where reading goes on."""
        half = len(self) // 2
        return (
            self._rows(slice(half), {}),
            self._rows(slice(half, None), self.next_offsets),
        )

    def _rows(self, wanted: slice, next_offsets: dict[PartitionKey, int]) -> Batch:
        return Batch(
            self.system,
            self.cluster,
            destination=self.destination[wanted],
            incarnation=self.incarnation[wanted],
            partition=self.partition[wanted],
            offset=self.offset[wanted],
            time=self.time[wanted],
            key=self.key[wanted],
            header_names=self.header_names[wanted],
            header_values=self.header_values[wanted],
            value=self.value[wanted],
            next_offsets=next_offsets,
        )


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """A group's committed offset on a partition, as the broker tells it now."""

    cluster: str
    group: str
    destination: str
    incarnation: str
    partition: str
    committed: int
    """Next offset to read; -1 when the group has committed none."""
    end: int
    time_ms: int
    assumed: bool = False
    """The group had committed none by then: `committed` is the earliest offset there was."""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member of a consumer group, as the broker tells it now."""

    cluster: str
    group: str
    member_id: str
    client_id: str
    host: str
    state: str
    """The group's state: Stable, Empty, PreparingRebalance, ..."""
    assignment: tuple[tuple[str, str], ...]
    """(destination, partition) pairs."""
    time_ms: int


@dataclass(frozen=True, slots=True)
class ProducerRow:
    """A producer that writes to a partition, as the broker tells it now."""

    system: str
    cluster: str
    destination: str
    incarnation: str
    partition: str
    producer_id: int
    epoch: int
    transactional_id: str
    """Empty: it has none, or it may not be seen."""
    first_ms: int
    """Time of the last record that it had written here when the tap first saw it."""
    last_ms: int
    """Time of the last record that it has written here."""
    transaction_offset: int
    """First offset of its open transaction; -1 when none is open here."""
    time_ms: int


class Sink(Protocol):
    """What a tap hands over to. Thread-safe; `messages` blocks while the store is behind."""

    def messages(self, batch: Batch) -> None: ...

    def progress(self, rows: Sequence[ProgressRow]) -> None: ...

    def members(self, rows: Sequence[MemberRow]) -> None: ...

    def producers(self, rows: Sequence[ProducerRow]) -> None: ...

    def positions(self, system: str, cluster: str) -> Mapping[PartitionKey, int]:
        """Where reading stopped, as stored with the rows before it."""

    def gap(self, partition: PartitionKey, first: int, last: int, reason: str) -> None:
        """Offsets first..last (inclusive) were missed: retention or a deleted topic took them."""


class Tap(Protocol):
    """One broker. `run` returns when `stop` was called; it retries everything else itself."""

    name: str

    def run(self, sink: Sink) -> None: ...

    def stop(self) -> None: ...

    def status(self) -> dict[str, object]:
        """For health and doctor: connected, since, last error, destinations, lag in messages, and
        `open_transactions`: a sentence for each that has held back consumers for long."""
