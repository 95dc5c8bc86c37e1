"""What kafka-python's admin client is asked for: topics, offsets, and consumer groups."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    BrokerResponseError,
    KafkaError,
    RetriableError,
    UnknownTopicOrPartitionError,
)

from collector.taps.kafka_reader import (
    BrokerAway,
    Cluster,
    Group,
    Member,
    Partition,
    Topic,
    When,
    topic_id,
    topics_of,
)
from collector.taps.kafka_settings import KafkaSettings

CONSUMER_ONLY = set(KafkaConsumer.DEFAULT_CONFIG) - set(KafkaAdminClient.DEFAULT_CONFIG)
"""Options that the admin client would refuse to hear of."""

NO_ID = uuid.UUID(int=0)

SPECS: dict[str, Any] = {"earliest": OffsetSpec.EARLIEST, "latest": OffsetSpec.LATEST}


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every kafka-python client of this tap is told, before its own options."""
    timeout = int(settings.request_timeout * 1000)
    return {
        "client_id": "flowtap",
        "request_timeout_ms": timeout,
        "bootstrap_timeout_ms": timeout,
        # By default a broker that came back is looked for only after half a minute.
        "reconnect_backoff_max_ms": 1000,
        **settings.for_kafka_python(),
    }


def open_admin(settings: KafkaSettings) -> KafkaAdminClient:
    """An admin client. It asks for metadata so that no topic is created. Raises BrokerAway."""
    options = client_options(settings)
    for name in CONSUMER_ONLY & options.keys():
        del options[name]
    try:
        return KafkaAdminClient(**options)
    except (KafkaError, OSError) as error:
        raise BrokerAway(text(error)) from error


def cluster_id(admin: KafkaAdminClient) -> str:
    """The cluster's own id. Raises BrokerAway."""
    try:
        return str(admin.describe_cluster()["cluster_id"] or "")
    except KafkaError as error:
        raise BrokerAway(text(error)) from error


def described(
    admin: KafkaAdminClient, names: Collection[str] | None, cluster: str = ""
) -> tuple[Cluster, set[Partition]]:
    """These topics, or all, as the broker describes them now; and their partitions that have
    a leader. Raises BrokerAway."""
    topics: dict[str, Topic] = {}
    unclear: set[str] = set()
    led: set[Partition] = set()
    try:
        answer = admin.describe_topics(None if names is None else list(names))
    except KafkaError as error:
        raise BrokerAway(text(error)) from error
    for each in answer:
        name, error_code = each["name"], each["error_code"]
        if error_code == UnknownTopicOrPartitionError.errno:
            continue
        if error_code:
            unclear.add(name)
            continue
        # Kafka before 2.8 has no topic ids; librdkafka says zero then, too.
        identity = uuid.UUID(str(each.get("topic_id", NO_ID))).bytes
        numbers = sorted(partition["partition_index"] for partition in each["partitions"])
        topics[name] = Topic(topic_id(identity), tuple(numbers))
        led |= {
            Partition(name, partition["partition_index"])
            for partition in each["partitions"]
            if partition["leader_id"] >= 0
        }
    return Cluster(cluster, topics, frozenset(unclear)), led


def listed_offsets(
    admin: KafkaAdminClient, partitions: Collection[Partition], when: When, isolation: str
) -> dict[Partition, int]:
    """Offsets at that place, -1 for a time after the last record; a partition that cannot
    answer is missing. Raises BrokerAway."""
    if not partitions:
        return {}
    _, led = described(admin, topics_of(partitions))
    spec = SPECS.get(str(when), when)
    return _ask(admin, {TopicPartition(*each): spec for each in led & set(partitions)}, isolation)


def _ask(
    admin: KafkaAdminClient, specs: Mapping[TopicPartition, Any], isolation: str
) -> dict[Partition, int]:
    if not specs:
        return {}
    try:
        answers = admin.list_partition_offsets(dict(specs), isolation_level=isolation)
    except BrokerResponseError:
        # The library fails the whole question for one partition: find the others' answers.
        if len(specs) == 1:
            return {}
        pairs = list(specs.items())
        middle = len(pairs) // 2
        first, second = dict(pairs[:middle]), dict(pairs[middle:])
        return _ask(admin, first, isolation) | _ask(admin, second, isolation)
    except KafkaError as error:
        raise BrokerAway(text(error)) from error
    return {Partition(*partition): int(answer.offset) for partition, answer in answers.items()}


def listed_groups(admin: KafkaAdminClient) -> list[Group]:
    """Groups that consume by offsets and that this user may see. Raises BrokerAway."""
    try:
        answer = admin.list_groups()
    except KafkaError as error:
        raise BrokerAway(text(error)) from error
    return [
        Group(each["group_id"], each.get("group_type") or "classic", each.get("group_state") or "")
        for each in answer
        # An empty protocol type is a group that commits without members; Connect's worker groups
        # commit nothing, and what a share group reads is no single offset.
        if each["protocol_type"] in ("consumer", "streams", "")
        and each.get("group_type") != "share"
    ]


def committed(
    admin: KafkaAdminClient, groups: Collection[str]
) -> tuple[dict[tuple[str, Partition], int], dict[str, str]]:
    """The next offsets that groups committed; and which groups refuse to tell, and why."""
    offsets: dict[tuple[str, Partition], int] = {}
    refused: dict[str, str] = {}
    if not groups:
        return offsets, refused
    try:
        answer = admin.list_group_offsets(dict.fromkeys(groups))
    except BrokerResponseError as error:
        if isinstance(error, RetriableError):
            # The library remembers coordinators for good; another client asks for them anew.
            raise BrokerAway(text(error)) from error
        if len(groups) == 1:
            return offsets, dict.fromkeys(groups, type(error).__name__)
        # The library fails the whole question for one group: ask them one by one.
        for group in groups:
            told, untold = committed(admin, [group])
            offsets |= told
            refused |= untold
        return offsets, refused
    except KafkaError as error:
        raise BrokerAway(text(error)) from error
    for group, partitions in answer.items():
        for partition, known in partitions.items():
            if known.offset >= 0:
                offsets[group, Partition(*partition)] = int(known.offset)
    return offsets, refused


def classic_members(admin: KafkaAdminClient, groups: Collection[str]) -> dict[str, list[Member]]:
    """Members of classic groups; a group that does not tell is missing. Raises BrokerAway."""
    if not groups:
        return {}
    try:
        answer = admin.describe_groups(list(groups))
    except KafkaError as error:
        raise BrokerAway(text(error)) from error
    return {
        name: [_member(each) for each in group["members"]]
        for name, group in answer.items()
        if not group["error"]
    }


def _member(told: Mapping[str, Any]) -> Member:
    assignment = told["member_assignment"]
    # What a client of another protocol wrote stays bytes.
    topics = assignment["assigned_partitions"] if isinstance(assignment, dict) else []
    return Member(
        told["member_id"],
        told["client_id"],
        told["client_host"],
        frozenset(Partition(each["topic"], n) for each in topics for n in each["partitions"]),
    )


def text(error: Exception) -> str:
    """What an error of the library says, never nothing."""
    return str(error) or type(error).__name__
