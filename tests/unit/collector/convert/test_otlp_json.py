"""OTLP JSON: what the specification says, what real exporters write, and nonsense."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.convert.otlp_json import convert, convert_document
from collector.convert.result import Malformed

TRACE = "5B8EFFF798038103D269B633813FC60C"
SPAN = "eee19b7ec3c1b174"


def span(**fields: Any) -> dict[str, Any]:
    return {"traceId": TRACE, "spanId": SPAN, "name": "send orders", **fields}


def request(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def converted(document: object) -> ExportTraceServiceRequest:
    result = convert(json.dumps(document).encode())
    return ExportTraceServiceRequest.FromString(result.payload)


def only_span(**fields: Any) -> Span:
    (resource,) = converted(request(span(**fields))).resource_spans
    return resource.scope_spans[0].spans[0]


def value(**kind: Any) -> AnyValue:
    return only_span(attributes=[{"key": "k", "value": kind}]).attributes[0].value


def test_a_span_with_everything() -> None:
    document = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}],
                    "droppedAttributesCount": 2,
                },
                "schemaUrl": "https://schemas.example/1",
                "scopeSpans": [
                    {
                        "scope": {"name": "kafkajs", "version": "2.2"},
                        "schemaUrl": "https://schemas.example/2",
                        "spans": [
                            span(
                                parentSpanId="EEE19B7EC3C1B173",
                                traceState="a=b",
                                flags=0x301,
                                kind=4,
                                startTimeUnixNano="1544712660000000000",
                                endTimeUnixNano=1544712661000000000,
                                droppedLinksCount=7,
                                status={"code": 2, "message": "no leader"},
                                events=[{"name": "retry", "timeUnixNano": "5"}],
                                links=[{"traceId": TRACE, "spanId": SPAN, "flags": 0x200}],
                            )
                        ],
                    }
                ],
            }
        ]
    }
    (resource,) = converted(document).resource_spans
    assert resource.resource.attributes[0].value.string_value == "shop"
    assert resource.resource.dropped_attributes_count == 2
    assert resource.schema_url == "https://schemas.example/1"
    (scope,) = resource.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("kafkajs", "2.2")
    assert scope.schema_url == "https://schemas.example/2"
    (found,) = scope.spans
    assert found.trace_id.hex() == TRACE.lower()
    assert found.span_id.hex() == SPAN
    assert found.parent_span_id.hex() == "eee19b7ec3c1b173"
    assert (found.trace_state, found.flags, found.kind) == ("a=b", 0x301, 4)
    assert found.start_time_unix_nano == 1544712660000000000
    assert found.end_time_unix_nano == 1544712661000000000
    assert found.dropped_links_count == 7
    assert (found.status.code, found.status.message) == (2, "no leader")
    assert (found.events[0].name, found.events[0].time_unix_nano) == ("retry", 5)
    assert (found.links[0].span_id.hex(), found.links[0].flags) == (SPAN, 0x200)


def test_values_of_every_kind() -> None:
    assert value(stringValue="").WhichOneof("value") == "string_value"
    assert value(boolValue=False).WhichOneof("value") == "bool_value"
    assert value(intValue="-9223372036854775808").int_value == -(1 << 63)
    assert value(intValue=0).WhichOneof("value") == "int_value"
    assert value(doubleValue=1).double_value == 1.0
    assert math.isnan(value(doubleValue="NaN").double_value)
    assert value(doubleValue="-Infinity").double_value == -math.inf
    assert value(bytesValue="AP8=").bytes_value == b"\0\xff"
    assert value(bytesValue="_w").bytes_value == b"\xff"
    assert value(arrayValue={}).WhichOneof("value") == "array_value"
    nested = value(
        kvlistValue={"values": [{"key": "a", "value": {"arrayValue": {"values": [{}]}}}]}
    )
    assert nested.kvlist_value.values[0].value.array_value.values[0] == AnyValue()
    assert value() == value(stringValue=None) == value(newKind=1) == AnyValue()


@pytest.mark.parametrize(
    ("written", "kind"),
    [(4, 4), ("4", 4), ("SPAN_KIND_PRODUCER", 4), (4.0, 4), (None, 0), (17, 17)],
)
def test_a_kind_as_number_or_name(written: object, kind: int) -> None:
    assert only_span(kind=written).kind == kind


def test_older_and_neighbouring_spellings_mean_the_same() -> None:
    plain = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "a"}, "spans": [span()]}]}]}
    others: list[dict[str, Any]] = [
        {"resource_spans": [{"scope_spans": [{"scope": {"name": "a"}, "spans": [span()]}]}]},
        {"batches": [{"scopeSpans": [{"scope": {"name": "a"}, "spans": [span()]}]}]},
        {
            "resourceSpans": [
                {
                    "instrumentationLibrarySpans": [
                        {"instrumentationLibrary": {"name": "a"}, "spans": [span()]}
                    ]
                }
            ]
        },
    ]
    for other in others:
        assert converted(other) == converted(plain)
    snake = {"trace_id": TRACE, "span_id": SPAN, "name": "x", "start_time_unix_nano": "7"}
    assert converted(request(snake)) == converted(
        request({"traceId": TRACE, "spanId": SPAN, "name": "x", "startTimeUnixNano": "7"})
    )


def test_ids_of_tempo_are_base64() -> None:
    found = only_span(
        traceId=base64.b64encode(bytes.fromhex(TRACE)).decode(),
        spanId=base64.b64encode(bytes.fromhex(SPAN)).decode(),
    )
    assert (found.trace_id.hex(), found.span_id.hex()) == (TRACE.lower(), SPAN)


def test_unknown_fields_and_nulls_are_nothing() -> None:
    document = request(span(parentSpanId=None, events=None, future={"x": [1]}))
    document["alsoNew"] = 1
    document["resourceSpans"][0]["resource"] = None
    assert converted(document) == converted(request(span()))


@pytest.mark.parametrize("document", [{}, {"resourceSpans": []}, request()])
def test_an_empty_request_is_accepted(document: object) -> None:
    result = convert_document(document)
    assert (result.payload, result.spans, result.rejected) == (b"", 0, 0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceId": ""}, "traceId: '' is not 16 bytes"),
        ({"traceId": None}, "traceId: '' is not 16 bytes"),
        ({"traceId": "0" * 32}, "traceId: all zero"),
        ({"traceId": TRACE[:16]}, "is not 16 bytes"),
        ({"traceId": "5B 8E FF F7 98 03 81 03 D2 69 B6 33 81 3F C6 0C"}, "is not 16 bytes"),
        ({"spanId": "0" * 16}, "spanId: all zero"),
        ({"spanId": "xyz"}, "spanId: 'xyz' is not hexadecimal"),
        ({"parentSpanId": "12"}, "parentSpanId: '12' is not 8 bytes"),
    ],
)
def test_only_spans_with_invalid_ids_are_left_out(fields: dict[str, Any], reason: str) -> None:
    result = convert_document(request(span(), span(**fields), span(name="third")))
    assert (result.spans, result.rejected) == (2, 1)
    assert result.reason.startswith("resourceSpans[0].scopeSpans[0].spans[1].")
    assert reason in result.reason
    message = ExportTraceServiceRequest.FromString(result.payload)
    names = [found.name for found in message.resource_spans[0].scope_spans[0].spans]
    assert names == ["send orders", "third"]


def test_a_parent_of_zeros_is_no_parent() -> None:
    assert only_span(parentSpanId="0" * 16).parent_span_id == b""


def test_a_link_to_nowhere_counts_as_dropped() -> None:
    good = {"traceId": TRACE, "spanId": SPAN}
    found = only_span(links=[good, {"traceId": TRACE}], droppedLinksCount=3)
    assert (len(found.links), found.dropped_links_count) == (1, 4)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "an OTLP request: expected an object, found an array"),
        ({"resourceSpans": {}}, "resourceSpans: expected an array, found an object"),
        (request(span(name=5)), "spans[0].name: expected a string, found 5"),
        (request(span(startTimeUnixNano="soon")), "startTimeUnixNano: expected an integer"),
        (request(span(startTimeUnixNano=-1)), "startTimeUnixNano: -1 is not between 0 and"),
        (request(span(startTimeUnixNano=True)), "expected an integer, found True"),
        (request(span(endTimeUnixNano=1 << 64)), "is not between 0 and"),
        (request(span(kind="CHEF")), "kind: expected an integer, found 'CHEF'"),
        (request(span(traceId=7)), "traceId: expected a string, found 7"),
        (
            request(span(attributes=[{"key": "k", "value": {"intValue": "x"}}])),
            "attributes[k].intValue: expected an integer, found 'x'",
        ),
        (
            request(span(attributes=[{"key": "k", "value": {"bytesValue": "*"}}])),
            "attributes[k].bytesValue: expected base64",
        ),
        (request(span(attributes={"k": "v"})), "attributes: expected an array"),
        (
            {"resourceSpans": [{"resource": {"attributes": [{"key": 1}]}}]},
            "resourceSpans[0].resource.attributes.key: expected a string, found 1",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document: object, reason: str) -> None:
    with pytest.raises(Malformed) as error:
        convert_document(document)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"resourceSpans": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_a_body_that_is_no_json(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        convert(body)


def test_values_nest_as_deep_as_protobuf_reads_them() -> None:
    def nested(depth: int) -> dict[str, Any]:
        kind: dict[str, Any] = {"stringValue": "deep"}
        for _ in range(depth):
            kind = {"kvlistValue": {"values": [{"key": "k", "value": kind}]}}
        return kind

    found = value(**nested(24))
    for _ in range(24):
        found = found.kvlist_value.values[0].value
    assert found.string_value == "deep"
    with pytest.raises(Malformed, match="nested deeper than 24"):
        value(**nested(25))


def test_half_a_surrogate_pair_costs_one_character_not_the_batch() -> None:
    body = json.dumps(request(span(name="cut \ud83d"), span(name="whole \U0001f600"))).encode()
    message = ExportTraceServiceRequest.FromString(convert(body).payload)
    names = [found.name for found in message.resource_spans[0].scope_spans[0].spans]
    assert names == ["cut �", "whole \U0001f600"]


# Against protobuf's own JSON, with the ids rewritten as OTLP wants them.

text = st.text(max_size=8)
attributes = st.lists(
    st.tuples(
        text,
        st.one_of(
            st.builds(lambda v: AnyValue(string_value=v), text),
            st.builds(lambda v: AnyValue(int_value=v), st.integers(-(1 << 63), (1 << 63) - 1)),
            st.builds(lambda v: AnyValue(bool_value=v), st.booleans()),
            st.builds(lambda v: AnyValue(double_value=v), st.floats(allow_nan=False)),
            st.builds(lambda v: AnyValue(bytes_value=v), st.binary(max_size=8)),
        ),
    ),
    max_size=3,
)
nonzero = st.binary(min_size=8, max_size=8).filter(any)
uint64 = st.integers(0, (1 << 64) - 1)


@st.composite
def messages(draw: st.DrawFn) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add(schema_url=draw(text))
    resource.resource.SetInParent()  # an empty resource says as much as none
    scope = resource.scope_spans.add()
    scope.scope.name = draw(text)
    for _ in range(draw(st.integers(1, 3))):
        found = scope.spans.add(
            trace_id=draw(nonzero) * 2,
            span_id=draw(nonzero),
            name=draw(text),
            kind=draw(st.sampled_from(Span.SpanKind.values())),
            start_time_unix_nano=draw(uint64),
            end_time_unix_nano=draw(uint64),
            flags=draw(st.integers(0, (1 << 32) - 1)),
        )
        found.status.message = draw(text)
        found.links.add(trace_id=draw(nonzero) * 2, span_id=draw(nonzero))
        found.events.add(time_unix_nano=draw(uint64), name=draw(text))
        for target in (found.attributes, found.links[0].attributes, found.events[0].attributes):
            for key, kind in draw(attributes):
                target.add(key=key, value=kind)
    return message


def _with_hex_ids(fields: Any) -> Any:
    if isinstance(fields, list):
        return [_with_hex_ids(item) for item in fields]
    if isinstance(fields, dict):
        return {
            key: base64.b64decode(item).hex()
            if key.replace("_", "").lower() in ("traceid", "spanid", "parentspanid")
            else _with_hex_ids(item)
            for key, item in fields.items()
        }
    return fields


@given(messages(), st.booleans(), st.booleans())
def test_what_protobuf_writes_comes_back(
    message: ExportTraceServiceRequest, names: bool, snake_case: bool
) -> None:
    document = MessageToDict(
        message, use_integers_for_enums=not names, preserving_proto_field_name=snake_case
    )
    again = convert(json.dumps(_with_hex_ids(document)).encode())
    assert ExportTraceServiceRequest.FromString(again.payload) == message
    assert again.rejected == 0


keys = st.one_of(
    st.sampled_from(["resourceSpans", "scopeSpans", "spans", "resource", "scope", "attributes"]),
    st.sampled_from(["key", "value", "traceId", "spanId", "name", "kind", "startTimeUnixNano"]),
    st.sampled_from(["status", "code", "events", "links", "stringValue", "intValue"]),
    st.sampled_from(["arrayValue", "kvlistValue", "values", "bytesValue", "doubleValue"]),
)
nonsense = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([TRACE, SPAN, "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@given(nonsense)
def test_any_json_is_converted_or_malformed(document: Any) -> None:
    for wrapped in (
        document,
        {"resourceSpans": document},
        request(document),
        {"batches": [document]},
    ):
        try:
            result = convert_document(wrapped)
        except Malformed:
            continue
        ExportTraceServiceRequest.FromString(result.payload)


@given(st.binary(max_size=200))
def test_any_bytes_are_converted_or_malformed(body: bytes) -> None:
    try:
        convert(body)
    except Malformed:
        return
