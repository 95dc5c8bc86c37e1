"""Sends orders at a rate, spans over gRPC and HTTP and messages to Kafka, until stdin ends.

`python -m tests.soak.sender GRPC HTTP BOOTSTRAP ORDERS_PER_SECOND` tells ten times a second what
became of it, as lines of JSON: what `Told` holds. Each order is eleven spans and eleven messages.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from confluent_kafka import Producer

from collector.convert.otlp_protobuf import count_spans
from tests.benchmarks.payload import Order, orders, reading, record, requests
from tests.benchmarks.sender import Channel, Later, channels
from tests.benchmarks.steps import SHOP, TOPICS

READINGS_EACH = 8
"""Messages beside an order's own three, so that it has as many as it has spans."""

TICK_SECONDS = 0.1
REQUEST_SPANS = 512
FLIGHT = 4
"""Requests on their way at a time, over each protocol."""


@dataclass(slots=True)
class Told:
    """What became of everything so far."""

    requests: int = 0
    """Acknowledged."""
    spans: int = 0
    """In them."""
    later: int = 0
    """Answers that told to come again."""
    failed: int = 0
    """Requests that will never be accepted."""
    broken: int = 0
    """Connections that ended: one that nothing came over for long, for example."""
    messages: int = 0
    """That the broker has."""
    undelivered: int = 0


class Sending:
    """One sender; `told` is up to date at any time."""

    def __init__(self, stack: AsyncExitStack, grpc: str, http: str, producer: Any) -> None:
        """Connections are closed by the stack."""
        self.told = Told()
        self._stack = stack
        self._http = http
        self._grpc = grpc
        self._free: asyncio.Queue[Channel] = asyncio.Queue()
        self._producer = producer
        self._under_way: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        for protocol, address in (("grpc", self._grpc), ("http", self._http)):
            for channel in await channels(protocol, address, FLIGHT, self._stack):
                self._free.put_nowait(channel)

    async def send(self, made: Sequence[Order]) -> None:
        """Waits for a connection, not for the answer."""
        for order in made:
            for topic in TOPICS:
                self._produce(record(order, topic))
            for number in range(READINGS_EACH):
                self._produce(reading(order, number, READINGS_EACH))
        self._producer.poll(0)
        for request in requests(SHOP, made, REQUEST_SPANS):
            channel = await self._free.get()
            task = asyncio.create_task(self._deliver(channel, request))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Until everything is answered."""
        await asyncio.gather(*self._under_way)
        await asyncio.to_thread(self._producer.flush, 30)

    async def _deliver(self, channel: Channel, request: bytes) -> None:
        try:
            while True:
                try:
                    await channel.send(request)
                    break
                except Later as later:
                    self.told.later += 1
                    await asyncio.sleep(later.seconds)
                except (OSError, EOFError):  # of HTTP; gRPC connects again by itself
                    self.told.broken += 1
                    (channel,) = await channels("http", self._http, 1, self._stack)
            self.told.requests += 1
            self.told.spans += count_spans(request)
        except Exception as error:
            self.told.failed += 1
            print(f"a request failed: {error!r}", file=sys.stderr, flush=True)
        finally:
            self._free.put_nowait(channel)

    def _produce(self, made: Any) -> None:
        self._producer.produce(
            made.topic,
            made.value,
            made.key,
            made.partition,
            timestamp=made.time // 10**6,
            headers=list(made.headers),
            on_delivery=self._delivered,
        )

    def _delivered(self, error: Any, _message: Any) -> None:
        if error is None:
            self.told.messages += 1
        else:
            self.told.undelivered += 1


async def run(grpc: str, http: str, bootstrap: str, rate: float) -> None:
    """Send until stdin ends."""
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20}
    )
    async with AsyncExitStack() as stack:
        sending = Sending(stack, grpc, http, producer)
        await sending.connect()
        made = orders(sys.maxsize, start=time.time_ns(), interval=round(10**9 / rate))
        began, count = time.monotonic(), 0
        while not ended.done():
            # What a machine that is too busy did not send is not sent all at once.
            due = min(round((time.monotonic() - began) * rate) - count, round(rate))
            await sending.send(list(islice(made, due)))
            count += due
            print(json.dumps(asdict(sending.told)), flush=True)
            await asyncio.sleep(TICK_SECONDS)
        await sending.finish()
    print(json.dumps(asdict(sending.told)), flush=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])))
