"""The API's HTTP server inside the collector: its start, its port, its stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from collector.access import Access
from collector.impatient import ImpatientProtocol

_GRACE_SECONDS = 1


class _Server(uvicorn.Server):
    """Signals are the service's business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class ApiServer:
    """Serves an app from `create_app`."""

    def __init__(
        self,
        app: FastAPI,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        access: Access | None = None,
    ) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._access = access or Access()
        self._task: asyncio.Task[None] | None = None
        self._server: _Server | None = None

    async def start(self) -> int:
        """Listens, and returns the port. Raises OSError, naming the address, when it cannot."""
        listening = _listen(self._host, self._port)
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=ImpatientProtocol,
            ssl_certfile=self._access.certificate,
            ssl_keyfile=self._access.key,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([listening]), name="flowtap-api")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((ready, self._task), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await self._task
        port: int = listening.getsockname()[1]
        return port

    def refuse(self) -> None:
        """Ends the streams, and answers that it stops: what is asked, and what was being asked."""
        self._app.state.tail.close()
        self._app.state.asking.close()

    async def stop(self) -> None:
        """Refuses what is still asked, and closes."""
        if self._server is None or self._task is None:
            return
        self.refuse()
        self._server.should_exit = True
        with suppress(asyncio.CancelledError):
            await self._task
        self._server = self._task = None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends each part of an answer at once (TCP_NODELAY); without
    # it, the second part waits 40 ms for the first one's acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host.strip("[]"), port))
        listening.listen(128)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise OSError(
            error.errno, f"the API cannot listen on {host}:{port}: {error.strerror}"
        ) from error
    return listening
