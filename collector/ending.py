"""Signals that end the collector's process: the first one asks it to stop, and how long it takes
then has an end, whatever hangs. Only what is acknowledged matters, and that is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading

log = logging.getLogger(__name__)

LONGEST_STOP_SECONDS = 9.0
"""From the first signal until the process is gone. What runs a process (Docker, for one) often
kills it after ten."""


class Ending:
    """Set when the process was asked to stop; made on the event loop that it stops.

    A second signal kills the process, as it would one that does not listen to signals.
    """

    def __init__(self, longest: float = LONGEST_STOP_SECONDS) -> None:
        self._longest = longest
        self._asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not on every system, and only in the main thread.
            with contextlib.suppress(NotImplementedError, ValueError):
                loop.add_signal_handler(number, self._ask)

    async def wait(self) -> None:
        """Return once somebody asked."""
        await self._asked.wait()

    def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            # Not by the loop: a second one has to end what goes on after it, too.
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        self._asked.set()
        # A thread of the engine cannot be interrupted, and Python waits for its own at the end.
        timer = threading.Timer(self._longest, self._give_up)
        timer.daemon = True
        timer.start()

    def _give_up(self) -> None:
        log.warning("stopped before all was done: the next start goes on with it")
        os._exit(0)
