"""Which rows and which sentences looks at producers give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector.taps.kafka_reader import ActiveProducer, Partition, Topic
from collector.taps.kafka_transactions import (
    LATEST_MS,
    LONG_MS,
    MOST,
    ProducerLook,
    Producers,
    next_partitions,
)
from collector.taps.tap import ProducerRow

ORDERS = Partition("orders", 0)
REFUNDS = Partition("refunds", 0)
NOON = 1_800_014_400_000


def look(
    time_ms: int,
    producers: Mapping[Partition, Sequence[ActiveProducer]],
    life: str = "a",
    **ids: int,
) -> ProducerLook:
    topics = {name: Topic(life, (0,)) for name in ("orders", "refunds")}
    by_id = {number: name.replace("_", "-") for name, number in ids.items()}
    return ProducerLook(time_ms, "c", topics, producers, by_id)


def row(time_ms: int, first: int, last: int, held: int = -1, name: str = "app-1") -> ProducerRow:
    return ProducerRow("kafka", "c", "orders", "a", "0", 7, 3, name, first, last, held, time_ms)


def active(last_ms: int, held: int = -1, number: int = 7) -> ActiveProducer:
    return ActiveProducer(number, 3, last_ms, held)


def test_a_producer_is_handed_over_when_anything_of_it_changed() -> None:
    known = Producers()
    assert known.rows(look(10, {ORDERS: [active(5)]}, app_1=7)) == [row(10, 5, 5)]
    assert known.rows(look(20, {ORDERS: [active(5)]}, app_1=7)) == []
    assert known.rows(look(30, {ORDERS: [active(25)]}, app_1=7)) == [row(30, 5, 25)]
    assert known.rows(look(40, {ORDERS: [active(25, 9)]}, app_1=7)) == [row(40, 5, 25, 9)]
    assert known.rows(look(50, {REFUNDS: []}, app_1=7)) == [], "it was not asked about"
    assert known.rows(look(60, {ORDERS: [active(25, 9)]})) == [], "the broker forgot its id"


def test_a_topic_made_anew_begins_anew() -> None:
    known = Producers()
    known.rows(look(10, {ORDERS: [active(5)]}, app_1=7))
    (again,) = known.rows(look(20, {ORDERS: [active(15)]}, life="b", app_1=7))
    assert (again.incarnation, again.first_ms) == ("b", 15)


def test_clocks_that_say_anything_stay_within_what_is_stored() -> None:
    (never,) = Producers().rows(look(10, {ORDERS: [active(-1)]}))
    (far,) = Producers().rows(look(10, {ORDERS: [active(2**62)]}))
    assert (never.last_ms, far.last_ms) == (0, LATEST_MS)


def test_of_thousands_the_latest_and_those_in_a_transaction_are_remembered() -> None:
    crowd = [active(number, number=number) for number in range(1, 5 * MOST)]
    rows = Producers().rows(look(10, {ORDERS: [*crowd, active(0, held=4, number=0)]}))
    assert len(rows) == MOST
    assert {0, 5 * MOST - 1} <= {each.producer_id for each in rows}


def test_a_transaction_that_stays_open_is_told_with_where_its_readers_stand() -> None:
    known = Producers()
    held = {ORDERS: [active(5, 42)], REFUNDS: [active(5, 8)]}
    known.rows(look(NOON, held, app_1=7))
    assert known.held == {ORDERS, REFUNDS}
    assert known.lasting() == [], "most are over by the next look"

    known.rows(look(NOON + 30_000, held, app_1=7))
    assert known.lasting() == ["app-1"]
    assert known.long_open(NOON + LONG_MS) == []
    known.began({"app-1": NOON - 1000})
    assert known.long_open(NOON + LONG_MS) == [
        'transaction "app-1" of producer 7 is open since 2027-01-15 11:59:59 UTC: consumers with '
        "read_committed stand at offset 42 of orders/0 and wait in 1 more partition"
    ]

    known.rows(look(NOON + 90_000, {ORDERS: [active(5)], REFUNDS: [active(5)]}, app_1=7))
    assert known.long_open(NOON + 90_000) == []
    assert known.held == set()


def test_one_transaction_after_the_other_is_not_a_long_one() -> None:
    known = Producers()
    for number in range(5):
        known.rows(look(NOON + number * 30_000, {ORDERS: [active(5, number * 10)]}, app_1=7))
    assert known.long_open(NOON + 4 * 30_000) == []


def test_readers_stand_at_the_first_of_several() -> None:
    known = Producers()
    held = {ORDERS: [active(5, 42), active(5, 17, number=8)]}
    known.rows(look(NOON, held, first=8))
    (told,) = known.long_open(NOON + 2 * LONG_MS)
    assert told.startswith('transaction "first" of producer 8') and "offset 17 of" in told


def test_the_transaction_of_an_unseen_id_is_told_by_its_producer() -> None:
    known = Producers()
    known.rows(look(NOON, {ORDERS: [active(5, 42)]}))
    (told,) = known.long_open(NOON + 2 * LONG_MS)
    assert told.startswith("a transaction of producer 7 is open since")


def test_a_deleted_topic_holds_nobody_back() -> None:
    known = Producers()
    known.rows(look(NOON, {ORDERS: [active(5, 42)]}))
    known.rows(ProducerLook(NOON + 1, "c", {}))
    assert known.held == set()
    assert known.long_open(NOON + 2 * LONG_MS) == []


def test_a_large_cluster_is_asked_in_turns_and_open_transactions_first() -> None:
    cluster = [Partition("t", number) for number in range(10)]
    asked, after = next_partitions(cluster, {cluster[9]}, None, 4)
    assert asked == [cluster[9], cluster[0], cluster[1], cluster[2]]
    seen = set(asked)
    for _ in range(2):
        asked, after = next_partitions(cluster, {cluster[9]}, after, 4)
        seen.update(asked)
    assert seen == set(cluster)


def test_urgent_ones_leave_room_for_the_others() -> None:
    cluster = [Partition("t", number) for number in range(10)]
    asked, _ = next_partitions(cluster, cluster, Partition("t", 4), 4)
    assert asked == [cluster[number] for number in (5, 6, 7, 8)]
    assert next_partitions([], [], Partition("t", 4), 4) == ([], Partition("t", 4))
