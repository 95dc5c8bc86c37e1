"""What leaves a store, and what stays: whole weeks by age, the oldest parts by size."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from collector.store import prune
from collector.store.client import Store
from collector.store.facts import StoreFacts
from collector.store.rollup import Rollup
from graph.model import Position
from tests import stores
from tests.builders import Flow
from tests.poured import pour, request
from tests.running import eventually

DAY = 24 * 3600 * 10**9
WEEK = 7 * DAY
MONDAY = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 10**9
NOW = MONDAY + 4 * WEEK + DAY
"""A Tuesday, four weeks later."""

_numbers = itertools.count(1)
_tokens = itertools.count()


@pytest.fixture(autouse=True)
def _no_merges(store: Store) -> Iterator[None]:
    """A merge in between would make parts of which no test knows."""
    store.command("SYSTEM STOP MERGES")
    yield
    store.command("SYSTEM START MERGES")


def put(store: Store, received: int, orders: int = 5, token: str = "") -> Flow:
    """Spans of some orders that were received then, as one segment."""
    flow = Flow(first_id=next(_numbers) * 1000)
    for _ in range(orders):
        flow.process("payment", flow.send("shop", "orders", tapped=False))
    store.insert_spans(
        request(flow).SerializeToString(),
        received_ns=received,
        token=token or f"prune-{next(_tokens)}",
    )
    return flow


def left(store: Store, table: str = "otel_traces") -> int:
    return int(store.query(f"SELECT count() FROM {table}")[0][0])


def received(store: Store) -> list[int]:
    """The times of receipt that are left, in any table."""
    found = {
        int(row[0])
        for table, column in prune.RECEIVED.items()
        for row in store.query(f"SELECT DISTINCT toUnixTimestamp64Nano({column}) FROM {table}")
    }
    return sorted(found)


def progress(store: Store, rows: Sequence[tuple[int, int]]) -> None:
    """How far a group was seen on one partition: times and offsets."""
    count = len(rows)
    store.insert(
        "progress",
        {
            "time": [at // 10**6 for at, _ in rows],
            "cluster": ["c1"] * count,
            "consumer_group": ["payment"] * count,
            "destination": ["orders"] * count,
            "incarnation": ["i1"] * count,
            "partition": ["0"] * count,
            "committed": [committed for _, committed in rows],
            "end_offset": [100] * count,
        },
    )


# By age


def test_weeks_leave_whole_and_from_every_table(store: Store) -> None:
    for week in range(4):
        put(store, MONDAY + week * WEEK + DAY)
    leaving = prune.by_age(store, 14, NOW)

    assert leaving.weeks == ("2026-06-01", "2026-06-08")
    assert leaving.until == MONDAY + 2 * WEEK
    assert leaving.rows == 20
    before = prune.size(store)
    prune.prune(store, leaving.until)
    assert before - leaving.bytes == prune.size(store) - len(noted(store)) * state_bytes(store)
    assert received(store) == [MONDAY + 2 * WEEK + DAY, MONDAY + 3 * WEEK + DAY]
    assert prune.covered_from(store) == MONDAY + 2 * WEEK
    assert prune.oldest(store) == MONDAY + 2 * WEEK + DAY


def noted(store: Store) -> Sequence[Sequence[object]]:
    return store.query("SELECT 1 FROM state WHERE name = 'pruned'")


def state_bytes(store: Store) -> int:
    sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'state'"
    return int(store.query(sql)[0][0])


def test_a_week_stays_as_long_as_one_of_its_days_does(store: Store) -> None:
    put(store, MONDAY)
    sunday_after_next = MONDAY + WEEK + 6 * DAY
    assert prune.by_age(store, 7, sunday_after_next).until == 0
    assert prune.by_age(store, 7, sunday_after_next + DAY).weeks == ("2026-06-01",)


def test_nothing_leaves_an_empty_store_or_a_young_one(store: Store) -> None:
    assert prune.by_age(store, 1, NOW) == prune.Leaving(0)
    put(store, NOW)
    assert prune.by_age(store, 1, NOW).pieces == ()
    assert prune.by_size(store, 1, NOW).pieces == ()
    assert prune.covered_from(store) == 0
    assert prune.oldest(store) == NOW


# By size


def test_the_oldest_parts_leave_until_the_rest_fits(store: Store) -> None:
    times = [MONDAY + 3 * WEEK + hour * DAY // 24 for hour in range(10)]
    for at in times:
        put(store, at)
    each = prune.by_size(store, 0, NOW).bytes // 10

    leaving = prune.by_size(store, prune.size(store) - int(2.5 * each), NOW)
    assert leaving.weeks == ()
    prune.prune(store, leaving.until)
    assert received(store) == times[3:]
    assert {left(store, table) for table in ("otel_traces", "operations")} == {70}
    assert prune.covered_from(store) == times[2] + 1


def test_weeks_that_leave_for_size_leave_as_partitions(store: Store) -> None:
    for week in range(3):
        put(store, MONDAY + week * WEEK)
    store.command("INSERT INTO edges (minute, computed) VALUES ('2026-06-02', '2026-06-02')")
    each = prune.by_size(store, 0, NOW).bytes // 3
    leaving = prune.by_size(store, prune.size(store) - int(1.5 * each), NOW)
    prune.prune(store, leaving.until)
    assert received(store) == [MONDAY + 2 * WEEK]
    assert leaving.weeks == ("2026-06-01",)
    assert left(store, "edges") == 0


def test_the_last_hour_never_leaves_for_size(store: Store) -> None:
    for minutes in (120, 61, 59, 1):
        put(store, NOW - minutes * 60 * 10**9)
    prune.prune(store, prune.by_size(store, 0, NOW).until)
    assert received(store) == [NOW - 59 * 60 * 10**9, NOW - 60 * 10**9]


def test_a_part_that_holds_both_sides_stays_and_is_not_covered(store: Store) -> None:
    times = [MONDAY + hour * DAY // 24 for hour in range(3)]
    put(store, times[0])
    put(store, times[1])
    store.command("SYSTEM START MERGES")
    store.command("OPTIMIZE TABLE otel_traces FINAL")
    put(store, times[2])
    prune.prune(store, times[0] + 1)
    assert left(store, "operations") == 20
    assert left(store, "otel_traces") == 30
    assert prune.oldest(store) == times[0] + 1


def test_parts_of_a_store_with_a_cap_stay_small(store: Store) -> None:
    def setting() -> str:
        made = str(store.query("SHOW CREATE TABLE messages")[0][0])
        return made.partition("max_bytes_to_merge_at_max_space_in_pool = ")[2].split(",")[0]

    prune.limit_parts(store, 32 << 20)
    assert int(setting()) == 2 << 20
    prune.limit_parts(store, None)
    assert setting() == ""
    prune.limit_parts(store, None)


# What must go on


def test_pruning_twice_is_pruning_once(store: Store) -> None:
    put(store, MONDAY)
    put(store, NOW)
    for _ in range(2):
        prune.prune(store, MONDAY + WEEK)
    assert received(store) == [NOW]
    prune.prune(store, MONDAY)
    assert prune.covered_from(store) == MONDAY + WEEK, "what has left does not come back"


def test_a_segment_of_a_week_that_left_can_still_be_replayed(store: Store) -> None:
    """After a crash and a long rest: it is stored, exactly once, and leaves with the next look."""
    put(store, MONDAY, token="left-in-the-spool")
    rollup = Rollup(store)
    rollup.run(settle=0)
    prune.prune(store, MONDAY + WEEK)
    for _ in range(2):
        flow = Flow(first_id=7_000_000)
        flow.process("payment", flow.send("shop", "orders", tapped=False))
        body = request(flow).SerializeToString()
        store.insert_spans(body, received_ns=MONDAY, token="left-in-the-spool")
    assert left(store) == 2
    rollup.run(settle=0)
    assert prune.oldest(store) == MONDAY + WEEK
    prune.prune(store, MONDAY + WEEK)
    assert left(store) == 0


def test_edges_are_computed_on_after_everything_has_left(store: Store) -> None:
    pour(an_order(), store)
    rollup = stores.rolled_up(store)
    prune.prune(store, time.time_ns() + WEEK)
    assert left(store, "edges") == 0
    assert rollup.run(settle=0) == 0
    pour(an_order(), store)
    assert rollup.run(settle=0) == 1
    counted = "SELECT role, sum(count) FROM edges WHERE role != 'empty' GROUP BY role ORDER BY role"
    assert store.query(counted) == [("consume", 1), ("produce", 1)]


def an_order() -> Flow:
    flow = Flow(first_id=next(_numbers) * 1000)
    flow.process("payment", flow.send("shop", "orders"))
    return flow


def test_how_far_a_group_had_got_is_known_beyond_the_weeks_that_left(store: Store) -> None:
    week = MONDAY + 2 * WEEK
    progress(store, [(MONDAY, 3), (MONDAY + WEEK, 10), (week + DAY, 12)])
    asked = [Position("kafka", "c1", "orders", "i1", "0", offset) for offset in (10, 12)]
    whole = {one.position.offset: one for one in StoreFacts(store).passages(asked)}
    prune.prune(store, week + DAY // 2)
    kept = {one.position.offset: one for one in StoreFacts(store).passages(asked)}

    assert left(store, "progress") == 2
    for offset in (10, 12):
        assert kept[offset].latest == whole[offset].latest
        assert kept[offset].after == whole[offset].after
        before = kept[offset].before
        assert before and before.committed == (10 if offset == 10 else 12)
    assert kept[10].began.committed == 10
    assert kept[10].began.time == week


def test_positions_and_where_groups_are_now_stay(store: Store) -> None:
    pour(an_order(), store)
    progress(store, [(MONDAY, 3)])
    prune.prune(store, time.time_ns() + WEEK)
    assert left(store, "messages") == 0
    assert left(store, "positions") == 1
    assert left(store, "progress_newest FINAL") == 1


def test_members_that_nobody_tells_of_any_more_leave(store: Store) -> None:
    for group, member, at in (("a", "1", 0), ("a", "2", WEEK), ("b", "1", 0)):
        store.insert(
            "members",
            {
                "time": [(MONDAY + at) // 10**6],
                "cluster": ["c1"],
                "consumer_group": [group],
                "member_id": [member],
                "state": ["Stable"],
            },
        )
    store.command("SYSTEM START MERGES")
    prune.prune(store, MONDAY + 2 * WEEK)

    def kept() -> bool:
        rows = store.query("SELECT consumer_group, member_id FROM members ORDER BY ALL")
        return list(rows) == [("a", "2"), ("b", "1")]

    eventually(kept)
