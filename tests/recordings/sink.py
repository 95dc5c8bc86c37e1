"""An OTLP/HTTP receiver that keeps every request, as OTLP's JSON."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Sink:
    endpoint: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """In the order in which they came."""


@contextmanager
def sink() -> Iterator[Sink]:
    """Receives protobuf on a free port of 127.0.0.1 until it is left."""
    kept = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kept.requests.append(as_json(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"]))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def as_json(request: ExportTraceServiceRequest) -> dict[str, Any]:
    """OTLP's JSON is protobuf's, but ids are hexadecimal."""
    document: dict[str, Any] = MessageToDict(request, use_integers_for_enums=True)
    for resource, said in zip(request.resource_spans, document["resourceSpans"], strict=True):
        for scope, scope_said in zip(resource.scope_spans, said["scopeSpans"], strict=True):
            for span, written in zip(scope.spans, scope_said["spans"], strict=True):
                written |= {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
                if span.parent_span_id:
                    written["parentSpanId"] = span.parent_span_id.hex()
                for link, linked in zip(span.links, written.get("links", ()), strict=True):
                    linked |= {"traceId": link.trace_id.hex(), "spanId": link.span_id.hex()}
    return document
