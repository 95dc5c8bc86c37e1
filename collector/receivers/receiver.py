"""The seam between a protocol and the spool, and what every receiver does with a request.

A request is acknowledged only after the sink accepted it. Whether it may be sent again is a
property of the error: Later may, after its delay; Malformed never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from collector.access import Access
from collector.metrics import Counters
from collector.receivers.in_flight import Held, InFlight

MAX_REQUEST_BYTES = 64 << 20
"""The largest request that is read, after decompression: what OTLP recommends."""

OPEN = Access()
"""Whoever reaches the address may send."""

LARGE_BODY_BYTES = 32 << 10
"""From here on JSON is converted in a thread, so that other requests are answered meanwhile."""

JSON_WEIGHT = 8
"""The memory that converting JSON takes, in sizes of the JSON (measured)."""


class SpanSink(Protocol):
    """What takes requests: a serialised ExportTraceServiceRequest each."""

    def accept(self, payload: bytes) -> Awaitable[None]:
        """Done once the request is durable. Raises Later, at once or when awaited."""


class Receiver(Protocol):
    """One protocol on one address. Runs on the event loop that starts it."""

    name: str

    @property
    def address(self) -> str:
        """host:port while it listens, with the port that was really taken."""

    async def start(self) -> None:
        """Listen. Raises CannotListen."""

    async def stop(self) -> None:
        """Take no new requests and answer those under way."""


class CannotListen(Exception):
    """An address could not be taken; the message names receiver, address and reason."""


KeepMalformed = Callable[[str, bytes, str], None]
"""Called with the receiver's name, the payload and the reason."""


def forget_malformed(_name: str, _payload: bytes, _reason: str) -> None:
    """Keep no samples of malformed requests."""


class Admission:
    """Counts requests and hands them on; one per receiver."""

    def __init__(
        self,
        name: str,
        sink: SpanSink,
        counters: Counters,
        keep_malformed: KeepMalformed = forget_malformed,
        in_flight: InFlight | None = None,
    ) -> None:
        self.name = name
        self._in_flight = in_flight or InFlight()
        self._sink = sink
        self._counters = counters
        self._keep_malformed = keep_malformed
        self._under_way: set[asyncio.Future[None]] = set()

    def hold(self) -> Held:
        """What a request takes up of the memory that all of them have; a context manager."""
        return self._in_flight.hold()

    async def admit(self, held: Held, payload: bytes, spans: int, rejected: int = 0) -> None:
        """Return once the spans are durable. `rejected` ones were left out. Raises Later."""
        count, name = self._counters.count, self.name
        count("requests", name, "received")
        count("spans", name, "received", spans + rejected)
        count("spans", name, "rejected", rejected)
        if not spans:
            count("requests", name, "rejected" if rejected else "stored")
            return
        try:
            accepted = asyncio.ensure_future(self._sink.accept(payload))
        except BaseException:  # a full spool, or a fault of ours: the sender may try again
            self._dropped(spans)
            raise
        # A client that hangs up cancels the call, but what it sent is on its way: the outcome
        # is counted when it is known. A task of its own for that would cost more than the count.
        self._under_way.add(accepted)
        accepted.add_done_callback(partial(self._finished, held, spans))
        held.hand_on()
        await asyncio.shield(accepted)

    def _finished(self, held: Held, spans: int, accepted: asyncio.Future[None]) -> None:
        self._under_way.discard(accepted)
        held.free()
        # Its exception is seen by this, also when the caller is gone.
        if accepted.cancelled() or accepted.exception() is not None:
            self._dropped(spans)
            return
        self._counters.count("requests", self.name, "stored")
        self._counters.count("spans", self.name, "stored", spans)

    def _dropped(self, spans: int) -> None:
        self._counters.count("requests", self.name, "dropped")
        self._counters.count("spans", self.name, "dropped", spans)

    def malformed(self, payload: bytes, reason: str) -> None:
        """A request that will never be accepted: counted, and perhaps kept as a sample."""
        self._counters.count("requests", self.name, "received")
        self._counters.count("requests", self.name, "rejected")
        self.sample(payload, reason)

    def sample(self, payload: bytes, reason: str) -> None:
        """Keep what a request said, as an example of what was wrong with it."""
        if payload:
            self._keep_malformed(self.name, payload, reason)

    def turned_away(self) -> None:
        """A request that was not read, and may come again."""
        self._counters.count("requests", self.name, "received")
        self._counters.count("requests", self.name, "dropped")

    def ignored(self) -> None:
        """A request that is not about spans."""
        self._counters.count("requests", self.name, "ignored")
