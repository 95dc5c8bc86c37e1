"""Messages as a tap hands them over."""

from __future__ import annotations

from collector.taps.tap import Batch, PartitionKey

PLACE = PartitionKey("kafka", "c1", "orders", "i1", "0")


def batch(offset: int) -> Batch:
    """One message there, without a key or headers."""
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
