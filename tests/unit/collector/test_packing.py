"""What is stored of a message, and that nothing is done to most of them."""

from __future__ import annotations

from collector.conventions.own import Own
from collector.masks import MASK
from collector.packing import HEADERS_KEPT, Packing
from collector.taps.kafka_reader import apart
from collector.taps.tap import Batch, PartitionKey


def batch(*headers: list[tuple[str, bytes]]) -> Batch:
    count = len(headers)
    return Batch(
        "kafka",
        "c1",
        destination=["orders"] * count,
        incarnation=["i1"] * count,
        partition=["0"] * count,
        offset=list(range(count)),
        time=[1] * count,
        key=[None] * count,
        header_names=[[name for name, _ in one] for one in headers],
        header_values=[[value for _, value in one] for one in headers],
        value=[b"{}"] * count,
    )


def test_headers_that_need_nothing_stay_as_they_are() -> None:
    packing = Packing(Own(), masked=["secret"], header_bytes=3)
    made = batch([("a", b"123")], [])
    names, values = packing._headers(made)
    assert names is made.header_names
    assert values is made.header_values
    assert packing.cut_values == 0


def test_only_the_headers_that_need_it_are_changed() -> None:
    packing = Packing(Own(), masked=["secret"], header_bytes=len(MASK))
    many = [(f"h{at}", b"") for at in range(HEADERS_KEPT + 1)]
    made = batch([("Secret", b"1"), ("a", b"x" * 1000)], many, [("a", b"123")])
    names, values = packing._headers(made)
    assert (list(names[0]), list(values[0])) == (["Secret", "a"], [MASK, b"x" * len(MASK)])
    assert len(names[1]) == len(values[1]) == HEADERS_KEPT
    assert (list(names[2]), list(values[2])) == (["a"], [b"123"])
    assert packing.cut_values == 2
    assert len(made.header_names[1]) == HEADERS_KEPT + 1, "what a tap handed over stays as it was"


def test_a_batch_is_its_halves() -> None:
    made = batch([("a", b"1")], [("b", b"2")], [])
    made.next_offsets = {PartitionKey("kafka", "c1", "orders", "i1", "0"): 3}
    first, second = made.halves()
    assert (first.offset, second.offset) == ([0], [1, 2])
    assert first.header_values + second.header_values == made.header_values
    assert first.next_offsets == {}, "the second half is not passed before it is stored"
    assert second.next_offsets == made.next_offsets


def test_names_and_values_of_headers_come_apart() -> None:
    names, values = apart([[("a", b"1"), ("a", None)], (), [("b", b"")]])
    assert [list(one) for one in names] == [["a", "a"], [], ["b"]]
    assert [list(one) for one in values] == [[b"1", b""], [], [b""]]
