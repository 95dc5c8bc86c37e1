"""Composition root: starts the collector's parts in order, and stops them in the reverse one."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from collector import descriptors, garbage, runtime
from collector.api.app import create_app
from collector.api.backend import Component
from collector.api.server import ApiServer
from collector.audience import Audience
from collector.backend import PATIENCE, StoreBackend
from collector.config import Settings
from collector.ending import Ending
from collector.findings import Watch
from collector.inserter import Inserter
from collector.intake import Intake
from collector.metrics import Counters
from collector.packing import Packing
from collector.receivers.in_flight import InFlight
from collector.receivers.otlp_grpc import OtlpGrpcReceiver
from collector.receivers.otlp_http import OtlpHttpReceiver
from collector.receivers.receiver import Receiver
from collector.receivers.zipkin import ZipkinReceiver
from collector.refused import Refused
from collector.retention import Retention
from collector.room import Room
from collector.runtime import Runtime
from collector.spool import Spool
from collector.store.client import Store, StoreError
from collector.store.rollup import Rollup
from collector.taps.tap import Tap
from collector.trouble import Trouble
from collector.watching import Watching
from collector.webhook.outbox import Outbox
from collector.webhook.sender import Sender

log = logging.getLogger(__name__)

COMPUTE_EVERY = 2.0
"""Seconds between computations of edges, when something was stored."""

EVERY = 10.0
"""Seconds between looks at what the disk took, and at messages that have waited for their spans."""

DRAIN_SECONDS = 6.0
"""How long a stop waits for what was acknowledged to be stored; the rest stays in the spool, or in
the broker. With what closes after it, that is less than a stop may take in all (`Ending`)."""


@dataclass(slots=True)
class _RunningTap:
    tap: Tap
    thread: threading.Thread


class Collector:
    """One running collector. `start` and `stop` on the event loop that serves it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.counters = Counters()
        self.in_flight = InFlight(settings.limits.in_flight_bytes)
        self._taps: list[_RunningTap] = []
        self._receivers: list[Receiver] = []
        self.webhook: Sender | None = None
        self._stopping = threading.Event()
        self._computing = threading.Thread(target=self._compute, name="flowtap-edges", daemon=True)
        self._started = time.time_ns()
        self._owner_token = secrets.token_urlsafe(32)
        """Who can read the runtime file may change things."""
        self._trouble = Trouble(log, "edges cannot be computed: %s", "edges are computed again")

    async def start(self) -> Runtime:
        """Start everything. Raises `StoreError`, `OSError`, `CannotListen`, `SecretError`; what
        had started is stopped again."""
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> Runtime:
        settings = self._settings
        folder = settings.folder
        self.store = await asyncio.to_thread(Store, settings.store, own=settings.own)
        room = Room(folder, settings.limits.free_bytes)
        self.spool = Spool(
            folder / "spool", max_bytes=settings.limits.spool_bytes, short=room.short
        )
        self.retention = Retention(
            self.store,
            days=settings.retention.days,
            most=settings.retention.size,
            spooled=lambda: self.spool.pending_bytes,
        )
        rollup = await asyncio.to_thread(Rollup, self.store)
        if settings.webhook is not None:
            self.webhook = Sender(Outbox(folder, settings.webhook), settings.webhook)
        self.watch = await asyncio.to_thread(
            Watch, self.store, settings.rules, listener=self.webhook
        )
        self.watching = Watching(self.watch, settings.limits.findings_share)
        audience = Audience()
        self.backend = StoreBackend(
            self.store,
            rollup=rollup,
            counters=self.counters,
            health=self.health,
            declared=lambda: [one.declared for one in settings.consumers],
            retention=self.retention,
            watch=self.watch,
            audience=audience,
            patience=PATIENCE,
        )
        self.inserter = Inserter(
            self.spool, self.store, self.backend.note_stored, seen=audience.there
        )
        self.intake = Intake(
            self.store,
            self.counters,
            self.backend.note_stored,
            packing=Packing(
                settings.own,
                environment=settings.environment,
                masked=settings.masked_headers,
                masked_paths=settings.masked_paths,
                body_bytes=settings.limits.body_bytes,
                header_bytes=settings.limits.header_bytes,
            ),
            # A server's disk is not this one.
            short=room.short if isinstance(settings.store, Path) else str,
            seen=audience.there,
        )
        audience.parts = self.inserter, self.intake
        self.counters.watch(
            "spool_bytes", "Bytes of spans not in the store yet.", lambda: self.spool.pending_bytes
        )
        self.counters.watch(
            "in_flight_bytes",
            "Bytes of requests that are read or on their way to the disk.",
            lambda: self.in_flight.bytes,
        )
        self.counters.watch(
            "missed_offsets", "Offsets that taps could not read.", lambda: self.intake.missed
        )
        self.counters.watch(
            "findings_seconds",
            "Seconds of a core that looking for findings took.",
            lambda: self.watch.cost,
        )
        for kind, counts in self.watch.counts.items():
            self.counters.watch_finding(kind.value, counts)
        if self.webhook is not None:
            self.counters.watch_webhook(self.webhook.counts, self.webhook.waiting)
        self.inserter.start()
        self.intake.start()
        self._computing.start()
        self.retention.start()
        self.watching.start()
        if self.webhook is not None:
            self.webhook.start()
        ports = await self._listen(folder)
        self._api = ApiServer(
            create_app(self.backend, settings.api, settings.limits, owner_token=self._owner_token),
            host=settings.api.host,
            port=settings.api.port,
            access=settings.api.access(),
        )
        ports["api"] = await self._api.start()
        self._tap()
        host = "127.0.0.1" if settings.api.host in ("0.0.0.0", "") else settings.api.host
        certificate = settings.api.tls_certificate_file
        scheme = "https" if certificate else "http"
        self._runtime = Runtime(
            pid=os.getpid(),
            url=f"{scheme}://{'[::1]' if host == '::' else host}:{ports['api']}",
            token=settings.api.secret() or self._owner_token,
            certificate=str(certificate.absolute()) if certificate else "",
            version=version("flowtap"),
            store=str(settings.store) if isinstance(settings.store, Path) else "",
            started=self._started,
            ports=ports,
        )
        runtime.write(folder, self._runtime)
        return self._runtime

    async def _listen(self, folder: Path) -> dict[str, int]:
        asked = self._settings.receivers
        access = asked.access()
        malformed = Refused(folder / "malformed", durable=False)

        def keep(name: str, payload: bytes, reason: str) -> None:
            malformed.keep(f"{time.time_ns()}-{name}", payload, reason)

        ports: dict[str, int] = {}
        kinds = (
            ("otlp_grpc", OtlpGrpcReceiver, asked.otlp_grpc),
            ("otlp_http", OtlpHttpReceiver, asked.otlp_http),
            ("zipkin", ZipkinReceiver, asked.zipkin),
        )
        for name, kind, port in kinds:
            if port is None:
                continue
            receiver = kind(
                self.spool,
                self.counters,
                host=asked.host,
                port=port,
                max_request_bytes=self._settings.limits.request_bytes,
                keep_malformed=keep,
                access=access,
                in_flight=self.in_flight,
            )
            await receiver.start()
            self._receivers.append(receiver)
            ports[name] = int(receiver.address.rpartition(":")[2])
        return ports

    def _tap(self) -> None:
        for asked in self._settings.kafka:
            from collector.taps.kafka import KafkaTap

            tap = KafkaTap(asked)
            thread = threading.Thread(
                target=tap.run, args=(self.intake,), name=f"flowtap-tap-{tap.name}", daemon=True
            )
            self._taps.append(_RunningTap(tap, thread))
            thread.start()

    async def stop(self) -> None:
        """Take nothing more, store what was acknowledged, close. What cannot be stored in time
        stays in the spool, or in the broker, for the next start.

        Who sends or asks meanwhile is told to come again: the doors close last."""
        runtime.remove(self._settings.folder, os.getpid())
        if hasattr(self, "_api"):
            self._api.refuse()
        await asyncio.to_thread(self._drain)
        doors = [receiver.stop() for receiver in self._receivers]
        if hasattr(self, "_api"):
            doors.append(self._api.stop())
        await asyncio.gather(*doors)
        if hasattr(self, "store"):
            await asyncio.to_thread(self.store.close)

    def _drain(self) -> None:
        until = time.monotonic() + DRAIN_SECONDS

        def left() -> float:
            return max(0.1, until - time.monotonic())

        if hasattr(self, "spool"):
            self.spool.close()
        for running in self._taps:
            running.tap.stop()
        self._stopping.set()
        if hasattr(self, "watching"):
            self.watching.ask_to_stop()
        if self.webhook is not None:
            self.webhook.ask_to_stop()
        if hasattr(self, "retention"):
            self.retention.stop(left())
        if self._computing.ident is None:
            return  # Neither of the others has started.
        self.intake.stop(left())
        if not self.inserter.stop(left()):
            log.warning("not all spans are in the store yet; the rest waits in the spool")
        for running in self._taps:
            running.thread.join(left())
        self._computing.join(left())
        self.watching.stop(left())
        if self.webhook is not None:
            self.webhook.stop(left())

    def _compute(self) -> None:
        looked = settled = time.monotonic()
        while not self._stopping.wait(COMPUTE_EVERY):
            now = time.monotonic()
            try:
                if now - looked > EVERY:
                    looked = now
                    self.store.look()
                due = now - settled > EVERY
                if self.backend.compute(due=due) and due:
                    settled = now
            except StoreError as error:
                if not self._stopping.is_set():  # what the stop cut off is no trouble
                    self._trouble.begin(str(error))
            else:
                self._trouble.end()

    def health(self) -> Sequence[Component]:
        """How each part is doing."""
        figures = self.counters.snapshot()
        waiting = self.spool.pending_bytes
        spooling = self.inserter.trouble or self.spool.trouble
        parts = [
            Component(
                "store",
                not self._trouble.reason,
                self._trouble.reason or f"open at {self._settings.folder}",
                {"inserted_requests": self.inserter.inserted_requests},
            ),
            Component(
                "requests",
                not self.in_flight.trouble,
                self.in_flight.trouble or "spans on their way to the spool",
                {
                    "in_flight_bytes": self.in_flight.bytes,
                    "most_bytes": self.in_flight.most,
                    "refused": self.in_flight.refused,
                },
            ),
            Component(
                "spool",
                not spooling,
                spooling or "spans on their way into the store",
                {
                    "bytes": waiting,
                    "oldest_seconds": round(self.spool.oldest, 3),
                    "rejected_requests": self.inserter.rejected_requests,
                },
            ),
            Component(
                "intake",
                not self.intake.trouble,
                self.intake.trouble or "messages on their way into the store",
                {
                    "cut_values": self.intake.cut_values,
                    "missed": self.intake.missed,
                    **figures.get("messages", {}),
                },
            ),
            edges_component(self.backend.behind),
            self.retention.component(),
            self.watching.component(),
        ]
        if self.webhook is not None:
            parts.append(self.webhook.component())
        for receiver in self._receivers:
            seen = {
                unit: figures.get(unit, {}).get(receiver.name) for unit in ("requests", "spans")
            }
            parts.append(
                Component(receiver.name, True, f"listens on {receiver.address}", dict(seen))
            )
        for running in self._taps:
            parts.append(tap_component(running.tap))
        return parts


def edges_component(behind: float) -> Component:
    """How far the graph is behind what is stored, seconds."""
    detail = f"the graph is {behind:.0f} s behind the store" if behind >= 1 else "up to date"
    return Component("edges", True, detail, {"behind_seconds": round(behind, 1)})


def tap_component(tap: Tap) -> Component:
    """How a tap is doing, by its status."""
    status = tap.status()
    connected = bool(status.get("connected"))
    doing = "reading" if connected else ""
    held = status.get("open_transactions")
    if doing and isinstance(held, list) and held:
        many = f"{len(held)} transactions have" if len(held) > 1 else "a transaction has"
        doing += f"; {many} been open for long and consumers with read_committed wait"
    detail = str(status.get("error") or doing)
    return Component(f"{tap.name} {status.get('bootstrap', '')}".strip(), connected, detail, status)


async def run(settings: Settings, *, ready: Callable[[Runtime], None] | None = None) -> None:
    """Run a collector until SIGINT or SIGTERM, then drain it. Raises as `Collector.start`.

    The process ends in `LONGEST_STOP_SECONDS`, or at a second signal, whatever it is doing."""
    ending = Ending()
    descriptors.allow()
    collector = Collector(settings)
    started = await collector.start()
    garbage.settle()
    sweeping = asyncio.create_task(garbage.sweep(), name="flowtap-garbage")
    try:
        if ready is not None:
            ready(started)
        await ending.wait()
    finally:
        sweeping.cancel()
        await collector.stop()


def import_payloads(store: Store, folder: Path, payloads: Iterable[bytes]) -> int:
    """Put requests into a store that no collector has open; returns how many. The edges are
    computed before it returns. Raises `StoreError`, and whatever `payloads` raises, after what
    came before it was stored."""
    backend = StoreBackend(store)
    with Spool(folder / "spool") as spool:
        inserter = Inserter(spool, store, backend.note_stored)
        inserter.start()
        count = 0
        try:
            for payload in payloads:
                spool.append_sync(payload)
                count += 1
        finally:
            spool.close()
            inserter.stop(None)
        if inserter.left_segments:
            raise StoreError(inserter.trouble)
    backend.refresh()
    return count
