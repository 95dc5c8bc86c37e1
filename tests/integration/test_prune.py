"""`flowtap prune`, with a collector and without, and what a collector lets leave by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.running import RunningCollector, eventually

FILL = """
import sys, time
from pathlib import Path
from collector.store.client import Store
from tests.builders import Flow
from tests.poured import request
with Store(Path(sys.argv[1])) as store:
    for number, days in enumerate((60, 40, 0)):
        flow = Flow(first_id=1000 * (number + 1))
        for at in range(5):
            span = {"message_id": f"m{days}" + "+" * at}
            sent = flow.send("shop", "orders", tapped=False, span=span)
            flow.process("payment", sent)
        body = request(flow).SerializeToString()
        received = time.time_ns() - days * 24 * 3600 * 10**9
        store.insert_spans(body, received_ns=received, token=f"{days} days ago")
"""


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("once") / "store"
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(store)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return store


@pytest.fixture
def filled(once: Path, tmp_path: Path) -> Path:
    """A store with what was received 60 and 40 days ago, and now."""
    return Path(shutil.copytree(once, tmp_path / "store", symlinks=True))


def flowtap(store: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tui", *arguments, "--store", str(store)],
        capture_output=True,
        text=True,
        timeout=60,
        env={name: value for name, value in os.environ.items() if name[:8] != "FLOWTAP_"},
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def pruned(store: Path, *arguments: str) -> Any:
    return json.loads(flowtap(store, "prune", *arguments, "--json"))


def test_without_a_collector_the_store_is_opened(filled: Path) -> None:
    first = pruned(filled, "--older-than", "50", "--dry-run")
    assert first["rows"] == 10
    assert first["bytes"] > 0
    assert len(first["weeks"]) == 1
    assert pruned(filled, "--older-than", "50", "--dry-run") == first, "a dry run takes nothing"

    assert "has left: 10 spans and messages" in flowtap(filled, "prune", "--older-than", "50")
    assert "nothing that is old enough" in flowtap(filled, "prune", "--older-than", "50")
    assert pruned(filled, "--to-size", "1 kB")["rows"] == 10, "the last hour stays"
    assert pruned(filled, "--to-size", "1 kB")["rows"] == 0
    assert "which was pruned" in flowtap(filled, "trace", "m0", "--causes")
    gone = flowtap(filled, "trace", "m60", code=1)
    assert "nothing is known by m60" in gone
    assert "UTC was pruned" in gone


def test_a_collector_prunes_when_it_is_asked_to(filled: Path) -> None:
    keeping = {"FLOWTAP_RETENTION_DAYS": "off", "FLOWTAP_RETENTION_SIZE": "off"}
    with RunningCollector(filled, keeping) as collector:
        assert collector.client().health()["covered_from"] is None
        told = pruned(filled, "--older-than", "50")
        assert told["rows"] == 10
        assert collector.client().health()["covered_from_ns"] == told["until_ns"]
        assert len(collector.client().chain("m40").events) == 1
        assert "has left" in flowtap(filled, "prune", "--to-size", "1kB")
        assert "nothing is known by m40" in flowtap(filled, "trace", "m40", code=1)
        assert collector.client().chain("m0").covered_from


def test_a_collector_lets_leave_what_is_older_than_it_is_told_to_keep(filled: Path) -> None:
    with RunningCollector(filled, {"FLOWTAP_RETENTION_DAYS": "20"}) as collector:
        retention = eventually(
            lambda: (
                next(
                    one
                    for one in collector.client().health()["components"]
                    if one["name"] == "retention"
                )
                if collector.client().health()["covered_from"]
                else None
            )
        )
        assert retention["ok"]
        assert retention["figures"]["days"] == 20
        assert "nothing is known by m40" in flowtap(filled, "trace", "m40", code=1)
        today = time.strftime("%Y-%m-%d", time.gmtime())
        eventually(lambda: f"covers from {today}" in flowtap(filled, "doctor", code=0))


def test_what_is_to_leave_has_to_be_said(filled: Path) -> None:
    assert "--older-than DAYS or --to-size SIZE" in flowtap(filled, "prune", code=2)
    assert "'much' is no size" in flowtap(filled, "prune", "--to-size", "much", code=2)
