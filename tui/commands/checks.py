"""What `flowtap doctor` looks at. Each check tells what it found and, if need be, what to do."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from graph.figures import date
from graph.gaps import Gap, told
from tui.client import running_collector
from tui.remote import ApiClient
from tui.source import SourceError

if TYPE_CHECKING:
    from collector.config import Settings
    from collector.runtime import Runtime
    from collector.taps.kafka_settings import KafkaSettings

PACKAGES = (
    "flowtap",
    "chdb-core",
    "clickhouse-connect",
    "confluent-kafka",
    "kafka-python",
    "grpcio",
    "fastapi",
    "textual",
)

LEAST_DISK = 1 << 30
"""Bytes that should be free where the store is."""

BROKER_SECONDS = 4.0

OPEN_TRANSACTION = (
    "Look at that producer: its commit, its abort or its transaction.timeout.ms ends it. One that "
    "outlives its producer is ended by kafka-transactions.sh abort."
)


GAP_SECONDS = 3600
"""For how long a gap asks for somebody's eyes."""

GAP = (
    "Where retention took it: the tap was away for longer than the topic keeps, or is slower than "
    "it is written. GET /api/v1/gaps lists all."
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    """What to do; only where something is wrong."""


def checks(settings: Settings, config: Path | None) -> Iterator[Check]:
    """All checks, each as soon as it is known."""
    yield from _versions()
    yield Check("configuration", True, str(config) if config else "none, defaults apply")
    yield _engine()
    runtime = running_collector(settings.store)
    yield from _collector(runtime)
    yield _disk(settings)
    if runtime is None:
        yield from _store(settings)
    yield from _ports(settings, runtime)
    for tap in settings.kafka:
        yield _broker(tap)


def _versions() -> Iterator[Check]:
    yield Check("python", True, f"{sys.version.split()[0]} at {sys.executable}")
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    optional = {"confluent-kafka"}
    wrong = [name for name in missing if name not in optional]
    detail = ", ".join(found) + (f"; missing: {', '.join(missing)}" if missing else "")
    yield Check("packages", not wrong, detail, "Install flowtap again." if wrong else "")


def _engine() -> Check:
    try:
        import chdb
        import clickhouse_connect  # noqa: F401
    except Exception as error:
        return Check(
            "engine",
            False,
            f"cannot be loaded: {error}",
            "Install chdb-core for this platform, or set store to a ClickHouse server's URL.",
        )
    return Check("engine", True, f"chDB {version('chdb-core')}, ClickHouse {chdb.engine_version}")


def _collector(runtime: Runtime | None) -> Iterator[Check]:
    if runtime is None:
        yield Check("collector", True, "none is running")
        return
    about = f"process {runtime.pid}, version {runtime.version}, at {runtime.url}"
    token = os.environ.get("FLOWTAP_API_TOKEN", "") or runtime.token
    client = ApiClient(runtime.url, token, timeout=5, certificate=runtime.certificate)
    try:
        health = client.health()
    except SourceError as error:
        yield Check("collector", False, f"{about}: {error.detail}", error.hint)
        return
    yield Check("collector", True, about)
    for part in health["components"]:
        remedy = "" if part["ok"] else "The collector goes on trying; its log says more."
        yield Check(f"  {part['name']}", bool(part["ok"]), str(part["detail"]), remedy)
        for held in part["figures"].get("open_transactions", ()):
            yield Check("    transaction", False, str(held), OPEN_TRANSACTION)
    try:
        yield from _gaps(client.gaps())
    except SourceError as error:
        yield Check("gaps", False, error.detail, error.hint)
    if runtime.version != version("flowtap"):
        yield Check(
            "versions",
            False,
            f"the collector is {runtime.version}, this is {version('flowtap')}",
            "Restart the collector.",
        )


def _gaps(gaps: Sequence[Gap]) -> Iterator[Check]:
    """What taps missed; it is trouble while it is new."""
    if gaps:
        when = gaps[0].noticed
        recent = when > time.time_ns() - GAP_SECONDS * 10**9
        yield Check("gaps", not recent, f"{told(gaps)}, {date(when)} UTC", GAP if recent else "")


def _disk(settings: Settings) -> Check:
    folder = settings.folder
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        remedy = f"Give this user leave to write to {there}, or choose another --store."
        return Check("folder", False, f"{folder} cannot be written", remedy)
    free = shutil.disk_usage(there).free
    detail = f"{folder}, {free / 1e9:.1f} GB free"
    remedy = "" if free >= LEAST_DISK else "Free some space: flowtap prune lets old weeks leave."
    return Check("folder", free >= LEAST_DISK, detail, remedy)


def _store(settings: Settings) -> Iterator[Check]:
    """The store opened, or where there is none yet the engine tried in a folder of its own."""
    from collector import places
    from collector.store.client import Store, StoreBusy, StoreError
    from collector.store.gaps import gaps
    from collector.store.migrations import needs_reindex
    from collector.store.prune import oldest

    shown = places.shown(settings.store)
    try:
        if isinstance(settings.store, Path) and not (settings.store / "engine").is_dir():
            with tempfile.TemporaryDirectory(prefix="flowtap-doctor-") as folder:
                Store(Path(folder)).close()
            yield Check("store", True, f"none yet at {shown}; the engine works")
            return
        with Store(settings.store) as store:
            (rows,) = store.query("SELECT count() FROM messages")[0]
            since = oldest(store)
            covers = f", covers from {date(since)[:16]}" if since else ""
            yield Check("store", True, f"{shown}, {rows:,} messages{covers}")
            yield from _gaps(gaps(store))
            with store.reading() as client:
                stale = needs_reindex(client, settings.own)
        detail = "older rows were read by other conventions" if stale else "up to date"
        yield Check("conventions", not stale, detail, "flowtap reindex" if stale else "")
    except StoreBusy as error:
        yield Check("store", False, str(error), "Its collector does not answer: stop that process.")
    except StoreError as error:
        yield Check("store", False, str(error), "Is this the right store? --store chooses one.")


def _ports(settings: Settings, runtime: Runtime | None) -> Iterator[Check]:
    receivers = settings.receivers
    wanted = (
        ("api", settings.api.host, settings.api.port, "--api-port"),
        ("otlp_grpc", receivers.host, receivers.otlp_grpc, "--otlp-grpc-port"),
        ("otlp_http", receivers.host, receivers.otlp_http, "--otlp-http-port"),
        ("zipkin", receivers.host, receivers.zipkin, "--zipkin-port"),
    )
    for name, host, port, option in wanted:
        title = f"port {name.replace('_', ' ')}"
        if runtime is not None:
            if name in runtime.ports:
                yield Check(title, True, f"{runtime.ports[name]}, our collector listens")
            else:
                yield Check(title, True, "off")
        elif port is None:
            yield Check(title, True, "off")
        elif not port:
            yield Check(title, True, "any free one")
        else:
            trouble = _taken(host, port)
            remedy = f"Stop what listens there, or choose another with {option}." if trouble else ""
            yield Check(title, not trouble, f"{host}:{port} {trouble or 'is free'}", remedy)


def _taken(host: str, port: int) -> str:
    """Why an address cannot be listened on; empty when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            return f"cannot be had: {error.strerror}"
    return ""


def _broker(tap: KafkaSettings) -> Check:
    from collector.taps.kafka_python_admin import cluster_id, open_admin
    from collector.taps.kafka_reader import BrokerAway
    from collector.taps.kafka_settings import SecretError

    title = f"kafka {tap.bootstrap}"
    remedy = "Is it running, and does its advertised listener answer from here?"
    try:
        tap.for_kafka_python()
        trouble = _unreachable(tap.bootstrap)
        if trouble:
            return Check(title, False, f"away: {trouble}", remedy)
        admin = open_admin(tap.model_copy(update={"request_timeout": BROKER_SECONDS}))
        try:
            return Check(title, True, f"reachable, cluster {cluster_id(admin)}")
        finally:
            admin.close()
    except SecretError as error:
        return Check(title, False, str(error), "Set it where the configuration looks for it.")
    except BrokerAway as error:
        return Check(title, False, f"away: {error}", remedy)


def _unreachable(bootstrap: str) -> str:
    """Why none of these addresses takes a connection; empty when one does. This comes before a
    client, which would try for long and say less."""
    trouble = ""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), BROKER_SECONDS).close()
        except ValueError:
            trouble = f"{address} is no HOST:PORT"
        except OSError as error:
            trouble = f"{address}: {error.strerror or error}"
        else:
            return ""
    return trouble
