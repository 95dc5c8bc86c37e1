"""Messages without marks are read by the cheap view as they would be by the whole tables."""

from __future__ import annotations

import itertools
from typing import Any

import hypothesis.strategies as some
from hypothesis import given, settings

from collector.conventions import headers
from collector.conventions.own import BusinessId, Own
from collector.conventions.plain import Plain
from collector.conventions.profiles import Profile
from collector.store.client import Store
from tests.unit.collector.conventions.engine import read_messages

T, S = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

NAMES = [
    "traceparent",
    "Traceparent",
    "Content-Type",
    "x-unknown",
    *(name for field in headers.FIELDS for name in field.headers),
]
VALUES = ["", "v1", "v2", f"00-{T}-{S}-01", f" cc-{T}-{S}-01-x", f"00-{'0' * 32}-{S}-01", "a/b"]


def test_a_plain_message_says_the_same_to_both_views(store: Store) -> None:
    plain = Plain()
    told = [[pair] for pair in itertools.product(NAMES, VALUES)]
    told += [[(name, "1"), (other, "2")] for name, other in itertools.permutations(NAMES, 2)]
    odd = [
        one
        for one in told
        if not plain.covers([[name for name, _ in one]], [[v.encode() for _, v in one]], [b"{}"])
    ]
    assert odd == []

    whole = read_messages(store, *told)
    store.command("TRUNCATE TABLE messages")
    cheap = read_messages(store, *told, table="messages_plain_in")

    def essence(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: row[name] for name in row if name != "received"} for row in rows]

    assert essence(cheap) == essence(whole)


@settings(max_examples=200)
@given(some.lists(some.lists(some.sampled_from([*NAMES, "B3", "SW8", "task"]), max_size=4)))
def test_each_message_of_a_plain_batch_is_plain(batch: list[list[str]]) -> None:
    plain = Plain()
    values = [[b"v"] * len(names) for names in batch]
    bodies: list[bytes | None] = [b"{}"] * len(batch)
    if plain.covers(batch, values, bodies):
        for names, said in zip(batch, values, strict=True):
            assert plain.covers([names], [said], [None])


def test_what_is_not_plain() -> None:
    plain = Plain()
    told = ["content-type"]
    assert plain.covers([told], [[b"application/json"]], [b'{"id": 1}'])
    assert not plain.covers([told], [[b"Application/CloudEvents+json"]], [b"{}"])
    assert not plain.covers([[]], [[]], [b'{"specversion": "1.0"}'])
    assert plain.covers([[]], [[]], [None])
    assert plain.covers([], [], [])


def test_a_user_s_own_marks_are_marks() -> None:
    own = Own((Profile("acme", marks=("x-acme-id", "$.meta.acme")),), (BusinessId("o", ("x",)),))
    plain = Plain(own)
    assert plain.covers([["x-other"]], [[b"1"]], [b'{"meta": {}}'])
    assert not plain.covers([["X-Acme-Id"]], [[b"1"]], [b""])
    assert not plain.covers([[]], [[]], [b'{"meta": {"acme": 1}}'])
