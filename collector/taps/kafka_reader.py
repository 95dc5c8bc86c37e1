"""The seam between the Kafka tap and the client library that reads for it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from collector.taps.tap import Batch

SYSTEM = "kafka"
OFFSETS_TOPIC = "__consumer_offsets"
"""The broker makes it when the first client asks for a group's coordinator."""

Headers = Sequence[tuple[str, bytes | None]]

When = Literal["earliest", "latest"] | int
"""A place in a partition; a number is a time in milliseconds since the Unix epoch."""


class BrokerAway(Exception):
    """The cluster does not answer, or not this client; worth another try later."""


class Untold(Exception):
    """The cluster answers, but not this question: it is too old, or this user may not ask."""


class WouldCreateTopic(Exception):
    """This reader would make the broker create a topic if it read now; another must stand in."""


class Partition(NamedTuple):
    """A partition of a topic by name, in whatever life the topic is."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the broker describes it now."""

    id: str
    """Kafka's topic id, in Kafka's own notation: another one after the topic was made anew."""
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster says of itself and of the topics that were asked for."""

    id: str
    topics: Mapping[str, Topic]
    unclear: frozenset[str] = frozenset()
    """Topics that exist, but that the broker cannot describe right now."""


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group as the broker lists it."""

    name: str
    type: str
    """`classic`, `consumer` (KIP-848) or `streams`."""
    state: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a consumer group, and what it was given to read."""

    id: str
    client_id: str
    host: str
    assignment: frozenset[Partition]


@dataclass(frozen=True, slots=True)
class ActiveProducer:
    """An idempotent or transactional producer that a partition's leader remembers."""

    id: int
    epoch: int
    last_ms: int
    """Time of its last record here, milliseconds since the Unix epoch; -1 when not known."""
    transaction_offset: int
    """First offset of its open transaction; -1 when none is open here."""


@dataclass(slots=True)
class Read:
    """What one read brought: columns without incarnations, and partitions that stand still."""

    batch: Batch
    out_of_range: set[Partition] = field(default_factory=set)
    """Their position is no longer, or not yet, an offset of the partition."""
    refused: set[str] = field(default_factory=set)
    """Topics that this user may see but not read."""
    unreadable: dict[Partition, tuple[int, str]] = field(default_factory=dict)
    """An offset at which the library cannot make out a record, and what it says."""


class Reader(Protocol):
    """One client library, reading by assignment alone: no group, no commit, no new topic.

    Not thread-safe. Every method may raise BrokerAway; then the reader is closed and another
    one opened. A reader is not kept over a topic's new incarnation either: both libraries would
    read on at the old offset, and remember the old topic's leader epochs.
    """

    name: str

    def cluster(self, wanted: Callable[[str], bool]) -> Cluster:
        """The cluster and its topics for which `wanted` says true, asked for now."""

    def describe(self, topics: Collection[str]) -> Cluster:
        """The same of these topics only; those that do not exist are missing in the answer."""

    def offsets(self, partitions: Collection[Partition], when: When) -> dict[Partition, int]:
        """Offsets at that place; a partition that cannot answer now is missing. A time after
        the last record is the end."""

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Reads these partitions from these offsets on, besides what is read already."""

    def unassign(self, partitions: Collection[Partition]) -> None:
        """Reads these partitions no longer."""

    def read(self, limit: int, seconds: float) -> Read:
        """Records that arrive within that time, at most about `limit`."""

    def ends(self) -> dict[Partition, int]:
        """End offsets of assigned partitions as last heard, without asking the broker."""

    def positions(self) -> dict[Partition, int]:
        """How far assigned partitions were read, where that is known, without asking the broker:
        also past what is no message, as the ends of transactions, aborted records, and offsets
        that compaction has emptied."""

    def close(self) -> None: ...


def topic_id(bits: bytes) -> str:
    """16 bytes of a topic id as Kafka's tools print them."""
    return base64.urlsafe_b64encode(bits).decode().rstrip("=")


def topics_of(partitions: Iterable[Partition]) -> set[str]:
    """The names of their topics."""
    return {partition.topic for partition in partitions}


def apart(headers: Iterable[Headers]) -> tuple[list[Sequence[str]], list[Sequence[bytes]]]:
    """Names and values of each message."""
    every_name: list[Sequence[str]] = []
    every_value: list[Sequence[bytes]] = []
    known: dict[Sequence[str], Sequence[str]] = {}
    for pairs in headers:
        names, values = zip(*pairs, strict=True) if pairs else ((), ())
        # Most messages have the same names: kept once, they take less memory and time.
        every_name.append(known.setdefault(names, names))
        every_value.append(values if all(values) else [value or b"" for value in values])
    return every_name, every_value
