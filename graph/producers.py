"""Who produces where neither span nor header tells: the broker's producers, by transactional id.

A Kafka record does not name its producer, but the broker knows who writes to a partition, and a
transactional id usually begins with the application's name. That is a guess: `inferred`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from graph.edges import EdgeRow, Role
from graph.model import Evidence


@dataclass(frozen=True, slots=True)
class BrokerProducer:
    """A producer of a destination, as its broker tells it."""

    system: str
    cluster: str
    destination: str
    producer_id: int
    transactional_id: str = ""
    """Empty: it has none, or it may not be seen."""
    first: int = 0
    """Times of the records between which it is known to write, nanoseconds since the Unix
    epoch."""
    last: int = 0


_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"

_INSTANCE = re.compile(
    rf"""[-_.:](?:
        {_UUID}                          # Kafka Streams: the process
        | (?:streamthread-)?\d+          # its thread; Spring: the producer; a stateful set's pod
        | \d+_\d+                        # Kafka Streams: the task
        | {_RANDOM}{{6,10}}-{_RANDOM}{{5}}  # a deployment's pod
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
"""What tells an application's producers apart at the end of their transactional ids."""

_NAMELESS = re.compile(rf"{_UUID}|\d*|(?:kafka|tx|txn|trans|transactions?|transactional|producer)")
"""What a transactional id can be without naming an application."""


def prefixes(transactional_id: str) -> tuple[str, ...]:
    """What may be the application's name, the longest first; nothing when it holds none."""
    found = [transactional_id.rstrip("-_.:")]
    while not _NAMELESS.fullmatch(found[-1].casefold()):
        shorter = _INSTANCE.sub("", found[-1]).rstrip("-_.:")
        if shorter == found[-1]:
            return tuple(found)
        found.append(shorter)
    return ()


def with_producers(
    rows: Iterable[EdgeRow],
    producers: Iterable[BrokerProducer],
    groups: Iterable[str] = (),
    *,
    end: int = 0,
) -> list[EdgeRow]:
    """Rows of an unknown producer named after the only application that can be it.

    `producers` are those that wrote at any time since the window's start, which ends at `end`
    (0: open). Whoever else is known to produce to the destination, or writes without telling a
    name, is a second candidate, and leaves the row unknown. A name that is a known service's or
    consumer group's stands for it; the row of a group without a service has only `group`.
    """
    known = list(rows)
    writing: dict[tuple[str, str, str], list[BrokerProducer]] = defaultdict(list)
    for producer in producers:
        writing[producer.system, producer.cluster, producer.destination].append(producer)
    if not writing:
        return known
    names = _Names(known, groups)
    produced: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in known:
        if row.role is Role.PRODUCE and row.service:
            produced[row.system, row.destination].add(row.service)
    named: dict[tuple[str, str, str], tuple[str, str] | None] = {}
    for place, some in writing.items():
        candidates = {names.of(producer.transactional_id) for producer in some}
        candidates |= {(service, "") for service in produced[place[0], place[2]]}
        in_time = not end or min(producer.first for producer in some) < end
        named[place] = candidates.pop() if len(candidates) == 1 and in_time else None
    return [
        replace(row, service=found[0], group=found[1], evidence=Evidence.INFERRED)
        if row.role is Role.PRODUCE
        and not row.service
        and (found := named.get((row.system, row.cluster, row.destination)))
        else row
        for row in known
    ]


class _Names:
    """Services and groups, to recognise applications by."""

    def __init__(self, rows: Sequence[EdgeRow], groups: Iterable[str]) -> None:
        told: dict[str, set[str]] = {group: set() for group in groups}
        for row in rows:
            if row.group:
                told.setdefault(row.group, set()).update({row.service} - {""})
        self._known: Mapping[str, tuple[str, str]] = {
            group.casefold(): (next(iter(services)), "") if len(services) == 1 else ("", group)
            for group, services in sorted(told.items())
        } | {row.service.casefold(): (row.service, "") for row in rows if row.service}

    def of(self, transactional_id: str) -> tuple[str, str] | None:
        """Service, or group that no service speaks for; None when it names no application."""
        candidates = prefixes(transactional_id)
        for name in candidates:
            if found := self._known.get(name.casefold()):
                return found
        return (candidates[-1], "") if candidates else None
