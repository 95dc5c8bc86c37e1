"""What messaging spans of every generation say is read into one row, by the real engine."""

from __future__ import annotations

import pytest

from collector.conventions import render, spans, sql
from collector.store.client import Store
from tests.unit.collector.conventions.engine import (
    CLIENT,
    CONSUMER,
    INTERNAL,
    PRODUCER,
    Told,
    Value,
    read_span,
    read_spans,
)

NUMBERS = {"offset", "batch_count"}
SHOWN = [field for field in spans.FIELDS if field.column != "operation_type"]
ALIASES = [(field, alias) for field in SHOWN for alias in field.attributes]
TRACE, SPAN = bytes(range(16)), bytes(range(8))


def test_every_name_of_every_generation_fills_its_column(store: Store) -> None:
    said = [Told({alias: "7"}) for _, alias in ALIASES]

    rows = read_spans(store, *said)

    wrong = [
        alias
        for (field, alias), row in zip(ALIASES, rows, strict=True)
        if row is None or row[field.column] != (7 if field.column in NUMBERS else "7")
    ]
    assert wrong == []


def test_the_name_that_is_trusted_most_wins_in_any_order(store: Store) -> None:
    pairs = [
        (field, better, worse)
        for field in SHOWN
        for better, worse in zip(field.attributes, field.attributes[1:], strict=False)
    ]
    said = [Told({better: "1", worse: "2"}) for _, better, worse in pairs]
    said += [Told({worse: "2", better: "1"}) for _, better, worse in pairs]

    rows = read_spans(store, *said)

    wrong = [
        better
        for (field, better, _), row in zip(pairs * 2, rows, strict=True)
        if row is None or str(row[field.column]) != "1"
    ]
    assert wrong == []


def test_no_name_stands_for_two_things() -> None:
    names = [name for field in spans.FIELDS for name in field.attributes]
    assert len(names) == len(set(names))


def test_an_empty_attribute_is_passed_over(store: Store) -> None:
    row = read_span(
        store, Told({"messaging.destination.name": "", "messaging.destination": "orders"})
    )
    assert row["destination"] == "orders"


@pytest.mark.parametrize(
    ("value", "offset"),
    [(0, 0), (12, 12), ("12", 12), (12.0, 12), ("", None), ("twelve", None), (None, None)],
)
def test_an_offset_of_any_type_is_read_and_zero_is_not_absent(
    store: Store, value: Value | None, offset: int | None
) -> None:
    said: dict[str, Value] = {"messaging.system": "kafka"}
    if value is not None:
        said["messaging.kafka.offset"] = value
    assert read_span(store, Told(said))["offset"] == offset


def test_partition_zero_is_kept_from_a_number_and_from_a_string(store: Store) -> None:
    number, string = read_spans(
        store,
        Told({"messaging.kafka.destination.partition": 0}),
        Told({"messaging.destination.partition.id": "0"}),
    )
    assert number and string
    assert number["partition"] == string["partition"] == "0"


def test_a_batch_of_none_is_not_a_batch_that_is_not_told(store: Store) -> None:
    none, untold = read_spans(
        store, Told({"messaging.batch.message_count": 0}), Told({"messaging.system": "kafka"})
    )
    assert none and untold
    assert (none["batch_count"], untold["batch_count"]) == (0, None)


@pytest.mark.parametrize(
    ("kind", "said", "type"),
    [
        (PRODUCER, {}, "send"),
        (CONSUMER, {}, "process"),
        (CLIENT, {}, ""),
        (INTERNAL, {}, ""),
        (CONSUMER, {"messaging.operation": "receive"}, "receive"),
        (CONSUMER, {"messaging.operation": "process"}, "process"),
        (CONSUMER, {"messaging.operation": "deliver"}, "process"),
        (PRODUCER, {"messaging.operation": "publish"}, "send"),
        (PRODUCER, {"messaging.operation": "create"}, "create"),
        (CLIENT, {"messaging.operation.type": "receive"}, "receive"),
        (CLIENT, {"messaging.operation.type": "settle"}, "settle"),
        (CLIENT, {"messaging.operation.type": "send"}, "send"),
        (CLIENT, {"messaging.operation.type": "receive", "messaging.operation": "x"}, "receive"),
        # Free text says nothing about the role; the kind does.
        (CONSUMER, {"messaging.operation": "poll"}, "process"),
        (CLIENT, {"messaging.operation.name": "send"}, ""),
    ],
)
def test_operation_types_of_all_generations(
    store: Store, kind: int, said: dict[str, Value], type: str
) -> None:
    row = read_span(store, Told({"messaging.system": "kafka", **said}, kind))
    assert row["type"] == type


def test_a_span_that_only_says_where_it_calls_is_no_messaging_span(store: Store) -> None:
    rows = read_spans(
        store,
        Told({"server.address": "db", "db.system": "mysql"}, CLIENT),
        Told({"peer.service": "stock"}, INTERNAL),
        Told({}, INTERNAL),
        Told({}, PRODUCER),
    )
    assert [row is None for row in rows] == [True, True, True, False]


@pytest.mark.parametrize("named", spans.NAMED_TYPES, ids=lambda one: one.scope)
def test_a_scope_that_tells_the_type_by_the_name_alone(
    store: Store, named: spans.NamedType
) -> None:
    kind, other, usual = {
        "Producer": (PRODUCER, CONSUMER, "send"),
        "Consumer": (CONSUMER, PRODUCER, "process"),
    }[named.kind]
    told: dict[str, Value] = {"messaging.system": "kafka"}
    said: dict[str, Value] = {**told, "messaging.operation": "deliver"}
    name = f"orders{named.ending}"

    alone, with_type, other_kind, elsewhere, other_name = read_spans(
        store,
        Told(told, kind, named.scope, name=name),
        Told(said, kind, named.scope, name=name),
        Told(told, other, named.scope, name=name),
        Told(told, kind, "another", name=name),
        Told(told, kind, named.scope, name="orders"),
    )

    assert alone and with_type and other_kind and elsewhere and other_name
    assert (alone["type"], with_type["type"]) == (named.type, "process")
    assert other_kind["type"] != named.type
    assert (elsewhere["type"], other_name["type"]) == (usual, usual)


@pytest.mark.parametrize("position", spans.POSITION_IDS, ids=lambda one: one.scope)
def test_a_scope_that_means_a_position_by_the_message_id(
    store: Store, position: spans.PositionId
) -> None:
    written = {
        "opentelemetry.instrumentation.aiokafka": "my.topic.3.12",
        "opentelemetry.instrumentation.confluent_kafka": "my.topic.3.12",
        "github.com/dnwe/otelsarama": "12",
        "opentelemetry.instrumentation.faststream": "12-1700000000000",
    }[position.scope]
    told: dict[str, Value] = {"messaging.message.id": written}
    beside: dict[str, Value] = {
        "messaging.destination.name": "my.topic",
        "messaging.kafka.partition": 3,
    }

    alone, with_others, elsewhere = read_spans(
        store,
        Told(told, scope=position.scope),
        Told({**told, **beside}, scope=position.scope),
        Told({**told, **beside}, scope="another"),
    )

    assert alone and with_others and elsewhere
    assert (alone["offset"], alone["message_id"]) == (12, "")
    if "topic" in written:
        assert (alone["destination"], alone["partition"]) == ("my.topic", "3")
    assert (with_others["destination"], with_others["partition"]) == ("my.topic", "3")
    assert (elsewhere["offset"], elsewhere["message_id"]) == (None, written)


def test_the_id_of_a_batch_of_faststream_is_no_place_and_no_message_id(store: Store) -> None:
    row = read_span(
        store,
        Told(
            {"messaging.message.id": "0-2-1700000000000"},
            scope="opentelemetry.instrumentation.faststream",
        ),
    )
    assert (row["message_id"], row["offset"]) == ("", None)


def test_an_id_of_such_a_scope_that_is_no_position_is_a_message_id(store: Store) -> None:
    row = read_span(
        store,
        Told(
            {"messaging.message.id": "4711-A"},
            scope="opentelemetry.instrumentation.confluent_kafka",
        ),
    )
    assert (row["message_id"], row["offset"]) == ("4711-A", None)


def test_what_the_span_says_itself_is_trusted_before_the_position_in_its_id(store: Store) -> None:
    row = read_span(
        store,
        Told(
            {"messaging.message.id": "t.1.2", "messaging.kafka.offset": 9},
            scope="opentelemetry.instrumentation.aiokafka",
        ),
    )
    assert (row["destination"], row["partition"], row["offset"]) == ("t", "1", 9)


@pytest.mark.parametrize("field", [f for f in SHOWN if f.absent], ids=lambda f: f.column)
def test_the_literal_none_of_spring_means_nothing(store: Store, field: spans.Field) -> None:
    first, second = field.attributes[:2]

    none, other = read_spans(
        store,
        Told({"messaging.system": "kafka", first: "none"}),
        Told({first: "none", second: "7"}),
    )

    assert none and other
    assert none[field.column] in ("", None)
    assert str(other[field.column]) == "7"


def test_links_keep_their_own_attributes_and_lose_what_points_nowhere(store: Store) -> None:
    at: dict[str, Value] = {
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": "0",
        "messaging.kafka.message.offset": 0,
        "messaging.message_id": "m1",
    }
    row = read_span(
        store,
        Told(
            links=[
                (TRACE, SPAN, at),
                (TRACE, SPAN, {}),
                (bytes(16), bytes(8), at),
                (b"short", SPAN, at),
                (TRACE, b"", {}),
            ]
        ),
    )

    context = {"trace_id": TRACE.hex(), "span_id": SPAN.hex()}
    told = {"destination": "orders", "partition": "0", "offset": 0, "message_id": "m1"}
    untold = {"destination": "", "partition": "", "offset": None, "message_id": ""}
    assert row["links"] == [{**context, **told}, {**context, **untold}]


def test_whether_the_parent_is_remote_and_whether_it_is_an_id_at_all(store: Store) -> None:
    local, remote, unknown, zero, short = read_spans(
        store,
        Told(parent=SPAN, flags=0x101),
        Told(parent=SPAN, flags=0x301),
        Told(parent=SPAN, flags=1),
        Told(parent=bytes(8)),
        Told(parent=b"abc"),
    )
    assert local and remote and unknown and zero and short
    assert [row["remote_parent"] for row in (local, remote, unknown)] == [False, True, False]
    assert [row["parent_span_id"] for row in (local, zero, short)] == [SPAN.hex(), "", ""]


@pytest.mark.parametrize(
    ("resource", "environment", "instance"),
    [
        ({"deployment.environment.name": "new", "deployment.environment": "old"}, "new", ""),
        ({"deployment.environment": "old", "host.name": "h"}, "old", "h"),
        ({"service.instance.id": "i", "host.name": "h", "process.pid": 7}, "", "i"),
        ({"process.pid": 7}, "", "7"),
    ],
)
def test_environment_and_instance_from_the_resource(
    store: Store, resource: dict[str, Value], environment: str, instance: str
) -> None:
    row = read_span(store, Told(resource=resource))
    assert (row["environment"], row["instance"]) == (environment, instance)


def test_more_names_than_there_is_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = spans.Field("system", tuple(f"name{n}" for n in range(sql.RANKS + 1)))
    others = tuple(field for field in spans.FIELDS if field.column != "system")
    monkeypatch.setattr(spans, "FIELDS", (many, *others))
    with pytest.raises(ValueError, match="more than 64 names"):
        render.operations_select()


@pytest.mark.parametrize("text", ["it's", "back\\slash", "\\'", "a\nb"])
def test_names_are_quoted(store: Store, text: str) -> None:
    assert store.query(f"SELECT {sql.quote(text)}") == [(text,)]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("A1b2", "a1b2"),
        (' "ORD-1" ', "ord-1"),
        ("{6F9619FF-8B86-D011-B42D-00C04FC964FF}", "6f9619ff8b86d011b42d00c04fc964ff"),
        ("6f9619ff-8b86-d011-b42d-00c04fc964ff", "6f9619ff8b86d011b42d00c04fc964ff"),
        ("6f9619ff-8b86", "6f9619ff-8b86"),
        ("", ""),
    ],
)
def test_ids_are_kept_without_dress(store: Store, written: str, kept: str) -> None:
    assert store.query(f"SELECT {sql.normal_id('{id:String}')}", {"id": written}) == [(kept,)]


@pytest.mark.parametrize(
    ("said", "failure", "told"),
    [
        ({"celery.state": "SUCCESS"}, None, (False, "")),
        ({}, "no money", (True, "no money")),
        ({"celery.state": "RETRY", "celery.retry.reason": "in 5s"}, None, (True, "in 5s")),
        ({"celery.state": "FAILURE"}, None, (True, "")),
        (
            {"celery.state": "FAILURE", "celery.retry.reason": "in 5s"},
            "no money",
            (True, "no money"),
        ),
        # Left over from the attempts before.
        ({"celery.state": "SUCCESS", "celery.retry.reason": "in 5s"}, None, (False, "")),
    ],
)
def test_a_state_can_tell_that_it_failed_where_the_status_does_not(
    store: Store, said: dict[str, Value], failure: str | None, told: tuple[bool, str]
) -> None:
    row = read_span(store, Told(said, failure=failure))
    assert (row["error"], row["error_message"]) == told
