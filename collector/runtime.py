"""The file beside the store that tells other processes where the running collector is.

Light: every command reads it. It holds the API's token, so only its owner may read it.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE_NAME = "collector.json"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A running collector, as it announces itself."""

    pid: int
    url: str
    """Of the API, reachable from this machine, without a slash at the end."""
    token: str = field(default="", repr=False)
    """The API's, or where it wants none the one for changes."""
    certificate: str = ""
    """The file of the API's certificate, where it speaks TLS: the one to trust, by whatever name
    the API is called."""
    version: str = ""
    store: str = ""
    """The store's place, without a password."""
    started: int = 0
    """Nanoseconds since the Unix epoch."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Those that listen: `api`, `otlp_grpc`, `otlp_http`, `zipkin`."""


def write(folder: Path, runtime: Runtime) -> None:
    """Announce a collector; whoever reads sees the old file or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{FILE_NAME}.{secrets.token_hex(4)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(asdict(runtime), out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(folder / FILE_NAME)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read(folder: Path) -> Runtime | None:
    """The collector that is running, None when there is none or it died without saying so.

    Its process is there; whether its API answers is found out by asking it.
    """
    try:
        said = json.loads((folder / FILE_NAME).read_bytes())
        runtime = Runtime(
            pid=int(said["pid"]),
            url=str(said["url"]),
            token=str(said.get("token", "")),
            certificate=str(said.get("certificate", "")),
            version=str(said.get("version", "")),
            store=str(said.get("store", "")),
            started=int(said.get("started", 0)),
            ports={str(name): int(port) for name, port in said.get("ports", {}).items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return runtime if _lives(runtime.pid) else None


def remove(folder: Path, pid: int) -> None:
    """Take back this process's own announcement; another's stays."""
    runtime = read(folder)
    if runtime is not None and runtime.pid == pid:
        (folder / FILE_NAME).unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
