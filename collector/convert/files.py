"""Files of spans into OTLP protobuf requests of bounded size, for `flowtap import`.

The kind is recognised by content, never by name: OTLP protobuf (one request, several in a row,
or each after its length in four bytes, as the OpenTelemetry Collector's file exporter writes
them), OTLP JSON (Tempo's `batches` too), Zipkin v2 JSON (a list of spans, or of traces), or a
line of any of these JSON forms after the other. Any of them may be gzipped.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from collector.convert import json_values, otlp_json, zipkin
from collector.convert.otlp_frames import requests
from collector.convert.otlp_protobuf import pieces
from collector.convert.result import Converted, Malformed

_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_HEAD_BYTES = 4096
_TEXT_CONTROLS = frozenset(b"\t\n\r")
_LARGEST_DOCUMENT = 512 << 20

_OTLP_KEYS = ("resourceSpans", "resource_spans", "batches")
_OTHER_SIGNALS = ("resourceMetrics", "resource_metrics", "resourceLogs", "resource_logs")


class FileError(Exception):
    """A file that holds no spans that can be read; the message names file, line and reason."""

    def __init__(self, path: Path, reason: str, line: int | None = None) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path = path
        self.line = line


def read_file(path: Path, *, received_ns: int, max_bytes: int = 4 << 20) -> Iterator[Converted]:
    """The spans of one file, in requests of about `max_bytes` at most.

    `received_ns` (since the epoch) dates Zipkin spans without a time. Raises FileError, at the
    place of the error: what was read before it was given already.
    """
    found = False
    try:
        with path.open("rb") as raw:
            for converted in _bounded(_converted(path, _plain(raw), received_ns), max_bytes):
                found = True
                yield converted
    except Malformed as error:
        raise FileError(path, str(error)) from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(path, reason) from None
    if not found:
        raise FileError(path, "no spans in it")


def _plain(raw: IO[bytes]) -> io.BufferedReader:
    stream = cast(io.BufferedReader, raw)
    if stream.peek(2)[:2] == _GZIP_MAGIC:
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=stream)))
    return stream


def _bounded(converted: Iterator[Converted], max_bytes: int) -> Iterator[Converted]:
    """Small requests together, large ones in pieces."""
    waiting: list[Converted] = []
    size = 0
    for item in converted:
        if waiting and size + len(item.payload) > max_bytes:
            yield _merged(waiting)
            waiting, size = [], 0
        if len(item.payload) > max_bytes:
            yield from pieces(item.payload, max_bytes)
            item = Converted(b"", 0, item.rejected, item.reason)
        if item.spans or item.rejected:
            waiting.append(item)
            size += len(item.payload)
    if waiting:
        yield _merged(waiting)


def _merged(items: list[Converted]) -> Converted:
    return Converted(
        b"".join(item.payload for item in items),
        sum(item.spans for item in items),
        sum(item.rejected for item in items),
        next((item.reason for item in items if item.reason), ""),
    )


def _converted(path: Path, stream: io.BufferedReader, received_ns: int) -> Iterator[Converted]:
    head = stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    if not head:
        raise Malformed("the file is empty")
    # JSON has no control characters but white space; protobuf spans always have others early.
    if all(byte >= 0x20 or byte in _TEXT_CONTROLS for byte in head):
        yield from _json(path, stream, received_ns)
    else:
        try:
            yield from requests(stream)
        except Malformed as error:
            raise Malformed(f"neither JSON nor OTLP protobuf: {error}") from None


def _json(path: Path, stream: io.BufferedReader, received_ns: int) -> Iterator[Converted]:
    if stream.peek(len(_BOM))[: len(_BOM)] == _BOM:
        stream.read(len(_BOM))
    number, line = _next_line(stream, 0)
    first_line = number
    first: object = None
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        rest = line + stream.read(_LARGEST_DOCUMENT + 1)
        if len(rest) > _LARGEST_DOCUMENT:
            raise Malformed(
                f"larger than {_LARGEST_DOCUMENT >> 20} MiB: write JSON lines, one request a line"
            ) from None
        yield from _document(path, None, _whole(path, rest, first_line), received_ns)
        return
    while True:
        yield from _document(path, number, first, received_ns)
        number, line = _next_line(stream, number)
        if not line:
            return
        try:
            first = json_values.load(line)
        except Malformed as error:
            raise FileError(path, str(error), number) from None


def _next_line(stream: io.BufferedReader, number: int) -> tuple[int, bytes]:
    """The next line that is not blank, and its number; b"" at the end."""
    while line := stream.readline(_LARGEST_DOCUMENT):
        number += 1
        if line.strip():
            return number, line
    return number, b""


def _whole(path: Path, text: bytes, first_line: int) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = error.lineno + first_line - 1
        raise FileError(path, f"not JSON: {error.msg} at column {error.colno}", line) from None
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + first_line
        raise FileError(path, "not UTF-8", line) from None
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None


def _document(
    path: Path, line: int | None, document: object, received_ns: int
) -> Iterator[Converted]:
    try:
        yield from _spans(document, received_ns)
    except Malformed as error:
        raise FileError(path, str(error), line) from None


def _spans(document: object, received_ns: int) -> Iterator[Converted]:
    """What one JSON value holds, by what it looks like."""
    if isinstance(document, dict):
        trace = document.get("trace")  # Tempo's second API wraps
        fields = trace if isinstance(trace, dict) else document
        if any(key in fields for key in _OTLP_KEYS):
            yield otlp_json.convert_document(fields)
        elif _is_zipkin(fields):
            yield zipkin.convert_spans([fields], received_ns)
        else:
            raise _unknown(fields)
    elif isinstance(document, list):
        yield from _list(document, received_ns)
    else:
        raise Malformed("neither OTLP nor Zipkin: expected an object or an array")


def _list(document: list[Any], received_ns: int) -> Iterator[Converted]:
    if document and all(isinstance(item, list) for item in document):
        document = [span for trace in document for span in trace]
    if not any(_is_zipkin(item) for item in document):
        for index, item in enumerate(document):
            if not isinstance(item, dict) or not any(key in item for key in _OTLP_KEYS):
                raise Malformed(f"item {index + 1}: {_unknown(item)}")
            yield otlp_json.convert_document(item)
        return
    for index, item in enumerate(document):
        if not _is_zipkin(item):
            raise Malformed(f"item {index + 1}: {_unknown(item)}")
    yield zipkin.convert_spans(document, received_ns)


def _is_zipkin(item: object) -> bool:
    return isinstance(item, dict) and "traceId" in item and "id" in item


def _unknown(item: object) -> Malformed:
    if isinstance(item, dict):
        if any(key in item for key in _OTHER_SIGNALS):
            return Malformed("OTLP metrics or logs, not spans")
        if isinstance(item.get("data"), list):
            return Malformed("looks like Jaeger's JSON, which is not read: export OTLP")
        keys = ", ".join(map(repr, list(item)[:5])) or "no fields"
        return Malformed(f"neither OTLP (resourceSpans) nor Zipkin (traceId, id): it has {keys}")
    return Malformed("neither OTLP nor Zipkin: not an object")
