"""OpenTelemetry in a service: the SDK, the instrumentation of its client library, own spans.

The endpoint comes from the standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_EXPORTER_OTLP_PROTOCOL`: `http/protobuf`, the default, or `grpc`). Without an endpoint the
context still travels in headers, but nothing is exported.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from samples.shop.events import Record

INSTRUMENTORS = {
    "kafka-python": ("opentelemetry.instrumentation.kafka", "KafkaInstrumentor"),
    "confluent-kafka": (
        "opentelemetry.instrumentation.confluent_kafka",
        "ConfluentKafkaInstrumentor",
    ),
    "aiokafka": ("opentelemetry.instrumentation.aiokafka", "AIOKafkaInstrumentor"),
}

BATCH_DELAY = 200
"""Milliseconds that a finished span waits for others."""
FLUSH_SECONDS = 5.0
"""How long an ending service tries to get rid of its last spans."""

Around = Callable[[Record], AbstractContextManager[None]]
"""What a service opens around the handling of each message."""


def start(service: str, *libraries: str) -> Callable[[], None]:
    """Sets up the SDK and instruments these client libraries; returns what ends it all.

    To be called before clients are made: the instrumentations replace classes and methods.
    """
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": service, "service.instance.id": f"{service}-{os.getpid()}"}
        )
    )
    exporter = _exporter()
    if exporter:
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=BATCH_DELAY))
    trace.set_tracer_provider(provider)
    for library in libraries:
        module, name = INSTRUMENTORS[library]
        getattr(importlib.import_module(module), name)().instrument()

    def end() -> None:
        # The SDK waits 30 s for an exporter that nobody answers; ending the exporter ends that.
        impatience = threading.Timer(FLUSH_SECONDS, exporter.shutdown if exporter else lambda: None)
        impatience.daemon = True
        impatience.start()
        provider.shutdown()
        impatience.cancel()

    return end


def _exporter() -> SpanExporter | None:
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return None
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    # Imported late: gRPC costs each process 20 MB that the others need not spend.
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter as GrpcExporter,
        )

        return GrpcExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


class _HeaderGetter(Getter[Sequence[tuple[str, bytes]]]):
    def get(self, carrier: Sequence[tuple[str, bytes]], key: str) -> list[str] | None:
        return [value.decode() for name, value in carrier if name == key][:1] or None

    def keys(self, carrier: Sequence[tuple[str, bytes]]) -> list[str]:
        return [name for name, _ in carrier]


def context_of(record: Record) -> Context:
    """The trace context that the producer put into the message; empty if it put none."""
    return propagate.extract(record.headers, context=Context(), getter=_HeaderGetter())


def nothing(record: Record) -> AbstractContextManager[None]:
    """Leaves it at what the instrumentation does."""
    return nullcontext()


def continuing(group: str) -> Around:
    """Handles each message in a process span that continues the message's trace.

    kafka-python's and aiokafka's instrumentations end their consumer span before any handling, so
    a service that wants what it produces in the same trace takes the context up by itself.
    """

    @contextmanager
    def around(record: Record) -> Iterator[None]:
        context = context_of(record)
        with _process_span(record, group, context, _links(context)):
            yield

    return around


def linking(group: str) -> Around:
    """Handles each message in a process span of a new trace, which links to the message's."""

    @contextmanager
    def around(record: Record) -> Iterator[None]:
        with _process_span(record, group, Context(), _links(context_of(record))):
            yield

    return around


def alone(group: str) -> Around:
    """Handles each message in a process span of a new trace that points at nothing: the fault
    `contextless`."""

    @contextmanager
    def around(record: Record) -> Iterator[None]:
        with _process_span(record, group, Context(), []):
            yield

    return around


def _links(context: Context) -> list[trace.Link]:
    creation = trace.get_current_span(context).get_span_context()
    return [trace.Link(creation)] if creation.is_valid else []


def _process_span(
    record: Record, group: str, parent: Context, links: list[trace.Link]
) -> AbstractContextManager[trace.Span]:
    """A span as the messaging conventions describe the processing of one message (v1.28 on)."""
    topic, partition, offset = record.position
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.kafka.offset": offset,
        "messaging.consumer.group.name": group,
    }
    if record.key is not None:
        attributes["messaging.kafka.message.key"] = record.key.decode()
    return trace.get_tracer(__name__).start_as_current_span(
        f"process {topic}",
        context=parent,
        kind=trace.SpanKind.CONSUMER,
        attributes=attributes,
        links=links,
    )


def fail(error: Exception) -> None:
    """Marks the current span: what it stands for failed, though the service goes on."""
    span = trace.get_current_span()
    span.record_exception(error)
    span.set_status(trace.StatusCode.ERROR, str(error))


@contextmanager
def calling(
    method: str, url: str, host: str, port: int
) -> Iterator[tuple[trace.Span, dict[str, str]]]:
    """A CLIENT span around an HTTP request, and the headers that carry its context."""
    with trace.get_tracer(__name__).start_as_current_span(
        method,
        kind=trace.SpanKind.CLIENT,
        attributes={
            "http.request.method": method,
            "url.full": url,
            "server.address": host,
            "server.port": port,
        },
    ) as span:
        headers: dict[str, str] = {}
        propagate.inject(headers)
        yield span, headers


@contextmanager
def serving(method: str, route: str, headers: Mapping[str, str]) -> Iterator[trace.Span]:
    """A SERVER span around an HTTP request, in the trace that its headers name."""
    carrier = {name.lower(): value for name, value in headers.items()}
    with trace.get_tracer(__name__).start_as_current_span(
        f"{method} {route}",
        context=propagate.extract(carrier, context=Context()),
        kind=trace.SpanKind.SERVER,
        attributes={"http.request.method": method, "http.route": route, "url.scheme": "http"},
    ) as span:
        yield span
