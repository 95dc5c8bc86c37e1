"""Zipkin v2 JSON, as reporters write it, into OTLP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.convert.result import Malformed
from collector.convert.zipkin import convert, convert_spans

NOW = 1_700_000_000_000_000_000


def span(**fields: Any) -> dict[str, Any]:
    return {"traceId": "86154a4ba6e91385", "id": "4d1e00c0db9010db", **fields}


def converted(*spans: object) -> ExportTraceServiceRequest:
    result = convert(json.dumps(spans).encode(), NOW)
    assert result.rejected == 0, result.reason
    return ExportTraceServiceRequest.FromString(result.payload)


def only_span(**fields: Any) -> Span:
    return converted(span(**fields)).resource_spans[0].scope_spans[0].spans[0]


def attributes(found: Any) -> dict[str, object]:
    return {
        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value")))
        for pair in found.attributes
    }


def test_a_producer_at_a_broker() -> None:
    message = converted(
        span(
            parentId="86154a4ba6e91385",
            kind="PRODUCER",
            name="send",
            timestamp=1_472_470_996_199_000,
            duration=207_000,
            localEndpoint={"serviceName": "orders", "ipv4": "10.0.0.1", "port": 8080},
            remoteEndpoint={"serviceName": "kafka", "ipv6": "::1", "port": 9092},
            tags={"kafka.topic": "order.created"},
            annotations=[{"timestamp": 1_472_470_996_238_000, "value": "flushed"}],
        )
    )
    (resource,) = message.resource_spans
    assert attributes(resource.resource) == {"service.name": "orders"}
    (found,) = resource.scope_spans[0].spans
    assert found.trace_id.hex() == "000000000000000086154a4ba6e91385"
    assert found.span_id.hex() == "4d1e00c0db9010db"
    assert found.parent_span_id.hex() == "86154a4ba6e91385"
    assert (found.kind, found.name) == (Span.SPAN_KIND_PRODUCER, "send")
    assert found.start_time_unix_nano == 1_472_470_996_199_000_000
    assert found.end_time_unix_nano == 1_472_470_996_406_000_000
    assert attributes(found) == {
        "kafka.topic": "order.created",
        "peer.service": "kafka",
        "network.local.address": "10.0.0.1",
        "network.local.port": 8080,
        "network.peer.address": "::1",
        "network.peer.port": 9092,
    }
    (event,) = found.events
    assert (event.name, event.time_unix_nano) == ("flushed", 1_472_470_996_238_000_000)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("CLIENT", Span.SPAN_KIND_CLIENT),
        ("SERVER", Span.SPAN_KIND_SERVER),
        ("CONSUMER", Span.SPAN_KIND_CONSUMER),
        ("consumer", Span.SPAN_KIND_CONSUMER),
        (None, Span.SPAN_KIND_INTERNAL),
        ("WAITER", Span.SPAN_KIND_UNSPECIFIED),
    ],
)
def test_kinds(written: str | None, kind: int) -> None:
    assert only_span(kind=written).kind == kind


@pytest.mark.parametrize(
    ("written", "trace_id"),
    [
        ("a", "a".rjust(32, "0")),
        ("86154A4BA6E91385", "000000000000000086154a4ba6e91385"),
        ("000000000000000086154a4ba6e91385", "000000000000000086154a4ba6e91385"),
        ("5aab74dbb904746bb33447baae403ed6", "5aab74dbb904746bb33447baae403ed6"),
        ("174dbb904746bb33447baae403ed6", "000174dbb904746bb33447baae403ed6"),
    ],
)
def test_trace_ids_are_padded_on_the_left(written: str, trace_id: str) -> None:
    assert only_span(traceId=written).trace_id.hex() == trace_id


def test_short_span_ids_are_padded_too() -> None:
    found = only_span(id="b", parentId="A")
    assert (found.span_id.hex(), found.parent_span_id.hex()) == (
        "b".rjust(16, "0"),
        "a".rjust(16, "0"),
    )


@pytest.mark.parametrize("parent", [None, "", "0", "0" * 16, "4d1e00c0db9010db"])
def test_a_root_written_in_any_way_has_no_parent(parent: str | None) -> None:
    assert only_span(parentId=parent).parent_span_id == b""


def test_a_shared_span_keeps_its_id_on_both_sides() -> None:
    message = converted(
        span(kind="CLIENT", localEndpoint={"serviceName": "web"}),
        span(kind="SERVER", localEndpoint={"serviceName": "app"}, shared=True, debug=True),
    )
    client, server = (resource.scope_spans[0].spans[0] for resource in message.resource_spans)
    assert client.span_id == server.span_id
    assert attributes(client) == {}
    assert attributes(server) == {"zipkin.shared": True, "zipkin.debug": True}


def test_a_span_without_times_is_dated_by_its_receipt() -> None:
    found = only_span()
    assert (found.start_time_unix_nano, found.end_time_unix_nano) == (NOW, NOW)
    dated = only_span(timestamp=0, duration=5)
    assert (dated.start_time_unix_nano, dated.end_time_unix_nano) == (NOW, NOW + 5000)


def test_times_as_text_and_fractions_are_read() -> None:
    found = only_span(timestamp="1472470996199000", duration=1.5)
    assert found.end_time_unix_nano - found.start_time_unix_nano == 1000


@pytest.mark.parametrize(
    ("tags", "code", "message"),
    [
        ({"error": "no leader"}, Status.STATUS_CODE_ERROR, "no leader"),
        ({"error": ""}, Status.STATUS_CODE_ERROR, ""),
        ({"error": "true"}, Status.STATUS_CODE_ERROR, ""),
        ({"error": True}, Status.STATUS_CODE_ERROR, ""),
        ({"error": "false"}, Status.STATUS_CODE_UNSET, ""),
        ({"error": None}, Status.STATUS_CODE_UNSET, ""),
        ({"otel.status_code": "OK"}, Status.STATUS_CODE_OK, ""),
        ({"otel.status_code": "ERROR", "error": "full"}, Status.STATUS_CODE_ERROR, "full"),
        ({}, Status.STATUS_CODE_UNSET, ""),
    ],
)
def test_an_error_tag_is_an_error(tags: dict[str, Any], code: int, message: str) -> None:
    found = only_span(tags=tags)
    assert (found.status.code, found.status.message) == (code, message)


def test_tags_that_are_no_text_are_written_as_json() -> None:
    tags = attributes(only_span(tags={"a": True, "b": 7, "c": {"d": [None]}, "e": "f"}))
    assert tags == {"a": "true", "b": "7", "c": '{"d": [null]}', "e": "f"}


def test_a_tag_wins_over_what_the_endpoint_says() -> None:
    found = only_span(tags={"peer.service": "mine"}, remoteEndpoint={"serviceName": "theirs"})
    assert attributes(found) == {"peer.service": "mine"}


@pytest.mark.parametrize("endpoint", [None, {}, {"serviceName": ""}, {"ipv4": ""}])
def test_an_endpoint_without_a_name_gives_no_service(endpoint: object) -> None:
    (resource,) = converted(span(localEndpoint=endpoint)).resource_spans
    assert attributes(resource.resource) == {}


def test_spans_are_grouped_by_service_and_scope() -> None:
    kafkajs = {"otel.scope.name": "kafkajs", "otel.scope.version": "2"}
    message = converted(
        span(id="1", localEndpoint={"serviceName": "a"}),
        span(id="2", localEndpoint={"serviceName": "b"}),
        span(id="3", localEndpoint={"serviceName": "a"}, tags=kafkajs),
        span(id="4", localEndpoint={"serviceName": "a"}, tags={"otel.library.name": "old"}),
        span(id="5", localEndpoint={"serviceName": "a"}),
    )
    assert [
        (
            attributes(r.resource)["service.name"],
            s.scope.name,
            [int(x.span_id.hex()) for x in s.spans],
        )
        for r in message.resource_spans
        for s in r.scope_spans
    ] == [("a", "", [1, 5]), ("b", "", [2]), ("a", "kafkajs", [3]), ("a", "old", [4])]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceId": ""}, "traceId: '' is not up to 32 hexadecimal digits"),
        ({"traceId": "g"}, "traceId: 'g' is not"),
        ({"traceId": "1" * 33}, "is not up to 32"),
        ({"traceId": "0"}, "traceId: all zero"),
        ({"id": None}, "id: '' is not up to 16"),
        ({"id": "0000"}, "id: all zero"),
        ({"id": "1" * 17}, "is not up to 16"),
        ({"parentId": "-1"}, "parentId: '-1' is not up to 16"),
        ({"timestamp": -5}, "timestamp: -5 is not between"),
        ({"timestamp": float("nan")}, "timestamp: expected an integer"),
        ({"tags": ["a"]}, "tags: expected an object, found an array"),
        ({"localEndpoint": "web"}, "localEndpoint: expected an object, found 'web'"),
        ({"annotations": [7]}, "annotations: expected an object, found 7"),
        ({"kind": 3}, "kind: expected a string, found 3"),
    ],
)
def test_only_the_span_that_is_wrong_is_left_out(fields: dict[str, Any], reason: str) -> None:
    result = convert_spans([span(id="1"), span(**fields), span(id="3")], NOW)
    assert (result.spans, result.rejected) == (2, 1)
    assert result.reason.startswith("[1].")
    assert reason in result.reason
    message = ExportTraceServiceRequest.FromString(result.payload)
    assert len(message.resource_spans[0].scope_spans[0].spans) == 2


def test_half_a_surrogate_pair_costs_one_character() -> None:
    message = converted(
        span(name="cut \ud83d", localEndpoint={"serviceName": "a\udc00"}, tags={"\ud800": "b"})
    )
    found = message.resource_spans[0].scope_spans[0].spans[0]
    assert found.name == "cut �"
    assert attributes(found) == {"�": "b"}
    assert attributes(message.resource_spans[0].resource) == {"service.name": "a�"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"[{]", "not JSON"),
        (b"{}", "Zipkin spans: expected an array, found an object"),
        (b"null", "expected an array"),
    ],
)
def test_a_body_without_a_list_is_malformed(body: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        convert(body, NOW)


def test_an_empty_list_is_no_spans() -> None:
    assert convert(b"[]", NOW).payload == b""


keys = st.one_of(
    st.sampled_from(["traceId", "id", "parentId", "kind", "name", "timestamp", "duration"]),
    st.sampled_from(["localEndpoint", "remoteEndpoint", "serviceName", "ipv4", "port", "tags"]),
    st.sampled_from(["annotations", "value", "shared", "error", "otel.scope.name"]),
)
nonsense = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["a", "b" * 32, "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@given(st.lists(nonsense | st.dictionaries(keys, nonsense, max_size=6).map(lambda f: span() | f)))
def test_any_list_gives_spans_and_rejected_ones(spans: list[Any]) -> None:
    result = convert_spans(spans, NOW)
    assert result.spans + result.rejected == len(spans)
    message = ExportTraceServiceRequest.FromString(result.payload)
    assert result.spans == sum(
        len(scope.spans) for resource in message.resource_spans for scope in resource.scope_spans
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_converted_or_malformed(body: bytes) -> None:
    try:
        convert(body, NOW)
    except Malformed:
        return
