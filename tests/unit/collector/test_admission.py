"""What is counted and held of a request whose sender does not wait for the answer."""

from __future__ import annotations

import asyncio
import contextlib

from collector.metrics import Counters
from collector.receivers.in_flight import InFlight
from collector.receivers.receiver import Admission


class Slow:
    """A sink that is done when a test says so."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def accept(self, _payload: bytes) -> asyncio.Future[None]:
        return self.done


async def test_what_a_client_sent_before_it_hung_up_is_held_and_counted_when_stored() -> None:
    sink, counters, in_flight = Slow(), Counters(), InFlight()
    admission = Admission("door", sink, counters, in_flight=in_flight)

    async def call() -> None:
        with admission.hold() as held:
            held.take(7)
            await admission.admit(held, b"request", 3)

    calling = asyncio.create_task(call())
    await asyncio.sleep(0)
    calling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await calling
    assert in_flight.bytes == 7
    assert counters.under_way("spans", "door") == 3

    sink.done.set_result(None)
    await asyncio.sleep(0)
    assert in_flight.bytes == 0
    assert counters.snapshot()["spans"]["door"]["stored"] == 3
