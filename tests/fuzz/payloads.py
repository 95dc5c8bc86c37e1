"""What senders should not send, as hypothesis strategies and as worst cases."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE = "5b8efff798038103d269b633813fc60c"


def otlp(name: str = "good", *, trace: str = TRACE, service: str = "shop") -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    span = resource.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(trace), span_id=b"\1" * 8, name=name, start_time_unix_nano=10**18
    )
    for key, value in (("messaging.system", "kafka"), ("messaging.destination.name", "orders")):
        span.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


OTLP_JSON: Any = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeSpans": [
                {
                    "scope": {"name": "s"},
                    "spans": [
                        {
                            "traceId": TRACE,
                            "spanId": "00000000000000a1",
                            "name": "a",
                            "kind": 4,
                            "startTimeUnixNano": "1700000000000000000",
                            "attributes": [{"key": "k", "value": {"intValue": "1"}}],
                            "events": [{"name": "e", "timeUnixNano": 1}],
                            "links": [{"traceId": TRACE, "spanId": "00000000000000a2"}],
                            "status": {"code": 2},
                        }
                    ],
                }
            ],
        }
    ]
}
ZIPKIN: Any = [
    {
        "traceId": TRACE,
        "id": "00000000000000a1",
        "name": "a",
        "kind": "PRODUCER",
        "timestamp": 1_700_000_000_000_000,
        "duration": 10,
        "localEndpoint": {"serviceName": "shop", "ipv4": "10.0.0.1", "port": 1},
        "tags": {"k": "v"},
        "annotations": [{"timestamp": 1, "value": "e"}],
    }
]

WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**30, max_value=10**40),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["\ud800", "\0", "9" * 400, "x" * 3_000, [], {}, [[]], {"": None}, -1, 1e308]),
)
"""A value of another type, or beyond any range."""


@st.composite
def bent(draw: st.DrawFn, whole: Any) -> bytes:
    """A JSON document with a few places changed, doubled or taken away, and perhaps cut."""
    document = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 3))):
        place = document
        while isinstance(place, (dict, list)) and place:
            keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            below = place[key]
            if not isinstance(below, (dict, list)) or not below or draw(st.integers(0, 3)) == 0:
                what = draw(st.integers(0, 3))
                if what == 0:
                    del place[key]
                elif what == 1 and isinstance(place, list):
                    place += [below] * draw(st.integers(1, 50))
                else:
                    place[key] = draw(WRONG)
                break
            place = below
    body = json.dumps(document).encode()
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 4)) == 0 else body


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with some changed, put in, or cut off."""
    body = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        match draw(st.integers(0, 2)):
            case 0:
                body[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case 1:
                body[at:at] = draw(st.binary(max_size=20))
            case _:
                del body[at : at + draw(st.integers(1, 30))]
    return bytes(body)


def nested(depth: int) -> bytes:
    """An OTLP JSON request whose only attribute is an array in an array, so often."""
    value = '{"arrayValue":{"values":[' * depth + "{}" + "]}}" * depth
    attribute = f'{{"key":"k","value":{value}}}'
    span = f'{{"traceId":"{TRACE}","spanId":"00000000000000a1","attributes":[{attribute}]}}'
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}'.encode()


def nested_protobuf(depth: int) -> bytes:
    """The same as protobuf, beyond what a parser goes down to."""

    def field(number: int, content: bytes) -> bytes:
        size, length = len(content), b""
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    value = b""
    for _ in range(depth):
        value = field(5, field(1, value))
    attribute = field(1, b"k") + field(2, value)
    ids = field(1, bytes.fromhex(TRACE)) + field(2, b"\1" * 8)
    return field(1, field(2, field(2, ids + field(9, attribute))))


WORST: dict[str, bytes] = {
    "nothing": b"",
    "a bomb": gzip.compress(bytes(30 << 20)),
    "a bomb of deflate": zlib.compress(bytes(30 << 20)),
    "many members": gzip.compress(b"") * 5_000,
    "half a member": gzip.compress(b"x" * 1_000)[:40],
    "open brackets": b"[" * 200_000,
    "open braces": b'{"a":' * 200_000,
    "deep values": nested(300),
    "deeper values": nested(20_000),
    "deep protobuf": nested_protobuf(300),
    "deep but allowed": nested_protobuf(20),
    "not text": b"\xff\xfe\xfd" * 500,
    "a long number": b'{"resourceSpans":' + b"9" * 10_000 + b"}",
    "a long length": b"\x0a\xff\xff\xff\xff\x0f",
    "no numbers": b'[{"traceId":NaN,"id":Infinity}]',
    "thousands of fields": json.dumps({f"k{n}": n for n in range(20_000)}).encode(),
}
