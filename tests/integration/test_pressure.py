"""Senders at more than the collector can take: told to come again, bounded memory, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks import sender
from tests.benchmarks.machine import peak_memory
from tests.benchmarks.payload import orders, requests
from tests.benchmarks.sender import Sent
from tests.benchmarks.steps import SHOP
from tests.chaos.found import found
from tests.running import RunningCollector, eventually

ORDERS = 600
MOST_MIB = 1_000
"""What the collector may take of memory, the engine included."""

NARROW = {
    "FLOWTAP_LIMITS_SPOOL_BYTES": str(1 << 20),
    "FLOWTAP_LIMITS_IN_FLIGHT_BYTES": str(1 << 20),
}


def sent(protocol: str, collector: RunningCollector, file: Path) -> subprocess.Popen[str]:
    """An exporter with more in flight than there is room for; it says when it is ready."""
    address = collector.endpoint(f"otlp_{protocol}").removeprefix("http://")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.sender", protocol, address, "24", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_burst_is_told_to_come_again_and_all_of_it_is_there(tmp_path: Path) -> None:
    files = []
    for number, protocol in enumerate(("grpc", "http")):
        made = orders(ORDERS, first=number * ORDERS, start=time.time_ns(), seed=number)
        sender.write(tmp_path / protocol, requests(SHOP, made, 128))
        files.append((protocol, tmp_path / protocol))
    with RunningCollector(tmp_path / "store", NARROW) as collector:
        senders = [sent(protocol, collector, file) for protocol, file in files]
        for one in senders:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        answers = [one.communicate("go\n", timeout=120)[0] for one in senders]
        told = [Sent(**json.loads(answer)) for answer in answers]
        client = collector.client()
        parts = {part["name"]: part for part in client.health()["components"]}
        assert peak_memory(collector.pid) < MOST_MIB
        eventually(lambda: not waiting(collector), 60)
        assert collector.stop() == 0
    # Each was told so, with a delay: without one the sender gives up.
    assert all(one.retries for one in told)
    refused = parts["spool"]["detail"] + parts["requests"]["detail"]
    assert "senders are told to come again" in refused
    assert len(found(collector.store).spans) == 2 * ORDERS * len(SHOP)


def waiting(collector: RunningCollector) -> int:
    """Bytes in the spool."""
    parts = {part["name"]: part for part in collector.client().health()["components"]}
    return int(parts["spool"]["figures"]["bytes"])
