"""Senders that never rest: exporters over gRPC and HTTP, and a producer, until they are stopped."""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import time
from collections import Counter
from typing import Any

import grpc
from confluent_kafka import Producer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

ANSWER_SECONDS = 5.0
"""How long an exporter waits for an answer."""

Ports = dict[str, int]

Refusal = tuple[str, bool]
"""A code of HTTP or gRPC, and whether it said when to come back."""


class Load:
    """What exporters send is sent again, unchanged, until it was acknowledged.

    `ports` are the running collector's, None while there is none. Each order is two spans.
    """

    def __init__(
        self, bootstrap: str, topic: str, chance: random.Random, *, most_orders: int = 5
    ) -> None:
        """Requests hold up to `most_orders` each."""
        self.ports: Ports | None = None
        self.spans: set[str] = set()
        """Trace and span id of all that was begun."""
        self.acknowledged: set[str] = set()
        self.requests = 0
        """Acknowledged ones."""
        self.repeated = 0
        self.refused: Counter[Refusal] = Counter()
        self.records: set[tuple[str, int]] = set()
        """Partition and offset of each, as the broker told them."""
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._topic = topic
        self._bootstrap = bootstrap
        self._chance = chance
        self._most = most_orders
        self._stopping = threading.Event()
        senders = (_Grpc, _Grpc, _Http, _Http)
        self._threads = [threading.Thread(target=self._export, args=(one(),)) for one in senders]
        self._threads.append(threading.Thread(target=self._produce))
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 30.0) -> None:
        """Ends once everything that was begun is acknowledged. Raises AssertionError when that
        takes too long."""
        self._stopping.set()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "never acknowledged"

    def abandon(self) -> None:
        """Ends, whatever became of it."""
        self._stopping.set()
        self.ports = None

    def _export(self, exporter: _Grpc | _Http) -> None:
        while not self._stopping.is_set():
            payload, spans = self._request()
            with self._lock:
                self.spans |= spans
            while (ports := self.ports) is None or not self._sent(exporter, ports, payload):
                if self._stopping.is_set() and self.ports is None:
                    return
                self.repeated += 1
                time.sleep(0.02)  # an exporter's back-off, not a wait for a condition
            with self._lock:
                self.acknowledged |= spans
                self.requests += 1
        exporter.close()

    def _sent(self, exporter: _Grpc | _Http, ports: Ports, payload: bytes) -> bool:
        try:
            refusal = exporter.send(ports, payload)
        except (OSError, http.client.HTTPException):
            return False
        if refusal is not None:
            with self._lock:
                self.refused[refusal] += 1
        return refusal is None

    def _request(self) -> tuple[bytes, set[str]]:
        """Some orders, each sent and processed; and the addresses of their spans."""
        made = ExportTraceServiceRequest()
        scopes = {}
        for service in ("shop", "payment"):
            resource = made.resource_spans.add()
            resource.resource.attributes.add(key="service.name").value.string_value = service
            scopes[service] = resource.scope_spans.add()
        found = set()
        with self._lock:
            numbers = [next(self._ids) for _ in range(self._chance.randint(1, self._most))]
        for number in numbers:
            trace = number.to_bytes(16, "big")
            sent, handled = (2 * number).to_bytes(8, "big"), (2 * number + 1).to_bytes(8, "big")
            now = time.time_ns()
            for service, kind, span, parent in (
                ("shop", 4, sent, b""),
                ("payment", 5, handled, sent),
            ):
                one = scopes[service].spans.add(
                    trace_id=trace,
                    span_id=span,
                    parent_span_id=parent,
                    kind=kind,
                    start_time_unix_nano=now,
                    end_time_unix_nano=now + 1000,
                )
                one.attributes.add(key="messaging.system").value.string_value = "kafka"
                name = one.attributes.add(key="messaging.destination.name")
                name.value.string_value = "orders"
                found.add(trace.hex() + span.hex())
        return made.SerializeToString(), found

    def _produce(self) -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap, "linger.ms": 5})

        def stored(error: Any, message: Any) -> None:
            assert error is None
            self.records.add((str(message.partition()), message.offset()))

        while not self._stopping.is_set():
            for _ in range(20):
                producer.produce(
                    self._topic, b"{}", headers=[("ce_source", b"/legacy")], on_delivery=stored
                )
            producer.flush()
            time.sleep(0.02)  # a rate, not a wait for a condition


class _Grpc:
    """An exporter that keeps its channel as long as the collector lives."""

    def __init__(self) -> None:
        self._ports: Ports | None = None
        self._channel: Any = None

    def send(self, ports: Ports, payload: bytes) -> Refusal | None:
        if self._ports is not ports:
            self.close()
            self._ports = ports
            self._channel = grpc.insecure_channel(
                f"127.0.0.1:{ports['otlp_grpc']}", [("grpc.use_local_subchannel_pool", 1)]
            )
        try:
            self._channel.unary_unary(EXPORT)(payload, timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            told = dict(error.trailing_metadata() or ())
            return error.code().name, "grpc-status-details-bin" in told
        return None

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
        self._ports = self._channel = None


class _Http:
    """An exporter that keeps its connection, as long as that works."""

    def __init__(self) -> None:
        self._ports: Ports | None = None
        self._connection: http.client.HTTPConnection | None = None

    def send(self, ports: Ports, payload: bytes) -> Refusal | None:
        """Raises OSError and HTTPException where the connection broke."""
        if self._ports is not ports or self._connection is None:
            self.close()
            self._ports = ports
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", ports["otlp_http"], timeout=ANSWER_SECONDS
            )
        try:
            headers = {"Content-Type": "application/x-protobuf"}
            self._connection.request("POST", "/v1/traces", payload, headers)
            answer = self._connection.getresponse()
            answer.read()
        except BaseException:
            self.close()
            raise
        if answer.status == 200:
            return None
        return str(answer.status), "retry-after" in answer.headers

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._ports = self._connection = None
