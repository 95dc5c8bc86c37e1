"""The edges of the windows that were asked for last, as long as they are what is stored.

Who watches the graph asks for the same window again and again, and so do others beside. To merge
its quantiles takes several times as long as to see that none of its minutes was computed again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from collector.store.client import Store
from collector.store.queries import edge_rows, newest_versions
from graph.edges import ALL_EDGES, MOST_EDGES, Edges, Patterns

KEPT = 16
"""Questions whose answers are kept."""

MOST_ROWS = 5_000
"""Of an answer that is kept."""


class KnownEdges:
    """`edge_rows` of one store. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Edges] = OrderedDict()

    def of(
        self,
        start_ns: int,
        end_ns: int,
        limit: int = MOST_EDGES,
        wanted: Patterns = ALL_EDGES,
        *,
        by_producer: bool = False,
    ) -> Edges:
        """As `edge_rows`."""
        versions = newest_versions(self._store, start_ns, end_ns)
        question = (versions, limit, *map(tuple, wanted), by_producer)
        with self._lock:
            if question in self._kept:
                self._kept.move_to_end(question)
                return self._kept[question]
        found = edge_rows(
            self._store,
            start_ns,
            end_ns,
            limit,
            wanted,
            by_producer=by_producer,
            versions=versions,
        )
        if versions is not None and len(found.rows) <= MOST_ROWS:
            with self._lock:
                self._kept[question] = found
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found
