"""Unmodified OpenTelemetry exporters deliver through real receivers into a real spool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, SpanKind

from collector.metrics import Counters
from collector.receivers.otlp_grpc import OtlpGrpcReceiver
from collector.receivers.otlp_http import OtlpHttpReceiver
from collector.spool import Spool, SpoolFull


class FullAtFirst:
    """Turns the first requests away, as a full spool does."""

    def __init__(self, spool: Spool, times: int) -> None:
        self.spool = spool
        self.left = times

    async def accept(self, payload: bytes) -> None:
        if self.left:
            self.left -= 1
            raise SpoolFull(0.01)
        await self.spool.accept(payload)


@dataclass(frozen=True)
class Collector:
    """Both receivers in front of one spool."""

    spool: Spool
    sink: FullAtFirst
    grpc: str
    http: str
    counters: Counters

    def spans(self) -> list[tuple[str, str, int, int]]:
        """(service, name, kind, links) of what the store would get."""
        found = []
        while (segment := self.spool.take(0.5)) is not None:
            request = ExportTraceServiceRequest.FromString(segment.payload())
            for resource in request.resource_spans:
                names = {a.key: a.value.string_value for a in resource.resource.attributes}
                found += [
                    (names["service.name"], span.name, int(span.kind), len(span.links))
                    for scope in resource.scope_spans
                    for span in scope.spans
                ]
            segment.done()
        return found


@pytest.fixture
async def collector(tmp_path: Path) -> AsyncIterator[Collector]:
    with Spool(tmp_path) as spool:
        counters, sink = Counters(), FullAtFirst(spool, 0)
        grpc_receiver = OtlpGrpcReceiver(sink, counters, port=0)
        http_receiver = OtlpHttpReceiver(sink, counters, port=0)
        await grpc_receiver.start()
        await http_receiver.start()
        yield Collector(spool, sink, grpc_receiver.address, http_receiver.address, counters)
        await http_receiver.stop()
        await grpc_receiver.stop()


def over_grpc(collector: Collector, gzipped: bool) -> SpanExporter:
    compression = grpc.Compression.Gzip if gzipped else grpc.Compression.NoCompression
    return GrpcExporter(endpoint=collector.grpc, insecure=True, compression=compression)


def over_http(collector: Collector, gzipped: bool) -> SpanExporter:
    return HttpExporter(
        endpoint=f"http://{collector.http}/v1/traces",
        compression=Compression.Gzip if gzipped else Compression.NoCompression,
    )


Exporting = Callable[[Collector, bool], Any]


def an_order(exporter: SpanExporter, messages: int) -> None:
    """Send messages, then process them all in one span that links to each."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    contexts = []
    for number in range(messages):
        with tracer.start_as_current_span(f"send {number}", kind=SpanKind.PRODUCER) as span:
            contexts.append(span.get_span_context())
    with tracer.start_as_current_span(
        "process", kind=SpanKind.CONSUMER, links=[Link(context) for context in contexts]
    ):
        pass
    assert provider.force_flush()
    provider.shutdown()


@pytest.fixture(autouse=True)
def no_export_failed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Exporters only log what they lose."""
    yield
    assert [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("exporting", [over_grpc, over_http])
async def test_an_exporter_delivers(
    collector: Collector, exporting: Exporting, gzipped: bool
) -> None:
    await asyncio.to_thread(an_order, exporting(collector, gzipped), 100)
    found = await asyncio.to_thread(collector.spans)
    assert len(found) == 101
    assert sorted(found)[0] == ("shop", "process", 5, 100)
    assert {kind for _, name, kind, _ in found if name.startswith("send")} == {4}


@pytest.mark.parametrize("exporting", [over_grpc, over_http])
async def test_an_exporter_comes_again_when_the_spool_is_full(
    collector: Collector, exporting: Exporting
) -> None:
    collector.sink.left = 1
    await asyncio.to_thread(an_order, exporting(collector, False), 3)
    assert collector.sink.left == 0
    assert len(await asyncio.to_thread(collector.spans)) == 4
    (source,) = collector.counters.snapshot()["spans"].values()
    assert source == {"received": 8, "stored": 4, "dropped": 4, "rejected": 0, "ignored": 0}
