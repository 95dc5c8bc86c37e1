"""OTLP over HTTP: protobuf or JSON, answered in the form of the request."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.types import Receive, Scope, Send

from collector.access import Access
from collector.convert import otlp_json
from collector.convert.otlp_protobuf import count_spans
from collector.convert.result import Converted, Malformed
from collector.later import Later
from collector.metrics import Counters
from collector.receivers.http_request import (
    Answer,
    ClientGone,
    HttpError,
    check_access,
    media_type,
    read_body,
    skip_body,
)
from collector.receivers.http_server import HttpServer
from collector.receivers.in_flight import Held, InFlight
from collector.receivers.receiver import (
    JSON_WEIGHT,
    LARGE_BODY_BYTES,
    MAX_REQUEST_BYTES,
    OPEN,
    Admission,
    KeepMalformed,
    SpanSink,
    forget_malformed,
)
from collector.receivers.status import later_code, retry_after, retry_status, status

_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_TRACES = "/v1/traces"
_IGNORED = frozenset({"/v1/metrics", "/v1/logs", "/v1development/profiles"})


class OtlpHttpReceiver:
    """POST /v1/traces; exporters of other signals are answered and their data ignored.

    Errors carry a google.rpc.Status: too large 413 (also after decompression), other types 415,
    malformed 400, full 429 and stopping 503 with Retry-After. An ASGI application too.
    """

    name = "otlp_http"

    def __init__(
        self,
        sink: SpanSink,
        counters: Counters,
        *,
        host: str = "127.0.0.1",
        port: int = 4318,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        keep_malformed: KeepMalformed = forget_malformed,
        access: Access = OPEN,
        in_flight: InFlight | None = None,
    ) -> None:
        self._admission = Admission(self.name, sink, counters, keep_malformed, in_flight)
        self._max_request_bytes = max_request_bytes
        self._access = access
        self._server = HttpServer(self.name, self, host, port, access)

    @property
    def address(self) -> str:
        """host:port."""
        return self._server.address

    async def start(self) -> None:
        """Listen. Raises CannotListen."""
        await self._server.start()

    async def stop(self) -> None:
        """Take no new requests and answer those under way."""
        await self._server.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        form = _PROTOBUF if media_type(scope) in (_PROTOBUF, "application/protobuf") else _JSON
        try:
            with self._admission.hold() as held:
                answer = await self._answer(scope, receive, form, held)
        except ClientGone:
            return
        except HttpError as error:
            answer = _failed(error.status, status(error.status, str(error)), form, *error.headers)
        except Later as later:
            code = later_code(later)
            details = retry_status(status(code, "").code, later)
            answer = _failed(code, details, form, retry_after(later))
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive, form: str, held: Held) -> Answer:
        try:
            await check_access(scope, receive, self._access, self._max_request_bytes)
        except HttpError as refusal:
            self._admission.malformed(b"", str(refusal))
            raise
        path = scope["path"]
        if path != _TRACES and path not in _IGNORED:
            raise HttpError(HTTPStatus.NOT_FOUND, f"nothing is at {path}: send to {_TRACES}")
        if scope["method"] != "POST":
            message = f"{path} takes POST, not {scope['method']}"
            error = status(HTTPStatus.METHOD_NOT_ALLOWED, message)
            return _failed(HTTPStatus.METHOD_NOT_ALLOWED, error, form, ("allow", "POST"))
        if path in _IGNORED:
            await skip_body(receive, self._max_request_bytes)
            self._admission.ignored()
            return _accepted(Converted(b"", 0), form)
        try:
            if media_type(scope) not in (_PROTOBUF, "application/protobuf", _JSON):
                await skip_body(receive, self._max_request_bytes)
                raise HttpError(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    f"Content-Type {media_type(scope)!r} is not supported: "
                    f"use {_PROTOBUF} or {_JSON}",
                )
            body = await read_body(scope, receive, self._max_request_bytes, held)
        except HttpError as error:
            self._admission.malformed(b"", str(error))
            raise
        except Later:
            self._admission.turned_away()
            raise
        try:
            converted = await _convert(body, form, held)
        except Malformed as error:
            self._admission.malformed(body, str(error))
            raise HttpError(HTTPStatus.BAD_REQUEST, str(error)) from None
        except Later:
            self._admission.turned_away()
            raise
        if converted.rejected:
            self._admission.sample(body, converted.reason)
        await self._admission.admit(held, converted.payload, converted.spans, converted.rejected)
        return _accepted(converted, form)


async def _convert(body: bytes, form: str, held: Held) -> Converted:
    if form == _PROTOBUF:
        return Converted(body, count_spans(body))
    held.take(len(body) * (1 + JSON_WEIGHT))
    if len(body) <= LARGE_BODY_BYTES:
        return otlp_json.convert(body)
    return await asyncio.to_thread(otlp_json.convert, body)


def _accepted(converted: Converted, form: str) -> Answer:
    if form == _PROTOBUF:
        response = ExportTraceServiceResponse()
        if converted.rejected:
            response.partial_success.rejected_spans = converted.rejected
            response.partial_success.error_message = converted.reason
        return Answer(HTTPStatus.OK, _PROTOBUF, response.SerializeToString())
    body: dict[str, Any] = {}
    if converted.rejected:
        body["partialSuccess"] = {
            "rejectedSpans": str(converted.rejected),
            "errorMessage": converted.reason,
        }
    return Answer(HTTPStatus.OK, _JSON, json.dumps(body).encode())


def _failed(code: HTTPStatus, error: Any, form: str, *headers: tuple[str, str]) -> Answer:
    body = (
        error.SerializeToString()
        if form == _PROTOBUF
        else MessageToJson(error, indent=None).encode()
    )
    return Answer(code, form, body, headers)
