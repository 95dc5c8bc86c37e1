"""From looks at consumer groups to rows of what changed: decided without a broker at hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from collector.taps.kafka_reader import Group, Member, Partition, Topic
from collector.taps.tap import MemberRow, ProgressRow

REFRESH_MS = 60_000
"""Members are handed over again this often even if nothing changed."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the broker told in one round."""

    time_ms: int
    cluster: str
    topics: Mapping[str, Topic]
    groups: tuple[Group, ...] = ()
    committed: Mapping[tuple[str, Partition], int] = field(default_factory=dict)
    ends: Mapping[Partition, int] = field(default_factory=dict)
    """Asked for after `committed`, so never behind it."""
    members: Mapping[str, list[Member]] = field(default_factory=dict)


class Pair(NamedTuple):
    """A group on a partition, in one life of its topic."""

    group: str
    partition: Partition
    incarnation: str


class _Seen(NamedTuple):
    """What was last seen of a pair, when that was, and when it was last told."""

    committed: int
    end: int
    time_ms: int
    told_ms: int


Earliest = Callable[[Collection[Partition]], Mapping[Partition, int]]


class Progress:
    """Remembers the last look, and gives rows for what is new in the next."""

    def __init__(self) -> None:
        self._last: dict[Pair, _Seen] = {}
        self._ends: Mapping[Partition, int] = {}
        self._previous: int | None = None
        self._told: dict[str, tuple[int, str, frozenset[Member]]] = {}

    def rows(self, look: Look, earliest: Earliest) -> list[ProgressRow]:
        """Committed offsets that were first seen, or that changed, or whose end did.

        A pair that has its first commit after the first look gets a row before it: the
        partition's earliest offset, at the time of the look before, when it had none. What the
        group passed until its first commit can be counted so. (A group that began at the end,
        by `auto.offset.reset`, cannot be told from one that read everything: it is `assumed`.)

        A pair that commits after a pause gets a row of how it was at the look before: when it
        passed a message is known to within one round.
        """
        seen = self._pairs(look)
        rows: list[ProgressRow] = []
        fresh = seen.keys() - self._last.keys()
        if self._previous is not None and fresh:
            first = earliest({pair.partition for pair in fresh})
            for pair in fresh:
                committed, end = seen[pair]
                if pair.partition not in first:
                    continue
                start = min(first[pair.partition], committed)
                before = max(start, min(end, self._ends.get(pair.partition, end)))
                rows.append(_row(look.cluster, pair, start, before, self._previous, assumed=True))
        for pair, (committed, end) in seen.items():
            last = self._last.get(pair)
            told = last.told_ms if last is not None else 0
            if last is None or (last.committed, last.end) != (committed, end):
                if last is not None and last.committed != committed and last.time_ms > told:
                    rows.append(_row(look.cluster, pair, last.committed, last.end, last.time_ms))
                rows.append(_row(look.cluster, pair, committed, end, look.time_ms))
                told = look.time_ms
            self._last[pair] = _Seen(committed, end, look.time_ms, told)
        self._ends = look.ends
        self._previous = look.time_ms
        return rows

    def members(self, look: Look) -> list[MemberRow]:
        """All members of the groups whose members, assignments or state changed, and of every
        group once a minute. A group without members is one row with an empty member id."""
        rows: list[MemberRow] = []
        for group in look.groups:
            if group.name not in look.members:
                continue
            members = frozenset(look.members[group.name])
            told = self._told.get(group.name)
            if (
                told is not None
                and told[1:] == (group.state, members)
                and look.time_ms - told[0] < REFRESH_MS
            ):
                continue
            self._told[group.name] = (look.time_ms, group.state, members)
            rows += [_member_row(look, group, each) for each in members or {NOBODY}]
        return rows

    def _pairs(self, look: Look) -> dict[Pair, tuple[int, int]]:
        seen: dict[Pair, tuple[int, int]] = {}
        for (group, partition), committed in look.committed.items():
            topic, end = look.topics.get(partition.topic), look.ends.get(partition)
            # A commit beyond the end is of a life of the topic that is over.
            if topic is not None and end is not None and committed <= end:
                seen[Pair(group, partition, topic.id)] = (committed, end)
        return seen


NOBODY = Member("", "", "", frozenset())


def _row(
    cluster: str, pair: Pair, committed: int, end: int, time_ms: int, assumed: bool = False
) -> ProgressRow:
    topic, number = pair.partition
    return ProgressRow(
        cluster, pair.group, topic, pair.incarnation, str(number), committed, end, time_ms, assumed
    )


def _member_row(look: Look, group: Group, member: Member) -> MemberRow:
    return MemberRow(
        look.cluster,
        group.name,
        member.id,
        member.client_id,
        member.host.removeprefix("/"),
        group.state,
        tuple((topic, str(number)) for topic, number in sorted(member.assignment)),
        look.time_ms,
    )
