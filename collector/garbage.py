"""When the collector's process looks for garbage: objects that only point at each other."""

from __future__ import annotations

import asyncio
import gc

SWEEP_SECONDS = 60.0
"""Between two looks. The gRPC server leaves some such objects of each request, the engine's client
of each insert: of fifty requests a second they are ten megabytes in this time. To look takes tens
of milliseconds."""


def settle() -> None:
    """Leave what is there now out of every look, and have what is new seldom cause one.

    A chain is tens of thousands of objects, what a tap reads at once a hundred thousand, and all
    of them are gone when it is told: looking through them whenever so many are new would take a
    sixth of the collector's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


async def sweep(seconds: float = SWEEP_SECONDS) -> None:
    """Look for garbage again and again, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        gc.collect()
