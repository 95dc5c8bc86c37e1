"""Who may ask: a bearer token where one is set, else only this machine by its own names."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.api.errors import problem
from collector.config import is_loopback


class Guard:
    """ASGI middleware. Also signs each answer with the version, so that a client knows us.

    Without a token, a Host that is no loopback name is turned away: a web page could otherwise
    read the API through a name of its own that resolves to this machine.
    """

    def __init__(self, app: ASGIApp, *, token: str, version: str) -> None:
        self.app = app
        self._token = token.encode()
        self._version = version.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (b"flowtap-version", self._version)]
            await send(message)

        headers = Headers(scope=scope)
        if self._token:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            fits = secrets.compare_digest(given.strip().encode("utf-8", "replace"), self._token)
            if scheme.lower() != "bearer" or not fits:
                answer = problem(
                    401,
                    "unauthorised",
                    "this collector asks for a bearer token",
                    "Send Authorization: Bearer TOKEN; flowtap reads FLOWTAP_API_TOKEN.",
                    {"WWW-Authenticate": "Bearer"},
                )
                await answer(scope, receive, signed)
                return
        elif not is_loopback(_hostname(headers.get("host", ""))):
            answer = problem(
                403,
                "forbidden_host",
                "without a token this collector answers to localhost only",
                "Set api.token to use another name.",
            )
            await answer(scope, receive, signed)
            return
        await self.app(scope, receive, signed)


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
