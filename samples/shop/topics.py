"""The shop's topics and the place where its groups begin, set before any service starts."""

from __future__ import annotations

import time

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec, TopicMetadata

from samples.shop.errors import ShopError
from samples.shop.flow import ROLES, TOPICS

SECONDS = 30.0
ANSWER_SECONDS = 10.0
"""How long to wait for a broker that may not be there."""
NOT_YET = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)
"""What a broker says of a partition that was made a moment ago."""


def prepare(bootstrap: str) -> None:
    """Makes the topics that are missing, and lets every group begin at the topics' present ends.

    So a run sees its own messages only, and all of them, also on a broker where the shop ran
    before. Raises ShopError when the broker does not answer or a group is in use.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    try:
        admin.list_topics(timeout=ANSWER_SECONDS)  # Fails at once where no broker answers.
        _create(admin)
        _begin_at_ends(admin)
    except KafkaException as error:
        raise ShopError(
            f"Kafka at {bootstrap} did not prepare the shop's topics: {error}"
        ) from None


def _create(admin: AdminClient) -> None:
    wanted = [NewTopic(name, num_partitions=count) for name, count in TOPICS.items()]
    for made in admin.create_topics(wanted, request_timeout=SECONDS).values():
        try:
            made.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def _begin_at_ends(admin: AdminClient) -> None:
    described = _described(admin)
    ends = _ends(
        admin,
        [
            TopicPartition(name, partition)
            for name in TOPICS
            for partition in described[name].partitions
        ],
    )
    for role in ROLES.values():
        if role.group:
            _move(
                admin,
                role.group,
                [
                    TopicPartition(topic, partition, end)
                    for (topic, partition), end in ends.items()
                    if topic in role.consumes
                ],
            )


def _move(admin: AdminClient, group: str, offsets: list[TopicPartition]) -> None:
    """Sets a group's offsets; killed members hold it until their session ends."""
    deadline = time.monotonic() + SECONDS
    while True:
        request = [ConsumerGroupTopicPartitions(group, offsets)]
        [changed] = admin.alter_consumer_group_offsets(request, request_timeout=SECONDS).values()
        errors = [each.error for each in changed.result().topic_partitions if each.error]
        if not errors:
            return
        if errors[0].code() != KafkaError.UNKNOWN_MEMBER_ID:
            raise KafkaException(errors[0])
        if time.monotonic() > deadline:
            raise ShopError(f"group {group!r} has members: does another shop run on this broker?")
        time.sleep(0.2)


def _described(admin: AdminClient) -> dict[str, TopicMetadata]:
    """The shop's topics, once the broker knows them all."""
    deadline = time.monotonic() + SECONDS
    while True:
        topics: dict[str, TopicMetadata] = admin.list_topics(timeout=SECONDS).topics
        if all(name in topics and topics[name].partitions for name in TOPICS):
            return topics
        if time.monotonic() > deadline:
            raise ShopError(f"topics did not appear: {sorted(set(TOPICS) - set(topics))}")
        time.sleep(0.1)


def _ends(admin: AdminClient, partitions: list[TopicPartition]) -> dict[tuple[str, int], int]:
    """The next offset of each partition; new partitions may need a moment to get a leader."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = admin.list_offsets(
            {each: OffsetSpec.latest() for each in partitions}, request_timeout=SECONDS
        )
        try:
            return {
                (each.topic, each.partition): end.result().offset for each, end in found.items()
            }
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
