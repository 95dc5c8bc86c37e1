"""The intake at its end: what it leaves out must be read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from collector import intake as module
from collector import pace
from collector.intake import Intake
from collector.metrics import Counters
from collector.packing import Packing
from collector.store.client import Store
from collector.taps.tap import Batch, PartitionKey
from tests.batches import PLACE, batch
from tests.running import eventually

LONG = 60.0
"""Seconds: more than a test takes."""

Blocks = Sequence[tuple[int, bytes | bytearray]]

ROWS = (
    *("destination", "incarnation", "partition", "offset", "time"),
    *("key", "header_names", "header_values", "value"),
)


def test_after_its_stop_no_position_passes_what_was_left_out(store: Store) -> None:
    counters = Counters()
    intake = Intake(store, counters, lambda: None)
    intake.messages(batch(0))
    intake.start()
    assert intake.stop(20)
    intake.messages(batch(1))
    assert counters.under_way("messages", "kafka") == 0
    assert dict(intake.positions("kafka", "c1")) == {PLACE: 1}
    assert store.query("SELECT offset FROM messages") == [(0,)]


def test_what_cannot_be_written_down_holds_up_nothing_else(store: Store) -> None:
    counters = Counters()
    intake = Intake(store, counters, lambda: None)
    intake.start()
    several = [batch(offset) for offset in range(10, 15)]
    together = several[0]
    for one in several[1:]:
        for name in ROWS:
            getattr(together, name).extend(getattr(one, name))
    together.header_values[2] = [b"a value without a name"]
    together.time[3] = 2**63
    together.next_offsets = {PLACE: 15}
    intake.messages(together)
    assert intake.stop(20)
    counted = counters.snapshot()["messages"]["kafka"]
    assert [counted[one] for one in ("received", "rejected", "stored")] == [5, 2, 3]
    assert counters.under_way("messages", "kafka") == 0
    stored = store.query("SELECT offset FROM messages WHERE offset >= 10 ORDER BY offset")
    assert [offset for (offset,) in stored] == [10, 11, 14]
    assert dict(intake.positions("kafka", "c1")) == {PLACE: 15}


def test_an_insert_that_is_tried_again_fills_what_is_missing(store: Store) -> None:
    packed = Packing(store.own).packed(batch(20))

    def insert(token: str) -> None:
        blocks = [(len(packed), packed.columns)]
        store.insert_messages("messages_in", blocks, received_ns=1, token=token)

    def rows() -> int:
        return int(store.query("SELECT count() FROM messages WHERE offset = 20")[0][0])

    store.command("SYSTEM STOP MERGES messages")
    try:
        insert("first")
        insert("first")
        assert rows() == 1
        insert("second")
        assert rows() == 2, "a message that is read again lies there twice until parts merge"
    finally:
        store.command("SYSTEM START MERGES messages")


def test_an_insert_takes_so_many_bytes_at_most(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    insert = Store.insert_messages

    def noted(self: Store, table: str, blocks: Blocks, **named: Any) -> None:
        sizes.append(sum(len(columns) for _, columns in blocks))
        insert(self, table, blocks, **named)

    monkeypatch.setattr(Store, "insert_messages", noted)
    monkeypatch.setattr(module, "BYTES_TOGETHER", 4 << 10)
    intake = Intake(store, Counters(), lambda: None)
    for offset in range(30, 40):
        one = batch(offset)
        one.value[0] = bytes(1 << 10)
        intake.messages(one)
    large = batch(40)
    large.value[0] = bytes(8 << 10)
    intake.messages(large)
    intake.start()
    assert intake.stop(20)
    *several, last = sizes
    assert len(several) == 5 and max(several) <= 4 << 10
    assert last > 8 << 10, "one alone is stored whatever it is"
    assert store.query("SELECT uniqExact(offset) FROM messages WHERE offset >= 30") == [(11,)]


def test_what_takes_much_memory_does_not_wait_for_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "UNSEEN_REST", LONG)
    monkeypatch.setattr(module, "ENOUGH_BYTES", 64 << 10)
    # Of such a body nothing is stored, but it lies there until its message is.
    packing = Packing(store.own, body_bytes=0)
    intake = Intake(store, Counters(), lambda: None, packing=packing, seen=lambda: False)
    intake.start()

    def stored() -> int:
        return int(store.query("SELECT count() FROM messages WHERE offset >= 50")[0][0])

    intake.messages(batch(50))
    eventually(lambda: stored() == 1, LONG)
    large = batch(51)
    large.value[0] = b"\xff" * (64 << 10)
    intake.messages(large)
    eventually(lambda: stored() == 2, LONG / 2)
    assert intake.stop(20)


def test_where_a_tap_begins_is_stored_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "UNSEEN_REST", LONG)
    intake = Intake(store, Counters(), lambda: None, seen=lambda: False)
    intake.start()

    def begins(place: PartitionKey) -> None:
        intake.messages(Batch("kafka", "c1", next_offsets={place: 7}))
        eventually(lambda: intake.positions("kafka", "c1").get(place) == 7, LONG / 2)

    for partition in "012":
        begins(PLACE._replace(partition=partition))
    assert intake.stop(20)
