"""`collector.api.backend.Backend` over a store: what the API, and a command without a collector,
ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from collector import giving_up
from collector.api.backend import Component, Stored
from collector.audience import Audience
from collector.findings import Watch
from collector.metrics import Counters
from collector.retention import Retention
from collector.store import bodies, following, gaps, groups, lists, queries
from collector.store.client import Store
from collector.store.console import Console
from collector.store.facts import StoreFacts
from collector.store.known_edges import KnownEdges
from collector.store.prune import Leaving
from collector.store.rollup import Rollup
from graph.edges import ALL_EDGES, MOST_EDGES, Edges, Patterns
from graph.facts import Facts
from graph.fate.consumers import Declared
from graph.findings.model import Findings, Kind
from graph.findings.thresholds import Rules
from graph.gaps import Gap
from graph.listing import ANY_EVENT, Consumer, EventFilter, EventRow
from graph.payloads import Body
from graph.producers import BrokerProducer
from graph.series import MinuteCount
from graph.table import Table
from graph.topology import NodeKey

FOREVER = 2**62

REST = 10.0
"""A computation of edges is followed by a rest this many times what it cost, so that it takes a
tenth of one core at most. It is the cost that counts: on a busy machine each takes longer, and
edges that are counted ever more seldom would be of no use."""

LONGEST_REST = 60.0
"""Seconds, at most."""

UNSEEN_REST = 20.0
"""Seconds, at least, while nobody asks anything: fewer than findings wait before they look at a
minute (`findings.SETTLE`), since they look at what is counted."""

PATIENCE = 1.0
"""Seconds for which somebody who asks for edges waits for them where they are computed in any case:
under load that takes half a minute, and edges as they were a minute ago are of more use."""

LOOK_SECONDS = 10.0
"""For which somebody who asks for findings waits while minutes are looked at."""

GROUPS_AGE = 2.0
"""Seconds for which groups without their paces are good: their broker is asked as often. Nearly
every chain wants to know who reads what."""


class StoreBackend:
    """Answers from one store. Thread-safe."""

    def __init__(
        self,
        store: Store,
        *,
        rollup: Rollup | None = None,
        counters: Counters | None = None,
        health: Callable[[], Sequence[Component]] | None = None,
        declared: Callable[[], Sequence[Declared]] = tuple,
        rules: Callable[[], Rules] = Rules,
        retention: Retention | None = None,
        writable: bool = True,
        watch: Watch | None = None,
        audience: Audience | None = None,
        patience: float | None = None,
    ) -> None:
        """`watch` is one that somebody lets look all the time; without it, what is complete is
        looked at when findings are asked for. `audience` is all who ask, where something may wait
        for the store. `patience`, in seconds, is what `refresh` has; without it, it waits to the
        end."""
        self._store = store
        self._rollup = rollup if rollup is not None else Rollup(store)
        self._counters = counters or Counters()
        self._health = health
        self._declared = declared
        self._rules = rules
        self._facts = StoreFacts(store)
        self._edges = KnownEdges(store)
        self._console = Console(store)
        # Who wants edges waits in its queue: all want the same, and who gives up stops nothing.
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="flowtap-rollup")
        self._looks = threading.Lock()
        self._stored = 1
        self._computed = 0
        self._uncounted_since = time.monotonic()
        self._last_run = float("-inf")
        self._groups: tuple[float, Sequence[Consumer]] = (float("-inf"), ())
        self._retention = retention or Retention(store)
        self._writable = writable
        self._watch = watch
        self._own_watch: Watch | None = None
        self._audience = audience
        self._patience = patience

    @property
    def facts(self) -> Facts:
        return self._facts

    def edges(
        self,
        start: int,
        end: int,
        limit: int = MOST_EDGES,
        wanted: Patterns = ALL_EDGES,
        *,
        by_producer: bool = False,
    ) -> Edges:
        return self._edges.of(start, end or FOREVER, limit, wanted, by_producer=by_producer)

    def minutes(self, node: NodeKey, start: int, end: int) -> Sequence[MinuteCount]:
        return queries.minute_counts(self._store, node, start, end or FOREVER)

    def members(self) -> Mapping[str, set[str]]:
        return queries.client_ids(self._store)

    def producers(self, since: int) -> Sequence[BrokerProducer]:
        return queries.producers(self._store, since)

    def recent(self, wanted: EventFilter) -> Sequence[EventRow]:
        return lists.recent(self._store, wanted)

    def stored(
        self,
        mark: following.Mark | None,
        limit: int,
        wanted: EventFilter = ANY_EVENT,
        *,
        listed: bool = False,
    ) -> Stored:
        if mark is None:
            self.attend()  # what waits came before
            return Stored((), following.newest(self._store))
        if self._audience is not None:
            self._audience.follows()
        return Stored(*following.stored_since(self._store, mark, limit, wanted, listed=listed))

    def attend(self) -> None:
        if self._audience is not None:
            self._audience.asks()

    def catch_up(self, seconds: float) -> bool:
        return self._audience is not None and self._audience.catch_up(seconds)

    def consumers(self, *, paces: bool = True) -> Sequence[Consumer]:
        if paces:
            return groups.consumers(self._store)
        read_at, known = self._groups
        if time.monotonic() > read_at + GROUPS_AGE:
            read_at, known = time.monotonic(), groups.consumers(self._store, paces=False)
            self._groups = read_at, known
        return known

    def declared(self) -> Sequence[Declared]:
        return self._declared()

    def bodies(self, start: int, end: int) -> Sequence[Body]:
        return bodies.bodies(self._store, start, end or FOREVER)

    def gaps(self, destinations: Collection[str] = ()) -> Sequence[Gap]:
        return gaps.gaps(self._store, destinations)

    def findings(self, since: int, kinds: Collection[Kind] = ()) -> Findings:
        watch = self._watch
        if watch is None:
            self.refresh()
            # Others may ask for edges meanwhile.
            with giving_up.unless(None), self._looks:
                watch = self._own_watch = self._own_watch or Watch(self._store, self._rules())
                if self._writable:
                    watch.look(live=False, seconds=LOOK_SECONDS)
        return watch.found(since=since, kinds=tuple(kinds))

    def sql(self, text: str, limit: int) -> Table:
        return self._console.ask(text, limit)

    def covered_from(self) -> int:
        return self._retention.covered_from

    def prune(self, *, days: int | None, most: int | None, dry_run: bool) -> Leaving:
        leaving = self._retention.leaving(days=days, most=most)
        if not dry_run:
            self._retention.prune(leaving)
        return leaving

    def health(self) -> Sequence[Component]:
        if self._health is not None:
            return self._health()
        return [Component("store", True, f"open at {self._store.location}, no collector runs")]

    def metrics_text(self) -> str:
        return self._counters.exposition().decode()

    def note_stored(self) -> None:
        """Something was stored: edges may want computing."""
        if self._stored == self._computed:
            self._uncounted_since = time.monotonic()
        self._stored += 1

    @property
    def behind(self) -> float:
        """Seconds for which something is stored that edges do not count; 0.0: they count all but
        what waits for its spans."""
        if self._stored == self._computed:
            return 0.0
        return time.monotonic() - self._uncounted_since

    def refresh(self) -> None:
        """Bring edges up to date, unless they are, or the last time took long and was just now."""
        if self._writable:
            self._bring(self._patience)

    def compute(self, *, due: bool = False) -> bool:
        """As `refresh`, to the end; if wanted whatever is `due`, also minutes whose messages have
        waited for their spans. Says whether something was computed."""
        return self._bring(None, due)

    def _bring(self, seconds: float | None, due: bool = False) -> bool:
        if self._rests():
            return False
        run = self._computing.submit(self._compute, due)
        return run in wait([run], seconds).done and run.result()

    def _rests(self) -> bool:
        rest = min(LONGEST_REST, self._rollup.last_cost * REST)
        if self._audience is not None:
            if not self._audience.there():
                rest = max(rest, UNSEEN_REST)
            elif self._last_run < self._audience.came:
                return False
        return time.monotonic() < self._last_run + rest

    def _compute(self, due: bool) -> bool:
        began, stored = time.monotonic(), self._stored
        # Under load, who waited for one run would have the running minute computed once more.
        if self._rests() or (stored == self._computed and not due):
            return False
        self._rollup.run()
        self._uncounted_since = began
        self._computed = stored
        self._last_run = time.monotonic()
        return True
