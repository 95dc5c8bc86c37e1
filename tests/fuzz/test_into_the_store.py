"""Hostile requests into real receivers and a real store: what is good beside them is stored, each
request is counted, and what a stranger can make many of grows nothing without bound."""

from __future__ import annotations

import asyncio
import gzip
import http.client
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.inserter import Inserter
from collector.metrics import Counters
from collector.receivers.otlp_grpc import OtlpGrpcReceiver
from collector.receivers.otlp_http import OtlpHttpReceiver
from collector.receivers.zipkin import ZipkinReceiver
from collector.spool import Spool
from collector.store.client import Store
from tests.fuzz.payloads import OTLP_JSON, WORST, ZIPKIN, bent, damaged, otlp
from tests.running import eventually

LIMIT = 1 << 20


@dataclass
class World:
    """All three receivers before a spool and a store."""

    store: Store
    spool: Spool
    inserter: Inserter
    counters: Counters = field(default_factory=Counters)
    receivers: dict[str, Any] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)

    async def post(self, name: str, body: bytes, *, kind: str, encoding: str = "") -> int:
        """The status that a request got; 0 where the connection was closed instead."""
        self.sent[name] += 1
        host, _, port = self.receivers[name].address.rpartition(":")

        def run() -> int:
            connection = http.client.HTTPConnection(host, int(port), timeout=60)
            headers = {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {})
            try:
                path = "/v1/traces" if name == "otlp_http" else "/api/v2/spans"
                connection.request("POST", path, body, headers)
                return connection.getresponse().status
            finally:
                connection.close()

        return await asyncio.to_thread(run)

    async def call(self, body: bytes) -> str:
        self.sent["otlp_grpc"] += 1
        path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        async with grpc.aio.insecure_channel(self.receivers["otlp_grpc"].address) as channel:
            try:
                await channel.unary_unary(path)(body)
            except grpc.aio.AioRpcError as error:
                return str(error.code().name)
        return "OK"

    async def everywhere(self, body: bytes) -> None:
        """One body to each door, in each form; each answers within what it may answer."""
        assert await self.call(body) in ("OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")
        for name, kind in (
            ("otlp_http", "application/x-protobuf"),
            ("otlp_http", "application/json"),
            ("zipkin", "application/json"),
        ):
            for encoding in ("", "gzip", "deflate"):
                status = await self.post(name, body, kind=kind, encoding=encoding)
                assert status in (200, 202, 400, 413), (name, kind, encoding)

    def names(self, trace: str) -> set[str]:
        found = self.store.query(
            "SELECT SpanName FROM otel_traces WHERE TraceId = {trace:String}", {"trace": trace}
        )
        return {row[0] for row in found}

    async def stored(self, trace: str, *names: str) -> None:
        """Waits until these spans are in the store."""
        await asyncio.to_thread(eventually, lambda: self.names(trace) >= set(names) or None, 60.0)


@pytest.fixture
async def world(store: Store, tmp_path: Any) -> AsyncIterator[World]:
    with Spool(tmp_path / "spool") as spool:
        inserter = Inserter(spool, store, lambda: None)
        inserter.start()
        made = World(store, spool, inserter)
        for kind in (OtlpGrpcReceiver, OtlpHttpReceiver, ZipkinReceiver):
            receiver: Any = kind(spool, made.counters, port=0, max_request_bytes=LIMIT)
            await receiver.start()
            made.receivers[receiver.name] = receiver
        yield made
        for receiver in made.receivers.values():
            await receiver.stop()
        spool.close()
        assert await asyncio.to_thread(inserter.stop, 60)
        for name in made.receivers:
            assert made.counters.under_way("requests", name) == 0
            assert made.counters.under_way("spans", name) == 0


async def test_the_worst_beside_good_spans(world: World) -> None:
    for number, body in enumerate(WORST.values()):
        assert await world.call(otlp(f"before {number}")) == "OK"
        await world.everywhere(body)
    await world.stored(
        "5b8efff798038103d269b633813fc60c", *(f"before {n}" for n in range(len(WORST)))
    )
    counted = world.counters.snapshot()["requests"]
    for name, sent in world.sent.items():
        # What gRPC itself finds too large never reaches us.
        assert counted[name]["received"] <= sent
        if name != "otlp_grpc":
            assert counted[name]["received"] == sent
        assert counted[name]["rejected"] > 0


def test_whatever_is_sent_good_spans_are_stored(store: Store, tmp_path: Any) -> None:
    """The engine sees what the parse-only check lets through."""
    bodies: list[bytes] = []

    @settings(suppress_health_check=list(HealthCheck))
    @given(st.one_of(damaged(otlp("damaged")), bent(OTLP_JSON), bent(ZIPKIN)))
    def collect(body: bytes) -> None:
        bodies.append(body)

    collect()

    async def run() -> None:
        with Spool(tmp_path / "spool") as spool:
            inserter = Inserter(spool, store, lambda: None)
            inserter.start()
            world = World(store, spool, inserter)
            http_receiver = OtlpHttpReceiver(spool, world.counters, port=0, max_request_bytes=LIMIT)
            zipkin_receiver = ZipkinReceiver(spool, world.counters, port=0, max_request_bytes=LIMIT)
            world.receivers = {"otlp_http": http_receiver, "zipkin": zipkin_receiver}
            for receiver in world.receivers.values():
                await receiver.start()
            for number, body in enumerate(bodies):
                good = otlp(f"good {number}", trace="ab" * 16)
                for sent, kind in ((body, "x-protobuf"), (body, "json"), (good, "x-protobuf")):
                    status = await world.post("otlp_http", sent, kind=f"application/{kind}")
                    assert status in (200, 400)
                assert await world.post("zipkin", body, kind="application/json") in (202, 400)
            await world.stored("ab" * 16, *(f"good {n}" for n in range(len(bodies))))
            for receiver in world.receivers.values():
                await receiver.stop()
            spool.close()
            assert await asyncio.to_thread(inserter.stop, 60), inserter.trouble

    asyncio.run(run())


async def test_new_names_with_each_span_are_stored_and_label_nothing(world: World) -> None:
    many = 5_000
    request = ExportTraceServiceRequest()
    for number in range(many):
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = f"s{number}"
        span = resource.scope_spans.add().spans.add(
            trace_id=b"\xcd" * 16, span_id=(number + 1).to_bytes(8, "big"), name=f"n{number}"
        )
        for key, value in (
            ("messaging.system", f"system{number}"),
            ("messaging.destination.name", f"topic{number}"),
            ("messaging.operation.type", "send"),
            (f"key{number}", f"value{number}"),
        ):
            span.attributes.add(key=key).value.string_value = value
    before = world.counters.exposition().count(b"\n")
    assert await world.call(gzip.decompress(gzip.compress(request.SerializeToString()))) in (
        "OK",
        "RESOURCE_EXHAUSTED",
    )
    body = gzip.compress(request.SerializeToString())
    assert await world.post("otlp_http", body, kind="application/x-protobuf", encoding="gzip") in (
        200,
        413,
    )
    assert await world.call(otlp("good", trace="ef" * 16)) == "OK"
    await world.stored("ef" * 16, "good")
    after = world.counters.exposition()
    assert after.count(b"\n") - before < 100, "a label for each name"
    assert b"topic1" not in after and b"s1" not in after
