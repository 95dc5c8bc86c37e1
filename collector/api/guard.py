"""Who may ask: a bearer token where one is set, else only this machine by its own names. Who
changes something needs a token in any case: other users are on this machine too, and so are web
pages, whose requests it cannot tell from a command's."""

from __future__ import annotations

import math

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.access import Access, hostname, is_loopback
from collector.api.errors import problem
from collector.api.rate import Rate


class Guard:
    """ASGI middleware. Also signs each answer with the version, so that a client knows us.

    Without a token, a Host that is no loopback name is turned away: a web page could otherwise
    read the API through a name of its own that resolves to this machine.
    """

    def __init__(
        self, app: ASGIApp, *, access: Access, rate: Rate, owner: str = "", version: str
    ) -> None:
        self.app = app
        self._access = access
        self._accepted = [Access(token) for token in (access.token, owner) if token]
        self._rate = rate
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

        client = scope.get("client")
        if wait := self._rate.wait(client[0] if client else ""):
            # Before the token: guesses are requests too.
            answer = problem(
                429,
                "too_many",
                f"more than {self._rate.per_second:g} requests per second come from this address",
                "Ask less often, or raise api.requests_per_second.",
                {"Retry-After": str(math.ceil(wait))},
            )
            await answer(scope, receive, signed)
            return
        headers = Headers(scope=scope)
        changes = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if self._access.token or changes:
            if not self._fits(headers.get("authorization", "")):
                answer = problem(
                    401,
                    "unauthorised",
                    "this collector asks for a bearer token",
                    "Send Authorization: Bearer TOKEN; flowtap reads FLOWTAP_API_TOKEN.",
                    {"WWW-Authenticate": "Bearer"},
                )
                await answer(scope, receive, signed)
                return
        elif not is_loopback(hostname(headers.get("host", ""))):
            answer = problem(
                403,
                "forbidden_host",
                "without a token this collector answers to localhost only",
                "Set api.token to use another name.",
            )
            await answer(scope, receive, signed)
            return
        await self.app(scope, receive, signed)

    def _fits(self, authorization: str) -> bool:
        """Whether it is a token of ours; each takes as long as the other."""
        return any([one.admits(authorization) for one in self._accepted])  # noqa: C419 - all of them
