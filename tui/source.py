"""Where a surface gets its answers: a running collector, a store, or recorded files.

Exceptions, all of them `SourceError`:

- `CollectorAway`: nothing answers there, or something that is no collector
- `Unauthorised`: the collector wants a token, or another one
- `StoreBusy`: the store is open in another process, whose API cannot be found
- `SourceFailed`: the collector or the store could not answer; trying again may help
- `NotFound`: nothing is known by that id
- `Ambiguous`: the id could mean several events; has the `candidates`
- `NothingRecorded`: there is no store yet
- `BadRequest`: what was asked cannot be understood
- `GivenUp`: nobody waits for the answer any more, see `tui.question`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode

from graph.chain.result import Chain
from graph.direction import Direction
from graph.edges import View
from graph.fate.result import Fates
from graph.findings.model import Findings
from graph.findings.wanted import Wanted
from graph.gaps import Gap
from graph.listing import Activity, Candidate, Consumer, EventFilter, Listing
from graph.model import Evidence
from graph.payloads import Payloads
from graph.series import MinuteCount
from graph.table import Table
from graph.topology import NodeKey, Topology

if TYPE_CHECKING:
    from graph.export import Format

PREFIX = "/api/v1"
"""Of every path of the API."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a source is, as commands are told it: an API's URL, a store, or files."""

    url: str = ""
    store: str = ""
    files: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """What a command that asks is given."""
        asked = (("--url", self.url), ("--store", self.store))
        given = [part for option, value in asked if value for part in (option, value)]
        return (*given, *(part for name in self.files for part in ("--file", name)))

    @property
    def shown_by(self) -> tuple[str, ...]:
        """What `flowtap tui` is given."""
        return self.files or self.options

    def api(self, *path: str, **asked: str) -> str:
        """The API's URL of a question; empty where no API answers."""
        if not self.url:
            return ""
        question = f"?{urlencode(asked)}" if asked else ""
        return f"{self.url}{PREFIX}/{'/'.join(quote(part, safe='/') for part in path)}{question}"


class SourceError(Exception):
    """A question could not be answered; `hint` says what to do about it."""

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class CollectorAway(SourceError):
    """Nothing answers there, or something that is no collector."""


class Unauthorised(SourceError):
    """The collector wants a token, or another one."""


class StoreBusy(SourceError):
    """The store is open in another process, whose API cannot be found."""


class SourceFailed(SourceError):
    """The collector or the store could not answer; trying again may help."""


class NotFound(SourceError):
    """Nothing is known by that id."""


class Ambiguous(SourceError):
    """The id could mean several events."""

    def __init__(self, detail: str, candidates: Sequence[Candidate], hint: str = "") -> None:
        super().__init__(detail, hint)
        self.candidates = tuple(candidates)
        """Each one's `ask` names exactly that."""


class NothingRecorded(SourceError):
    """There is no store yet."""


class BadRequest(SourceError):
    """What was asked cannot be understood."""


class GivenUp(SourceError):
    """Nobody waits for the answer any more."""


class Following(Protocol):
    """What is being stored, one by one, until it is closed, from any thread, or its source has
    gone away."""

    missed: int
    """How many were skipped because they were read too slowly."""

    def __iter__(self) -> Iterator[Activity]: ...

    def close(self) -> None: ...


class Source(Protocol):
    """Answers, blocking and thread-safe; every method may raise `SourceError`.

    Times are nanoseconds since the Unix epoch, 0 is not bounded.
    """

    @property
    def name(self) -> str:
        """What is asked, for people: a URL, a path, files."""

    @property
    def address(self) -> Address:
        """Where it is, for commands."""

    @property
    def live(self) -> bool:
        """Whether a collector runs behind it, so that answers change by themselves."""

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
        """The chain of the event that an id of any kind names, if wanted with its explanations.

        Raises NotFound, Ambiguous.
        """

    def fate(self, text: str) -> Fates:
        """What became of the event that an id of any kind names, at each consumer that should
        have had it; of several the earliest. Raises NotFound, Ambiguous."""

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
        """The topology of a window; patterns as in `Topology.filtered`. Of more edges than there
        is room for, or than `limit`, the busiest."""

    def payloads(self, *, start: int, end: int = 0) -> Payloads:
        """JSON Schemas of the bodies in a window, as far as these are stored and JSON."""

    def minutes(self, node: NodeKey, *, start: int, end: int = 0) -> list[MinuteCount]:
        """What went over a node's edges minute by minute, in a window."""

    def events(self, wanted: EventFilter) -> Listing:
        """The newest events that fit, newest first; the oldest, oldest first, where asked for."""

    def consumers(self) -> list[Consumer]:
        """Consumer groups as their brokers tell them."""

    def findings(self, wanted: Wanted) -> Findings:
        """What did not happen, or not as it should: the open and worst first."""

    def gaps(self) -> list[Gap]:
        """What taps missed, newest first."""

    def sql(self, text: str, limit: int) -> Table:
        """The rows that a statement tells, `limit` at most. Raises BadRequest."""

    def health(self) -> Mapping[str, Any]:
        """`status`, `version` and `components`, as GET /health tells them."""

    def prune(self, *, days: int | None, most: int | None, dry_run: bool) -> Mapping[str, Any]:
        """Lets old rows leave the store, or says which would, as POST /prune tells it."""

    def follow(self, wanted: EventFilter, *, listed: bool = False) -> Following:
        """What is stored from now on; with `listed` only what `events` has too."""

    def close(self) -> None: ...


def with_payloads(written: Format[Topology], topology: Topology, source: Source) -> Topology:
    """The topology with what its bodies look like, where the format tells that."""
    if not written.payloads:
        return topology
    return replace(topology, payloads=source.payloads(start=topology.start, end=topology.end))
