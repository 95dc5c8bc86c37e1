"""A collector as its own process: started by the command, found by others, killed, and back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from collector import runtime
from collector.pace import LONGEST_REST, UNSEEN_REST
from graph.listing import EventFilter
from tests.running import RunningCollector, eventually

OFF = ("--otlp-grpc-port", "off", "--zipkin-port", "off")
FREE = ("--api-port", "0", "--otlp-http-port", "0", *OFF)

ORDER, PAYMENT = "5b8efff798038103d269b633813fc60c", "6b8efff798038103d269b633813fc60c"


def flowtap(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command on this store, ended."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments, "--store", str(store)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "FLOWTAP_URL": ""},
    )


class Up:
    """A running `flowtap up`."""

    def __init__(self, store: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "up", "--json", *FREE, "--store", str(store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        told = ""
        while not told.endswith("\n}\n") and (line := self.process.stdout.readline()):
            told += line
        self.told: dict[str, Any] = json.loads(told)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Sends a signal and waits for the end; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode


Start = Callable[[], Up]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Up] = []

    def begin() -> Up:
        running.append(Up(tmp_path / "store"))
        return running[-1]

    yield begin
    for one in running:
        one.stop(signal.SIGKILL)


def span(
    trace: str, number: int, service: str, kind: int, operation: str, **rest: object
) -> dict[str, Any]:
    """A messaging span on `orders`, as OTLP JSON."""
    words = {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders",
        "messaging.operation.type": operation,
    }
    return {
        "resource": {
            "attributes": [{"key": "service.name", "value": {"stringValue": service}}],
        },
        "scopeSpans": [
            {
                "spans": [
                    {
                        "traceId": trace,
                        "spanId": f"{number:016x}",
                        "name": f"{operation} orders",
                        "kind": kind,
                        "startTimeUnixNano": str(1_790_856_000_000_000_000 + number * 1_000_000),
                        "endTimeUnixNano": str(1_790_856_000_000_500_000 + number * 1_000_000),
                        "attributes": [
                            {"key": key, "value": {"stringValue": value}}
                            for key, value in words.items()
                        ],
                        **rest,
                    }
                ]
            }
        ],
    }


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """An order that was sent in one trace and handled in another."""
    file = tmp_path / "order.json"
    sent = span(ORDER, 1, "storefront", 4, "send")
    link = {"traceId": ORDER, "spanId": f"{1:016x}"}
    handled = span(PAYMENT, 2, "payment", 5, "process", links=[link])
    file.write_text(json.dumps({"resourceSpans": [sent, handled]}))
    return file


def test_a_collector_is_found_and_its_store_is_there_when_it_has_gone(
    start: Start, recorded: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    up = start()
    assert up.told["pid"] == up.process.pid
    assert set(up.told["ports"]) == {"api", "otlp_http"}
    assert runtime.read(store) is not None

    imported = flowtap(store, "import", str(recorded))
    assert imported.returncode == 0, imported.stderr
    assert f"2 spans of 1 file are in http://127.0.0.1:{up.told['ports']['otlp_http']}" in (
        imported.stdout
    )

    second = subprocess.run(
        [sys.executable, "-m", "tui", "up", *FREE, "--store", str(store)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 4
    assert f"is open in process {up.process.pid}" in second.stderr

    asked = until_found(store)
    assert up.stop() == 0
    assert runtime.read(store) is None

    opened = flowtap(store, "trace", ORDER)
    assert opened.stdout == asked.stdout
    graph = flowtap(store, "graph", "--json")
    assert {edge["source"] for edge in json.loads(graph.stdout)["edges"]} == {
        "service:storefront",
        "destination:orders",
    }
    doctor = json.loads(flowtap(store, "doctor", "--json").stdout)
    found = {check["name"]: check for check in doctor["checks"]}
    assert found["store"]["ok"]
    assert found["conventions"]["detail"] == "up to date"


def test_who_comes_is_told_what_came_in_while_nobody_looked(tmp_path: Path) -> None:
    with RunningCollector(tmp_path / "store") as collector:
        client = collector.client()

        def send(trace: str) -> None:
            sent = {"resourceSpans": [span(trace, 1, "storefront", 4, "send")]}
            address = f"{collector.endpoint()}/v1/traces"
            kind = {"Content-Type": "application/json"}
            urlopen(Request(address, json.dumps(sent).encode(), kind)).close()

        def waiting() -> int:
            parts = {part["name"]: part for part in client.health()["components"]}
            return int(parts["spool"]["figures"]["bytes"])

        send(ORDER)
        eventually(lambda: not waiting())
        # The store rests now.
        send(PAYMENT)
        time.sleep(2 * LONGEST_REST)
        assert waiting()
        eventually(lambda: len(client.events(EventFilter()).rows) == 2, UNSEEN_REST / 2)
        send(f"{7:032x}")
        eventually(lambda: not waiting(), UNSEEN_REST / 2)


def test_a_collector_that_was_killed_is_not_waited_for(
    start: Start, recorded: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    up = start()
    assert flowtap(store, "import", str(recorded)).returncode == 0
    up.stop(signal.SIGKILL)
    assert (store / runtime.FILE_NAME).exists(), "nobody took it back"
    again = start()
    asked = until_found(store)
    assert "payment" in asked.stdout, "what was acknowledged is there after the kill"
    assert again.stop(signal.SIGTERM) == 0
    assert flowtap(store, "trace", ORDER).stdout == asked.stdout


def until_found(store: Path) -> subprocess.CompletedProcess[str]:
    """The order's trace, once the collector has stored both of its spans."""
    for _ in range(60):
        ended = flowtap(store, "trace", ORDER)
        if ended.returncode == 0 and "payment" in ended.stdout:
            return ended
    pytest.fail(f"not stored in time: {ended.stdout}{ended.stderr}")


def test_import_without_a_collector_fills_the_store(recorded: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    told = json.loads(flowtap(store, "import", str(recorded), "--json").stdout)
    assert told == {"into": str(store), "spans": 2, "rejected": 0, "files": 1, "failed": {}}
    from_store = flowtap(store, "trace", ORDER)
    from_file = subprocess.run(
        [sys.executable, "-m", "tui", "trace", ORDER, "--file", str(recorded)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert from_store.stdout == from_file.stdout
    assert "payment" in from_file.stdout
    config = tmp_path / "flowtap.toml"
    config.write_text('[[consumers]]\nname = "audit"\ndestinations = ["ord*"]\n')
    why = json.loads(flowtap(store, "why", ORDER, "--json", "--config", str(config)).stdout)
    told = {one["name"]: one["status"] for one in why["consumers"]}
    assert told == {"audit": "no evidence", "payment": "handled"}
    assert flowtap(store, "reindex").returncode == 0
    assert flowtap(store, "trace", ORDER).stdout == from_store.stdout


def test_a_port_that_is_taken_is_named(start: Start, tmp_path: Path) -> None:
    port = str(start().told["ports"]["api"])
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tui", "up", "--api-port", port, "--otlp-http-port", "off"),
            *(*OFF, "--store", str(tmp_path / "other")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert f"the API cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "flowtap doctor" in ended.stderr
    assert "Traceback" not in ended.stderr
