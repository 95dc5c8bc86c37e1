"""A collector that is told to stop under load, with clients that hold it up."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from samples.kafka.broker import Broker
from tests.chaos.load import Load
from tests.chaos.rounds import STOPS_WITHIN, reckon, settled, tap, topic
from tests.running import RunningCollector, eventually

HALF_A_BODY = (
    b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)


@pytest.fixture
def holding(kafka: Broker, tmp_path: Path) -> Iterator[tuple[RunningCollector, Load, str]]:
    """A collector that is sent more than it inserts at once, and clients that do not go on."""
    with ExitStack() as stack:
        name = stack.enter_context(topic(kafka.bootstrap))
        settings = tap(kafka.bootstrap, name) | {"FLOWTAP_RECEIVERS_ZIPKIN": "0"}
        collector = stack.enter_context(RunningCollector(tmp_path / "store", settings))
        load = Load(kafka.bootstrap, name, random.Random(1), most_orders=300)
        stack.callback(load.abandon)
        ports = load.ports = dict(collector.runtime.ports)
        for port, said in (
            ("otlp_http", HALF_A_BODY % b"/v1/traces"),
            ("zipkin", HALF_A_BODY % b"/api/v2/spans"),
            ("otlp_http", b"POST /v1/tra"),
            ("otlp_http", b""),
            ("otlp_grpc", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            ("api", b"GET /api/v1/tail HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("api", b"GET /api/v1/hea"),
        ):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", ports[port])))
            client.sendall(said)
        yield collector, load, name


@pytest.mark.kafka
def test_it_stops_in_time_and_what_was_acknowledged_is_there(
    holding: tuple[RunningCollector, Load, str], kafka: Broker
) -> None:
    collector, load, name = holding
    eventually(lambda: load.requests > 30)
    began = time.monotonic()
    assert collector.stop(STOPS_WITHIN) == 0
    assert time.monotonic() - began < STOPS_WITHIN
    assert "Traceback" not in collector.log.read_text()
    # A connection that breaks is no answer: an exporter sends again. An answer says so.
    # gRPC cancels calls that come while it closes, which exporters send again as well.
    assert load.refused.keys() <= {
        *(("503", True), ("UNAVAILABLE", True)),
        *(("UNAVAILABLE", False), ("CANCELLED", False)),
    }
    load.ports = dict(collector.start().runtime.ports)
    load.stop()
    eventually(lambda: settled(collector, load, name), 60)
    assert collector.stop(STOPS_WITHIN) == 0
    reckon(collector.store, load, kafka.bootstrap, name)
