"""A real collector in a process of its own, on free ports, for tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from collector.runtime import Runtime, read
from tui.remote import ApiClient

T = TypeVar("T")

START_SECONDS = 60.0


class RunningCollector:
    """`flowtap up` on a store; also a context manager. Can be killed and started again."""

    def __init__(self, store: Path, settings: Mapping[str, str] | None = None) -> None:
        self.store = store
        self.log = store.parent / f"{store.name}.log"
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.runtime: Runtime

    def start(self) -> RunningCollector:
        self.launch()
        pid = self.pid

        def found() -> Runtime | None:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            runtime = read(self.store)
            return runtime if runtime is not None and runtime.pid == pid else None

        self.runtime = eventually(found, START_SECONDS)
        return self

    def launch(self) -> None:
        """Start it, and do not wait until it is there."""
        environment = {
            **{name: value for name, value in os.environ.items() if name[:8] != "FLOWTAP_"},
            "FLOWTAP_STORE": str(self.store),
            "FLOWTAP_API_PORT": "0",
            "FLOWTAP_RECEIVERS_OTLP_GRPC": "0",
            "FLOWTAP_RECEIVERS_OTLP_HTTP": "0",
            "FLOWTAP_RECEIVERS_ZIPKIN": "0",
            **self._settings,
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tui", "up"],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> ApiClient:
        return ApiClient(self.runtime.url, self.runtime.token)

    def endpoint(self, name: str = "otlp_http") -> str:
        return f"http://127.0.0.1:{self.runtime.ports[name]}"

    def kill(self) -> float:
        """SIGKILL: nothing is drained. Seconds until it was gone."""
        began = time.monotonic()
        self.signal(signal.SIGKILL)
        self.wait(20.0)
        return time.monotonic() - began

    def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def signal(self, number: signal.Signals) -> None:
        """Send one, unless it is gone."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """The exit code, once it is gone. Raises subprocess.TimeoutExpired."""
        assert self._process is not None
        return self._process.wait(seconds)

    def __enter__(self) -> RunningCollector:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
                raise


def eventually(look: Callable[[], T | None], seconds: float = 20.0, *, every: float = 0.02) -> T:
    """What `look` finds, as soon as it finds something; it looks again `every` so many seconds."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until, f"nothing after {seconds} s"
        time.sleep(every)
