"""Who produces, and whose transaction stays open, as a real broker tells it."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient

from collector import questions
from collector.backend import StoreBackend
from collector.intake import Intake
from collector.metrics import Counters
from collector.service import tap_component
from collector.store.client import Store
from collector.taps import kafka_python_admin, kafka_python_transactions
from collector.taps.kafka_reader import Partition, Untold
from collector.taps.kafka_settings import KafkaSettings
from collector.taps.tap import ProducerRow
from graph.edges import Role
from graph.topology import Topology
from samples.kafka.broker import Broker
from tests import stores
from tests.contract.kafka_world import RecordingSink, World, tapping, until

pytestmark = [
    pytest.mark.kafka,
    # kafka-python leaves the sockets of failed connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]

COLUMNS = """destination, partition, producer_id, epoch, transactional_id, first_time = last_time,
    transaction_offset"""


def write(producer: Producer, topic: str, partition: int = 0, values: int = 1) -> None:
    """One committed transaction of so many records."""
    producer.begin_transaction()
    for _ in range(values):
        producer.produce(topic, b"x", partition=partition)
    producer.commit_transaction(30)


def latest(sink: RecordingSink, topic: str) -> dict[tuple[str, str], ProducerRow]:
    """The newest row of each producer, by its transactional id and partition."""
    rows = [row for row in list(sink.produced) if row.destination == topic]
    return {(row.transactional_id, row.partition): row for row in rows}


def producing(topology: Topology) -> set[tuple[str, str, str, int]]:
    """(node, destination, evidence, count) of every produce edge."""
    ids = {node.key: node.id for node in topology.nodes}
    return {
        (ids[edge.source], edge.target.name, edge.evidence.value, edge.count)
        for edge in topology.edges
        if edge.role is Role.PRODUCE
    }


def test_an_unknown_producer_is_named_after_its_transactional_id(
    kafka: Broker, store: Store
) -> None:
    world = World(kafka.bootstrap)
    alone, shared, plain = "fraud-alone", "fraud-shared", "fraud-plain"
    world.create(alone, partitions=2)
    world.create(shared, plain)
    instances = [world.transactional(f"fraud-check-0_{number}") for number in (0, 1)]
    for number, producer in enumerate(instances):
        write(producer, alone, number, values=3)
        write(producer, shared)
    other = world.transactional("billing-tx-0")
    write(other, shared)
    world.produce(plain, [b"x"])
    topics, groups, commits = world.topics(), world.groups(), world.commits_ever()

    intake = Intake(store, Counters(), lambda: None)
    intake.start()
    with tapping(
        world,
        intake,
        include=("fraud-*",),
        since="beginning",
        producers=True,
        producers_interval=0.2,
    ):
        until(
            lambda: store.query("SELECT count() FROM messages")[0][0] == 10,
            "all messages",
        )
        until(
            lambda: len(store.query("SELECT 1 FROM producers FINAL")) == 5,
            "all producers",
        )
        for number, producer in enumerate(instances):
            write(producer, alone, number)
        until(
            lambda: store.query("SELECT count() FROM messages")[0][0] == 12,
            "the messages after the first look",
        )
        until(
            lambda: (
                len(store.query("SELECT 1 FROM producers FINAL WHERE first_time < last_time")) == 2
            ),
            "the producers' later records",
        )
    assert intake.stop(60)
    assert (world.topics(), world.groups()) == (topics, groups), "a tap only looks"
    assert world.commits_ever() == commits

    with closing(_admin(world)) as admin:
        ids = {
            name: told.producer_id
            for name, told in admin.describe_transactions(
                ["fraud-check-0_0", "fraud-check-0_1", "billing-tx-0"]
            ).items()
        }
    rows = store.query(f"SELECT {COLUMNS} FROM producers FINAL ORDER BY ALL")
    assert [(row[0], row[1], row[2], row[4], bool(row[5]), row[6]) for row in rows] == sorted(
        [
            (alone, "0", ids["fraud-check-0_0"], "fraud-check-0_0", False, -1),
            (alone, "1", ids["fraud-check-0_1"], "fraud-check-0_1", False, -1),
            (shared, "0", ids["fraud-check-0_0"], "fraud-check-0_0", True, -1),
            (shared, "0", ids["fraud-check-0_1"], "fraud-check-0_1", True, -1),
            (shared, "0", ids["billing-tx-0"], "billing-tx-0", True, -1),
        ]
    )

    stores.rolled_up(store)
    backend = StoreBackend(store, writable=False)
    assert producing(questions.topology(backend)) == {
        ("service:fraud-check", alone, "inferred", 8),
        (f"unknown:{shared}", shared, "matched", 3),
        (f"unknown:{plain}", plain, "matched", 1),
    }
    hour = 3600 * 10**9
    past = questions.topology(backend, start=time.time_ns() - 2 * hour, end=time.time_ns() - hour)
    assert past.edges == ()
    for topic in (alone, shared, plain):
        world.delete(topic)


def test_a_transaction_that_stays_open_is_told(kafka: Broker) -> None:
    world, sink, topic = World(kafka.bootstrap), RecordingSink(), "ledger-open"
    world.create(topic, partitions=2)
    done, stuck = world.transactional("ledger-1"), world.transactional("ledger-2")
    write(done, topic)
    stuck.begin_transaction()
    for partition in (0, 1):
        stuck.produce(topic, b"held", partition=partition)
    assert stuck.flush(30) == 0
    began = time.time()
    late = [0.0]

    with tapping(
        world,
        sink,
        include=(topic,),
        since="beginning",
        clock=lambda: time.time() + late[0],
        producers=True,
        producers_interval=0.2,
    ) as tap:
        until(lambda: len(latest(sink, topic)) == 3, "all producers")
        held = latest(sink, topic)
        assert held["ledger-1", "0"].transaction_offset == -1
        # Offset 0 is a record, offset 1 the marker of its commit.
        assert held["ledger-2", "0"].transaction_offset == 2
        assert held["ledger-2", "1"].transaction_offset == 0
        assert tap.status()["open_transactions"] == []

        late[0] = 120.0
        until(lambda: tap.status()["open_transactions"] != [], "that it is open for long")
        until(
            lambda: (
                f"since {_utc(began)}" in _only(tap.status()["open_transactions"])
                or f"since {_utc(began - 1)}" in _only(tap.status()["open_transactions"])
            ),
            "when it began, as its coordinator says",
        )
        told = _only(tap.status()["open_transactions"])
        producer = held["ledger-2", "0"].producer_id
        assert told.startswith(f'transaction "ledger-2" of producer {producer} is open since ')
        assert told.endswith(
            f"consumers with read_committed stand at offset 2 of {topic}/0"
            " and wait in 1 more partition"
        )
        part = tap_component(tap)
        assert part.ok and "a transaction has been open for long" in part.detail

        stuck.commit_transaction(30)
        until(lambda: tap.status()["open_transactions"] == [], "that it is over")
        assert latest(sink, topic)["ledger-2", "0"].transaction_offset == -1
        assert tap_component(tap).detail == "reading"
    world.delete(topic)


def test_a_broker_that_knows_no_such_question_is_tapped_all_the_same(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, sink, topic = World(kafka.bootstrap), RecordingSink(), "of-old"
    world.create(topic)

    def old(*_: object) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=world.bootstrap, api_version=(2, 6))

    with closing(old()) as admin:
        with pytest.raises(Untold, match="ListTransactions"):
            kafka_python_transactions.transactional_ids(admin)
        with pytest.raises(Untold, match="DescribeProducers"):
            kafka_python_transactions.active_producers(admin, [Partition(topic, 0)])
        with pytest.raises(Untold, match="DescribeTransactions"):
            kafka_python_transactions.begun(admin, ["any"])
    monkeypatch.setattr(kafka_python_admin, "open_admin", old)
    with tapping(
        world,
        sink,
        include=(topic,),
        since="beginning",
        producers=True,
        producers_interval=0.2,
    ) as tap:
        until(lambda: set(_refused(tap.status())) == {"producers", "transactions"}, "why")
        world.produce(topic, [b"1"])
        until(lambda: sink.values(topic) == [b"1"], "the message")
        assert tap_component(tap).ok
    assert sink.produced == []
    world.delete(topic)


def test_what_is_gone_by_now_does_not_keep_the_others_from_telling(kafka: Broker) -> None:
    world, topic = World(kafka.bootstrap), "still-there"
    world.create(topic)
    write(world.transactional("still-there-1"), topic)
    with closing(_admin(world)) as admin:
        there = Partition(topic, 0)
        gone = [Partition("gone", number) for number in range(3)]
        told, refused = kafka_python_transactions.active_producers(admin, [*gone, there])
        assert [each.transaction_offset for each in told[there]] == [-1]
        assert (set(told), refused) == ({there}, {})
        assert kafka_python_transactions.begun(admin, ["gone", "still-there-1"]) == {}
    assert "gone" not in world.topics()
    world.delete(topic)


def _admin(world: World) -> KafkaAdminClient:
    return kafka_python_admin.open_admin(KafkaSettings(bootstrap=world.bootstrap))


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _only(found: object) -> str:
    assert isinstance(found, list)
    (one,) = found
    return str(one)


def _refused(status: dict[str, object]) -> dict[str, str]:
    producers = status["producers"]
    assert isinstance(producers, dict)
    return dict(producers.get("refused", {}))
