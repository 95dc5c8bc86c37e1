"""The demonstration's processes: Kafka, the collector, the shop. Started in order, ended in
the reverse one, and never outliving their owner."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import samples.shop
from samples.kafka import leash
from samples.kafka.broker import Broker
from samples.shop.shop import Shop

if TYPE_CHECKING:
    from collector.runtime import Runtime

COLLECTOR_SECONDS = 60.0
"""How long the collector may take to start on a machine that is busy with other things."""

STOP_SECONDS = 15.0

CONFIG = Path(samples.shop.__file__).with_name("flowtap.toml")
"""What is known of the shop, and not to be told as a finding."""


class StageError(Exception):
    """A part did not start; the message says which, and the end of what it wrote."""


class Stage:
    """All of it; a context manager. `directory` takes the store, the ledgers and the logs."""

    def __init__(
        self,
        directory: Path,
        *,
        bootstrap: str = "",
        rate: float = 2.0,
        seed: int = 0,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.directory = directory
        self.store = directory / "store"
        self._bootstrap = bootstrap
        self._rate = rate
        self._seed = seed
        self._progress = progress
        self._broker: Broker | None = None
        self._collector: subprocess.Popen[str] | None = None
        self.shop: Shop | None = None
        self.runtime: Runtime | None = None

    def __enter__(self) -> Stage:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self._bootstrap:
            self._broker = Broker(progress=self._progress)
            self._broker.start()
            self._bootstrap = self._broker.bootstrap
        self.runtime = self._start_collector()
        self._progress(f"the collector runs: {self.runtime.url}")
        self.shop = Shop(
            self._bootstrap,
            f"http://127.0.0.1:{self.runtime.ports['otlp_http']}",
            self.directory / "shop",
            rate=self._rate,
            seed=self._seed,
            progress=self._progress,
        )
        self.shop.start()

    def _start_collector(self) -> Runtime:
        from collector.runtime import read

        self._progress("starting the collector")
        environment = {
            **{name: value for name, value in os.environ.items() if name[:8] != "FLOWTAP_"},
            "FLOWTAP_CONFIG": str(CONFIG),
            "FLOWTAP_STORE": str(self.store),
            "FLOWTAP_KAFKA": self._bootstrap,
            "FLOWTAP_API_PORT": "0",
            "FLOWTAP_RECEIVERS_OTLP_GRPC": "0",
            "FLOWTAP_RECEIVERS_OTLP_HTTP": "0",
            "FLOWTAP_RECEIVERS_ZIPKIN": "0",
        }
        log = self.directory / "collector.log"
        with log.open("w") as out:
            # A session and a leash of its own: Ctrl-C reaches only the owner, who ends the
            # collector in order; and when the owner dies without a word, so does the collector.
            self._collector = subprocess.Popen(
                [sys.executable, "-I", leash.__file__, "-", sys.executable, "-m", "tui", "up"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
                env=environment,
                start_new_session=True,
            )
        until = time.monotonic() + COLLECTOR_SECONDS
        while time.monotonic() < until:
            runtime = read(self.store)
            if runtime is not None:
                return runtime
            if self._collector.poll() is not None:
                break
            time.sleep(0.05)
        raise StageError(f"the collector did not start:\n{log.read_text()[-2000:]}")

    def close(self) -> None:
        """End everything, whatever of it had started."""
        try:
            if self.shop is not None:
                self.shop.stop()
        finally:
            try:
                self._stop_collector()
            finally:
                if self._broker is not None:
                    self._broker.stop()

    def _stop_collector(self) -> None:
        process, self._collector = self._collector, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if process.poll() is None:
                process.stdin.write("stop\n")
                process.stdin.flush()
            process.wait(STOP_SECONDS)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        finally:
            process.stdin.close()
            process.stdout.close()
