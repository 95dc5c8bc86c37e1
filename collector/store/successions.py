"""Which kinds of events come before which, as a sample of the newest flows shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from collector.store.client import Store
from collector.store.rows import nanoseconds
from graph.chain.names import normal_id
from graph.facts import Kind, Succession

FLOWS = 32
"""Correlation ids that are looked at; each of them costs about a millisecond."""

NEWEST = 200
"""Messages of one partition among which they are looked for."""

ROWS = 20_000_000
"""Rows to read at most, for correlation ids that very many share: a part of them is a sample."""


AGE = 10.0
"""Seconds for which what was learned of a pair is good: it changes slowly."""

REMEMBERED = 10_000
"""Pairs; when there are more, all are forgotten."""


class Successions:
    """What recent flows show of pairs, remembered for a while. Thread-safe."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[tuple[Kind, Kind], tuple[float, Succession | None]] = {}

    def of(self, pairs: Collection[tuple[Kind, Kind]]) -> list[Succession]:
        """As `graph.facts.Facts.successions`. Raises `StoreError`."""
        now = self._clock()
        known = {pair: self._known.get(pair, (float("-inf"), None)) for pair in pairs}
        old = [pair for pair, (learned, _) in known.items() if learned + AGE < now]
        if old:
            found = {(one.before, one.after): one for one in successions(self._store, old)}
            fresh = {pair: (now, found.get(pair)) for pair in old}
            if len(self._known) + len(fresh) > REMEMBERED:
                self._known = {}
            self._known.update(fresh)
            known.update(fresh)
        return [one for _, one in known.values() if one is not None]


def successions(store: Store, pairs: Collection[tuple[Kind, Kind]]) -> list[Succession]:
    """As `graph.facts.Facts.successions`. Raises `StoreError`."""
    wanted = dict.fromkeys(pairs)
    destinations = sorted({kind.destination for pair in wanted for kind in pair})
    flows = _flows(store, destinations)
    if not flows:
        return []
    sql = (
        f"SELECT id, destination, event_type, {nanoseconds('min(time)')} FROM ids "
        "WHERE id IN {flows:Array(String)} AND kind = 'correlation' "
        "AND destination IN {destinations:Array(String)} "
        "GROUP BY id, destination, event_type "
        f"SETTINGS max_rows_to_read = {ROWS}, read_overflow_mode = 'break'"
    )
    times: dict[str, dict[Kind, int]] = {}
    for flow, destination, event_type, first in store.query(
        sql, {"flows": flows, "destinations": destinations}
    ):
        times.setdefault(flow, {})[Kind(destination, event_type)] = first
    found = []
    for before, after in wanted:
        apart = [
            seen[after] - seen[before]
            for seen in times.values()
            if before in seen and after in seen and seen[before] != seen[after]
        ]
        if apart:
            first = sum(difference > 0 for difference in apart)
            found.append(Succession(before, after, len(apart), first))
    return found


def _flows(store: Store, destinations: list[str]) -> list[str]:
    """Correlation ids of the newest messages of each destination, normalised."""
    # One partition of each destination: the ends of all of them are many places to read.
    ends = store.query(
        "SELECT system, cluster, destination, incarnation, partition, max(next_offset) AS end "
        "FROM positions WHERE destination IN {destinations:Array(String)} "
        "GROUP BY ALL ORDER BY max(stored) DESC, end DESC LIMIT 1 BY destination",
        {"destinations": destinations},
    )
    if not ends:
        return []
    # Written out, so that each of them is a range of the primary key.
    ranges = " OR ".join(
        f"(system = {{s{n}:String}} AND cluster = {{c{n}:String}} "
        f"AND destination = {{d{n}:String}} AND incarnation = {{i{n}:String}} "
        f"AND partition = {{p{n}:String}} AND offset >= {{o{n}:Int64}})"
        for n in range(len(ends))
    )
    parameters = {
        f"{name}{number}": value
        for number, (*place, end) in enumerate(ends)
        for name, value in zip("scdipo", (*place, end - NEWEST), strict=True)
    }
    each = max(1, FLOWS // len(ends))
    rows = store.query(
        "SELECT correlation_id, max(offset) AS newest FROM messages "
        f"WHERE ({ranges}) AND correlation_id != '' GROUP BY destination, correlation_id "
        f"ORDER BY newest DESC LIMIT {each} BY destination",
        parameters,
    )
    return sorted({normal_id(flow) for flow, _ in rows})[:FLOWS]
