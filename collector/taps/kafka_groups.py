"""Watches consumer groups: how far they have committed, and who their members are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from collector.taps.kafka_progress import Look, Progress
from collector.taps.kafka_reader import BrokerAway, Group, Member, Partition, When, topics_of
from collector.taps.kafka_settings import KafkaSettings
from collector.taps.kafka_watcher import Rounds, Watcher
from collector.taps.tap import Sink

if TYPE_CHECKING:
    from collector.taps.kafka_confluent_groups import ConfluentGroups


class GroupWatcher(Watcher):
    """Asks the broker every `groups_interval` seconds.

    Rows are handed over when they say something new (see `Progress`). In `status` are, as last
    seen: groups (how many), refused (what may not be seen: group or topic to why).
    """

    def __init__(
        self,
        settings: KafkaSettings,
        stopped: threading.Event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, stopped, settings.groups_interval, "groups")
        self._clock = clock
        self._progress: dict[str, Progress] = {}

    def _rounds(self, sink: Sink) -> Rounds:
        with closing(_Asked(self._settings)) as asked:
            while True:
                look = asked.look(int(self._clock() * 1000))
                progress = self._progress.setdefault(look.cluster, Progress())
                if rows := progress.rows(look, asked.earliest):
                    sink.progress(rows)
                if members := progress.members(look):
                    sink.members(members)
                yield {"groups": len(look.groups), "refused": asked.refused}


class _Asked:
    """The questions of one round, by the client that answers each."""

    def __init__(self, settings: KafkaSettings) -> None:
        try:
            from collector.taps import kafka_python_admin
        except ImportError:
            raise BrokerAway("kafka-python is not installed: groups are not watched") from None
        self._ask = kafka_python_admin
        self._settings = settings
        self._admin = kafka_python_admin.open_admin(settings)
        self._consumer_groups = _consumer_groups(settings)
        self.refused: dict[str, str] = {}
        """What the last look could not see, and why."""

    def look(self, time_ms: int) -> Look:
        """One round of questions; offsets are asked for before ends."""
        cluster = self._ask.cluster_id(self._admin)
        groups = self._ask.listed_groups(self._admin)
        committed, self.refused = self._ask.committed(self._admin, [each.name for each in groups])
        wanted = {at: offset for at, offset in committed.items() if self._wants(at[1])}
        partitions = {partition for _, partition in wanted}
        seen, _ = self._ask.described(self._admin, topics_of(partitions))
        ends = self._offsets(partitions, "latest")
        return Look(
            time_ms, cluster, seen.topics, tuple(groups), wanted, ends, self._members(groups)
        )

    def earliest(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """First offsets of these partitions."""
        return self._offsets(partitions, "earliest")

    def close(self) -> None:
        self._admin.close()

    def _wants(self, partition: Partition) -> bool:
        return self._settings.wants(partition.topic)

    def _offsets(self, partitions: Collection[Partition], when: When) -> dict[Partition, int]:
        return self._ask.listed_offsets(self._admin, partitions, when, "read_uncommitted")

    def _members(self, groups: Collection[Group]) -> dict[str, list[Member]]:
        classic = [each.name for each in groups if each.type == "classic"]
        newer = [each.name for each in groups if each.type == "consumer"]
        members = self._ask.classic_members(self._admin, classic)
        if self._consumer_groups is not None:
            members |= self._consumer_groups.members(newer)
        unseen = {each.name for each in groups} - members.keys()
        self.refused |= dict.fromkeys(sorted(unseen), "members cannot be described")
        return members


def _consumer_groups(settings: KafkaSettings) -> ConfluentGroups | None:
    try:
        from collector.taps.kafka_confluent_groups import ConfluentGroups
    except ImportError:
        return None
    return ConfluentGroups(settings)
