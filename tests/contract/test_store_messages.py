"""What the store makes of tapped records: nothing is bent on the way in."""

from __future__ import annotations

import time
from typing import Any

import pytest

from collector.intake import Intake
from collector.metrics import Counters
from collector.store import bodies, gaps, queries
from collector.store.client import Store, StoreError
from collector.store.facts import StoreFacts
from collector.taps.tap import PartitionKey
from graph.gaps import told
from graph.model import Message, Position
from graph.payloads import SAMPLES, Body, PayloadKey
from tests import stores


def put(store: Store, *messages: dict[str, Any]) -> list[Message]:
    """Store records, tell their positions, and look them up."""
    columns: dict[str, list[Any]] = {}
    places = []
    for offset, message in enumerate(messages):
        row: dict[str, Any] = {
            "received": time.time_ns(),
            "environment": "",
            "system": "kafka",
            "cluster": "c1",
            "destination": "orders",
            "incarnation": "i1",
            "partition": "0",
            "offset": offset,
            "time": 1_700_000_000_000,
            "key": None,
            "header_names": [],
            "header_values": [],
            "value": b"v",
            "value_size": 1,
        } | message
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
        places.append(Position("kafka", "c1", "orders", row["incarnation"], "0", row["offset"]))
    store.insert("messages_in", columns)
    return sorted(StoreFacts(store).messages(places), key=lambda message: message.position)


def test_headers_keep_their_order_and_their_duplicates(store: Store) -> None:
    names = ["b", "a", "traceparent", "b", "traceparent"]
    (message,) = put(
        store, {"header_names": names, "header_values": [b"1", b"2", b"x", b"3", b"y"]}
    )
    assert message.headers == (
        ("b", "1"),
        ("a", "2"),
        ("traceparent", "x"),
        ("b", "3"),
        ("traceparent", "y"),
    )


def test_bytes_that_are_no_text_are_shown_as_hex(store: Store) -> None:
    (message,) = put(
        store,
        {
            "key": b"\xff\x01",
            "value": b"\x00\xfe",
            "value_size": 2,
            "header_names": ["bin", "ce_id", "text"],
            "header_values": [b"\x80", b"\xc3\x28", "ö".encode()],
        },
    )
    assert message.key == "hex:ff01"
    assert message.value == "hex:00fe"
    assert message.message_id == "hex:c328"
    assert message.headers == (("bin", "hex:80"), ("ce_id", "hex:c328"), ("text", "ö"))


def test_a_tombstone_is_not_an_empty_value(store: Store) -> None:
    tombstone, empty = put(
        store, {"value": None, "value_size": -1}, {"value": b"", "value_size": 0}
    )
    assert (tombstone.value, tombstone.value_size) == (None, 0)
    assert (empty.value, empty.value_size) == ("", 0)


def test_a_topic_made_anew_begins_at_zero_with_other_messages(store: Store) -> None:
    first, second = put(
        store,
        {"incarnation": "i1", "offset": 0, "value": b"old"},
        {"incarnation": "i2", "offset": 0, "value": b"new"},
    )
    assert (first.value, second.value) == ("old", "new")
    assert first.position != second.position


def test_a_message_read_again_is_the_same_one(store: Store) -> None:
    for _ in range(2):
        (message,) = put(store, {"header_names": ["ce_id"], "header_values": [b"m1"]})
    assert message.message_id == "m1"
    assert queries.counted(store)["messages"] == 1
    assert len(StoreFacts(store).resolve("m1")) == 1


@pytest.mark.parametrize(
    ("said", "kept"), [(-1, 0), (0, 0), (2**63 - 1, 9_223_372_036_854), (-(2**63), 0)]
)
def test_a_records_time_says_anything(store: Store, said: int, kept: int) -> None:
    headers = {
        "header_names": ["ce_id", "traceparent"],
        "header_values": [b"m1", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"],
    }
    (message,) = put(store, {"time": said, **headers})
    assert message.time == kept * 10**6
    assert stores.rolled_up(store)


@pytest.mark.parametrize(
    "row",
    [{"offset": 2**63}, {"destination": "\udc80"}, {"header_names": ["a"], "header_values": []}],
    ids=["number", "text", "lengths"],
)
def test_a_value_that_cannot_be_written_will_not_pass_later_either(
    store: Store, row: dict[str, Any]
) -> None:
    with pytest.raises(StoreError) as refused:
        put(store, row)
    assert not refused.value.passing


def test_what_taps_missed_is_told_the_newest_first(store: Store) -> None:
    intake = Intake(store, Counters(), lambda: None)
    begun = time.time_ns()
    key = PartitionKey("kafka", "c1", "orders", "i1", "0")
    intake.gap(key, 5, 7, "retention")
    intake.gap(key._replace(destination="stock"), 0, 0, "unreadable: checksum")
    found = gaps.gaps(store)
    assert {str(gap) for gap in found} == {"orders/0/5..7", "stock/0/0"}
    assert found == sorted(found, key=lambda gap: -gap.noticed)
    (gap,) = gaps.gaps(store, ["orders"])
    assert (gap.incarnation, gap.reason, gap.count) == ("i1", "retention", 3)
    assert begun - 10**6 < gap.noticed < time.time_ns()
    assert told(found).startswith("4 offsets were missed in all; the newest: ")
    assert intake.missed == 4


def bodies_of(store: Store, *, start: int = 0, end: int = 0) -> list[Body]:
    return bodies.bodies(store, start, end or 2**62)


def of_type(name: bytes) -> dict[str, Any]:
    return {"header_names": ["ce_id", "ce_type"], "header_values": [b"1", name]}


def test_bodies_of_each_kind_are_the_newest(store: Store) -> None:
    put(
        store,
        *({"offset": number, "value": b"%d" % number} for number in range(SAMPLES + 5)),
        {"offset": 100, "value": b'{"n": 1', "value_size": 99, **of_type(b"Paid")},
        {"offset": 101, "value": None, "value_size": -1},
        {"offset": 102, "value": b"\xff\xfe", "value_size": 2, **of_type(b"Packed")},
    )
    found = bodies_of(store)
    key = PayloadKey("kafka", "c1", "orders", "")
    plain = {body.text for body in found if body.key == key}
    assert plain == {str(number) for number in range(5, SAMPLES + 5)}
    assert {body for body in found if body.key != key} == {
        Body(key._replace(event_type="Paid"), '{"n": 1', True),
        Body(key._replace(event_type="Packed"), "hex:fffe", False),
    }


def test_bodies_are_of_a_window(store: Store) -> None:
    put(
        store,
        *({"offset": n, "time": 1_700_000_000_000 + n, "value": b"%d" % n} for n in range(4)),
    )
    start = 1_700_000_000_001 * 10**6
    found = bodies_of(store, start=start, end=start + 2 * 10**6)
    assert {body.text for body in found} == {"1", "2"}
    assert bodies_of(store, start=start + 10**9) == []
