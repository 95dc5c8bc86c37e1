"""Edges out of what `gather` gathered: who produced, who consumed, who called, and how often.

Each statement yields rows of `slices_table`, in the order of its columns; minutes are summed up
from these. To plan a statement costs more than to run it where there is little, so what cannot
yield anything is left out. One runs after the other: together they would take the memory of all.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.store.rollup.calls import called, called_silent
from collector.store.rollup.columns import KEYS, NO_MORE, NO_TIMES, Found
from collector.store.rollup.consumption import consumed, passed
from collector.store.rollup.minutes import MINUTE, Slices
from collector.store.rollup.production import SILENT, produced, silent, unclaimed

FOUND = f"""SELECT countIf(type IN ('create', 'send')), countIf(type = 'create'),
    countIf(type IN ('receive', 'process')), countIf({SILENT}),
    (SELECT countIf(what = 'consumer') FROM r_targets),
    (SELECT count() - uniqExact(self) FROM r_about),
    (SELECT countIf(asked) FROM r_messages), (SELECT count() FROM r_open),
    (SELECT count() FROM r_committed), (SELECT count() FROM r_calls) FROM r_operations"""


def edges(slices: Slices, found: Found) -> list[str]:
    """Statements that yield all edges of these slices, and that these were computed, in the
    columns of `slices_table`."""
    parts = [_nothing(slices)]
    if found.producing:
        parts.append(produced(slices, found))
    if found.messages:
        parts.append(unclaimed(slices, found))
    if found.silent:
        parts.append(silent(slices))
    if found.consuming:
        parts.append(consumed(slices, found))
    if found.committed:
        parts.append(passed(slices))
    if found.calls:
        parts += [called(slices), called_silent(slices)]
    return parts


def _nothing(slices: Slices) -> str:
    """That a slice was computed, whether or not anything was found."""
    return f"""SELECT arrayJoin([{", ".join(map(str, slices.starts))}]) AS slice, 'empty' AS role,
    '' AS environment, '' AS service, '' AS consumer_group, '' AS peer, '' AS system, '' AS cluster,
    '' AS destination, '' AS event_type, '' AS evidence, toInt64(0) AS count, {NO_MORE},
    toDateTime64(0, 9) AS last_seen, {NO_TIMES} AS latency, {NO_TIMES} AS wait"""


_TIMES = "AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32)"


MINUTE_OF_SLICE = f"intDiv(slice, {MINUTE}) * {MINUTE}"


def slices_table(name: str) -> str:
    """A table of edges of slices, which minutes are summed up from."""
    texts = ", ".join(f"{key.strip()} LowCardinality(String)" for key in KEYS.split(","))
    return f"""CREATE TEMPORARY TABLE {name} (slice Int64, {texts}, count Int64, errors Int64,
        created Int64, loose Int64, last_seen DateTime64(9), latency {_TIMES}, wait {_TIMES})
        ENGINE = Memory"""


def summed(name: str, minutes: Iterable[int], version: int) -> str:
    """Rows of `edges`, of these minutes, out of those of their slices.

    Create spans count as far as loose batches, whose spans do not point at them, leave some; and
    declared messages where there are more of them than the service's own silent sends.
    """
    minute = MINUTE_OF_SLICE
    asked = f"{minute} IN ({', '.join(map(str, minutes))})"
    return f"""SELECT toDateTime(s.at, 'UTC'), {version}, {KEYS},
    toUInt64(s.sent - silent.n) AS counted, toUInt64(least(counted, s.failed)), s.last, s.latencies,
    s.waits, now()
FROM (
    SELECT {minute} AS at, {KEYS}, sum(count) + greatest(0, sum(created) - sum(loose)) AS sent,
        sum(errors) AS failed, max(last_seen) AS last,
        quantilesTDigestMergeState(0.5, 0.95, 0.99)(latency) AS latencies,
        quantilesTDigestMergeState(0.5, 0.95, 0.99)(wait) AS waits
    FROM {name} WHERE role != 'silent' AND {asked} GROUP BY at, {KEYS}
) AS s
LEFT JOIN (
    SELECT {minute} AS at, 'declared' AS evidence, service, destination, sum(count) AS n
    FROM {name} WHERE role = 'silent' AND {asked} GROUP BY at, service, destination
) AS silent USING (at, evidence, service, destination)
WHERE s.role = 'empty' OR s.sent > silent.n"""


TEMPORARY = ("r_targets", "r_about", "r_committed", "r_calls")
