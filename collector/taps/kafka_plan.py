"""Which partitions a Kafka tap reads, and from where: decided without a broker at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple

from collector.taps.kafka_reader import SYSTEM, Cluster, Partition, Topic, topics_of
from collector.taps.tap import PartitionKey

Since = int | Literal["beginning"] | None


class Start(Enum):
    """Where reading begins when no position is known."""

    SINCE = "since"
    """Where the settings say: it was there before we looked."""
    CREATION = "creation"
    """At offset 0: all of it was produced while we watched, or were to watch."""


class Lost(NamedTuple):
    """A life of a partition that ended, and the offset that would have been read next."""

    key: PartitionKey
    position: int


@dataclass(slots=True)
class Change:
    """What a look at the cluster changed."""

    resumed: dict[Partition, int] = field(default_factory=dict)
    """Partitions to read from a known position on."""
    gone: set[Partition] = field(default_factory=set)
    """Partitions to read no longer: their topic is not there, or has another incarnation."""
    lost: list[Lost] = field(default_factory=list)
    """The same, as they were."""
    reborn: set[str] = field(default_factory=set)
    """Topics that were deleted and made anew."""


class Plan:
    """Positions of one cluster, and what follows from each look at its topics.

    The first look finds what was there before. Without stored positions that begins at `since`;
    with them, the tap has run before: what they do not name came while nobody watched, and
    begins at `since` if that is set, else at its creation. Whatever a later look finds new is
    read from its creation: topics, partitions, and topics that were made anew.
    """

    def __init__(self, cluster: str, stored: Mapping[PartitionKey, int], since: Since) -> None:
        self.cluster = cluster
        self.ids: dict[str, str] = {}
        """Incarnations of the topics that are there."""
        self.pending: dict[Partition, Start] = {}
        """Partitions whose first offset is not known yet."""
        self.reading: dict[Partition, int] = {}
        """The next offset of every partition that is read."""
        self._since = since
        self._positions = dict(stored)
        self._named = {key.destination for key in stored}
        self._first_look = True
        self._there_before: Set[str] = set()
        """Topics of the first look that have not been described yet."""

    def key(self, partition: Partition) -> PartitionKey:
        """The partition in its topic's present life."""
        topic, number = partition
        return PartitionKey(SYSTEM, self.cluster, topic, self.ids[topic], str(number))

    def observe(self, seen: Cluster) -> Change:
        """Takes in a look at all wanted topics."""
        change = Change()
        for left in self.ids.keys() - seen.topics.keys() - seen.unclear:
            self._leave(left, change)
        if self._first_look:
            self._there_before = seen.topics.keys() | seen.unclear
        for name, topic in seen.topics.items():
            self._take(name, topic, change)
        self._first_look = False
        self._there_before = self._there_before & seen.unclear
        return change

    def reborn(self, seen: Cluster, topics: Iterable[str]) -> set[str]:
        """Of these topics, those that are now in another life than the one we read."""
        return {
            topic
            for topic in topics
            if topic in seen.topics and seen.topics[topic].id != self.ids.get(topic)
        }

    def begin(self, offsets: Mapping[Partition, int]) -> dict[PartitionKey, int]:
        """First offsets were found; gives them by the keys under which they are stored."""
        for partition, offset in offsets.items():
            self.pending.pop(partition, None)
            self.move(partition, offset)
        return {self.key(partition): offset for partition, offset in offsets.items()}

    def move(self, partition: Partition, offset: int) -> None:
        """Reading goes on at this offset."""
        self.reading[partition] = offset
        self._positions[self.key(partition)] = offset

    def moved(self, positions: Mapping[PartitionKey, int]) -> None:
        """Records up to these positions were handed over."""
        self._positions.update(positions)
        for key, offset in positions.items():
            partition = Partition(key.destination, int(key.partition))
            if partition in self.reading:
                self.reading[partition] = offset

    def _take(self, name: str, topic: Topic, change: Change) -> None:
        known = self.ids.get(name)
        if known is not None and known != topic.id:
            self._leave(name, change)
            change.reborn.add(name)
        self.ids[name] = topic.id
        for number in topic.partitions:
            partition = Partition(name, number)
            if partition in self.reading or partition in self.pending:
                continue
            # Also what left and came back in the same life, as a broker that lags behind shows it.
            position = self._positions.get(self.key(partition))
            if position is not None:
                self.reading[partition] = position
                change.resumed[partition] = position
            else:
                self.pending[partition] = self._start(name)

    def _start(self, topic: str) -> Start:
        if topic not in self._there_before or topic in self._named:
            return Start.CREATION
        if self._positions and self._since is None:
            return Start.CREATION
        return Start.SINCE

    def _leave(self, topic: str, change: Change) -> None:
        partitions = {each for each in self.reading if each.topic == topic}
        change.gone |= partitions
        change.lost += [Lost(self.key(each), self.reading[each]) for each in partitions]
        for partition in partitions:
            del self.reading[partition]
        for partition in [each for each in self.pending if each.topic == topic]:
            del self.pending[partition]
        del self.ids[topic]

    @property
    def topics(self) -> set[str]:
        """Names of the topics that are read or about to be."""
        return topics_of(self.reading) | topics_of(self.pending)
