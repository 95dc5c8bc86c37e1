"""A real API server beside a test, on a free port of this machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from collector.api.app import create_app
from collector.api.backend import Backend
from collector.api.server import ApiServer
from collector.config import Api, Limits


@contextmanager
def serving(
    backend: Backend,
    settings: Api | None = None,
    limits: Limits | None = None,
    *,
    owner_token: str = "",
) -> Iterator[str]:
    """The URL of an API over this backend, as long as the block lasts."""
    started: threading.Event = threading.Event()
    port = 0
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()

    async def serve() -> None:
        nonlocal port
        access = settings.access() if settings else None
        app = create_app(backend, settings, limits, owner_token=owner_token)
        server = ApiServer(app, access=access)
        port = await server.start()
        started.set()
        await stopped.wait()
        await server.stop()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="api-under-test", daemon=True)
    thread.start()
    assert started.wait(20), "the API did not start"
    try:
        yield f"http{'s' if settings and settings.access().encrypted else ''}://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(20)
        assert not thread.is_alive(), "the API did not stop"
