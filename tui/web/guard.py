"""Who may open the terminal UI in a browser: whoever has the address, on this machine, and no
page of somebody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    # A page that frames this one could have its visitor click on what is in it.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Frame-Options": "DENY",
    # The address has the key in it.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def refusal(headers: Mapping[str, str]) -> str:
    """Why a request is turned away; empty if it is not.

    A Host of another name is a page whose name was made to resolve to this machine. A browser
    names the page that asks in Origin, also for websockets, which it would let any page open.
    """
    host = headers.get("Host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if name not in LOOPBACK:
        return "flowtap answers to localhost only"
    if headers.get("Origin", f"http://{host}") != f"http://{host}":
        return "flowtap answers to its own page only"
    return ""


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns away what `refusal` names. `sign` adds the headers."""
    reason = refusal(request.headers)
    if reason:
        return web.Response(status=403, text=f"{reason}\n")
    return await handler(request)


async def sign(_: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`: puts `HEADERS` on every answer, also on errors and files."""
    response.headers.update(HEADERS)
