"""What the API asks of the collector behind it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from collector.store.following import Mark
from collector.store.prune import Leaving
from graph.edges import ALL_EDGES, MOST_EDGES, Edges, Patterns
from graph.facts import Facts
from graph.fate.consumers import Declared
from graph.findings.model import Findings, Kind
from graph.gaps import Gap
from graph.listing import ANY_EVENT, Activity, Consumer, EventFilter, EventRow
from graph.payloads import Body
from graph.producers import BrokerProducer
from graph.series import MinuteCount
from graph.table import Table
from graph.topology import NodeKey


class Stored(NamedTuple):
    """What was stored after a mark."""

    activity: Sequence[Activity]
    """In the order of storage."""
    mark: Mark
    """Ask with it next time."""
    more: bool = False
    """The limit cut the answer."""
    missed: int = 0
    """So many may fit and are left out: more were stored at one instant than the limit. The mark
    lies after them."""


@dataclass(frozen=True, slots=True)
class Component:
    """How one part of the collector is doing."""

    name: str
    """`store`, `spool`, `otlp grpc`, `otlp http`, `zipkin`, `kafka HOST:PORT`, ..."""
    ok: bool
    detail: str = ""
    """One sentence; when not ok, what is wrong and what to do."""
    figures: Mapping[str, object] | None = None
    """JSON: whatever the part can tell in numbers."""


class Backend(Protocol):
    """Synchronous and thread-safe; the API calls it in worker threads, never on its loop.

    Times are nanoseconds since the Unix epoch. Every method may raise `StoreError`.
    """

    @property
    def facts(self) -> Facts: ...

    def edges(
        self,
        start: int,
        end: int,
        limit: int = MOST_EDGES,
        wanted: Patterns = ALL_EDGES,
        *,
        by_producer: bool = False,
    ) -> Edges:
        """Aggregated edges of start <= time < end, whole minutes; 0 stands for no bound. Of more
        than `limit` rows, those that fit the patterns, and of these the busiest; what does not
        fit fills the rest, as it may complete them. With `by_producer` what was consumed is told
        apart by who produced it."""

    def minutes(self, node: NodeKey, start: int, end: int) -> Sequence[MinuteCount]:
        """What went over a node's own edges in each minute of the window, by minute and role; of
        a service what it did itself."""

    def members(self) -> Mapping[str, Collection[str]]:
        """Client ids of the consumer groups' members, by group, as `Topology.build` wants them."""

    def producers(self, since: int) -> Collection[BrokerProducer]:
        """Producers that their broker saw write in the minute of `since` or later."""

    def recent(self, wanted: EventFilter) -> Sequence[EventRow]:
        """The newest events that fit, newest first, at most `wanted.limit`."""

    def stored(
        self,
        mark: Mark | None,
        limit: int,
        wanted: EventFilter = ANY_EVENT,
        *,
        listed: bool = False,
    ) -> Stored:
        """What was stored after the mark and fits, at most `limit` messages and as many operations;
        with `listed` only what lists of events have. No mark stands for now."""

    def attend(self) -> None:
        """Somebody asks. What waits because nobody did is stored before this returns, unless that
        takes long."""

    def catch_up(self, seconds: float) -> bool:
        """Wait, so long at most, until all is stored that was received by now; False where nothing
        waited for that."""

    def consumers(self, *, paces: bool = True) -> Sequence[Consumer]:
        """Consumer groups as the brokers tell them, by cluster and group; without `paces`,
        how fast they go and how old what waits is may be left out."""

    def declared(self) -> Sequence[Declared]:
        """Consumers that the configuration tells of. May raise `ConfigError`."""

    def bodies(self, start: int, end: int) -> Sequence[Body]:
        """A few of each kind of messages that were sent at start <= time < end, 0 as no bound: the
        newest, at most `graph.payloads.SAMPLES`."""

    def gaps(self, destinations: Collection[str] = ()) -> Sequence[Gap]:
        """What taps missed, of these destinations where some are named, newest first."""

    def findings(self, since: int, kinds: Collection[Kind] = ()) -> Findings:
        """Findings that were last seen at `since` or later, of these kinds where some are named,
        worst first. Where nobody looks for them all the time, what is complete is looked at
        before."""

    def sql(self, text: str, limit: int) -> Table:
        """The rows that a person's statement tells, `limit` at most. May raise `Refused`, `Busy`
        (of `collector.store`)."""

    def covered_from(self) -> int:
        """What was received before this has been pruned; 0: nothing has."""

    def prune(self, *, days: int | None, most: int | None, dry_run: bool) -> Leaving:
        """Let the weeks leave that ended more than `days` ago, and the oldest until the store has
        `most` bytes; says what leaves. A dry run only says it."""

    def health(self) -> Sequence[Component]:
        """How each part is doing; quick, without a query that could hang."""

    def metrics_text(self) -> str:
        """Prometheus' text format."""

    def refresh(self) -> None:
        """Bring the edges of the minutes that changed, the running one included, up to date."""
