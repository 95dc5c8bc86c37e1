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
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
"""What a broker says of topics and groups that were made a moment ago, or while it starts."""


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
    while (error := _refusal(admin, group, offsets)) is not None:
        held = error.code() == KafkaError.UNKNOWN_MEMBER_ID
        if not held and error.code() not in NOT_YET:
            raise KafkaException(error)
        if time.monotonic() > deadline:
            if held:
                raise ShopError(
                    f"group {group!r} has members: does another shop run on this broker?"
                )
            raise KafkaException(error)
        time.sleep(0.2)


def _refusal(admin: AdminClient, group: str, offsets: list[TopicPartition]) -> KafkaError | None:
    """Tries to set a group's offsets; the broker refuses it as a whole or for a partition."""
    request = [ConsumerGroupTopicPartitions(group, offsets)]
    [changed] = admin.alter_consumer_group_offsets(request, request_timeout=SECONDS).values()
    try:
        partitions = changed.result().topic_partitions
    except KafkaException as error:
        refusal: KafkaError = error.args[0]
        return refusal
    return next((each.error for each in partitions if each.error), None)


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
