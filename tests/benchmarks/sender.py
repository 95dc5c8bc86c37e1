"""Sends requests made beforehand, many at a time, from a process of its own.

`python -m tests.benchmarks.sender grpc|http HOST:PORT FLIGHT FILE` says `ready`, waits for a
line, sends all of the file and answers with one line of JSON: what `Sent` holds.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import grpc
import grpc.aio
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # has no types

from tests.benchmarks.figures import percentile

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
"""The method of OTLP's service of traces."""

CONNECTIONS = 4
"""Of gRPC: services share no connection."""

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a file of requests."""

    requests: int
    seconds: float
    """From the first request to the last answer."""
    cpu_seconds: float
    """Of the sender."""
    retries: int
    """Answers that said: later."""
    ack_ms_p50: float
    ack_ms_p99: float


def write(path: Path, requests: Iterable[bytes]) -> int:
    """Put requests into a file for a sender; how many there were."""
    count = 0
    with path.open("wb") as file:
        for request in requests:
            file.write(_LENGTH.pack(len(request)))
            file.write(request)
            count += 1
    return count


def read(path: Path) -> Iterator[bytes]:
    """The requests of a file."""
    with path.open("rb") as file:
        while length := file.read(_LENGTH.size):
            yield file.read(_LENGTH.unpack(length)[0])


class Later(Exception):
    """The request was turned away and may be sent again, after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Channel(Protocol):
    """One of the connections; one request at a time."""

    async def send(self, request: bytes) -> None:
        """Return when it is acknowledged. Raises Later."""


class GrpcChannel:
    """A call on a channel that several share."""

    def __init__(self, channel: Any) -> None:
        self._export = channel.unary_unary(EXPORT)

    async def send(self, request: bytes) -> None:
        try:
            await self._export(request)
        except grpc.aio.AioRpcError as error:
            told = dict(error.trailing_metadata() or ()).get("google.rpc.retryinfo-bin")
            if error.code() == grpc.StatusCode.UNAVAILABLE and told is not None:
                delay = RetryInfo.FromString(told).retry_delay
                raise Later(delay.seconds + delay.nanos / 1e9) from None
            raise


class HttpChannel:
    """A connection of HTTP/1.1 that is kept, and made anew where the server has ended it: one that
    is told to come again may be away for longer than a server keeps it open."""

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(*self._place)

    def close(self) -> None:
        self._writer.close()

    async def send(self, request: bytes) -> None:
        try:
            await self._send(request)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            await self.connect()
            await self._send(request)

    async def _send(self, request: bytes) -> None:
        self._writer.write(
            b"POST /v1/traces HTTP/1.1\r\nHost: collector\r\n"
            b"Content-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n" % len(request)
        )
        self._writer.write(request)
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await self._reader.readexactly(length)
        status = int(head.split(b" ", 2)[1])
        if status in (429, 503):
            raise Later(float(head.partition(b"retry-after:")[2].split(b"\r\n", 1)[0]))
        if status != 200:
            raise RuntimeError(f"{status}: {body!r}")


async def channels(protocol: str, address: str, count: int, stack: AsyncExitStack) -> list[Channel]:
    """As many as there are requests in flight, connected."""
    made: list[Channel] = []
    if protocol == "grpc":
        options = [("grpc.use_local_subchannel_pool", 1)]
        shared = [
            await stack.enter_async_context(grpc.aio.insecure_channel(address, options=options))
            for _ in range(min(count, CONNECTIONS))
        ]
        for channel in shared:
            await channel.channel_ready()
        made += [GrpcChannel(shared[number % len(shared)]) for number in range(count)]
    else:
        host, _, port = address.rpartition(":")
        for _ in range(count):
            kept = HttpChannel(host, int(port))
            await kept.connect()
            stack.callback(kept.close)
            made.append(kept)
    return made


async def send(protocol: str, address: str, flight: int, path: Path) -> Sent:
    """Send all of a file once a line comes in."""
    waiting = list(read(path))
    waiting.reverse()
    count, retries, waits = len(waiting), 0, list[float]()

    async def worker(channel: Channel) -> None:
        nonlocal retries
        while waiting:
            request = waiting.pop()
            began = time.perf_counter()
            while True:
                try:
                    await channel.send(request)
                    break
                except Later as later:
                    retries += 1
                    await asyncio.sleep(later.seconds)
            waits.append((time.perf_counter() - began) * 1000)

    async with AsyncExitStack() as stack:
        connected = await channels(protocol, address, flight, stack)
        print("ready", flush=True)
        if not await asyncio.to_thread(sys.stdin.readline):
            sys.exit("whoever started this is gone")
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*map(worker, connected))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert len(waits) == count
    return Sent(count, seconds, cpu, retries, percentile(waits, 0.5), percentile(waits, 0.99))


def main(protocol: str, address: str, flight: str, path: str) -> None:
    sent = asyncio.run(send(protocol, address, int(flight), Path(path)))
    print(json.dumps(asdict(sent)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
