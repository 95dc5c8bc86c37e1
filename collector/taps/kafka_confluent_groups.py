"""Asks for the members of KIP-848 groups, which kafka-python cannot describe."""

from __future__ import annotations

from collections.abc import Collection

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from collector.taps.kafka_confluent import client_options
from collector.taps.kafka_reader import Member, Partition
from collector.taps.kafka_settings import KafkaSettings


class ConfluentGroups:
    """Describes groups of either protocol with librdkafka's admin client."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._timeout = settings.request_timeout
        self._admin = AdminClient(client_options(settings))

    def members(self, groups: Collection[str]) -> dict[str, list[Member]]:
        """Their members; a group that does not tell now is missing."""
        self._admin.poll(0)  # Serves the library's log.
        found: dict[str, list[Member]] = {}
        if not groups:
            return found
        answers = self._admin.describe_consumer_groups(list(groups), request_timeout=self._timeout)
        for name, answer in answers.items():
            try:
                told = answer.result()
            except KafkaException:
                continue
            found[name] = [
                Member(
                    each.member_id,
                    each.client_id,
                    each.host,
                    frozenset(
                        Partition(at.topic, at.partition) for at in each.assignment.topic_partitions
                    ),
                )
                for each in told.members
            ]
        return found
