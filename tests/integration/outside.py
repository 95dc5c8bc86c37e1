"""What somebody outside sees of a system on Kafka: exported spans, messages, committed offsets.

An independent, naive reading with nothing of the collector's: it is there to prove that the shop's
ledger claims only what can really be seen.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

Context = tuple[str, str]
"""Trace id and span id, in hex."""


@dataclass(frozen=True, slots=True)
class Span:
    """One exported span."""

    context: Context
    parent: Context | None
    links: tuple[Context, ...]
    service: str
    name: str
    kind: str
    start: int
    error: bool
    attributes: Mapping[str, str]

    @property
    def points_at(self) -> tuple[Context, ...]:
        return (*((self.parent,) if self.parent else ()), *self.links)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a tap sees it."""

    topic: str
    partition: int
    offset: int
    time: int
    """Milliseconds."""
    key: str
    headers: tuple[tuple[str, str], ...]

    @property
    def position(self) -> tuple[str, int, int]:
        return self.topic, self.partition, self.offset

    @property
    def contexts(self) -> list[Context]:
        """Of every traceparent, in order."""
        parts = [value.split("-") for name, value in self.headers if name == "traceparent"]
        return [(trace, span) for _, trace, span, _ in parts]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


@dataclass
class Sink:
    """An OTLP/HTTP receiver that keeps what it gets."""

    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)


@contextmanager
def sink(hand_on: str = "") -> Iterator[Sink]:
    """Receives spans on a free port of 127.0.0.1 until it is left; what comes is handed on to
    another OTLP endpoint, if so wanted."""
    kept = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if hand_on:
                urlopen(Request(f"{hand_on}{self.path}", body, dict(self.headers))).close()
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kept.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource_spans in request.resource_spans:
        resource = {each.key: each.value for each in resource_spans.resource.attributes}
        service = resource["service.name"].string_value
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                trace = span.trace_id.hex()
                yield Span(
                    context=(trace, span.span_id.hex()),
                    parent=(trace, span.parent_span_id.hex()) if span.parent_span_id else None,
                    links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    service=service,
                    name=span.name,
                    kind=ProtoSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    start=span.start_time_unix_nano,
                    error=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes={
                        each.key: str(getattr(each.value, each.value.WhichOneof("value") or ""))
                        for each in span.attributes
                        if each.value.WhichOneof("value")
                    },
                )


def ends(bootstrap: str, topics: list[str]) -> dict[tuple[str, int], int]:
    """The next offset of each partition; topics that do not exist are left out."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    known = admin.list_topics(timeout=30).topics
    asked = {
        TopicPartition(topic, partition): OffsetSpec.latest()
        for topic in topics
        if topic in known
        for partition in known[topic].partitions
    }
    if not asked:
        return {}
    found = admin.list_offsets(asked)
    return {(each.topic, each.partition): end.result().offset for each, end in found.items()}


def messages(
    bootstrap: str, since: Mapping[tuple[str, int], int], topics: list[str]
) -> list[Message]:
    """Everything on these topics from these offsets (else 0) to their ends now."""
    until = {
        partition: end
        for partition, end in ends(bootstrap, topics).items()
        if end > since.get(partition, 0)
    }
    found: list[Message] = []
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "never joined",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
    }
    with closing(Consumer(settings)) as consumer:
        consumer.assign(
            [TopicPartition(*partition, since.get(partition, 0)) for partition in until]
        )
        missing = sum(end - since.get(partition, 0) for partition, end in until.items())
        while len(found) < missing:
            for record in consumer.consume(missing - len(found), timeout=30):
                assert not record.error(), record.error()
                found.append(
                    Message(
                        record.topic(),
                        record.partition(),
                        record.offset(),
                        record.timestamp()[1],
                        (record.key() or b"").decode(),
                        tuple((k, (v or b"").decode()) for k, v in record.headers() or ()),
                    )
                )
    return found


def committed(bootstrap: str, group: str) -> dict[tuple[str, int], int]:
    """How far the group got on each partition."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    [answer] = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    return {(each.topic, each.partition): each.offset for each in answer.result().topic_partitions}
