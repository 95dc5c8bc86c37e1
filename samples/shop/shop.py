"""The whole shop: starts every service as a process, lets traffic in, brings it to rest, stops it.

No process outlives its owner: each holds the end of a pipe that closes when the owner is gone. All
have sessions of their own, so that Ctrl-C in a terminal reaches only the owner, who stops them in
order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType

from samples.shop import entries, ledger
from samples.shop.entries import Entry, Ready
from samples.shop.errors import ShopError
from samples.shop.faults import Faults
from samples.shop.flow import CUSTOMER, ROLES, STOREFRONT
from samples.shop.topics import prepare
from samples.shop.truth import Truth

START_SECONDS = 60.0
"""How long the services may take to start on a machine that is busy with other things."""
STOP_SECONDS = 20.0
"""How long a service may take to end before it is killed."""
ROOT = Path(__file__).resolve().parents[2]


class Shop:
    """All services on one broker; also a context manager that starts and stops it.

    `otlp_endpoint` is a base URL as OTEL_EXPORTER_OTLP_ENDPOINT takes it, empty for no export.
    `directory` gets the ledgers (`NAME.jsonl`) and logs (`NAME.log`) and must hold no earlier
    run's. `rate` is orders a second, some 30 at most. Raises ShopError.
    """

    def __init__(
        self,
        bootstrap: str,
        otlp_endpoint: str,
        directory: Path,
        rate: float = 2.0,
        seed: int = 0,
        faults: Faults | None = None,
        progress: Callable[[str], None] | None = None,
        otlp_protocol: str = "http/protobuf",
    ) -> None:
        self.directory = directory
        self._bootstrap = bootstrap
        self._otlp = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": otlp_protocol,
        }
        self._rate = rate
        self._seed = seed
        self._faults = faults or Faults.from_environment()
        self._progress = progress or (lambda _: None)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._quiet = threading.Event()
        """Set while no outage is wanted."""
        self._outages: threading.Thread | None = None

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run now, by service."""
        return {
            name: each.pid for name, each in list(self._processes.items()) if each.poll() is None
        }

    def start(self) -> None:
        """Starts everything, and returns when all services take messages and traffic flows."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if any(self.directory.glob("*.jsonl")):
            raise ShopError(f"{self.directory} holds the ledger of an earlier run")
        prepare(self._bootstrap)
        try:
            self._progress(f"starting {len(ROLES)} services of the shop")
            for name in ROLES:
                if name != CUSTOMER.name:
                    self._spawn(name)
            ready = self._await_ready(set(ROLES) - {CUSTOMER.name})
            self._spawn(CUSTOMER.name, SHOP_STOREFRONT=ready[STOREFRONT.name].address)
            self._await_ready({CUSTOMER.name})
        except BaseException:
            self.stop()
            raise
        self._progress("the shop is open")
        if self._faults.down:
            self._outages = threading.Thread(target=self._cause_outages, daemon=True)
            self._outages.start()

    def run(self, seconds: float) -> None:
        """Lets the traffic flow for a while; raises ShopError as soon as a service ends."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, 0.2))
        self.check()

    def check(self) -> None:
        """Raises ShopError if a service has ended by itself."""
        for name, process in list(self._processes.items()):
            if process.poll() is not None:
                raise ShopError(
                    f"{name} ended by itself ({process.returncode}):\n{self._log_tail(name)}"
                )

    def drain(self, timeout: float = 60.0, but: Collection[str] = ()) -> None:
        """Ends the traffic and waits until every message is handled and committed everywhere, but
        by these services."""
        self._progress("waiting until every message is handled")
        self._end_outages()
        self._end([CUSTOMER.name])
        deadline = time.monotonic() + timeout
        while left := [one for one in ledger.pending(self.entries()) if one.service not in but]:
            self.check()
            if time.monotonic() > deadline:
                some = ", ".join(f"{each.position} at {each.service}" for each in left[:5])
                raise ShopError(f"{len(left)} deliveries open after {timeout:.0f} s: {some}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends all services in order: handled messages are committed, spans are exported."""
        self._end_outages()
        self._end([CUSTOMER.name])
        self._end(list(self._processes))

    def entries(self) -> list[Entry]:
        """The ledgers' lines up to now."""
        return entries.read(self.directory)

    def truth(self) -> Truth:
        """What an observer should have found up to now."""
        return ledger.truth(self.entries())

    def __enter__(self) -> Shop:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _spawn(self, name: str, **more: str) -> None:
        environment = {
            **os.environ,
            **self._faults.environment(),
            **self._otlp,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
            "SHOP_BOOTSTRAP": self._bootstrap,
            "SHOP_LEDGER": str(self.directory),
            "SHOP_RATE": str(self._rate),
            "SHOP_SEED": str(self._seed),
            "SHOP_LEASH": "1",
            "SHOP_CLOCK_OFF": str(self._faults.clock.get(name, self._faults.clock.get("*", 0.0))),
            **more,
        }
        module = f"samples.shop.services.{name.replace('-', '_')}"
        with (self.directory / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def _await_ready(self, names: set[str]) -> dict[str, Ready]:
        """Their latest lines that say so, written by the processes that run now."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            pids = {self._processes[name].pid for name in names}
            ready = {
                entry.service: entry
                for entry in self.entries()
                if isinstance(entry, Ready) and entry.pid in pids
            }
            if not (missing := names - set(ready)):
                return ready
            self.check()
            if time.monotonic() > deadline:
                late = sorted(missing)
                raise ShopError(
                    f"not ready after {START_SECONDS:.0f} s: {', '.join(late)}\n"
                    f"{self._log_tail(late[0])}"
                )
            time.sleep(0.05)

    def _cause_outages(self) -> None:
        """The fault `down`: a service goes, and comes back to what it missed."""
        faults = self._faults
        wait = faults.down_after
        while not self._quiet.wait(wait):
            self._end([faults.down])
            self._quiet.wait(faults.down_for)
            self._spawn(faults.down)
            wait = faults.down_every

    def _end_outages(self) -> None:
        self._quiet.set()
        if self._outages is not None:
            self._outages.join()
            self._outages = None

    def _end(self, names: list[str]) -> None:
        """SIGTERM to all of these, SIGKILL to who does not listen; waits for both.

        They are forgotten first, so that `check` does not take their end for a crash.
        """
        ending = [self._processes.pop(name) for name in names if name in self._processes]
        for process in ending:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        try:
            for process in ending:
                try:
                    process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
        finally:
            for process in ending:
                if process.poll() is None:
                    process.kill()
                process.wait()
                if process.stdin is not None:
                    process.stdin.close()

    def _log_tail(self, name: str, lines: int = 12) -> str:
        text = (self.directory / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])
