"""The intake at its end: what it leaves out must be read again."""

from __future__ import annotations

from collector.intake import Intake
from collector.metrics import Counters
from collector.store.client import Store
from collector.taps.tap import Batch, PartitionKey

PLACE = PartitionKey("kafka", "c1", "orders", "i1", "0")


def batch(offset: int) -> Batch:
    return Batch(
        "kafka",
        "c1",
        destination=["orders"],
        incarnation=["i1"],
        partition=["0"],
        offset=[offset],
        time=[1_700_000_000_000],
        key=[None],
        header_names=[[]],
        header_values=[[]],
        value=[b"v"],
        next_offsets={PLACE: offset + 1},
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
