"""Node's own exporters, unmodified, over HTTP: what they send can be looked up at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from graph.chain.result import Event
from tests.running import RunningCollector, eventually
from tui.remote import ApiClient
from tui.source import NotFound

SENDER = Path(__file__).parent / "node_exporter"

pytestmark = pytest.mark.skipif(
    shutil.which("npm") is None and "CI" not in os.environ, reason="there is no Node here"
)


@pytest.fixture(scope="module")
def sender() -> Path:
    """The sending script with its packages, as the lock file pins them."""
    if not (SENDER / "node_modules" / ".package-lock.json").exists():
        subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=SENDER,
            check=True,
            capture_output=True,
        )
    return SENDER / "send.mjs"


def test_spans_of_node_show_up(sender: Path, tmp_path: Path) -> None:
    with RunningCollector(tmp_path / "store") as collector:
        source = collector.client()
        sent = subprocess.run(
            ["node", str(sender), collector.endpoint()],
            check=True,
            capture_output=True,
            text=True,
        )
        for trace, encoding in zip(sent.stdout.split(), ("json", "proto"), strict=True):
            event = eventually(partial(found, source, trace))
            assert (event.service, event.destination) == (f"node-{encoding}", f"orders.{encoding}")
            # A batch count of zero is a zero, not an absent value.
            assert event.operations[0].batch_count == 0


def found(source: ApiClient, trace: str) -> Event | None:
    try:
        (event,) = source.chain(trace).events
    except NotFound:
        return None
    return event
