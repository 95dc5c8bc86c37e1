"""What record headers say is read into one row, by the real engine."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from collector.conventions import headers
from collector.store.client import Store
from tests import vectors
from tests.unit.collector.conventions.engine import contexts, read_messages

T1, T2 = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
S1, S2 = "b7ad6b7169203331", "00f067aa0ba902b7"
OURS = f"00-{T1}-{S1}-01"
OTHER = f"00-{T2}-{S2}-00"


def test_every_header_fills_its_column_in_any_case(store: Store) -> None:
    names = [(field.column, name) for field in headers.FIELDS for name in field.headers]
    spelt = [name for _, name in names] + [name.title() for _, name in names]

    rows = read_messages(store, *([(name, "Value-7")] for name in spelt))

    wrong = [
        name
        for (column, name), row in zip(names * 2, rows, strict=True)
        if row[column] != "Value-7"
    ]
    assert wrong == []


def test_the_header_that_is_trusted_most_wins_in_any_order(store: Store) -> None:
    pairs = [
        (field.column, better, worse)
        for field in headers.FIELDS
        for better, worse in zip(field.headers, field.headers[1:], strict=False)
    ]
    told = [[(better, "1"), (worse, "2")] for _, better, worse in pairs]
    told += [[(worse, "2"), (better, "1")] for _, better, worse in pairs]

    rows = read_messages(store, *told)

    assert [row[column] for (column, _, _), row in zip(pairs * 2, rows, strict=True)] == (
        ["1"] * len(told)
    )


def test_an_empty_header_is_passed_over_and_of_two_the_first_is_read(store: Store) -> None:
    empty, twice = read_messages(
        store, [("ce_id", ""), ("message-id", "m1")], [("ce_id", "m1"), ("ce_id", "m2")]
    )
    assert (empty["message_id"], twice["message_id"]) == ("m1", "m1")


# Trace contexts


def _w3c() -> dict[str, dict[str, Any]]:
    return {
        f"{path.name}/{number}-{case['test']}": case
        for path in vectors.files("w3c/w3c_vectors.json")
        for number, case in enumerate(vectors.read(path))
        # Two of them are an error in HTTP; a record keeps them all.
        if case["test"] != "test_traceparent_duplicated"
    }


def _as_w3c_wants(case: dict[str, Any], read: list[str]) -> bool:
    said = "\n".join(case["asserts"])
    wanted = re.findall(r"assertEqual\(traceparent\.trace_id\.hex\(\), '(\w+)'", said)
    unwanted = re.findall(r"assertNotEqual\(traceparent\.trace_id\.hex\(\), '([^']+)'", said)
    named = any(name.lower() == "traceparent" for name, _ in case["headers"])
    if wanted:
        return read == wanted
    if unwanted or not named:
        return read == []
    # The rest is about tracestate; its traceparent is a good one.
    return len(read) == 1


@vectors.needs_vectors
def test_traceparents_are_read_as_strictly_as_w3c_wants(store: Store) -> None:
    cases = _w3c()
    assert cases

    rows = read_messages(
        store, *([(name, value) for name, value in case["headers"]] for case in cases.values())
    )

    read = {
        name: [trace for trace, _ in contexts(row)] for name, row in zip(cases, rows, strict=True)
    }
    assert {name: read[name] for name in cases if not _as_w3c_wants(cases[name], read[name])} == {}


def read(store: Store, *told: Sequence[tuple[str, str | bytes]]) -> list[list[tuple[str, str]]]:
    return [contexts(row) for row in read_messages(store, *told)]


def test_all_contexts_are_kept_in_order_once_each(store: Store) -> None:
    (found,) = read(
        store,
        [("traceparent", OURS), ("x", "y"), ("TraceParent", OTHER), ("traceparent", OURS)],
    )
    assert found == [(T1, S1), (T2, S2)]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f"{T1}-{S1}-1-{S2}", [(T1, S1)]),
        (f"{T1}-{S1}-d", [(T1, S1)]),
        (f"{T1}-{S1}", [(T1, S1)]),
        (f"{T1[16:]}-{S1}-0", [("0" * 16 + T1[16:], S1)]),
        ("0", []),
        (f"{T1}-{S1}-x", []),
        (f"{T1}-{S1}-1-", []),
        (f"{T1.upper()}-{S1}", []),
        (f"{T1[:20]}-{S1}", []),
        (f"{'0' * 32}-{S1}", []),
        (f"{'0' * 16}-{S1}", []),
        (f"{T1}-{'0' * 16}", []),
    ],
)
def test_b3_in_one_header(store: Store, value: str, found: list[tuple[str, str]]) -> None:
    assert read(store, [("b3", value)], [("B3", value)]) == [found, found]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ([("X-B3-TraceId", T1), ("X-B3-SpanId", S1)], [(T1, S1)]),
        ([("x-b3-spanid", S1), ("x-b3-sampled", "1"), ("x-b3-traceid", T1)], [(T1, S1)]),
        ([("x-b3-traceid", T1.upper()), ("x-b3-spanid", S1.upper())], [(T1, S1)]),
        ([("x-b3-traceid", T1[16:]), ("x-b3-spanid", S1)], [("0" * 16 + T1[16:], S1)]),
        (
            [("x-b3-traceid", value) for value in (T1, T2)]
            + [("x-b3-spanid", value) for value in (S1, S2)],
            [(T1, S1), (T2, S2)],
        ),
        ([("x-b3-traceid", T1)], []),
        ([("x-b3-spanid", S1)], []),
        ([("x-b3-traceid", "xyz"), ("x-b3-spanid", S1)], []),
        ([("x-b3-traceid", ""), ("x-b3-spanid", S1)], []),
        ([("x-b3-traceid", T1), ("x-b3-spanid", "")], []),
    ],
)
def test_b3_in_several_headers(
    store: Store, told: list[tuple[str, str]], found: list[tuple[str, str]]
) -> None:
    assert read(store, told) == [found]


def test_w3c_and_b3_beside_each_other_are_both_kept(store: Store) -> None:
    told = [("b3", f"{T2}-{S2}-1"), ("traceparent", OURS), ("x-b3-traceid", T1)]
    assert read(store, [*told, ("x-b3-spanid", S1)]) == [[(T1, S1), (T2, S2)]]


def test_a_header_that_is_no_text_harms_nothing(store: Store) -> None:
    (row,) = read_messages(
        store, [("traceparent", b"\xff\xfe\x00"), ("ce_id", b"\xff"), ("traceparent", OURS)]
    )
    assert contexts(row) == [(T1, S1)]


# CloudEvents

STRUCTURED = "application/cloudevents+json"


def test_the_context_in_which_the_event_began_stands_in_for_that_of_the_hop(store: Store) -> None:
    for prefix in ("ce_", "ce-", "cloudEvents:", "cloudEvents_"):
        began = (f"{prefix}traceparent", OTHER)
        assert read(store, [began], [began, ("traceparent", OURS)]) == [[(T2, S2)], [(T1, S1)]]


def test_a_structured_event_can_carry_its_context(store: Store) -> None:
    event = json.dumps({"id": "e1", "traceparent": OTHER}).encode()
    rows = read_messages(
        store,
        [("content-type", STRUCTURED)],
        [("content-type", STRUCTURED), ("traceparent", OURS)],
        [("content-type", "application/json")],
        value=event,
    )
    assert [contexts(row) for row in rows] == [[(T2, S2)], [(T1, S1)], []]


def test_a_structured_event_that_is_stored_cut_is_read_whole(store: Store) -> None:
    event = json.dumps({"data": "x" * 100, "id": "e1", "type": "t", "source": "s"}).encode()
    (row,) = read_messages(store, [("content-type", STRUCTURED)], value=event[:10], event=event)
    assert (row["message_id"], row["event_type"], row["source"]) == ("e1", "t", "s")
    assert row["value"] == event[:10].decode()


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"[]", b"null", b'"id"', b'{"id": ""}', b"\xff\xfe"]
)
def test_a_structured_event_that_is_none_is_read_by_its_headers(
    store: Store, value: bytes | None
) -> None:
    (row,) = read_messages(store, [("Content-Type", STRUCTURED), ("message-id", "m1")], value=value)
    assert row["message_id"] == "m1"


def test_an_attribute_that_is_a_number_is_read_as_it_is_written(store: Store) -> None:
    event = b'{"id": 7, "correlationid": 12}'
    (row,) = read_messages(store, [("content-type", STRUCTURED)], value=event)
    assert (row["message_id"], row["correlation_id"]) == ("7", "12")


def _table(text: str) -> dict[str, str]:
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if "|" in line]
    return {cells[0].strip(): cells[1].strip() for cells in rows[1:]}


def _kafka_binding() -> list[Any]:
    cases = []
    for path in vectors.files("cloudevents/kafka-protocol-binding.feature"):
        for scenario in path.read_text(encoding="utf-8").split("Scenario")[1:]:
            payload = scenario.split('"""')[1]
            told, wanted = scenario.split("Kafka headers:")[1].split("attributes are:")
            for content_type in re.findall(r"\| (application/cloudevents\S.*?) *\|", wanted) or [
                ""
            ]:
                names = {
                    name: content_type if value == "<contentType>" else value
                    for name, value in _table(told).items()
                }
                attributes = _table(wanted.split('"""')[0])
                cases.append(pytest.param(payload, names, attributes, id=content_type or "binary"))
    assert len(cases) in (0, 3)
    return cases


@vectors.needs_vectors
@pytest.mark.parametrize(("payload", "told", "attributes"), _kafka_binding())
def test_the_kafka_binding_of_cloudevents(
    store: Store, payload: str, told: dict[str, str], attributes: dict[str, str]
) -> None:
    (row,) = read_messages(store, list(told.items()), value=payload.encode())
    assert row["message_id"] == attributes["id"]
    assert row["event_type"] == attributes["type"]
    assert row["source"] == attributes["source"]


def _conformance() -> list[Any]:
    cases = []
    for path in vectors.files("cloudevents/v1.yaml"):
        for document in path.read_text(encoding="utf-8").split("\n---\n"):
            mode = re.findall(r"^Mode: (\w+)", document)[0]
            attributes = dict(re.findall(r"^  (\w+): ([^\n|]+)$", document, re.MULTILINE))
            cases.append(pytest.param(mode, attributes, id=mode))
    return cases


@vectors.needs_vectors
@pytest.mark.parametrize(("mode", "attributes"), _conformance())
@pytest.mark.parametrize("prefix", ["ce_", "ce-", "cloudEvents:", "cloudEvents_"])
def test_the_conformance_events_of_cloudevents(
    store: Store, mode: str, attributes: dict[str, str], prefix: str
) -> None:
    assert attributes["id"] and attributes["type"] and attributes["source"]
    if mode == "binary":
        told = [(f"{prefix}{name}", value) for name, value in attributes.items()]
        (row,) = read_messages(store, told)
    else:
        event = json.dumps(attributes).encode()
        (row,) = read_messages(store, [("content-type", STRUCTURED)], value=event)
    assert (row["message_id"], row["event_type"], row["source"]) == (
        attributes["id"],
        attributes["type"],
        attributes["source"],
    )
