"""Each decoder of what strangers send, with what it may do: convert it, or say why not.

Shared by the property tests and by the coverage-guided fuzzer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from collector.convert import otlp_json, zipkin
from collector.convert.otlp_protobuf import count_spans, pieces
from collector.convert.result import Converted, Malformed
from collector.masks import BodyMasks
from collector.receivers.http_request import HttpError, read_body
from collector.receivers.in_flight import InFlight
from graph.filter import FilterError, parse, written
from graph.listing import EventFilter

MAX_BODY = 10_000


def _protobuf(data: bytes) -> None:
    try:
        spans = count_spans(data)
    except Malformed:
        return
    cut = list(pieces(data, 100))
    assert sum(piece.spans for piece in cut) == spans or len(data) <= 100


def _checked(convert: Callable[[bytes], Converted]) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        try:
            converted = convert(data)
        except Malformed as error:
            assert len(str(error)) < 1_000, "the reason repeats what was sent"
            return
        assert count_spans(converted.payload) == converted.spans
        assert bool(converted.rejected) == bool(converted.reason)
        assert len(converted.reason) < 1_000, "the reason repeats what was sent"

    return check


def _body(encoding: bytes) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        parts = [data[:3], data[3:]]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def read() -> bytes:
            scope = {"type": "http", "headers": [(b"content-encoding", encoding)]}
            return await read_body(scope, receive, MAX_BODY, InFlight().hold())

        try:
            assert len(asyncio.run(read())) <= MAX_BODY
        except HttpError as error:
            assert error.status in (400, 413, 415)

    return check


def _filter(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        wanted = parse(text, 1_700_000_000 * 10**9)
    except FilterError:
        return
    again = parse(written(EventFilter(terms=wanted.terms)), 1_700_000_000 * 10**9)
    assert again.terms == wanted.terms


def _masks(data: bytes) -> None:
    masks = BodyMasks(["$..card", "$.a[*]", "$[0]['b']"])
    once = masks.applied(data)
    assert masks.applied(once) == once


DECODERS: Mapping[str, Callable[[bytes], None]] = {
    "otlp_protobuf": _protobuf,
    "otlp_json": _checked(otlp_json.convert),
    "zipkin": _checked(lambda data: zipkin.convert(data, 1_700_000_000 * 10**9)),
    "gzip": _body(b"gzip"),
    "deflate": _body(b"deflate"),
    "filter": _filter,
    "masks": _masks,
}
