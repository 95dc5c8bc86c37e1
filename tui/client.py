"""Opens the source of a surface's answers: a running collector, else the store, else files.

The only module of `tui` besides commands that knows the collector, and only inside functions.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from graph.chain.result import Chain, Limits
from graph.direction import Direction
from graph.edges import MOST_EDGES, View
from graph.fate.result import Fates
from graph.findings.model import Findings
from graph.findings.wanted import Wanted
from graph.gaps import Gap
from graph.listing import Activity, Consumer, EventFilter, Listing
from graph.model import Evidence
from graph.payloads import Payloads
from graph.series import MinuteCount
from graph.table import Table
from graph.topology import NodeKey, Topology
from tui import question
from tui.remote import ApiClient
from tui.source import (
    Address,
    Ambiguous,
    BadRequest,
    CollectorAway,
    Following,
    GivenUp,
    NotFound,
    NothingRecorded,
    Source,
    SourceError,
    SourceFailed,
    StoreBusy,
    Unauthorised,
)

if TYPE_CHECKING:
    from collector.api.backend import Backend
    from collector.runtime import Runtime
    from graph.fate.consumers import Declared
    from graph.findings.thresholds import Rules

__all__ = [
    "Ambiguous",
    "ApiClient",
    "BadRequest",
    "CollectorAway",
    "Following",
    "LocalSource",
    "NotFound",
    "NothingRecorded",
    "Source",
    "SourceError",
    "SourceFailed",
    "StoreBusy",
    "Unauthorised",
    "open_source",
    "running_collector",
]

NOWHERE = Address()
LOOK_SECONDS = 0.5
CHAIN_SECONDS = 30.0


def open_source(
    target: str | None = None,
    *,
    store: str | Path | None = None,
    config: Path | None = None,
    files: Sequence[Path] = (),
    environ: Mapping[str, str] = os.environ,
) -> Source:
    """Whoever can answer: `files`, else the collector at the URL `target`, else the one that
    runs on the store, else the store itself, opened in this process.

    Raises SourceError (`NothingRecorded`, `StoreBusy`, `CollectorAway`, `BadRequest`) and
    `collector.places.ConfigError`.
    """
    if files:
        return _recorded(files)
    token = environ.get("FLOWTAP_API_TOKEN", "")
    if target:
        return ApiClient(target, token, ca_file=environ.get("FLOWTAP_CA_FILE", ""))
    from collector import places

    location = places.find_store(store, config, environ)
    runtime = running_collector(location)
    if runtime is not None:
        return ApiClient(runtime.url, token or runtime.token, certificate=runtime.certificate)
    if isinstance(location, Path) and not (location / "engine").is_dir():
        raise NothingRecorded(
            f"there is no store at {location}",
            "flowtap up starts a collector, flowtap import FILE fills a store, flowtap demo "
            "shows how it looks.",
        )
    return _opened(location, places.shown(location), config)


def running_collector(location: Path | str) -> Runtime | None:
    """The collector that announced itself beside this store and whose API takes connections."""
    from collector import places
    from collector import runtime as announced

    runtime = announced.read(places.folder_of(location))
    if runtime is None:
        return None
    parts = urlsplit(runtime.url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=2).close()
    except OSError:
        return None
    return runtime


def _opened(location: Path | str, name: str, config: Path | None) -> LocalSource:
    from collector.backend import StoreBackend
    from collector.store import client as stores

    def declared() -> Sequence[Declared]:
        from collector.config import load

        return [one.declared for one in load(config=config).consumers]

    def rules() -> Rules:
        from collector.config import load

        return load(config=config).rules

    stack = ExitStack()
    try:
        with _explained():
            store = stack.enter_context(stores.Store(location))
            return LocalSource(
                StoreBackend(store, declared=declared, rules=rules),
                name,
                stack.close,
                Address(store=name),
            )
    except BaseException:
        stack.close()
        raise


def _recorded(files: Sequence[Path]) -> LocalSource:
    """Recorded spans in a store that lasts as long as the source."""
    import tempfile
    import time

    from collector.convert.files import FileError, read_file
    from collector.service import import_payloads
    from collector.store.client import Store

    for file in files:
        # An engine takes its time, and a name is soon mistyped.
        if not file.exists():
            raise BadRequest(f"{file}: there is no such file")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flowtap-")))
        with _explained():
            store = stack.enter_context(Store(folder))
            try:
                for file in files:
                    read = read_file(file, received_ns=time.time_ns())
                    import_payloads(store, folder, (one.payload for one in read if one.payload))
            except FileError as error:
                raise BadRequest(str(error)) from error
        from collector.backend import StoreBackend

        name = ", ".join(str(file) for file in files)
        address = Address(files=tuple(str(file) for file in files))
        return LocalSource(StoreBackend(store), name, stack.pop_all().close, address)


class LocalSource:
    """A `Source` that asks a backend in this process."""

    live = False

    def __init__(
        self,
        backend: Backend,
        name: str,
        close: Callable[[], None] = lambda: None,
        address: Address = NOWHERE,
    ) -> None:
        self._backend = backend
        self._close = close
        self.name = name
        self.address = address

    def chain(
        self,
        text: str,
        *,
        direction: Direction = Direction.BOTH,
        depth: int | None = None,
        limit: int | None = None,
        seconds: float | None = None,
        explained: bool = False,
    ) -> Chain:
        from collector import questions

        limits = Limits(seconds=CHAIN_SECONDS)
        if depth is not None:
            limits = replace(limits, depth=depth)
        if limit is not None:
            limits = replace(limits, events=limit)
        if seconds is not None:
            limits = replace(limits, seconds=seconds)
        with self._one_meaning(text), _explained():
            return questions.chain(
                self._backend, text, direction=direction, limits=limits, explained=explained
            )

    def fate(self, text: str) -> Fates:
        from collector import questions

        with self._one_meaning(text), _explained():
            return questions.fate(self._backend, text, limits=Limits(seconds=CHAIN_SECONDS))

    def topology(
        self,
        *,
        start: int = 0,
        end: int = 0,
        services: Sequence[str] = (),
        destinations: Sequence[str] = (),
        event_types: Sequence[str] = (),
        environments: Sequence[str] = (),
        evidence: Sequence[Evidence] = (),
        view: View = View.DESTINATIONS,
        limit: int | None = None,
    ) -> Topology:
        from collector import questions

        with _explained():
            return questions.topology(
                self._backend,
                start=start,
                end=end,
                services=services,
                destinations=destinations,
                event_types=event_types,
                environments=environments,
                evidence=evidence,
                view=view,
                limit=limit or MOST_EDGES,
            )

    def payloads(self, *, start: int, end: int = 0) -> Payloads:
        from collector import questions

        with _explained():
            return questions.payloads(self._backend, start=start, end=end)

    def minutes(self, node: NodeKey, *, start: int, end: int = 0) -> list[MinuteCount]:
        from collector import questions

        with _explained():
            return questions.minutes(self._backend, node, start=start, end=end)

    def events(self, wanted: EventFilter) -> Listing:
        from collector import questions

        with _explained():
            return questions.events(self._backend, wanted)

    def consumers(self) -> list[Consumer]:
        with _explained():
            return list(self._backend.consumers())

    def findings(self, wanted: Wanted) -> Findings:
        from collector import questions

        with _explained():
            return questions.findings(self._backend, wanted)

    def gaps(self) -> list[Gap]:
        with _explained():
            return list(self._backend.gaps())

    def sql(self, text: str, limit: int) -> Table:
        from collector.store.statements import Refused

        with _explained():
            try:
                return self._backend.sql(text, limit)
            except Refused as error:
                raise BadRequest(str(error)) from error

    def health(self) -> Mapping[str, Any]:
        from collector import questions

        with _explained():
            return questions.health(self._backend)

    def prune(self, *, days: int | None, most: int | None, dry_run: bool) -> Mapping[str, Any]:
        from collector import questions

        with _explained():
            return questions.pruned(self._backend, days=days, most=most, dry_run=dry_run)

    def follow(self, wanted: EventFilter, *, listed: bool = False) -> Following:
        return LocalFollowing(self._backend, wanted, listed)

    def close(self) -> None:
        self._close()

    @contextmanager
    def _one_meaning(self, text: str) -> Iterator[None]:
        """Turns what a look-up says of a text into the source's errors."""
        from collector import questions
        from graph.lookup import SeveralMeanings, Unknown

        try:
            yield
        except Unknown:
            raise NotFound(
                f"nothing is known by {text}", questions.searched(self._backend, text)
            ) from None
        except SeveralMeanings as several:
            count = len(several.candidates)
            raise Ambiguous(
                f"{text} could mean {count:,} things",
                several.candidates,
                "Ask again with one of the candidates.",
            ) from None


class LocalFollowing:
    """What is stored from now on, as `Following`."""

    def __init__(self, backend: Backend, wanted: EventFilter, listed: bool) -> None:
        self.missed = 0
        self._backend = backend
        self._wanted = wanted
        self._listed = listed
        self._closed = threading.Event()
        self._mark = backend.stored(None, 1).mark

    def __iter__(self) -> Iterator[Activity]:
        while not self._closed.is_set():
            with _explained():
                found = self._backend.stored(self._mark, 1_000, self._wanted, listed=self._listed)
            self._mark = found.mark
            self.missed += found.missed
            yield from found.activity
            if not found.more:
                self._closed.wait(LOOK_SECONDS)

    def close(self) -> None:
        self._closed.set()


@contextmanager
def _explained() -> Iterator[None]:
    """Turns the store's errors into the source's, and gives up what nobody waits for."""
    from collector import giving_up
    from collector.store import client as stores

    asked = question.current()
    try:
        with giving_up.unless(asked.given_up if asked is not None else None):
            yield
    except giving_up.GivenUp as error:
        raise GivenUp(question.NOBODY_WAITS) from error
    except stores.StoreBusy as error:
        raise StoreBusy(
            str(error), "Its collector does not answer: wait until it has started, or stop it."
        ) from error
    except stores.StoreError as error:
        raise SourceFailed(str(error), "flowtap doctor says more.") from error
