"""Serves the terminal UI to browsers on this machine, each session a process of its own."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from string import Template
from urllib.parse import quote

import textual_serve
from aiohttp import web
from textual_serve.server import Server

from tui.web.guard import guard, sign
from tui.web.session import Session

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page.html")
STATIC = Path(textual_serve.__file__).parent / "static"
GRACE_SECONDS = 2.0
"""How long answers that are under way may take when it ends."""


class WebServer(Server):
    """textual-serve's, with a page of ours, no shell, and an address that only its reader knows.

    Other people's programs on this machine can reach the port too; who drives the UI can read
    what its token can. So all lies below a path that is made up at each start.
    """

    def __init__(self, arguments: Sequence[str], port: int) -> None:
        super().__init__("", host=HOST, port=port, title="flowtap")
        self._arguments = tuple(arguments)
        self._key = secrets.token_urlsafe(16)
        self._open: set[web.WebSocketResponse] = set()
        self._page = Template(PAGE.read_text(encoding="utf-8"))

    def application(self) -> web.Application:
        """All routes, guarded."""
        app = web.Application(middlewares=[guard])
        app.add_routes(
            [
                web.get("/", self._lost),
                web.get(f"/{self._key}/", self._index),
                web.get(f"/{self._key}/ws", self.handle_websocket),
                web.static(f"/{self._key}/static", STATIC),
                web.static(f"/{self._key}/own", PAGE.parent / "own"),
                # textual-serve's script asks for it there; the download's key is as secret.
                web.get("/download/{key}", self.handle_download),
            ]
        )
        app.on_response_prepare.append(sign)
        app.on_shutdown.append(self.on_shutdown)
        return app

    def address(self, port: int) -> str:
        """What to open."""
        return f"http://{HOST}:{port}/{self._key}/"

    async def _lost(self, _: web.Request) -> web.Response:
        return web.Response(status=404, text="Open the whole address that flowtap printed.\n")

    async def _index(self, request: web.Request) -> web.Response:
        base = f"/{self._key}"
        page = self._page.substitute(base=base, socket=f"ws://{request.host}{base}/ws")
        return web.Response(text=page, content_type="text/html")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One session, until the browser or the UI leaves it."""
        socket = web.WebSocketResponse(heartbeat=15)
        width, height = (_cells(request.query.get(name, "")) for name in ("width", "height"))
        await socket.prepare(request)
        session = Session(
            self._arguments,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=socket.close,
            downloads=self.download_manager,
        )
        self._open.add(socket)
        try:
            await session.start(width or 80, height or 24)
            await self._process_messages(socket, session)
        finally:
            self._open.discard(socket)
            await session.stop()
        return socket

    async def handle_download(self, request: web.Request) -> web.StreamResponse:
        """What a session hands to its browser, once."""
        key = request.match_info["key"]
        try:
            told = await self.download_manager.get_download_metadata(key)
        except KeyError:
            raise web.HTTPNotFound(text="There is no such download.\n") from None
        response = web.StreamResponse()
        response.content_type = told.mime_type
        # textual-serve's own would write the name as it was typed.
        name = quote(told.file_name, safe="", errors="replace")
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        await response.prepare(request)
        async for piece in self.download_manager.download(key):
            await response.write(piece)
        await response.write_eof()
        return response

    async def on_shutdown(self, app: web.Application) -> None:
        """Ends all sessions: aiohttp would wait for their browsers to leave."""
        await asyncio.gather(*(socket.close() for socket in list(self._open)))

    async def run(self, told: Callable[[str], None]) -> None:
        """Serves until SIGINT or SIGTERM, and tells the address. Raises OSError."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=GRACE_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self.port).start()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
            told(self.address(runner.addresses[0][1]))
            await stop.wait()
        finally:
            await runner.cleanup()


def _cells(text: str) -> int:
    """A size that a browser asks for; 0 for what is none."""
    with suppress(ValueError):
        return max(0, min(int(text), 1_000))
    return 0


def serve(arguments: Sequence[str], port: int, told: Callable[[str], None]) -> None:
    """Runs the program `arguments` for each browser session, until it is interrupted.

    `port` 0 takes any free one; `told` gets the address to open. Raises OSError when the port
    is taken.
    """
    asyncio.run(WebServer(arguments, port).run(told))
