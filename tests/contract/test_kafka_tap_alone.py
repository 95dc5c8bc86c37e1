"""What a Kafka tap promises where it needs a broker of its own: one that dies, one that is new,
one that does not let everybody see everything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from collector.taps import kafka_session
from collector.taps.kafka import KafkaTap
from samples.kafka.broker import Broker
from tests.contract.kafka_world import RecordingSink, World, take, tapping, throughout, until

pytestmark = [
    pytest.mark.kafka,
    # kafka-python leaves the socket of each failed connection to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.usefixtures("quiet_kafka"),
]


def test_a_new_broker_gets_no_topic_from_us_and_may_die_and_return() -> None:
    """Whichever reader is asked for: there is a tap of each, and neither makes a topic."""
    sinks = [RecordingSink(), RecordingSink()]

    def read(*values: bytes) -> bool:
        return all(sink.values("orders") == list(values) for sink in sinks)

    with Broker() as broker, ExitStack() as stack:
        world = World(broker.bootstrap)
        taps = [
            stack.enter_context(
                tapping(
                    world,
                    sink,
                    reader=reader,
                    groups=True,
                    producers=True,
                    producers_interval=0.3,
                    metadata_interval=0.3,
                )
            )
            for sink, reader in zip(sinks, ("auto", "kafka-python"), strict=True)
        ]

        def readers() -> list[object]:
            return [tap.status()["reader"] for tap in taps]

        # No group has been here yet: librdkafka would make the broker create a topic.
        assert readers() == ["kafka-python"] * 2
        throughout(lambda: world.topics() == set(), "a topic came to be", 2)
        assert world.groups() == set()

        world.create("orders")
        world.produce("orders", [b"1"])
        until(lambda: read(b"1"), "the first message")
        assert world.topics() == {"orders"}

        with world.group("billing", "orders") as member:
            assert take(member, 1) == [b"1"]
            member.commit(asynchronous=False)
        until(lambda: readers() == ["confluent-kafka", "kafka-python"], "the faster reader")
        world.produce("orders", [b"2"])
        until(lambda: read(b"1", b"2"), "the second message")

        seen = [tap.status()["since"] for tap in taps]
        broker.kill()
        for tap, before in zip(taps, seen, strict=True):
            until(lambda: not tap.status()["connected"], "that the broker is away shows")  # noqa: B023 - at once
            status = tap.status()
            assert status["error"]
            assert isinstance(status["since"], float) and isinstance(before, float)
            assert status["since"] > before
        broker.restart()
        until(lambda: all(tap.status()["connected"] for tap in taps), "that it is back shows", 60)
        world.produce("orders", [b"3"])
        until(lambda: read(b"1", b"2", b"3"), "the third message", 30)
        until(lambda: all(sink.progressed for sink in sinks), "the group's progress")
        assert world.groups() == {"billing"}
        assert world.topics() == {"orders", "__consumer_offsets"}


def told(tap: KafkaTap, watcher: str, what: str) -> object:
    """What a watcher's status says of something."""
    status = tap.status()[watcher]
    assert isinstance(status, dict)
    return status.get(what)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that asks for a password, and shows each user only what they were given."""
    port, controller = free_port(), free_port()
    login = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        'username="admin" password="of-admin" '
        'user_admin="of-admin" user_flowtap="of-flowtap";'
    )
    properties = {
        "listeners": f"SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"SASL_PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": login,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:admin;User:ANONYMOUS",
    }
    with Broker(tmp_path_factory.mktemp("guarded"), port, properties=properties) as broker:
        yield broker


@pytest.mark.parametrize("reader", ["confluent-kafka", "kafka-python"])
def test_reads_what_it_may_and_says_what_it_may_not(
    guarded: Broker,
    reader: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin = {"sasl.username": "admin", "sasl.password": "of-admin"}
    world = World(
        guarded.bootstrap,
        **{"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", **admin},
    )
    opened, closed, hidden = (f"{name}-{reader}" for name in ("open", "closed", "hidden"))
    world.create(opened, closed, hidden)
    world.allow("User:flowtap", "TOPIC", opened, "READ")
    world.allow("User:flowtap", "TOPIC", closed, "DESCRIBE")
    for topic in (opened, closed, hidden):
        world.produce(topic, [b"1"])
    with world.group(f"private-{reader}", opened) as member:
        take(member, 1)
        member.commit(asynchronous=False)

    secret = tmp_path / "password"
    secret.write_text("of-flowtap\n")
    monkeypatch.setenv("TAP_USER", "flowtap")
    monkeypatch.setattr(kafka_session, "REFUSED_SECONDS", 0.5)
    sink = RecordingSink()
    with tapping(
        world,
        sink,
        reader=reader,
        groups=True,
        groups_interval=0.3,
        producers=True,
        producers_interval=0.3,
        include=(f"*-{reader}",),
        since="beginning",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username={"env": "TAP_USER"},
        sasl_password={"file": secret},
    ) as tap:
        until(lambda: sink.values(opened) == [b"1"], "what may be read")
        until(lambda: tap.status()["refused"] == [closed], "that a topic may not be read")
        until(
            lambda: told(tap, "producers", "refused") == {closed: "TopicAuthorizationFailedError"},
            "that its producers are not told either",
        )
        assert told(tap, "producers", "connected")
        assert tap.status()["reader"] == reader
        world.produce(opened, [b"2"])
        until(lambda: sink.values(opened) == [b"1", b"2"], "reading goes on")
        world.allow("User:flowtap", "TOPIC", closed, "READ")
        until(lambda: sink.values(closed) == [b"1"], "what may be read by now")
        until(lambda: tap.status()["refused"] == [], "that nothing is refused any more")
        assert not sink.progressed, "groups that may not be seen"
        world.allow("User:flowtap", "GROUP", f"private-{reader}", "DESCRIBE")
        until(lambda: bool(sink.progressed), "the group that may be seen by now")
    assert sink.values(hidden) == []
    assert f"private-{reader}" == sink.progressed[0].group


def test_says_why_it_cannot_connect(guarded: Broker) -> None:
    sink = RecordingSink()
    world = World(guarded.bootstrap)
    with tapping(
        world,
        sink,
        ready=False,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="flowtap",
        sasl_password={"env": "NOT_SET_ANYWHERE"},
    ) as tap:
        until(lambda: bool(tap.status()["error"]), "an error in the status")
        assert tap.status()["connected"] is False
        assert "NOT_SET_ANYWHERE is not set" in str(tap.status()["error"])
