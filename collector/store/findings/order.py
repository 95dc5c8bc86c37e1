"""What was handled out of order: by partition first, where all that is in order is passed over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from collector.store.findings.asked import (
    CANDIDATES,
    ONE_MESSAGE,
    Asked,
    within,
)
from collector.store.rows import nanoseconds
from graph.findings.facts import Missing, Run
from graph.findings.model import MINUTE, PROOFS, Proof

DISORDER = 30
"""Seconds before a run in which what overtook may have begun."""

KEYED = 100_000
"""Operations of partitions with disorder that are held against keys, at most."""


class Order(Asked):
    """Questions of the kind `out-of-order`."""

    def disordered(self, run: Run) -> Sequence[Missing]:
        key = "environment, service, consumer_group, system, destination, partition"
        placed = f"""{within("start", before=DISORDER)} AND type = 'process'
            AND offset IS NOT NULL AND {ONE_MESSAGE}
            AND cityHash64(destination, partition, {{start:Int64}}) % {{share:UInt32}} = 0"""
        backwards = self._rows(
            f"""SELECT {key}, arrayMin(arrayDifference(arrayMap(
                    h -> h.2, arraySort(groupArray((start, assumeNotNull(offset))))))) AS step
            FROM operations WHERE {placed} GROUP BY {key} HAVING step < 0
            ORDER BY step LIMIT {CANDIDATES}""",
            run,
        )
        if not backwards:
            return []
        rows = self._rows(
            f"""SELECT {key}, assumeNotNull(offset), {nanoseconds("min(start)")} AS began,
                argMin((trace_id, span_id, instance, key, event_type), start)
            FROM operations WHERE {placed} AND (service, destination, partition)
                IN {{places:Array(Tuple(String, String, String))}}
            GROUP BY {key}, offset ORDER BY began LIMIT {KEYED}""",
            run,
            places=[(row[1], row[4], row[5]) for row in backwards],
        )
        handled = [_Handled._make((*row[:8], *row[8])) for row in rows]
        nameless = [one for one in handled if not one.key]
        keys = self._keys(run, nameless)
        late = list(_disorder(handled, keys, run))
        again = self._handled_before([one for one, _ in late])
        counted = _by_consumer([pair for pair in late if pair[0] not in again])
        return [_missing(handled, consumer, at, pairs) for (consumer, at), pairs in counted.items()]

    def _handled_before(self, late: Sequence[_Handled]) -> set[_Handled]:
        """Those that were handled before the time looked at: they are handled once more."""
        if not late:
            return set()
        rows = self._rows(
            "SELECT service, destination, partition, assumeNotNull(offset), "
            f"{nanoseconds('min(start)')} FROM operations WHERE type = 'process' "
            "AND (destination, partition, offset) IN {places:Array(Tuple(String, String, Int64))} "
            "GROUP BY service, destination, partition, offset",
            places=sorted({(one.destination, one.partition, one.offset) for one in late})[:KEYED],
        )
        first = {tuple(row[:4]): row[4] for row in rows}
        return {
            one
            for one in late
            if first.get((one.service, one.destination, one.partition, one.offset), one.began)
            < one.began
        }

    def _keys(self, run: Run, handled: Sequence[_Handled]) -> Mapping[tuple[str, str, int], str]:
        """Record keys by destination, partition and offset."""
        if not handled:
            return {}
        places = {(one.destination, one.partition) for one in handled}
        rows = self._rows(
            "SELECT destination, partition, offset, key FROM messages "
            "WHERE (destination, partition) IN {places:Array(Tuple(String, String))} "
            "AND offset >= {first:Int64} AND offset <= {last:Int64} AND key != '' "
            f"LIMIT {KEYED}",
            run,
            places=sorted(places),
            first=min(one.offset for one in handled),
            last=max(one.offset for one in handled),
        )
        return {(row[0], row[1], int(row[2])): row[3] for row in rows}


class _Handled(NamedTuple):
    """A message that a consumer began to handle for the first time."""

    environment: str
    service: str
    group: str
    system: str
    destination: str
    partition: str
    offset: int
    began: int
    trace_id: str
    span_id: str
    instance: str
    key: str
    event_type: str


def _disorder(
    handled: Sequence[_Handled], keys: Mapping[tuple[str, str, int], str], run: Run
) -> Iterable[tuple[_Handled, _Handled]]:
    """Those of the run that began after a later one of their key, each with that one."""
    of_key: dict[tuple[str, ...], list[_Handled]] = defaultdict(list)
    for one in handled:
        if key := one.key or keys.get((one.destination, one.partition, one.offset), ""):
            of_key[(*_consumer(one), one.partition, key)].append(one)
    for each in of_key.values():
        furthest = each[0]
        for one in each[1:]:
            if one.offset > furthest.offset:
                furthest = one
            # Two instances' clocks may differ.
            elif run.start <= one.began < run.end and (
                one.instance == furthest.instance or one.began - furthest.began > 10**9
            ):
                yield one, furthest


def _consumer(one: _Handled) -> tuple[str, str, str, str, str]:
    return one.environment, one.service, one.group, one.system, one.destination


_Late = dict[tuple[tuple[str, ...], int], list[tuple[_Handled, _Handled]]]


def _by_consumer(late: Sequence[tuple[_Handled, _Handled]]) -> _Late:
    """By consumer and minute."""
    found: _Late = defaultdict(list)
    for pair in late:
        found[_consumer(pair[0]), pair[0].began // MINUTE * MINUTE].append(pair)
    return found


def _missing(
    handled: Sequence[_Handled],
    consumer: tuple[str, ...],
    at: int,
    pairs: Sequence[tuple[_Handled, _Handled]],
) -> Missing:
    environment, service, group, system, destination = consumer
    return Missing(
        at,
        environment,
        service,
        group,
        system,
        "",
        destination,
        pairs[0][0].event_type,
        of=sum(_consumer(one) == consumer for one in handled),
        number=len(pairs),
        first=min(late.began for late, _ in pairs),
        last=max(late.began for late, _ in pairs),
        proof=tuple(
            Proof(
                f"{late.destination}/{late.partition}/{late.offset}",
                late.began,
                f"began after {early.destination}/{early.partition}/{early.offset} "
                f"(span {late.trace_id}/{late.span_id})",
            )
            for late, early in pairs[:PROOFS]
        ),
    )
