"""An ASGI application on one address, on the event loop that is running."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from collector.access import Access
from collector.impatient import ImpatientProtocol
from collector.receivers.receiver import OPEN, CannotListen

_GRACE_SECONDS = 1
_BACKLOG = 2048


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.stopping.wait()  # uvicorn's own looks ten times a second

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals belong to the process, not to one of its servers


class HttpServer:
    """Serves `app` on host:port; port 0 takes a free one."""

    def __init__(
        self, name: str, app: ASGIApp, host: str, port: int, access: Access = OPEN
    ) -> None:
        self._name = name
        self._app = app
        self._host = host
        self._port = port
        self._access = access
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """host:port, with the port that was really taken."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises CannotListen."""
        listening = self._listen()
        self._port = listening.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                self._app,
                http=ImpatientProtocol,
                ssl_certfile=self._access.certificate,
                ssl_keyfile=self._access.key,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._task = asyncio.create_task(self._server.serve([listening]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            listening.close()
            self._task.result()
            raise CannotListen(f"{self._name} cannot listen on {self.address}")

    async def stop(self) -> None:
        """Take no new requests and answer those under way."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        self._server.stopping.set()
        await self._task
        self._server = self._task = None

    def _listen(self) -> socket.socket:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listening = socket.socket(family, kind, protocol)
        except OSError as error:
            raise self._cannot(error) from None
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(_BACKLOG)
            listening.setblocking(False)
        except OSError as error:
            listening.close()
            raise self._cannot(error) from None
        return listening

    def _cannot(self, error: OSError) -> CannotListen:
        return CannotListen(f"{self._name} cannot listen on {self.address}: {error.strerror}")
