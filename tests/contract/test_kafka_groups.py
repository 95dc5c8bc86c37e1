"""How far consumer groups are and who is in them, as a real broker tells it."""

from __future__ import annotations

import pytest

from collector.taps.tap import ProgressRow
from samples.kafka.broker import Broker
from tests.contract.kafka_world import RecordingSink, World, take, tapping, until

pytestmark = [
    pytest.mark.kafka,
    # kafka-python leaves the sockets of failed connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]


def seen(sink: RecordingSink, group: str) -> list[tuple[str, int, int]]:
    """(partition, committed, end) of a group's rows, in order."""
    return [
        (row.partition, row.committed, row.end)
        for row in list(sink.progressed)
        if row.group == group
    ]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_follows_groups_of_either_protocol(kafka: Broker, protocol: str) -> None:
    world, sink = World(kafka.bootstrap), RecordingSink()
    topic, early, late = f"paid-{protocol}", f"early-{protocol}", f"late-{protocol}"
    world.create(topic)
    world.produce(topic, [b"1", b"2", b"3"])
    with world.group(early, topic, **{"group.protocol": protocol}) as member:
        take(member, 3)
        member.commit(asynchronous=False)
        with tapping(world, sink, include=(topic,), groups=True, groups_interval=0.3):
            until(lambda: bool(seen(sink, early)), "the group that was there")
            world.produce(topic, [b"4"])
            until(lambda: ("0", 3, 4) in seen(sink, early), "its lag")
            take(member, 1)
            member.commit(asynchronous=False)
            until(lambda: ("0", 4, 4) in seen(sink, early), "its catching up")

            with world.group(late, topic, **{"group.protocol": protocol}) as newcomer:
                take(newcomer, 4)
                newcomer.commit(asynchronous=False)
                until(lambda: bool(seen(sink, late)), "the group that came later")
                until(
                    lambda: any(row.group == late and row.assignment for row in sink.joined),
                    "its member",
                )
            until(
                lambda: any(row.group == late and row.state == "Empty" for row in sink.joined),
                "that its member left",
            )
    assert seen(sink, early) == [("0", 3, 3), ("0", 3, 4), ("0", 4, 4)], "only what changed"

    before, after = [row for row in sink.progressed if row.group == late]
    assert (before.committed, after.committed, after.end) == (0, 4, 4)
    assert before.time_ms < after.time_ms
    assert before.incarnation == after.incarnation == world.topic_id(topic)
    assert isinstance(before, ProgressRow) and before.cluster == world.cluster_id()

    joined = next(row for row in sink.joined if row.group == late and row.assignment)
    assert joined.client_id == f"{late}-client"
    assert joined.host == "127.0.0.1"
    assert joined.assignment == ((topic, "0"),)
    left = [row for row in sink.joined if row.group == late][-1]
    assert (left.member_id, left.state, left.assignment) == ("", "Empty", ())
    world.delete(topic)
