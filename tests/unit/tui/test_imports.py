"""What a command loads, looked at in a process of its own: a start that is felt is too slow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import runtime
from collector.runtime import Runtime
from tests.builders import Flow
from tests.memory_backend import MemoryBackend
from tests.serving import serving

HEAVY = {
    *("textual", "rich", "networkx", "numpy", "netext"),
    *("httpx", "requests", "aiohttp", "fastapi", "starlette", "uvicorn"),
    *("pydantic", "pydantic_settings", "opentelemetry", "prometheus_client", "asyncio"),
    *("chdb", "clickhouse_connect", "grpc", "google", "kafka", "confluent_kafka"),
}

THINKING = "graph.chain.expand"
"""A running collector does that: it is not loaded to ask one."""

LOOK = """
import json, sys
from tui.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code or 0
print(json.dumps({"code": code, "loaded": sorted(sys.modules)}), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store's folder whose collector runs, here in this process."""
    flow = Flow()
    order = flow.send("storefront", "orders", message_id="order-1")
    flow.send("payment", "payments", inside=flow.process("payment", order))
    folder = tmp_path_factory.mktemp("store")
    with serving(MemoryBackend.of(flow)) as url:
        runtime.write(folder, Runtime(pid=os.getpid(), url=url))
        yield folder


def loaded(*arguments: str) -> tuple[int, set[str], str]:
    """Exit code, top-level modules (and ours in full) that were loaded, and what was printed."""
    ended = subprocess.run(
        [sys.executable, "-c", LOOK, *arguments], capture_output=True, text=True, timeout=60
    )
    told = json.loads(ended.stderr.splitlines()[-1])
    modules = {name.partition(".")[0] for name in told["loaded"]} | set(told["loaded"])
    return told["code"], modules, ended.stdout


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize("command", ["trace", "why"])
def test_a_question_loads_nothing_heavy_when_a_collector_runs(
    store: Path, command: str, form: list[str]
) -> None:
    code, modules, printed = loaded(command, "order-1", "--store", str(store), *form)
    assert code == 0
    assert "payment" in printed
    assert not modules & {*HEAVY, THINKING}
    assert "tui" in modules


@pytest.mark.parametrize("command", ["consumers", "findings"])
def test_neither_does_a_list_of_groups_or_findings(store: Path, command: str) -> None:
    code, modules, _ = loaded(command, "--store", str(store))
    assert code == 0
    assert not modules & {*HEAVY, THINKING}


def test_events_loads_nothing_heavy_when_a_collector_runs(store: Path) -> None:
    code, modules, printed = loaded("events", "topic:pay*", "--store", str(store))
    assert code == 0
    assert "payments" in printed
    assert not modules & HEAVY


@pytest.mark.parametrize("arguments", [["--help"], ["trace", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code, modules, printed = loaded(*arguments)
    assert (code, bool(printed)) == (0, True)
    assert not modules & HEAVY


def test_what_is_looked_for_would_be_seen(store: Path) -> None:
    """The test's own eyes: a command that does need the collector's packages shows them."""
    code, modules, _ = loaded("doctor", "--store", str(store), "--json")
    assert code in (0, 1)
    assert modules & HEAVY
