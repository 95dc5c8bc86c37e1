"""Where a tap begins to read, and what each look at the cluster changes."""

from __future__ import annotations

from collections.abc import Mapping

from collector.taps.kafka_plan import Lost, Plan, Since, Start
from collector.taps.kafka_reader import Cluster, Partition, Topic
from collector.taps.tap import PartitionKey


def cluster(*unclear: str, **topics: tuple[str, int]) -> Cluster:
    """A look: topics by name as (id, number of partitions)."""
    return Cluster(
        "c",
        {name: Topic(life, tuple(range(count))) for name, (life, count) in topics.items()},
        frozenset(unclear),
    )


def key(topic: str, life: str, partition: int = 0) -> PartitionKey:
    return PartitionKey("kafka", "c", topic, life, str(partition))


def plan(stored: Mapping[PartitionKey, int] | None = None, since: Since = None) -> Plan:
    return Plan("c", stored or {}, since)


ORDERS = Partition("orders", 0)


def test_the_first_look_begins_where_the_settings_say_and_later_ones_at_creation() -> None:
    tap = plan()
    tap.observe(cluster(orders=("a", 1)))
    assert tap.pending == {ORDERS: Start.SINCE}
    assert tap.begin({ORDERS: 7}) == {key("orders", "a"): 7}
    tap.observe(cluster(orders=("a", 2), paid=("b", 1)))
    assert tap.reading == {ORDERS: 7}
    assert tap.pending == {
        Partition("orders", 1): Start.CREATION,
        Partition("paid", 0): Start.CREATION,
    }


def test_a_topic_that_could_not_be_described_at_first_was_there_all_the_same() -> None:
    tap = plan()
    tap.observe(cluster("orders"))
    tap.observe(cluster("orders"))
    tap.observe(cluster(orders=("a", 1)))
    assert tap.pending == {ORDERS: Start.SINCE}


def test_resumes_where_it_stopped() -> None:
    tap = plan({key("orders", "a"): 5})
    change = tap.observe(cluster(orders=("a", 1)))
    assert change.resumed == tap.reading == {ORDERS: 5}
    assert not tap.pending


def test_what_came_while_it_was_away_begins_at_creation_or_at_since() -> None:
    stored = {key("orders", "a"): 5}
    seen = cluster(orders=("a", 2), paid=("b", 1))
    tap = plan(stored)
    tap.observe(seen)
    assert set(tap.pending.values()) == {Start.CREATION}
    tap = plan(stored, since=1_700_000_000_000)
    tap.observe(seen)
    assert tap.pending == {
        Partition("orders", 1): Start.CREATION,
        Partition("paid", 0): Start.SINCE,
    }


def test_another_life_begins_at_creation_also_over_a_restart() -> None:
    tap = plan({key("orders", "a"): 5}, since=1_700_000_000_000)
    tap.observe(cluster(orders=("b", 1)))
    assert tap.pending == {ORDERS: Start.CREATION}
    tap.begin({ORDERS: 0})
    change = tap.observe(cluster(orders=("c", 1)))
    assert change.reborn == {"orders"}
    assert change.gone == {ORDERS}
    assert change.lost == [Lost(key("orders", "b"), 0)]
    assert tap.pending == {ORDERS: Start.CREATION}
    assert not tap.reading


def test_a_topic_that_only_seemed_to_be_gone_goes_on() -> None:
    """A broker that lags behind the others does not know the newest topics yet."""
    tap = plan()
    tap.observe(cluster(orders=("a", 1)))
    tap.begin({ORDERS: 3})
    tap.moved({key("orders", "a"): 9})
    assert tap.observe(cluster()).gone == {ORDERS}
    assert tap.observe(cluster(orders=("a", 1))).resumed == {ORDERS: 9}


def test_a_topic_without_leader_is_not_gone() -> None:
    tap = plan()
    tap.observe(cluster(orders=("a", 1)))
    tap.begin({ORDERS: 3})
    change = tap.observe(cluster("orders"))
    assert not change.gone
    assert tap.reading == {ORDERS: 3}


def test_records_that_come_late_do_not_move_another_life() -> None:
    tap = plan()
    tap.observe(cluster(orders=("a", 1)))
    tap.begin({ORDERS: 3})
    assert tap.reborn(cluster(orders=("a", 1)), ["orders"]) == set()
    assert tap.reborn(cluster(), ["orders"]) == set(), "gone is not another life"
    assert tap.reborn(cluster(orders=("b", 1)), ["orders"]) == {"orders"}
