"""A collector as its users run it, `flowtap up`, with its own store on free ports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, RemoteDisconnected
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from collector import runtime
from tests.benchmarks import machine

FLOWTAP = (sys.executable, "-c", "from tui.cli import main; main()")
"""The command, whatever is on PATH."""

START_SECONDS = 60.0
STOP_SECONDS = 60.0
LOOK_SECONDS = 0.05
LOOKS_EACH = 200
"""Of which so many come between two questions to the store."""


class CollectorFailed(Exception):
    """The collector ended, or did not get somewhere in time; its last words are in the text."""


class Collector:
    """One collector in a process of its own; a context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        kafka: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`settings` are further ones, as variables."""
        self.store = folder / "store"
        self._folder = folder
        self._kafka = kafka
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: HTTPConnection | None = None
        self.ports: dict[str, int] = {}

    @property
    def environment(self) -> dict[str, str]:
        """Of a command that is to find this collector."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FLOWTAP_", "OTEL_"))
        }
        config = self._folder / "flowtap.toml"
        config.touch()  # Otherwise the user's own would be read.
        return {**kept, "FLOWTAP_CONFIG": str(config), "FLOWTAP_STORE": str(self.store)}

    def __enter__(self) -> Collector:
        self._folder.mkdir(parents=True, exist_ok=True)
        doors = {
            "FLOWTAP_API_PORT": "0",
            "FLOWTAP_RECEIVERS_OTLP_GRPC": "0",
            "FLOWTAP_RECEIVERS_OTLP_HTTP": "0",
            "FLOWTAP_RECEIVERS_ZIPKIN": "off",
            **self._settings,
        }
        if self._kafka is not None:
            doors["FLOWTAP_KAFKA"] = json.dumps([self._kafka])
        with (self._folder / "collector.log").open("w") as log:
            self._process = subprocess.Popen(
                [*FLOWTAP, "up"], env=self.environment | doors, stdout=log, stderr=log
            )
        try:
            self.wait(self._announced, START_SECONDS, "it does not say where it is")
        except BaseException:
            self._stop()
            raise
        return self

    def _announced(self) -> bool:
        started = runtime.read(self.store)
        if started is None:
            return False
        self.ports = dict(started.ports)
        self._connection = HTTPConnection(urlsplit(started.url).netloc, timeout=60)
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        return machine.cpu_seconds(self.pid)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of an answer of the API."""
        assert self._connection is not None
        try:
            return self._get(self._connection, path)
        except (ConnectionError, RemoteDisconnected):  # nobody asked for some seconds
            self._connection.close()
            return self._get(self._connection, path)

    def _get(self, connection: HTTPConnection, path: str) -> tuple[int, bytes]:
        connection.request("GET", f"/api/v1{path}")
        answer = connection.getresponse()
        return answer.status, answer.read()

    def component(self, name: str) -> dict[str, Any]:
        """The figures of a part, by the beginning of its name."""
        _, body = self.get("/health")
        for part in json.loads(body)["components"]:
            if part["name"].startswith(name):
                figures: dict[str, Any] = part["figures"]
                return figures
        return {}

    def wait(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        """Look until it is so. Raises CollectorFailed."""
        until = time.monotonic() + seconds
        while not reached():
            if self._process is None or self._process.poll() is not None:
                raise self._failed("ended")
            if time.monotonic() > until:
                raise self._failed(f"took more than {seconds:.0f} s: {what}")
            time.sleep(LOOK_SECONDS)

    def wait_inserted(self, seconds: float) -> None:
        """Until the spool is empty. Somebody looks: what nobody looks at may wait for more."""
        looks = count()

        def empty() -> bool:
            if next(looks) % LOOKS_EACH == 0:
                self.get("/events?limit=1")
            return bool(self.component("spool")["bytes"] == 0)

        self.wait(empty, seconds, "the spool is not empty")

    def wait_quiet(self, seconds: float = 20.0) -> None:
        """Until merges and edges are done too: hardly any CPU for a second; `seconds` at most."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            before = self.cpu_seconds
            time.sleep(1.0)
            if self.cpu_seconds - before < 0.05:
                return

    def _failed(self, what: str) -> CollectorFailed:
        log = (self._folder / "collector.log").read_text(errors="replace")
        return CollectorFailed(f"the collector {what}\n{log[-2000:]}")
