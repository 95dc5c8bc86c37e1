"""Aggregated edges as a store answers them, and what they leave out filled in from one another.

A span seldom names its cluster, a broker never names a group's service: rows of one window
say it for each other, as long as there is only one answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from graph.model import Evidence


class Role(StrEnum):
    """What the service of an edge does."""

    PRODUCE = "produce"
    CONSUME = "consume"
    CALL = "call"
    DELIVER = "deliver"
    """Handle what another service produced, through whichever destinations: only where services
    are shown without destinations, see `graph.views`."""


class View(StrEnum):
    """What stands between a producer and a consumer."""

    DESTINATIONS = "destinations"
    EVENTS = "events"
    """Event types; messages that tell none stay with their destination."""
    SERVICES = "services"
    """Nothing: services lead to services."""


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One aggregated edge over a window of time. Latencies are seconds, None when unknown."""

    role: Role
    environment: str = ""
    service: str = ""
    """Empty: a producer nobody knows, or a consumer group known only to the broker."""
    group: str = ""
    """The consumer group; of a producer without a service, the group that its application is."""
    peer: str = ""
    """The service that is called. Of `consume`, where it was asked for: the service whose creation
    context what was consumed carries, empty where none says so."""
    system: str = ""
    cluster: str = ""
    destination: str = ""
    event_type: str = ""
    evidence: Evidence = Evidence.OBSERVED
    count: int = 0
    errors: int = 0
    last_seen: int = 0
    """Nanoseconds since the Unix epoch."""
    p50: float | None = None
    """Of the operation itself: how long producing, handling or calling took."""
    p95: float | None = None
    p99: float | None = None
    wait_p50: float | None = None
    """From produced to handled; only for `consume`."""
    wait_p95: float | None = None
    wait_p99: float | None = None


MOST_EDGES = 10_000
"""Rows of edges in one answer: far more than anybody can look at, and not what a flood of names
would make."""


class Patterns(NamedTuple):
    """Shell patterns, any case, of what a graph is wanted of; those that are empty ask nothing."""

    services: Collection[str] = ()
    """Of services, groups and peers."""
    destinations: Collection[str] = ()
    event_types: Collection[str] = ()
    environments: Collection[str] = ()


ALL_EDGES = Patterns()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What an answer had no room for: the edges that carried least."""

    edges: int = 0
    count: int = 0
    """Messages and calls that they carried."""

    def __bool__(self) -> bool:
        return bool(self.edges or self.count)


NOTHING_LEFT = LeftOut()


class Edges(NamedTuple):
    """Aggregated edges of a window, and what was left out of them."""

    rows: Sequence[EdgeRow] = ()
    left: LeftOut = NOTHING_LEFT


def completed(
    rows: Iterable[EdgeRow], members: Mapping[str, Collection[str]] | None = None
) -> list[EdgeRow]:
    """Rows with environment, system, cluster and group filled in where only one value is known.

    A row of a group without a service is left out when a service is known to be that group:
    by a span that carries both, or by its name, which equals the group's or a member's client
    id (`members`: client ids by group) in any case.
    """
    known = list(rows)
    on_destination = [row for row in known if row.role is not Role.CALL]
    calls = [row for row in known if row.role is Role.CALL]
    on_destination = _fill(
        on_destination,
        lambda row: row.destination,
        lambda row: row.system,
        lambda row, value: replace(row, system=value),
    )
    on_destination = _fill(
        on_destination,
        lambda row: (row.system, row.destination),
        lambda row: row.environment,
        lambda row, value: replace(row, environment=value),
    )
    on_destination = _fill(
        on_destination,
        lambda row: (row.environment, row.system, row.destination),
        lambda row: row.cluster,
        lambda row, value: replace(row, cluster=value),
    )
    on_destination = _without_twins(on_destination, members or {})
    return _fill(
        on_destination + calls,
        lambda row: row.service,
        lambda row: row.environment,
        lambda row, value: replace(row, environment=value),
    )


def _fill(
    rows: Sequence[EdgeRow],
    scope: Callable[[EdgeRow], object],
    value: Callable[[EdgeRow], str],
    filled: Callable[[EdgeRow, str], EdgeRow],
) -> list[EdgeRow]:
    """Gives rows that lack a value the one that the other rows of their scope agree on."""
    values: dict[object, set[str]] = defaultdict(set)
    for row in rows:
        if value(row):
            values[scope(row)].add(value(row))
    return [
        filled(row, next(iter(values[scope(row)])))
        if scope(row) and not value(row) and len(values[scope(row)]) == 1
        else row
        for row in rows
    ]


def _without_twins(rows: list[EdgeRow], members: Mapping[str, Collection[str]]) -> list[EdgeRow]:
    """One consumer once: spans say its service, the broker its group, of the same messages."""
    consuming: dict[tuple[str, str, str, str], list[EdgeRow]] = defaultdict(list)
    for row in rows:
        if row.role is Role.CONSUME:
            consuming[_place(row)].append(row)
    group_of: dict[tuple[tuple[str, str, str, str], str], str] = {}
    twins: set[tuple[tuple[str, str, str, str], str]] = set()
    for place, here in consuming.items():
        said: dict[str, set[str]] = defaultdict(set)
        for row in here:
            if row.service:
                said[row.service].add(row.group)
        for service, groups in said.items():
            named = groups - {""}
            if len(named) == 1:
                group_of[place, service] = next(iter(named))
        for group in sorted({row.group for row in here if not row.service and row.group}):
            if any(group in groups for groups in said.values()):
                twins.add((place, group))
                continue
            names = {group.casefold()} | {name.casefold() for name in members.get(group, ())}
            for service, groups in said.items():
                if service.casefold() in names and groups == {""}:
                    group_of[place, service] = group
                    twins.add((place, group))
    kept = []
    for row in rows:
        if row.role is Role.CONSUME:
            place = _place(row)
            if not row.service and (place, row.group) in twins:
                continue
            if row.service and not row.group and (place, row.service) in group_of:
                row = replace(row, group=group_of[place, row.service])
        kept.append(row)
    return kept


def _place(row: EdgeRow) -> tuple[str, str, str, str]:
    return row.environment, row.system, row.cluster, row.destination
