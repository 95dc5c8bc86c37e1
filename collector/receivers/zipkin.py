"""Zipkin v2 JSON over HTTP, converted to OTLP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from collector.access import Access
from collector.convert import zipkin
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
from collector.receivers.status import later_code, retry_after

_SPANS = "/api/v2/spans"
_V1_SPANS = "/api/v1/spans"
_HEALTH = "/health"
_TEXT = "text/plain; charset=utf-8"


class ZipkinReceiver:
    """POST /api/v2/spans, answered 202; GET /health.

    Spans without valid ids are left out of a list; a list of nothing else is malformed. Errors
    are plain text: too large 413, other types 415, malformed 400, full 429 and
    stopping 503 with Retry-After.
    An ASGI application too.
    """

    name = "zipkin"

    def __init__(
        self,
        sink: SpanSink,
        counters: Counters,
        *,
        host: str = "127.0.0.1",
        port: int = 9411,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        keep_malformed: KeepMalformed = forget_malformed,
        access: Access = OPEN,
        in_flight: InFlight | None = None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._admission = Admission(self.name, sink, counters, keep_malformed, in_flight)
        self._max_request_bytes = max_request_bytes
        self._access = access
        self._wall = wall
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
        try:
            with self._admission.hold() as held:
                answer = await self._answer(scope, receive, held)
        except ClientGone:
            return
        except HttpError as error:
            answer = _text(error.status, str(error), *error.headers)
        except Later as later:
            answer = _text(later_code(later), str(later), retry_after(later))
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive, held: Held) -> Answer:
        try:
            await check_access(scope, receive, self._access, self._max_request_bytes)
        except HttpError as error:
            self._admission.malformed(b"", str(error))
            raise
        path, method = scope["path"], scope["method"]
        if path == _HEALTH and method in ("GET", "HEAD"):
            body = b'{"status":"UP"}' if method == "GET" else b""
            return Answer(HTTPStatus.OK, "application/json", body)
        if path != _SPANS:
            await skip_body(receive, self._max_request_bytes)
            if path == _V1_SPANS:
                self._admission.malformed(b"", "Zipkin v1")
                raise HttpError(
                    HTTPStatus.NOT_FOUND, f"Zipkin v1 is not read: send v2 JSON to {_SPANS}"
                )
            raise HttpError(HTTPStatus.NOT_FOUND, f"nothing is at {path}: send to {_SPANS}")
        if method != "POST":
            message = f"{path} takes POST, not {method}"
            return _text(HTTPStatus.METHOD_NOT_ALLOWED, message, ("allow", "POST"))
        try:
            # Zipkin's reporters may leave the type out, and JSON is then meant.
            if media_type(scope) not in ("", "application/json"):
                await skip_body(receive, self._max_request_bytes)
                raise HttpError(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    f"Content-Type {media_type(scope)!r} is not supported: send JSON",
                )
            body = await read_body(scope, receive, self._max_request_bytes, held)
        except HttpError as error:
            self._admission.malformed(b"", str(error))
            raise
        except Later:
            self._admission.turned_away()
            raise
        try:
            converted = await self._convert(body, held)
        except Malformed as error:
            self._admission.malformed(body, str(error))
            raise HttpError(HTTPStatus.BAD_REQUEST, str(error)) from None
        except Later:
            self._admission.turned_away()
            raise
        if converted.rejected:
            self._admission.sample(body, converted.reason)
        await self._admission.admit(held, converted.payload, converted.spans, converted.rejected)
        if converted.rejected and not converted.spans:
            raise HttpError(HTTPStatus.BAD_REQUEST, converted.reason)
        return Answer(HTTPStatus.ACCEPTED)

    async def _convert(self, body: bytes, held: Held) -> Converted:
        held.take(len(body) * (1 + JSON_WEIGHT))
        convert = partial(zipkin.convert, body, self._wall())
        if len(body) <= LARGE_BODY_BYTES:
            return convert()
        return await asyncio.to_thread(convert)


def _text(status: HTTPStatus, message: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, _TEXT, message.encode("utf-8", "replace"), headers)
