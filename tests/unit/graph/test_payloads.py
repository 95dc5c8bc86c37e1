"""Schemas of bodies: what is told of what was seen."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
from hypothesis import given
from hypothesis import strategies as st

from graph.payloads import DEPTH, NAMES, Body, PayloadKey, payloads_of, schema_of
from graph.wire.payloads import payloads_from_dict, payloads_to_dict

KEY = PayloadKey("kafka", "c1", "orders", "order.created")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from("abc") | st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


def schema(*values: Any) -> Any:
    return schema_of([Body(KEY, json.dumps(value), cut=False) for value in values])


def test_an_order() -> None:
    first = {
        "id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
        "total": 12,
        "at": "2026-01-31T12:00:00.5Z",
        "lines": [{"sku": "tea", "n": 1}, {"sku": "milk", "n": 2, "gift": True}],
        "note": None,
    }
    second = {**first, "total": 12.5, "coupon": "SPRING", "lines": [], "note": "ring twice"}
    assert schema(first, second) == {
        "type": "object",
        "properties": {
            "at": {"type": "string", "format": "date-time"},
            "coupon": {"type": "string"},
            "id": {"type": "string", "format": "uuid"},
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "gift": {"type": "boolean"},
                        "n": {"type": "integer"},
                        "sku": {"type": "string"},
                    },
                    "required": ["n", "sku"],
                },
            },
            "note": {"type": ["null", "string"]},
            "total": {"type": "number"},
        },
        "required": ["at", "id", "lines", "note", "total"],
    }


@given(st.lists(JSON, min_size=1, max_size=4))
def test_what_was_seen_fits(values: list[Any]) -> None:
    told = schema(*values)
    for value in values:
        jsonschema_rs.validate(told, value)


@given(st.lists(JSON, min_size=1, max_size=4), st.randoms())
def test_the_order_does_not_matter(values: list[Any], random: Any) -> None:
    mixed = list(values)
    random.shuffle(mixed)
    assert json.dumps(schema(*mixed)) == json.dumps(schema(*values))


def test_names_that_are_data_are_not_told() -> None:
    per_product = {str(number): {"left": number} for number in (17, 42)}
    count = {"type": "object", "properties": {"left": {"type": "integer"}}, "required": ["left"]}
    assert schema(per_product) == {"type": "object", "additionalProperties": count}
    addresses = [{f"{number}@example.org": number} for number in range(NAMES + 1)]
    assert "example" not in json.dumps(schema(*addresses))
    assert schema({}) == {"type": "object"}


def test_no_value_is_told() -> None:
    assert "4111" not in json.dumps(schema({"card": "4111", "more": ["4111", {"n": 4111}]}))


def test_what_lies_too_deep_may_be_anything() -> None:
    value: Any = 1
    for _ in range(3 * DEPTH):
        value = [value]
    told = schema(value)
    assert json.dumps(told).count("items") == DEPTH
    jsonschema_rs.validate(told, value)
    assert schema_of([Body(KEY, "[" * 100_000, cut=True)]) is None


def test_bodies_that_are_no_json_have_none() -> None:
    order = Body(KEY, '{"id": 1}', cut=False)
    assert schema_of([order, Body(KEY, "hex:00ff", cut=False)]) is None
    assert schema_of([]) is None
    assert schema_of([Body(KEY, '{"id": 1, "na', cut=True)]) is None
    assert schema_of([order, Body(KEY, '{"id": 2, "na', cut=True)]) == schema({"id": 1})


def test_the_id_of_a_schema_in_a_registry_goes_before() -> None:
    assert schema_of([Body(KEY, '\0\0\0\0\x07{"id": 1}', cut=False)]) == schema({"id": 1})


def test_each_kind_has_its_own() -> None:
    other = KEY._replace(event_type="")
    plain = KEY._replace(destination="plain")
    found = payloads_of(
        [Body(other, "1", False), Body(KEY, '"a"', False), Body(plain, "text", False)]
    )
    assert found == {KEY: {"type": "string"}, other: {"type": "integer"}}
    assert payloads_from_dict(json.loads(json.dumps(payloads_to_dict(found)))) == found
