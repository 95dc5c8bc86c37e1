"""One browser session: a process of the terminal UI whose screen goes over a websocket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

PRELUDE = b"__GANGLION__\n"
"""What Textual's web driver writes before its packets."""

DRIVER = "tui.web.driver:Driver"

STOP_SECONDS = 5.0


class Session(AppService):
    """textual-serve's, without a shell, and never outlived by its process.

    What the process writes to stderr goes to the terminal that serves.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[object]],
        downloads: DownloadManager,
    ) -> None:
        async def closed() -> None:
            await close()

        super().__init__(
            "",
            write_bytes=write_bytes,
            write_str=write_str,
            close=closed,
            download_manager=downloads,
        )
        self._arguments = tuple(arguments)

    async def _open_app_process(
        self, width: int = 80, height: int = 24
    ) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**self._build_environment(width=width, height=height), "TEXTUAL_DRIVER": DRIVER},
        )
        self._process = process
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        """Hands on what the process writes until it ends, then closes the websocket."""
        assert self._process is not None
        stdout = self._process.stdout
        assert stdout is not None
        handlers = {b"D": self.on_data, b"M": self.on_meta, b"P": self.on_packed}
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await stdout.readuntil(b"\n") != PRELUDE:
                continue
            while True:
                kind = await stdout.readexactly(1)
                size = int.from_bytes(await stdout.readexactly(4), "big")
                await handlers[kind](await stdout.readexactly(size))
        await self.remote_close()

    async def stop(self) -> None:
        """Asks the process to end, and makes it end; may be called again."""
        process, self._process = self._process, None
        if process is None:
            return
        task, self._task = self._task, None
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        await self.send_meta({"type": "quit"})
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        if task is not None:
            await task
