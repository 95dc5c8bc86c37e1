"""One HTTP request as raw ASGI: its body within a bound, and one answer."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from collector.access import Access, is_local_page
from collector.later import Stopping
from collector.receivers.in_flight import Busy, Held

_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS

BODY_SECONDS = 60.0
"""How long a body may take to come."""


class HttpError(Exception):
    """The request is answered with this status and message."""

    def __init__(self, status: HTTPStatus, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class ClientGone(Exception):
    """The client hung up before its request was whole; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: HTTPStatus
    content_type: str = ""
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    async def send(self, send: Send) -> None:
        """As one response, always with its length."""
        headers = [(b"content-length", str(len(self.body)).encode())]
        if self.content_type:
            headers.append((b"content-type", self.content_type.encode()))
        headers += [(name.encode(), value.encode()) for name, value in self.headers]
        await send(
            {
                "type": "http.response.start",
                "status": self.status.value,
                "headers": headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def header(scope: Scope, name: bytes) -> str:
    """The header's value (names in lower case), "" without it."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1").strip()
    return ""


def media_type(scope: Scope) -> str:
    """The content type in lower case, without its parameters."""
    return header(scope, b"content-type").partition(";")[0].strip().lower()


async def read_body(scope: Scope, receive: Receive, max_bytes: int, held: Held) -> bytes:
    """The body, decompressed, of `max_bytes` at most, with or without a Content-Length.

    Raises HttpError (413, 415, 400), after the rest of the body was read and forgotten: a client
    that is still sending would miss the answer; 408 where it takes too long; ClientGone;
    Busy where `held` finds no room for it, Stopping where the server cannot wait for the rest.
    """
    async with _patience():
        return await _read_body(scope, receive, max_bytes, held)


@asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    """Waits for a body, but not for ever."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            yield
    except TimeoutError:
        raise HttpError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body was not whole after {BODY_SECONDS:g} seconds",
            ("connection", "close"),
        ) from None
    except asyncio.CancelledError:  # by the server, which ends
        raise Stopping from None


async def _read_body(scope: Scope, receive: Receive, max_bytes: int, held: Held) -> bytes:
    chunks = _Chunks(receive)
    body = None
    try:
        body = _Body(header(scope, b"content-encoding").lower(), max_bytes, held)
        length = header(scope, b"content-length")
        if length.isdecimal() and int(length[:20]) > max_bytes:
            raise _too_large(max_bytes)
        async for chunk in chunks:
            body.feed(chunk)
        return body.finish()
    except (HttpError, Busy):
        del body  # what came of it
        held.free()
        await _drain(chunks, max_bytes)
        raise


async def check_access(scope: Scope, receive: Receive, access: Access, max_bytes: int) -> None:
    """Raises HttpError 401 without the token, and 403 for a page in a browser that comes from
    elsewhere where no token is asked for: any page may post to this machine. The body is skipped.
    """
    if not access.admits(header(scope, b"authorization")):
        await skip_body(receive, max_bytes)
        raise HttpError(
            HTTPStatus.UNAUTHORIZED,
            "this collector asks for a bearer token: send Authorization: Bearer TOKEN",
            ("www-authenticate", "Bearer"),
        )
    origin = header(scope, b"origin")
    if origin and not access.token and not is_local_page(origin):
        await skip_body(receive, max_bytes)
        raise HttpError(
            HTTPStatus.FORBIDDEN, "without a token, pages of other machines may not send spans"
        )


async def skip_body(receive: Receive, max_bytes: int) -> None:
    """Read the body and forget it; what is beyond `max_bytes` is left. Raises ClientGone, and
    HttpError (408) where it takes too long, and Stopping."""
    async with _patience():
        await _drain(_Chunks(receive), max_bytes)


async def _drain(chunks: _Chunks, max_bytes: int) -> None:
    async for chunk in chunks:
        max_bytes -= len(chunk)
        if max_bytes < 0:
            return


class _Chunks:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        if not self._more:
            raise StopAsyncIteration
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientGone
        self._more = bool(message.get("more_body", False))
        return bytes(message.get("body", b""))


class _Body:
    """Collects a body; what is compressed never grows beyond the bound."""

    def __init__(self, encoding: str, max_bytes: int, held: Held) -> None:
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise HttpError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"Content-Encoding {encoding!r} is not supported: use gzip, deflate or none",
            )
        self._encoding = encoding.removeprefix("x-")
        self._max_bytes = max_bytes
        self._held = held
        self._parts: list[bytes] = []
        self._size = 0
        self._head = b""
        self._inflate: zlib._Decompress | None = None

    def feed(self, chunk: bytes) -> None:
        if self._encoding in ("", "identity"):
            self._add(chunk)
            return
        data = self._head + chunk
        if len(data) < 2 and self._inflate is None:
            self._head = data  # two bytes tell the forms of deflate apart
            return
        self._head = b""
        try:
            while data:
                data = self._decompress(data)
        except zlib.error as error:
            raise self._broken(str(error)) from None

    def finish(self) -> bytes:
        if self._head or (self._inflate is not None and not self._inflate.eof):
            raise self._broken("it ends early")
        return b"".join(self._parts)

    def _decompress(self, data: bytes) -> bytes:
        """Decompress some; what is left of the data."""
        if self._inflate is None or self._inflate.eof:  # gzip may have several members
            self._inflate = zlib.decompressobj(self._window(data))
        self._add(self._inflate.decompress(data, self._max_bytes - self._size + 1))
        return self._inflate.unconsumed_tail or self._inflate.unused_data

    def _window(self, data: bytes) -> int:
        if self._encoding == "gzip":
            return _GZIP
        # By its RFC "deflate" has a zlib header; some clients send it bare.
        zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if zlib_header else _RAW

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._max_bytes:
            raise _too_large(self._max_bytes)
        self._held.take(self._size)
        self._parts.append(part)

    def _broken(self, why: str) -> HttpError:
        return HttpError(HTTPStatus.BAD_REQUEST, f"the {self._encoding} body is broken: {why}")


def _too_large(max_bytes: int) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {max_bytes} bytes; send smaller batches",
    )
