"""Files of spans: recognised by content, read in bounded pieces, errors with their place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.convert.files import FileError, read_file
from collector.convert.otlp_protobuf import count_spans, pieces
from collector.convert.result import Converted, Malformed

TRACE = "5b8efff798038103d269b633813fc60c"


def otlp(*names: str) -> dict[str, Any]:
    spans = [
        {"traceId": TRACE, "spanId": f"{index + 1:016x}", "name": name}
        for index, name in enumerate(names)
    ]
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": spans}]}]}


def protobuf(*names: str) -> bytes:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    scope.scope.name = "kafkajs"
    for index, name in enumerate(names):
        scope.spans.add(
            trace_id=bytes.fromhex(TRACE), span_id=(index + 1).to_bytes(8, "big"), name=name
        )
    return message.SerializeToString()


def zipkin(*names: str) -> list[dict[str, Any]]:
    return [{"traceId": "a", "id": f"{index + 1:x}", "name": n} for index, n in enumerate(names)]


def text(document: object) -> bytes:
    return json.dumps(document).encode()


def lines(*documents: object) -> bytes:
    return b"".join(text(document) + b"\n" for document in documents)


def names(converted: list[Converted]) -> list[str]:
    return [
        span.name
        for item in converted
        for resource in ExportTraceServiceRequest.FromString(item.payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def read(path: Path, content: bytes, max_bytes: int = 4 << 20) -> list[Converted]:
    path = path / "spans"
    path.write_bytes(content)
    return list(read_file(path, received_ns=1_700_000_000_000_000_000, max_bytes=max_bytes))


SMALL = protobuf("a")
CONTENTS = {
    "otlp json": text(otlp("a", "b")),
    "otlp json over lines": json.dumps(otlp("a", "b"), indent=2).encode(),
    "otlp json lines": lines(otlp("a"), otlp("b")),
    "with blank lines": b"\n\n" + text(otlp("a")) + b"\n\n" + text(otlp("b")) + b"\n",
    "without the last line end": lines(otlp("a")) + text(otlp("b")),
    "an array of requests": text([otlp("a"), otlp("b")]),
    "with a byte order mark": b"\xef\xbb\xbf" + text(otlp("a", "b")),
    "tempo": text({"batches": otlp("a", "b")["resourceSpans"]}),
    "tempo's second api": text({"trace": otlp("a", "b")}),
    "zipkin": text(zipkin("a", "b")),
    "zipkin traces": text([zipkin("a"), zipkin("b")]),
    "zipkin over lines": json.dumps(zipkin("a", "b"), indent=2).encode(),
    "zipkin lines of lists": lines(zipkin("a"), zipkin("b")),
    "zipkin lines of spans": lines(*zipkin("a", "b")),
    "otlp protobuf": protobuf("a", "b"),
    "otlp protobuf in a row": protobuf("a") + protobuf("b"),
    "otlp protobuf with lengths": b"".join(
        len(part).to_bytes(4, "big") + part for part in (protobuf("a"), protobuf("b"))
    ),
}


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", CONTENTS)
def test_every_kind_is_recognised_by_its_content(tmp_path: Path, kind: str, zipped: bool) -> None:
    content = gzip.compress(CONTENTS[kind]) if zipped else CONTENTS[kind]
    converted = read(tmp_path, content)
    assert names(converted) == ["a", "b"]
    assert sum(item.spans for item in converted) == 2
    assert len(converted) == 1, "small requests go together"


def test_large_requests_come_in_pieces_and_small_ones_together(tmp_path: Path) -> None:
    many = [f"span-{n}" for n in range(300)]
    content = lines(otlp(*many[:250]), *(otlp(name) for name in many[250:]))
    converted = read(tmp_path, content, max_bytes=2000)
    assert names(converted) == many
    assert max(len(item.payload) for item in converted) <= 2000
    assert len(converted) < 30


def test_spans_with_invalid_ids_are_counted(tmp_path: Path) -> None:
    document = otlp("a", "b")
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] = ""
    (converted,) = read(tmp_path, lines(document, otlp("c")))
    assert (converted.spans, converted.rejected) == (2, 1)
    assert "spans[0].spanId" in converted.reason


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", None, "the file is empty"),
        (b" \n ", 2, "not JSON"),
        (b"[]", None, "no spans in it"),
        (text(otlp()), None, "no spans in it"),
        (b"hello", 1, "not JSON: Expecting value at column 1"),
        (b'{\n "resourceSpans": [\n  oops\n', 3, "not JSON: Expecting value at column 3"),
        (b'{"a": "\xff"}', 1, "not UTF-8"),
        (b'\n{\n"a": "\xff"}', 3, "not UTF-8"),
        (lines(otlp("a"), otlp("b")) + b'{"resourceSp', 3, "not JSON"),
        (lines(otlp("a"), {"resourceLogs": []}), 2, "OTLP metrics or logs, not spans"),
        (lines(zipkin("a"), [["producer", "T", "consumer"]]), 2, "item 1: neither OTLP nor"),
        (lines(otlp("a"), otlp("b") | {"resourceSpans": 7}), 2, "expected an array, found 7"),
        (text({"edges": [], "source": "x"}), 1, "it has 'edges', 'source'"),
        (text([{"name": "case", "traces": []}]), 1, "item 1: neither OTLP (resourceSpans) nor"),
        (text([*zipkin("a"), {"name": "b"}]), 1, "item 2: neither"),
        (text({"data": [{"traceID": "a"}]}), 1, "Jaeger"),
        (b"7", 1, "neither OTLP nor Zipkin"),
        (b"\x00\x00\x00\x09" + SMALL[:4], None, "the file ends within 9 bytes of spans"),
        (b"\x00\x00", None, "the file ends within a length"),
        (SMALL[:-1], None, "the file ends within"),
        (SMALL + b"\x12\x00", None, f"byte {len(SMALL)}: not a group of spans"),
        (b"\x0a" + b"\xff" * 10 + b"\x01", None, "broken length"),
        (b"\x0a\xff\xff\xff\xff\x7f\x01", None, "a length of 34359738367 bytes"),
        (b"\x0a\x02\x0a\x05" + SMALL, None, "after byte 0: not an ExportTraceServiceRequest"),
        (b"PK\x03\x04", None, "it does not start like a request"),
        (gzip.compress(text(otlp("a")))[:-4], None, "ended before"),
        (b"\x1f\x8b\x08broken", None, ""),
    ],
)
def test_an_error_names_the_file_and_the_line(
    tmp_path: Path, content: bytes, line: int | None, reason: str
) -> None:
    with pytest.raises(FileError) as error:
        read(tmp_path, content)
    place = f"{tmp_path / 'spans'}:{line}: " if line else f"{tmp_path / 'spans'}: "
    assert str(error.value).startswith(place)
    assert reason in str(error.value)


def test_what_was_read_before_an_error_is_given(tmp_path: Path) -> None:
    path = tmp_path / "spans"
    path.write_bytes(lines(otlp("a"), otlp("b")) + b"{")
    found = []
    with pytest.raises(FileError, match=":3:"):
        for converted in read_file(path, received_ns=0, max_bytes=1):
            found.append(converted)
    assert names(found) == ["a", "b"]


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        list(read_file(tmp_path / "missing", received_ns=0))
    with pytest.raises(FileError, match="Is a directory"):
        list(read_file(tmp_path, received_ns=0))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
@pytest.mark.parametrize("before", [b"", b"\x0a", b"\x00\x00\x00", SMALL, b"[{", b'{"batches":'])
def test_any_file_is_read_or_told(tmp_path: Path, before: bytes, content: bytes) -> None:
    try:
        read(tmp_path, before + content)
    except FileError:
        return


# Cutting protobuf


@given(st.lists(st.integers(0, 60), min_size=1, max_size=20), st.integers(40, 400))
def test_pieces_hold_every_span_with_its_resource_and_scope(sizes: list[int], most: int) -> None:
    whole = b"".join(protobuf("x" * size, "y") for size in sizes)
    cut = list(pieces(whole, most))
    assert sum(item.spans for item in cut) == 2 * len(sizes) == count_spans(whole)
    assert names(cut) == names([Converted(whole, 0)])
    for item in cut:
        assert count_spans(item.payload) == item.spans
        assert len(item.payload) <= most or item.spans == 1
        for resource in ExportTraceServiceRequest.FromString(item.payload).resource_spans:
            assert resource.resource.attributes[0].value.string_value == "shop"
            assert resource.scope_spans[0].scope.name == "kafkajs"


@given(st.binary(max_size=100))
def test_any_bytes_are_a_request_or_malformed(payload: bytes) -> None:
    try:
        count_spans(payload)
    except Malformed:
        return


def test_text_that_is_not_utf_8_is_malformed() -> None:
    with pytest.raises(Malformed, match="UTF-8"):
        count_spans(protobuf("good").replace(b"good", b"\xff\xff\xff\xff"))
