"""`kill -9` of the collector under load: what was acknowledged is there, once, and counted so."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from samples.kafka.broker import Broker

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
KILLS = 3
DRAINS_WITHIN = 10.0
"""Seconds that a SIGTERM may take."""

CHECK = """
import json, sys
from pathlib import Path
from collector.store.client import Store
from collector.store.facts import StoreFacts
from collector.store.queries import counted, edge_rows
from collector.store.rollup import Rollup
with Store(Path(sys.argv[1])) as store:
    Rollup(store).run(settle=0)
    spans = store.query("SELECT DISTINCT concat(TraceId, SpanId) FROM otel_traces")
    traces = [row[0] for row in store.query("SELECT DISTINCT TraceId FROM otel_traces")]
    offsets = store.query("SELECT DISTINCT partition, offset FROM messages")
    edges = {}
    for row in edge_rows(store, 0, 2**62).rows:
        name = f"{row.service} {row.role} {row.destination} {row.evidence}"
        edges[name] = edges.get(name, 0) + row.count
    print(json.dumps({
        "spans": [row[0] for row in spans], "counted": counted(store),
        "operations": len(StoreFacts(store).operations(traces)),
        "offsets": [list(row) for row in offsets], "edges": edges,
    }))
"""


class Up:
    """A running `flowtap up`."""

    def __init__(self, store: Path, bootstrap: str, topic: str) -> None:
        # The broker is shared: what other tests left on it is none of this one's business.
        tap = {"bootstrap": bootstrap, "include": [topic], "since": "beginning"}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tui", "up", "--json", "--store", str(store)),
                *("--api-port", "0", "--otlp-http-port", "0", "--otlp-grpc-port", "0"),
                *("--zipkin-port", "off"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=store.parent,
            env={**os.environ, "FLOWTAP_URL": "", "FLOWTAP_KAFKA": json.dumps([tap])},
        )
        assert self.process.stdout
        told = ""
        while not told.endswith("\n}\n") and (line := self.process.stdout.readline()):
            told += line
        assert told, "the collector did not start"
        self.ports: dict[str, int] = json.loads(told)["ports"]

    def end(self, number: signal.Signals) -> float:
        """Sends a signal; seconds until the process was gone."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return time.monotonic() - began

    def asked(self, path: str) -> Any:
        """What the API answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["api"], timeout=10)
        connection.request("GET", f"/api/v1/{path}")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer


class Load:
    """Exporters over gRPC and HTTP, and a producer, that send until they are told to stop.

    A request is sent again, unchanged, until it was acknowledged, as exporters do.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.up: Up | None = None
        self.spans: set[str] = set()
        self.acknowledged = 0
        self.repeated = 0
        self.offsets: set[tuple[str, int]] = set()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._topic = topic
        self._bootstrap = bootstrap
        self._stopping = threading.Event()
        senders = (self._grpc, self._http)
        self._threads = [threading.Thread(target=self._export, args=(one,)) for one in senders]
        self._threads.append(threading.Thread(target=self._produce))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends once everything that was begun is acknowledged."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "something was never acknowledged"

    def _export(self, send: Callable[[Up, bytes], bool]) -> None:
        while not self._stopping.is_set():
            payload, spans = self._request()
            with self._lock:
                self.spans |= spans
            while (up := self.up) is None or not self._sent(send, up, payload):
                self.repeated += 1
                time.sleep(0.02)  # an exporter's back-off, not a wait for a condition
            self.acknowledged += 1

    def _sent(self, send: Callable[[Up, bytes], bool], up: Up, payload: bytes) -> bool:
        try:
            return send(up, payload)
        except (OSError, http.client.HTTPException, grpc.RpcError):
            return False

    def _grpc(self, up: Up, payload: bytes) -> bool:
        with grpc.insecure_channel(f"127.0.0.1:{up.ports['otlp_grpc']}") as channel:
            channel.unary_unary(EXPORT)(payload, timeout=5)
        return True

    def _http(self, up: Up, payload: bytes) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", up.ports["otlp_http"], timeout=5)
        try:
            headers = {"Content-Type": "application/x-protobuf"}
            connection.request("POST", "/v1/traces", payload, headers)
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def _request(self) -> tuple[bytes, set[str]]:
        """Some orders, each sent and processed; and the addresses of their spans."""
        made = ExportTraceServiceRequest()
        scopes = {}
        for service in ("shop", "payment"):
            resource = made.resource_spans.add()
            resource.resource.attributes.add(key="service.name").value.string_value = service
            scopes[service] = resource.scope_spans.add()
        found = set()
        for _ in range(5):
            with self._lock:
                number = next(self._ids)
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
            self.offsets.add((str(message.partition()), message.offset()))

        while not self._stopping.is_set():
            for _ in range(20):
                producer.produce(
                    self._topic, b"{}", headers=[("ce_source", b"/legacy")], on_delivery=stored
                )
            producer.flush()
            time.sleep(0.02)  # a rate, not a wait for a condition


@pytest.fixture
def topic(kafka: Broker) -> Iterator[str]:
    name = f"crash-{random.randrange(2**32):08x}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(20)
    yield name
    admin.delete_topics([name])[name].result(20)


def settled(up: Up, load: Load, topic: str) -> bool:
    """Whether the last record of each partition is stored, and nothing waits in the spool."""
    parts = {part["name"]: part for part in up.asked("health")["components"]}
    listed = up.asked(f"events?destination={topic}&limit=1000")["events"]
    stored = {one["id"] for one in listed}
    ends: dict[str, int] = {}
    for partition, offset in load.offsets:
        ends[partition] = max(offset, ends.get(partition, 0))
    last = {f"{topic}/{partition}/{offset}" for partition, offset in ends.items()}
    return last <= stored and not parts["spool"]["figures"]["bytes"]


@pytest.mark.kafka
def test_killed_under_load_it_loses_nothing_and_counts_nothing_twice(
    kafka: Broker, topic: str, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    load = Load(kafka.bootstrap, topic)
    chance = random.Random(os.urandom(8))
    try:
        for _ in range(KILLS):
            load.up = Up(store, kafka.bootstrap, topic)
            enough = load.acknowledged + chance.randrange(5, 60)
            deadline = time.monotonic() + 20
            while load.acknowledged < enough and time.monotonic() < deadline:
                time.sleep(0.002)
            load.up.end(signal.SIGKILL)
        load.up = Up(store, kafka.bootstrap, topic)
        load.stop()
        deadline = time.monotonic() + 20
        while not settled(load.up, load, topic):
            assert time.monotonic() < deadline, load.up.asked("health")
            time.sleep(0.05)
        took = load.up.end(signal.SIGTERM)
    finally:
        load._stopping.set()
        if load.up is not None:
            load.up.end(signal.SIGKILL)
    assert load.up.process.returncode == 0
    assert took < DRAINS_WITHIN

    checked = subprocess.run(
        [sys.executable, "-c", CHECK, str(store)], capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stderr
    found = json.loads(checked.stdout)

    assert load.repeated > 0, "no kill hit a request that was under way"
    assert set(found["spans"]) == load.spans
    assert found["operations"] == found["counted"]["spans"] == len(load.spans)
    assert {(partition, offset) for partition, offset in found["offsets"]} == load.offsets
    assert found["counted"]["messages"] == len(load.offsets)
    assert found["edges"] == {
        "shop produce orders observed": len(load.spans) // 2,
        "payment consume orders observed": len(load.spans) // 2,
        f"legacy produce {topic} declared": len(load.offsets),
    }
