"""flowtap import: recorded spans into the store, through the collector where one runs."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from tui.client import running_collector
from tui.commands import options
from tui.commands.output import FAILED, explained, put, put_json, say, stop
from tui.source import CollectorAway, SourceFailed

if TYPE_CHECKING:
    from collector.config import Settings

LONGEST_WAIT = 30.0
"""Seconds that a collector may ask to wait before a request is sent again."""

ATTEMPTS = 20


def command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="OTLP JSON or protobuf, Zipkin JSON, or lines of either; gzipped or not.",
        ),
    ],
    otlp: Annotated[
        str | None,
        typer.Option(
            "--otlp", metavar="URL", help="Send to this OTLP/HTTP receiver: http://HOST:4318."
        ),
    ] = None,
    as_json: options.Json = False,
    store: options.Store = None,
    config: options.Config = None,
) -> None:
    """Converts files and hands them over; goes on after a file that cannot be read."""
    with explained(as_json):
        from collector import places
        from collector.config import load

        settings = load({"store": store} if store else None, config=config)
        runtime = None if otlp else running_collector(settings.store)
        if runtime is not None and "otlp_http" not in runtime.ports:
            stop(
                f"the collector at {runtime.url} has its OTLP/HTTP receiver off",
                "Stop it first, or start it with --otlp-http-port.",
                as_json=as_json,
            )
        if runtime is not None:
            otlp = f"http://127.0.0.1:{runtime.ports['otlp_http']}"
        tally = Tally(files)
        if otlp:
            sender = Sender(otlp)
            for payload in tally.payloads():
                sender.send(payload)
        else:
            _into_store(settings, tally)
        where = otlp or places.shown(settings.store)
    if as_json:
        put_json(
            {
                "into": where,
                "spans": tally.spans,
                "rejected": tally.rejected,
                "files": len(files),
                "failed": tally.failed,
            }
        )
    else:
        read = len(files) - len(tally.failed)
        noun = "file" if read == 1 else "files"
        put(f"{tally.spans:,} spans of {read} {noun} are in {where}")
    if tally.failed or tally.rejected:
        raise typer.Exit(FAILED)


@dataclass
class Tally:
    """What was read of the files so far."""

    files: list[Path]
    spans: int = 0
    rejected: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def payloads(self) -> Iterator[bytes]:
        """The spans of all files that can be read, as OTLP requests; narrates."""
        from collector.convert.files import FileError, read_file

        for file in self.files:
            try:
                for converted in read_file(file, received_ns=time.time_ns()):
                    if converted.rejected:
                        self.rejected += converted.rejected
                        say(f"{file}: {converted.rejected:,} spans rejected: {converted.reason}")
                    if converted.payload:
                        yield converted.payload
                        self.spans += converted.spans
            except FileError as error:
                self.failed[str(file)] = str(error)
                say(str(error))


def _into_store(settings: Settings, tally: Tally) -> None:
    from collector.service import import_payloads
    from collector.store import client as stores
    from tui.source import StoreBusy

    try:
        with stores.Store(settings.store, own=settings.own) as store:
            import_payloads(store, settings.folder, tally.payloads())
    except stores.StoreBusy as error:
        raise StoreBusy(str(error), "Its collector does not answer: stop it first.") from error
    except stores.StoreError as error:
        raise SourceFailed(str(error), "flowtap doctor says more.") from error


class Sender:
    """Sends requests to an OTLP/HTTP receiver, again where it asks for that."""

    def __init__(self, url: str, wait: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._path = f"{parts.path.rstrip('/')}/v1/traces"
        self._secure = parts.scheme == "https"
        self._url = url
        self._wait = wait

    def send(self, payload: bytes) -> None:
        """Returns once it is accepted. Raises CollectorAway, SourceFailed."""
        for _ in range(ATTEMPTS):
            status, again, body = self._post(payload)
            if status == 200:
                return
            if status not in (429, 502, 503, 504):
                raise SourceFailed(f"{self._url} refuses the spans: {status} {body}")
            self._wait(min(again, LONGEST_WAIT))
        raise SourceFailed(f"{self._url} stays busy", "Try again later.")

    def _post(self, payload: bytes) -> tuple[int, float, str]:
        """Status, seconds to wait before another attempt, and what was said."""
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=60)
        try:
            headers = {"Content-Type": "application/x-protobuf"}
            connection.request("POST", self._path, body=payload, headers=headers)
            answer = connection.getresponse()
            said = answer.read(500).decode("utf-8", "replace")
            after = answer.headers.get("Retry-After", "1")
        except (OSError, http.client.HTTPException) as error:
            raise CollectorAway(
                f"nothing takes spans at {self._url}: {error}", "Is the collector running?"
            ) from error
        finally:
            connection.close()
        return answer.status, float(after) if after.isdigit() else 1.0, said
