"""After a re-index a store holds what a fresh one would, however its conventions were before."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from collector.conventions import headers, spans
from collector.conventions.own import Own
from collector.intake import Intake
from collector.metrics import Counters
from collector.packing import Packing
from collector.store import migrations, reindex
from collector.store.client import Store, StoreError
from collector.store.facts import StoreFacts
from collector.taps.tap import Batch
from graph.model import IdKind
from tests import stores
from tests.builders import EPOCH, Flow
from tests.poured import pour, request

WEEK = 7 * 24 * 3600 * 10**9
TABLES = ("otel_traces", *reindex.DERIVED)

_tokens = itertools.count()


@contextmanager
def other_conventions(store: Store) -> Iterator[None]:
    """The conventions of an older program: fewer names, and another meaning of some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            spans,
            "FIELDS",
            tuple(
                replace(field, attributes=("other",))
                if field.column in ("destination", "message_id", "system")
                else field
                for field in spans.FIELDS
            ),
        )
        patch.setattr(spans, "KIND_TYPES", {"Producer": "send"})
        patch.setattr(
            headers, "FIELDS", tuple(replace(field, headers=("other",)) for field in headers.FIELDS)
        )
        migrate(store)
        yield
    migrate(store)


def migrate(store: Store) -> None:
    with store.writing() as client:
        migrations.migrate(client, Own(), lambda: None)


def needs_reindex(store: Store) -> bool:
    with store.reading() as client:
        return migrations.needs_reindex(client, Own())


def an_order() -> Flow:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="m1", key="k", event_type="order.created")
    handled = flow.process("payment", order, by="links with positions", message_id="m1")
    flow.send("payment", "payments", inside=handled, correlation_id="C", causation_id="m1")
    flow.send("", "audits", spanned=False, source="/legacy", message_id="a1")
    return flow


def fill(store: Store) -> None:
    """Spans of three weeks and some messages, always with the same times of receipt."""
    flow = an_order()
    for week in range(3):
        store.insert_spans(
            request(flow).SerializeToString(),
            received_ns=EPOCH + week * WEEK,
            token=f"segment-{next(_tokens)}",
        )
    messages = Flow()
    messages.messages = flow.messages
    pour(messages, store)


def rows(store: Store) -> dict[str, list[str]]:
    """Every row of the tables; when a message was received is left out."""
    return {
        table: sorted(
            map(str, store.query(f"SELECT * EXCEPT (received) FROM {table}"))
            if table in ("messages", "relations", "ids")
            else map(str, store.query(f"SELECT * FROM {table}"))
        )
        for table in TABLES
    }


def edges(store: Store) -> list[str]:
    return sorted(
        map(
            str,
            store.query(
                "SELECT minute, role, service, consumer_group, peer, system, cluster, "
                "destination, event_type, evidence, count, errors FROM edges WHERE role != 'empty' "
                "AND (minute, version) IN (SELECT minute, max(version) FROM edges GROUP BY minute)"
            ),
        )
    )


def run(store: Store) -> list[tuple[str, int, int]]:
    told: list[tuple[str, int, int]] = []
    reindex.reindex(store, lambda what, done, total: told.append((what, done, total)))
    return told


def test_a_store_filled_by_other_conventions_becomes_what_a_fresh_one_is(store: Store) -> None:
    fill(store)
    stores.rolled_up(store)
    fresh, fresh_edges = rows(store), edges(store)
    assert any("orders" in row for row in fresh["operations"])
    stores.empty(store)
    with other_conventions(store):
        fill(store)
        stores.rolled_up(store)
        assert rows(store) != fresh
        assert edges(store) != fresh_edges
    assert needs_reindex(store)

    told = run(store)

    assert rows(store) == fresh
    assert edges(store) == fresh_edges
    assert not needs_reindex(store)
    assert [done for what, done, total in told if what != "edges"] == list(range(len(told) - 2))
    assert told[-1][0] == "edges" and told[-1][1] == told[-1][2] > 0
    left = store.query("SELECT count() FROM system.tables WHERE name LIKE 'reindex%'")
    assert left == [(0,)]


def test_what_is_inserted_afterwards_is_read_by_the_present_conventions(store: Store) -> None:
    with other_conventions(store):
        fill(store)
    run(store)
    before = rows(store)["operations"]
    store.insert_spans(
        request(an_order()).SerializeToString(), received_ns=EPOCH + WEEK, token="later"
    )
    assert len(rows(store)["operations"]) == len(before) * 4 // 3


def test_a_week_that_has_nothing_to_tell_any_more_is_emptied(store: Store) -> None:
    with pytest.MonkeyPatch.context() as patch:
        system = replace(spans.FIELDS[0], attributes=("peer.service",))
        address = replace(spans.FIELDS[-1], attributes=("server.address",))
        patch.setattr(spans, "FIELDS", (system, *spans.FIELDS[1:-1], address))
        migrate(store)
        flow = Flow()
        flow.span("shop", kind="client")
        calls = request(flow)
        peer = calls.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="peer.service")
        peer.value.string_value = "bank"
        stores.put_spans(store, calls.SerializeToString())
        assert len(rows(store)["operations"]) == 1
    migrate(store)

    run(store)

    assert rows(store)["operations"] == []
    assert len(rows(store)["otel_traces"]) == 1


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("stop_at", [1, 3])
def test_an_interruption_loses_nothing_and_the_next_run_begins_anew(
    store: Store, stop_at: int
) -> None:
    fill(store)
    fresh = rows(store)
    stores.empty(store)
    with other_conventions(store):
        fill(store)

    def interrupt(what: str, done: int, total: int) -> None:
        if done == stop_at:
            raise Interrupted

    with pytest.raises(Interrupted):
        reindex.reindex(store, interrupt)
    half = rows(store)
    assert {table: len(half[table]) for table in ("otel_traces", "messages")} == {
        table: len(fresh[table]) for table in ("otel_traces", "messages")
    }
    assert needs_reindex(store)

    run(store)
    assert rows(store) == fresh


def test_an_interruption_between_two_tables_of_a_week_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    fresh = rows(store)
    stores.empty(store)
    with other_conventions(store):
        fill(store)
    real = reindex._take_place
    taken: list[str] = []

    def take_place(client: object, table: str, week: str) -> None:
        if len(taken) == 2:
            raise Interrupted
        taken.append(table)
        real(client, table, week)

    monkeypatch.setattr(reindex, "_take_place", take_place)
    with pytest.raises(StoreError):
        run(store)
    assert len(rows(store)["messages"]) == len(fresh["messages"])
    monkeypatch.setattr(reindex, "_take_place", real)

    run(store)
    assert rows(store) == fresh


def test_an_event_that_was_stored_cut_keeps_what_was_read_of_the_whole(store: Store) -> None:
    event = {"data": "x" * 5000, "id": "e1", "type": "t", "source": "/s", "causationid": "c1"}
    task = {"lang": "py", "task": "pay", "id": "t1", "retries": 2}
    envelope = {"body": "x" * 5000, "content-encoding": "utf-8", "headers": task}
    batch = Batch(
        "kafka",
        "c1",
        destination=["orders"] * 3,
        incarnation=["i1"] * 3,
        partition=["0"] * 3,
        offset=[0, 1, 2],
        time=[0] * 3,
        key=[None, b"", b""],
        header_names=[["Content-Type", "x"], [], []],
        header_values=[[b"application/CloudEvents+json", b"1"], [], []],
        value=[json.dumps(event).encode(), None, json.dumps(envelope).encode()],
    )
    intake = Intake(store, Counters(), lambda: None, packing=Packing(store.own, body_bytes=100))
    intake.start()
    intake.messages(batch)
    assert intake.stop(30)
    before = rows(store)

    run(store)

    assert rows(store) == before
    (found,) = StoreFacts(store).located([(IdKind.CAUSATION, "c1")])
    assert found.position and found.position.offset == 0
    value, null = store.query("SELECT value, key_null FROM messages WHERE offset = 0")[0]
    assert (len(value), null) == (100, True)
    ((copied,),) = store.query("SELECT copied.attempt FROM messages WHERE offset = 2")
    assert copied == 2


def test_an_empty_store_has_nothing_to_do(store: Store) -> None:
    assert run(store) == [("edges", 0, 0)]
