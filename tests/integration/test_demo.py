"""`flowtap demo`, as a script runs it: the real shop, Kafka and collector, and the verdict."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import eventually

DEMO = [sys.executable, "-m", "tui", "demo", "--headless"]


def processes(directory: Path) -> list[str]:
    """Commands that still run with this temporary directory: whatever the demo started has it in
    its environment."""
    mark = f"TMPDIR={directory}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            if mark in environment and int(process.name) != os.getpid():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.timeout(240)
def test_what_is_seen_agrees_with_the_ledgers(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*DEMO, "--seconds", "6", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = json.loads(ended.stdout)
    report = said["report"]
    assert report["agrees"] is True
    assert report["edges"]["found"] == report["edges"]["expected"] > 20
    assert report["chains"]["found"] == report["chains"]["expected"] > 5
    assert report["differences"] == []
    assert {unknown["fact"] for unknown in report["unknowable"]} >= {"producer", "consumer name"}
    services = {event["service"] for event in said["order"]["events"]}
    services |= {delivery["service"] for delivery in said["order"]["deliveries"]}
    assert len(services - {""}) >= 6
    assert processes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(240)
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    with (tmp_path.parent / f"{tmp_path.name}.err").open("w+") as told:
        demo = subprocess.Popen(
            [*DEMO, "--seconds", "600"],
            stdout=subprocess.DEVNULL,
            stderr=told,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            start_new_session=True,
        )
        try:
            eventually(lambda: "letting traffic flow" in Path(told.name).read_text(), 120)
            assert len(processes(tmp_path)) > 10
            # As a terminal does it: to the whole foreground group.
            os.killpg(demo.pid, signal.SIGINT)
            assert demo.wait(60) == 130
        finally:
            demo.kill()
            demo.wait()
    eventually(lambda: not processes(tmp_path), 20)
    assert list(tmp_path.iterdir()) == []
