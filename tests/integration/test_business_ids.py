"""`flowtap trace order_id=123`: from a configured path to all flows of an order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer

from samples.kafka.broker import Broker
from tests.running import RunningCollector, eventually


def flowtap(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments, "--store", str(store)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "FLOWTAP_URL": "", "COLUMNS": "120"},
    )


@pytest.mark.kafka
def test_all_flows_of_an_order_are_found_by_its_id(kafka: Broker, tmp_path: Path) -> None:
    config = tmp_path / "flowtap.toml"
    config.write_text(
        f"""
[[kafka]]
bootstrap = "{kafka.bootstrap}"
include = ["business-*"]
since = "beginning"
[limits]
body_bytes = 0
[ids]
order_id = ["header:order-id", "$.order.id"]
"""
    )
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce("business-orders", json.dumps({"order": {"id": 123}}).encode())
    producer.produce("business-payments", b"binary", headers={"order-id": "123"})
    producer.produce("business-orders", json.dumps({"order": {"id": 124}}).encode())
    assert producer.flush(30) == 0
    store = tmp_path / "store"

    with RunningCollector(store, {"FLOWTAP_CONFIG": str(config)}):

        def told() -> str:
            asked = flowtap(store, "trace", "order_id=123")
            both = "business-orders" in asked.stdout and "business-payments" in asked.stdout
            return asked.stdout if both else ""

        by_name = eventually(told, 60)
        assert "2 events" in by_name
        by_value = flowtap(store, "trace", "123")
        assert by_value.stdout == by_name, by_value.stderr
        other = flowtap(store, "trace", "order_id=125")
        assert (other.returncode, "business id" in other.stderr) == (1, True)

    # Without the collector, by commands that may not know of the configuration.
    assert flowtap(store, "trace", "order_id=123").stdout == by_name
    assert flowtap(store, "graph").returncode == 0
    doctor = flowtap(store, "doctor", "--json", "--config", str(config))
    checks = {check["name"]: check for check in json.loads(doctor.stdout)["checks"]}
    assert checks["conventions"]["detail"] == "up to date"
