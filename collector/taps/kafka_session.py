"""One open reader at work: looks for topics, reads, and hands over what is sure."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from itertools import compress

from collector.taps.kafka_plan import Lost, Plan, Start
from collector.taps.kafka_reader import (
    OFFSETS_TOPIC,
    SYSTEM,
    BrokerAway,
    Cluster,
    Partition,
    Read,
    Reader,
    topics_of,
)
from collector.taps.kafka_settings import KafkaSettings
from collector.taps.tap import Batch, PartitionKey, Sink

log = logging.getLogger(__name__)

MAX_RECORDS = 20_000
MAX_BYTES = 8 * 1024 * 1024
"""A batch is about this large when there is much to read; memory holds a few of them."""
READ_SECONDS = 0.1
REFUSED_SECONDS = 30.0
"""How long a topic that we may not read is left alone."""


class Reopen(Exception):
    """Another reader must take over from the plan's positions; nothing is wrong."""


class Session:
    """Drives one reader until it fails, or must be replaced (Reopen, BrokerAway)."""

    def __init__(
        self,
        reader: Reader,
        sink: Sink,
        settings: KafkaSettings,
        known: Plan | None,
        stand_in: bool,
    ) -> None:
        self._reader = reader
        self._sink = sink
        self._settings = settings
        self._stand_in = stand_in
        self._limit = 1000
        self._refused: dict[str, float] = {}
        self._tried: set[str] = set()
        self._astray: set[Partition] = set()
        self._ends: dict[Partition, int] = {}
        self._steps: dict[Partition, int] = {}
        seen = self._seen()
        if known is not None and known.cluster == seen.id:
            self.plan = known
        else:
            stored = sink.positions(SYSTEM, seen.id)
            self.plan = Plan(seen.id, stored, settings.since)
        self._change(seen, opening=True)

    @property
    def refused(self) -> list[str]:
        """Topics that exist and match, but that this user may not read."""
        return sorted(self._refused)

    @property
    def lag(self) -> int:
        """Messages between what was handed over and the ends as last heard."""
        reading = self.plan.reading
        return sum(max(0, end - reading.get(at, end)) for at, end in self._ends.items())

    def look(self) -> None:
        """Asks for the topics there are, and follows what changed."""
        self._change(self._seen())
        self._ends = self._reader.ends()
        self._skip()

    def step(self) -> None:
        """Reads once, for a tenth of a second at most, and hands over."""
        read = self._reader.read(self._limit, READ_SECONDS)
        if len(read.batch):
            self._hand_over(read.batch)
        if read.refused or read.out_of_range or read.unreadable:
            self._attend(read)

    def _seen(self) -> Cluster:
        wants = self._settings.wants
        seen = self._reader.cluster(lambda name: name == OFFSETS_TOPIC or wants(name))
        if self._stand_in and OFFSETS_TOPIC in seen.topics:
            raise Reopen("the cluster has consumer groups now")
        topics = {name: topic for name, topic in seen.topics.items() if wants(name)}
        return Cluster(seen.id, topics, seen.unclear)

    def _change(self, seen: Cluster, opening: bool = False) -> None:
        if seen.id != self.plan.cluster:
            raise Reopen(f"another cluster answers: {seen.id}")
        change = self.plan.observe(seen)
        for lost in change.lost:
            self._report_lost(lost)
        if change.reborn:
            raise Reopen(f"made anew: {', '.join(sorted(change.reborn))}")
        self._reader.unassign(change.gone)
        self._astray -= change.gone
        resumed = self.plan.reading if opening else change.resumed
        if resumed:
            self._reader.assign(resumed)
        self._start_pending()
        self._recover()
        self._ask_refused_again()

    def _start_pending(self) -> None:
        """Finds where new partitions begin, and has that stored: a topic that stays quiet must
        not look new at the next start."""
        for start in Start:
            partitions = [each for each, at in self.plan.pending.items() if at is start]
            if not partitions:
                continue
            since = self._settings.since
            if start is Start.CREATION or since == "beginning":
                offsets = self._reader.offsets(partitions, "earliest")
            else:
                offsets = self._reader.offsets(partitions, "latest" if since is None else since)
            if not offsets:
                continue
            if start is Start.CREATION:
                for partition, offset in offsets.items():
                    if offset > 0:
                        reason = "deleted before it could be read, by retention or by request"
                        self._sink.gap(self.plan.key(partition), 0, offset - 1, reason)
            self._store(self.plan.begin(offsets))
            self._reader.assign(offsets)

    def _store(self, positions: Mapping[PartitionKey, int]) -> None:
        self._sink.messages(Batch(SYSTEM, self.plan.cluster, next_offsets=dict(positions)))

    def _hand_over(self, batch: Batch) -> None:
        """Hands over records whose incarnation is certain.

        Both libraries read on when a topic is made anew, without a word and at the old offset.
        Only the topics' ids asked for after the read tell which life the records are from.
        """
        topics = set(batch.destination)
        seen = self._reader.describe(topics)
        if unclear := topics & seen.unclear:
            raise BrokerAway(f"cannot be described now: {', '.join(sorted(unclear))}")
        doubtful = self.plan.reborn(seen, topics) | (topics - self.plan.ids.keys())
        if doubtful:
            batch = _without(batch, doubtful)
        if len(batch):
            batch.cluster = self.plan.cluster
            batch.incarnation = list(map(self.plan.ids.__getitem__, batch.destination))
            batch.next_offsets = self._next_offsets(batch)
            self._sink.messages(batch)
            self.plan.moved(batch.next_offsets)
            self._steps.clear()
            self._size_next(batch)
        if doubtful:
            self.look()

    def _next_offsets(self, batch: Batch) -> dict[PartitionKey, int]:
        last = dict(
            zip(zip(batch.destination, batch.partition, strict=True), batch.offset, strict=True)
        )
        return {
            self.plan.key(Partition(topic, int(number))): offset + 1
            for (topic, number), offset in last.items()
        }

    def _size_next(self, batch: Batch) -> None:
        size = sum(map(len, filter(None, batch.value))) // len(batch) + 200
        self._limit = max(100, min(MAX_RECORDS, MAX_BYTES // size))

    def _attend(self, read: Read) -> None:
        for topic in read.refused & self.plan.ids.keys():
            log.warning("not allowed to read topic %s", topic)
            self._refused[topic] = time.monotonic()
            self._tried.discard(topic)
            self._reader.unassign([each for each in self.plan.reading if each.topic == topic])
        for partition, (offset, why) in read.unreadable.items():
            self._pass_over(partition, offset, why)
        if read.out_of_range:
            self._astray |= read.out_of_range
            self._recover()

    def _recover(self) -> None:
        """Finds a place for partitions whose position is no offset of theirs."""
        astray = self._astray & self.plan.reading.keys()
        if not astray:
            self._astray.clear()
            return
        topics = topics_of(astray)
        if self.plan.reborn(self._reader.describe(topics), topics):
            self.look()
            return
        earliest = self._reader.offsets(astray, "earliest")
        latest = self._reader.offsets(astray, "latest")
        found: dict[Partition, int] = {}
        for partition in astray & earliest.keys() & latest.keys():
            position, first, end = (
                self.plan.reading[partition],
                earliest[partition],
                latest[partition],
            )
            if position < first:
                self._sink.gap(self.plan.key(partition), position, first - 1, "retention")
            elif position > end:
                log.warning("%s ends at %d, before our position %d", partition, end, position)
            found[partition] = min(max(position, first), end)
        self._move(found)
        self._astray -= found.keys()

    def _pass_over(self, partition: Partition, offset: int, why: str) -> None:
        """Goes past a record that the library cannot make out, in growing steps: the records
        that share its batch can only be had together with it."""
        end = self._reader.offsets([partition], "latest").get(partition, 0)
        if partition not in self.plan.reading or end <= offset:
            return
        step = min(self._steps.get(partition, 0) * 2 or 1, end - offset)
        self._steps[partition] = step
        self._sink.gap(self.plan.key(partition), offset, offset + step - 1, f"unreadable: {why}")
        self._move({partition: offset + step})

    def _skip(self) -> None:
        """Goes past offsets that hold no message. They would look as if they waited, and be
        called missed once retention has taken them.

        To be called once the topics were described again: only then it is sure in which life
        the reader has got so far.
        """
        reading = self.plan.reading
        read = self._reader.positions().items()
        self._set({at: offset for at, offset in read if offset > reading.get(at, offset)})

    def _move(self, positions: Mapping[Partition, int]) -> None:
        if positions:
            self._set(positions)
            self._reader.assign(positions)

    def _set(self, positions: Mapping[Partition, int]) -> None:
        if positions:
            for partition, offset in positions.items():
                self.plan.move(partition, offset)
            self._store({self.plan.key(each): offset for each, offset in positions.items()})

    def _ask_refused_again(self) -> None:
        """Tries refused topics now and then; those not refused until the next look are read."""
        for topic in self._tried | (self._refused.keys() - self.plan.ids.keys()):
            del self._refused[topic]
        self._tried.clear()
        for topic, since in self._refused.items():
            if time.monotonic() - since > REFUSED_SECONDS:
                self._tried.add(topic)
                self._reader.assign(
                    {at: offset for at, offset in self.plan.reading.items() if at.topic == topic}
                )

    def _report_lost(self, lost: Lost) -> None:
        """Says what a deleted topic still held, as far as it was heard of before."""
        partition = Partition(lost.key.destination, int(lost.key.partition))
        end = self._ends.get(partition, 0)
        if end > lost.position:
            self._sink.gap(lost.key, lost.position, end - 1, "the topic was deleted")


def _without(batch: Batch, topics: Collection[str]) -> Batch:
    keep = [topic not in topics for topic in batch.destination]
    return Batch(
        batch.system,
        batch.cluster,
        destination=list(compress(batch.destination, keep)),
        partition=list(compress(batch.partition, keep)),
        offset=list(compress(batch.offset, keep)),
        time=list(compress(batch.time, keep)),
        key=list(compress(batch.key, keep)),
        header_names=list(compress(batch.header_names, keep)),
        header_values=list(compress(batch.header_values, keep)),
        value=list(compress(batch.value, keep)),
    )
