"""From looks at producers to rows of what is new, and to transactions that stay open: decided
without a broker at hand."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from heapq import nlargest
from typing import NamedTuple

from collector.taps.kafka_reader import SYSTEM, ActiveProducer, Partition, Topic
from collector.taps.tap import ProducerRow

LONG_MS = 60_000
"""A transaction that is open longer is worth a sentence."""

MOST = 50
"""Producers remembered of a partition: those with open transactions, and who wrote last. Clients
that come and go leave thousands behind, which the broker forgets after a day."""

LATEST_MS = 2**42
"""Producers' clocks can say anything; a time beyond the year 2109 is stored as that."""


@dataclass(frozen=True, slots=True)
class ProducerLook:
    """What the broker told in one round about the partitions that were asked."""

    time_ms: int
    cluster: str
    topics: Mapping[str, Topic]
    """All that are tapped, whether or not they were asked."""
    producers: Mapping[Partition, Sequence[ActiveProducer]] = field(default_factory=dict)
    ids: Mapping[int, str] = field(default_factory=dict)
    """Transactional ids by producer id."""


class Writer(NamedTuple):
    """A producer on a partition, in one life of its topic."""

    partition: Partition
    incarnation: str
    producer_id: int


@dataclass(frozen=True, slots=True)
class _Open:
    """A transaction on one partition."""

    offset: int
    transactional_id: str
    since_ms: int
    looks: int


class Producers:
    """Remembers the producers of one cluster, and gives rows for what is new in the next look."""

    def __init__(self) -> None:
        self._told: dict[Writer, ProducerRow] = {}
        self._open: dict[Writer, _Open] = {}

    @property
    def held(self) -> set[Partition]:
        """Partitions with an open transaction: to be asked again first."""
        return {writer.partition for writer in self._open}

    def rows(self, look: ProducerLook) -> list[ProducerRow]:
        """Producers that were first seen, or of which anything changed."""
        seen: dict[Writer, ActiveProducer] = {}
        for partition, producers in look.producers.items():
            if partition.topic in look.topics:
                life = look.topics[partition.topic].id
                some = nlargest(
                    MOST, producers, lambda one: (one.transaction_offset >= 0, one.last_ms)
                )
                seen |= {Writer(partition, life, each.id): each for each in some}
        self._forget(look, seen)
        rows = []
        for writer, producer in seen.items():
            told = self._told.get(writer)
            row = _row(look, writer, producer, told)
            self._told[writer] = row
            if told is None or replace(told, time_ms=row.time_ms) != row:
                rows.append(row)
            self._follow(writer, row)
        return rows

    def lasting(self) -> list[str]:
        """Transactional ids of the transactions that more than one look found open, oldest
        first: when these began is worth asking."""
        lasting = [each for each in self._open.values() if each.looks > 1 and each.transactional_id]
        lasting.sort(key=lambda each: each.since_ms)
        return list(dict.fromkeys(each.transactional_id for each in lasting))

    def began(self, times: Mapping[str, int]) -> None:
        """Takes in when open transactions began, by transactional id."""
        for writer, each in self._open.items():
            at = times.get(each.transactional_id, each.since_ms)
            if 0 < at < each.since_ms:
                self._open[writer] = replace(each, since_ms=at)

    def long_open(self, now_ms: int) -> list[str]:
        """A sentence for each transaction that has held back readers for long, oldest first."""
        first: dict[Partition, int] = {}
        for writer, each in self._open.items():
            first[writer.partition] = min(each.offset, first.get(writer.partition, each.offset))
        holding: dict[tuple[int, str], list[tuple[Partition, _Open]]] = defaultdict(list)
        for writer, each in sorted(self._open.items()):
            if each.offset == first[writer.partition] and now_ms - each.since_ms > LONG_MS:
                holding[writer.producer_id, each.transactional_id].append((writer.partition, each))
        told = sorted(
            (min(each.since_ms for _, each in places), producer, places)
            for producer, places in holding.items()
        )
        return [_sentence(since, *producer, places) for since, producer, places in told]

    def _forget(self, look: ProducerLook, seen: Collection[Writer]) -> None:
        """Drops whom a partition that was asked no longer names, and topics that are gone."""
        for writer in list(self._told):
            topic = look.topics.get(writer.partition.topic)
            gone = topic is None or topic.id != writer.incarnation
            if gone or (writer.partition in look.producers and writer not in seen):
                del self._told[writer]
                self._open.pop(writer, None)

    def _follow(self, writer: Writer, row: ProducerRow) -> None:
        before = self._open.pop(writer, None)
        if row.transaction_offset < 0:
            return
        now = _Open(row.transaction_offset, row.transactional_id, row.time_ms, 1)
        if before is not None and before.offset == now.offset:
            now = replace(now, since_ms=before.since_ms, looks=before.looks + 1)
        self._open[writer] = now


def next_partitions(
    partitions: Collection[Partition],
    urgent: Collection[Partition],
    after: Partition | None,
    limit: int,
) -> tuple[list[Partition], Partition | None]:
    """So many of these partitions: urgent ones, for half of the room at most, then those whose
    turn it is after the last one. And which one had the last turn."""
    ordered = sorted(partitions)
    start = 0 if after is None else bisect_right(ordered, after)
    ordered = ordered[start:] + ordered[:start]
    first = [each for each in ordered if each in urgent][: limit // 2]
    others = [each for each in ordered if each not in first][: limit - len(first)]
    return first + others, others[-1] if others else after


def _row(
    look: ProducerLook, writer: Writer, producer: ActiveProducer, told: ProducerRow | None
) -> ProducerRow:
    last = min(max(0, producer.last_ms), LATEST_MS)
    return ProducerRow(
        SYSTEM,
        look.cluster,
        writer.partition.topic,
        writer.incarnation,
        str(writer.partition.number),
        producer.id,
        producer.epoch,
        # The broker forgets transactional ids that are no longer used.
        look.ids.get(producer.id) or (told.transactional_id if told else ""),
        told.first_ms if told else last,
        last,
        producer.transaction_offset,
        look.time_ms,
    )


def _sentence(
    since_ms: int, producer_id: int, transactional_id: str, places: list[tuple[Partition, _Open]]
) -> str:
    since = datetime.fromtimestamp(since_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    named = f'transaction "{transactional_id}"' if transactional_id else "a transaction"
    (topic, number), first = places[0]
    more = len(places) - 1
    others = f" and wait in {more} more partition{'s' * (more > 1)}" if more else ""
    return (
        f"{named} of producer {producer_id} is open since {since}: consumers with read_committed "
        f"stand at offset {first.offset} of {topic}/{number}{others}"
    )
