"""OTLP protobuf out of a stream that may be larger than memory, in whole resource groups."""

from __future__ import annotations

import io
from collections.abc import Iterator

from collector.convert.otlp_protobuf import count_spans
from collector.convert.result import Converted, Malformed

_RESOURCE_SPANS = 0x0A
"""Field 1, length-delimited: all that an ExportTraceServiceRequest holds."""
_LONGEST_VARINT = 10
_LARGEST_GROUP = 512 << 20
_READ_TOGETHER = 1 << 20


def requests(stream: io.BufferedReader) -> Iterator[Converted]:
    """Requests in a row, or each after its length as four bytes, most significant first.

    A row of requests is one merged request, so it is cut between its resource groups. Raises
    Malformed.
    """
    head = stream.peek(1)[:1]
    if head == b"\x00":
        yield from _with_lengths(stream)
    elif head == bytes([_RESOURCE_SPANS]):
        yield from _in_a_row(stream)
    else:
        raise Malformed("it does not start like a request")


def _with_lengths(stream: io.BufferedReader) -> Iterator[Converted]:
    position = 0
    while head := stream.read(4):
        size = int.from_bytes(head, "big")
        if len(head) < 4:
            raise Malformed(f"byte {position}: the file ends within a length")
        yield _converted(_read(stream, size, position), position)
        position += 4 + size


def _in_a_row(stream: io.BufferedReader) -> Iterator[Converted]:
    position = start = 0
    groups = bytearray()
    while tag := stream.read(1):
        if tag[0] != _RESOURCE_SPANS:
            raise Malformed(f"byte {position}: not a group of spans")
        length, raw = _varint(stream, position)
        groups += tag + raw + _read(stream, length, position)
        position += 1 + len(raw) + length
        if len(groups) >= _READ_TOGETHER:
            yield _converted(bytes(groups), start)
            groups.clear()
            start = position
    if groups:
        yield _converted(bytes(groups), start)


def _converted(payload: bytes, position: int) -> Converted:
    try:
        return Converted(payload, count_spans(payload))
    except Malformed as error:
        raise Malformed(f"after byte {position}: {error}") from None


def _varint(stream: io.BufferedReader, position: int) -> tuple[int, bytes]:
    raw = b""
    value = 0
    while byte := stream.read(1):
        value |= (byte[0] & 0x7F) << 7 * len(raw)
        raw += byte
        if byte[0] < 0x80:
            return value, raw
        if len(raw) == _LONGEST_VARINT:
            break
    raise Malformed(f"byte {position}: broken length")


def _read(stream: io.BufferedReader, size: int, position: int) -> bytes:
    if size > _LARGEST_GROUP:
        raise Malformed(f"byte {position}: a length of {size} bytes")
    data = stream.read(size)
    if len(data) < size:
        raise Malformed(f"byte {position}: the file ends within {size} bytes of spans")
    return data
