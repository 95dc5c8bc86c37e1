"""What the store makes of spans: each exactly once, nothing bent on the way in."""

from __future__ import annotations

import time
from typing import Any

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2

from collector.store import queries, views
from collector.store.client import READERS, Store, StoreError
from collector.store.facts import StoreFacts
from tests.builders import Flow
from tests.poured import pour, request

TABLES = ("otel_traces", "operations", "relations", "ids")
WEEK = 7 * 24 * 3600 * 10**9


def rows(store: Store) -> dict[str, int]:
    """Rows in each table that spans fill."""
    return {name: store.query(f"SELECT count() FROM {name}")[0][0] for name in TABLES}


def an_order() -> bytes:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False, span={"message_id": "m1"})
    flow.process("payment", order, by="link")
    return request(flow).SerializeToString()


ONCE = {"otel_traces": 2, "operations": 2, "relations": 1, "ids": 1}


# Exactly once


def test_a_segment_inserted_twice_is_there_once(store: Store) -> None:
    for _ in range(3):
        store.insert_spans(an_order(), received_ns=time.time_ns() // WEEK * WEEK, token="segment-1")
    assert rows(store) == ONCE


def test_two_segments_of_the_same_bytes_are_two(store: Store) -> None:
    store.insert_spans(an_order(), received_ns=WEEK, token="segment-1a")
    store.insert_spans(an_order(), received_ns=WEEK, token="segment-1b")
    assert rows(store)["otel_traces"] == 4


def test_spans_that_an_exporter_sent_again_are_seen_once(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="m1")
    handled = flow.process("payment", order, by="link")
    for _ in range(3):
        pour(flow, store)
    facts = StoreFacts(store)
    assert order.context and order.position
    traces = [order.context.trace_id, handled.context.trace_id]

    assert len(facts.operations(traces)) == 2
    assert len(facts.spans(traces)) == 2
    assert sorted(str(one.source) for one in facts.pointing_into(traces)) == sorted(
        [str(order.position), str(handled.context)]
    )
    assert len(facts.messages([order.position])) == 1
    assert len([one for one in facts.resolve("m1") if one.position]) == 1
    assert queries.counted(store) == {"spans": 2, "messages": 1}


@pytest.mark.parametrize(
    "view", ["keep_spans", "keep_operations", "relate_operations", "index_operations"]
)
def test_an_insert_that_broke_off_at_a_table_is_repeated_without_doubles(
    store: Store, view: str
) -> None:
    # An insert through a chain of views is not atomic: a view that fails leaves others filled.
    table, select = views.views()[view]
    source = "spans" if view == "keep_spans" else "operations_in"
    store.command("CREATE TABLE sink (x Int64) ENGINE = MergeTree ORDER BY x")
    store.command(f"DROP VIEW {view}")
    store.command(
        f"CREATE MATERIALIZED VIEW broken TO sink AS "
        f"SELECT toInt64(throwIf(sleep(0.5) = 0)) AS x FROM {source}"
    )
    try:
        with pytest.raises(StoreError):
            store.insert_spans(an_order(), received_ns=WEEK, token=f"broken-{view}")
        broken = rows(store)
    finally:
        store.command("DROP VIEW broken")
        store.command("DROP TABLE sink")
        store.command(f"CREATE MATERIALIZED VIEW {view} TO {table} AS {select}")
    # How far it got with the others is up to the machine.
    assert broken[table] == 0 and any(broken.values()), "this time the engine broke off elsewhere"

    store.insert_spans(an_order(), received_ns=WEEK, token=f"broken-{view}")

    assert rows(store) == ONCE


# What spans are


def spans(store: Store, *made: trace_pb2.Span, received_ns: int | None = None) -> None:
    data = trace_pb2.TracesData()
    data.resource_spans.add().scope_spans.add().spans.extend(made)
    store.insert_spans(
        data.SerializeToString(), received_ns=received_ns or time.time_ns(), token=repr(made)
    )


def span(number: int = 1, **fields: Any) -> trace_pb2.Span:
    ids: dict[str, Any] = {
        "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
    }
    return trace_pb2.Span(**(ids | {"name": f"span {number}", "kind": 5} | fields))


CLOCKS = {
    "1970": (0, 0),
    "1970 and a bit": (1, 1),
    "2036": (2_085_978_496 * 10**9, 2_085_978_496 * 10**9),
    "2262": (2**63 - 1, 2**63 - 1),
    "beyond 2262": (2**64 - 1, 2**63 - 1),
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_producers_clock_says_anything_and_the_week_is_that_of_receipt(
    store: Store, clock: str
) -> None:
    said, kept = CLOCKS[clock]
    spans(store, span(start_time_unix_nano=said, end_time_unix_nano=2**64 - 1), span(2))

    (found,) = StoreFacts(store).spans([f"{1:032x}"])
    assert found.start == kept
    assert found.end == 2**63 - 1
    assert StoreFacts(store).operations([f"{1:032x}"])[0].start == kept
    weeks = store.query(
        "SELECT DISTINCT toMonday(ReceivedAt, 'UTC') = toMonday(now(), 'UTC') FROM otel_traces"
    )
    assert weeks == [(True,)]


def test_one_insert_spans_a_hundred_days_of_clocks(store: Store) -> None:
    day = 24 * 3600 * 10**9
    spans(store, *(span(n, start_time_unix_nano=n * 30 * day) for n in range(1, 400)))
    assert rows(store)["operations"] == 399
    assert store.query("SELECT uniqExact(_partition_id) FROM operations") == [(1,)]


def test_receipt_in_several_weeks_is_found_across_them(store: Store) -> None:
    now = time.time_ns()
    for week in range(3):
        spans(store, span(week + 1), received_ns=now - week * WEEK)
    assert store.query("SELECT uniqExact(_partition_id) FROM otel_traces") == [(3,)]
    assert len(StoreFacts(store).spans([f"{n:032x}" for n in (1, 2, 3)])) == 3


def test_an_end_before_the_start_is_no_time_at_all(store: Store) -> None:
    spans(store, span(start_time_unix_nano=100, end_time_unix_nano=50))
    (found,) = StoreFacts(store).spans([f"{1:032x}"])
    assert (found.start, found.end) == (100, 100)


@pytest.mark.parametrize(
    "ids",
    [
        {"trace_id": b""},
        {"span_id": b""},
        {"trace_id": bytes(16)},
        {"span_id": bytes(8)},
        {"trace_id": b"short"},
        {"span_id": b"much too long"},
    ],
    ids=str,
)
def test_a_span_without_a_valid_id_is_left_out_and_harms_no_other(
    store: Store, ids: dict[str, bytes]
) -> None:
    spans(store, span(1, **ids), span(2))
    assert rows(store)["otel_traces"] == rows(store)["operations"] == 1


def attributes(store: Store, **values: dict[str, Any]) -> dict[str, str]:
    """How attribute values are kept, by name."""
    made = span()
    for name, value in values.items():
        made.attributes.add(key=name, value=value)
    spans(store, made)
    (kept,) = store.query("SELECT SpanAttributes FROM otel_traces")[0]
    return dict(kept)


def test_zero_false_and_empty_are_not_absent(store: Store) -> None:
    kept = attributes(
        store,
        zero={"int_value": 0},
        false={"bool_value": False},
        nought={"double_value": 0.0},
        empty={"string_value": ""},
        nothing={},
        none={"bytes_value": b""},
    )
    assert kept == {
        "zero": "0",
        "false": "false",
        "nought": "0",
        "empty": "",
        "nothing": "",
        "none": "",
    }


def test_values_of_every_type_are_kept_as_text(store: Store) -> None:
    kept = attributes(
        store,
        number={"int_value": -(2**63)},
        double={"double_value": 1.5},
        true={"bool_value": True},
        bytes={"bytes_value": b"\x00\xff"},
        list={"array_value": {"values": [{"int_value": 0}, {"string_value": 'a"b'}]}},
        map={"kvlist_value": {"values": [{"key": "k", "value": {"bool_value": False}}]}},
    )
    assert kept == {
        "number": "-9223372036854775808",
        "double": "1.5",
        "true": "true",
        "bytes": "AP8=",
        "list": '[0,"a\\"b"]',
        "map": '{"k":false}',
    }


def test_text_that_is_no_utf8_is_stored_and_shown(store: Store) -> None:
    # Protobuf's own writer refuses such strings; some exporters send them all the same.
    good = an_order()
    bad = good.replace(b"orders", b"ord\xffrs")
    assert bad != good
    store.insert_spans(bad, received_ns=time.time_ns(), token="no-utf8")

    found = StoreFacts(store).operations([f"{1:032x}"])

    assert {one.destination for one in found} == {"ord\ufffdrs"}


# Refusals


def test_what_the_engine_cannot_read_will_not_pass_later_either(store: Store) -> None:
    with pytest.raises(StoreError) as refused:
        store.insert_spans(b"\x0a\x05abc", received_ns=WEEK, token="garbage")
    assert not refused.value.passing
    assert rows(store) == dict.fromkeys(TABLES, 0)


def test_a_table_that_is_missing_is_not_the_contents_fault(store: Store) -> None:
    store.command("RENAME TABLE ids TO ids_elsewhere")
    try:
        with pytest.raises(StoreError) as refused:
            store.insert_spans(b"\x0a\x05abc", received_ns=WEEK, token="garbage")
    finally:
        store.command("RENAME TABLE ids_elsewhere TO ids")
    assert refused.value.passing


def test_an_answer_is_its_own_questions_also_after_one_that_failed_half_way(store: Store) -> None:
    failing = "SELECT number, throwIf(number = 150000) FROM numbers(200000)"
    for number in range(READERS + 1):
        with pytest.raises(StoreError, match="throwIf"):
            store.query(failing)
        assert store.query(f"SELECT {number}") == [(number,)]


def test_keys_of_a_question_are_bound_as_they_are(store: Store) -> None:
    texts = ["", "'", "\\", "\\'", "a\tb", "a\r\nb", "`x`", '"q"', "\0z", "']", "')", "{a:String}"]
    texts += ["é漢😀", "\\n", "\\N", "NULL", "--", "/*", "'; DROP TABLE messages; --"]
    pairs = [(text, -number) for number, text in enumerate(texts)]

    ((bare,),) = store.query("SELECT {keys:Array(String)}", {"keys": texts})
    ((told,),) = store.query("SELECT {keys:Array(Tuple(String, Int64))}", {"keys": pairs})

    assert bare == texts
    assert told == pairs
    assert store.query("SELECT {keys:Array(String)}", {"keys": []}) == [([],)]
