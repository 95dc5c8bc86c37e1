"""Who should have had an event: the consumers of its destinations, each of them once.

A consumer is known as a service, by its spans, and as a group, by its broker. Which group is
which service is read from spans that carry both, else from the configuration, else from names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from graph.chain.names import may_be_same
from graph.chain.result import Delivery, Event
from graph.edges import EdgeRow, Role
from graph.fate.result import GroupKnown
from graph.listing import Consumer
from graph.model import Passage


@dataclass(frozen=True, slots=True)
class Declared:
    """A consumer that the configuration tells of."""

    name: str
    """The service's."""
    group: str = ""
    destinations: tuple[str, ...] = ()
    """Shell patterns of what it should have; none: whatever its group is seen reading."""

    def expects(self, destination: str) -> bool:
        """Whether it should have what lies there."""
        return any(fnmatchcase(destination, pattern) for pattern in self.destinations)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One consumer, with all that is known of it and one event."""

    services: tuple[str, ...] = ()
    """Several when they share the group; none when only the broker knows it."""
    group: str = ""
    group_known: GroupKnown | None = None
    deliveries: tuple[Delivery, ...] = ()
    passages: tuple[Passage, ...] = ()
    """In the order of the event's positions."""
    seen: tuple[EdgeRow, ...] = ()
    """What its spans handled on the event's destinations around that time."""
    members: Consumer | None = None
    """The group as its broker last told it."""
    declared: bool = False

    @property
    def name(self) -> str:
        """What to call it."""
        return ", ".join(self.services) or f"group {self.group}"

    @property
    def names(self) -> frozenset[str]:
        """Its services and its group, to be compared in any case."""
        return frozenset(one.casefold() for one in (*self.services, self.group) if one)


def subscribers(
    event: Event,
    deliveries: Sequence[Delivery],
    passages: Sequence[Passage],
    edges: Iterable[EdgeRow] = (),
    groups: Iterable[Consumer] = (),
    declared: Iterable[Declared] = (),
) -> tuple[Subscriber, ...]:
    """The consumers that had the event, or should have had it, by name.

    `edges` are those around the event's time, `groups` those that the brokers tell of; what is
    of other destinations, environments or clusters is left out here.
    """
    return _Census(event, deliveries, passages, edges, groups, declared).taken()


class _Census:
    def __init__(
        self,
        event: Event,
        deliveries: Sequence[Delivery],
        passages: Sequence[Passage],
        edges: Iterable[EdgeRow],
        groups: Iterable[Consumer],
        declared: Iterable[Declared],
    ) -> None:
        self.destinations = {position.destination for position in event.positions}
        self.destinations |= {event.destination} - {""}
        self.deliveries = deliveries
        order = {position: index for index, position in enumerate(event.positions)}
        # A position that only spans name may fit several clusters and lives of a topic.
        self.passages = sorted(
            (one for one in passages if may_be_same(one.latest.cluster, event.cluster)),
            key=lambda one: (order.get(one.position, len(order)), -one.latest.time),
        )
        edges = list(edges)
        self.everybody = {row.service for row in edges} | {event.service}
        """Services that are seen anywhere: a group can bear the name of one."""
        self.rows = [
            row
            for row in edges
            if row.role is Role.CONSUME
            and row.destination in self.destinations
            and may_be_same(row.environment, event.environment)
            and may_be_same(row.cluster, event.cluster)
        ]
        self.declared = list(declared)
        self.expecting = [one for one in self.declared if any(map(one.expects, self.destinations))]
        self.brokers = {one.group: one for one in groups if may_be_same(one.cluster, event.cluster)}
        self.groups = {passage.group for passage in self.passages}
        self.groups |= {one.group for one in deliveries} | {row.group for row in self.rows}
        self.groups |= {one.group for one in self.expecting}
        self.groups |= {
            name
            for name, one in self.brokers.items()
            if any(
                place in self.destinations
                for member in one.members
                for place, _ in member.assignment
            )
        }
        self.groups -= {""}
        self.services = {one.service for one in deliveries} | {row.service for row in self.rows}
        self.services |= {one.name for one in self.expecting}
        self.services |= {one.name for one in self.declared if one.group in self.groups}
        self.services -= {""}
        self.owners = self._owners()

    def _owners(self) -> dict[str, dict[str, GroupKnown]]:
        """Services by group, each with how that is known."""
        said: dict[str, set[str]] = defaultdict(set)
        for service, group in (
            *((one.service, one.group) for one in self.deliveries),
            *((row.service, row.group) for row in self.rows),
            *((service, one.group) for one in self.brokers.values() for service in one.services),
        ):
            if service and group in self.groups:
                said[service].add(group)
        owners: dict[str, dict[str, GroupKnown]] = defaultdict(dict)
        for service, named in said.items():
            for group in named:
                owners[group][service] = GroupKnown.SPAN
        unsaid = sorted((self.services | said.keys()) - said.keys())
        told = {(one.name.casefold(), one.group) for one in self.declared if one.group}
        for service in unsaid:
            for group in self.groups:
                if (service.casefold(), group) in told:
                    owners[group].setdefault(service, GroupKnown.CONFIGURATION)
        owned = {service for services in owners.values() for service in services}
        for service in sorted((self.services | self.everybody) - owned - {""}):
            for group in sorted(self.groups - owners.keys()):
                if service.casefold() in self._called(group):
                    owners[group][service] = GroupKnown.NAME
        self.services |= said.keys()
        return owners

    def _called(self, group: str) -> set[str]:
        """The group and its members' client ids, as names compare."""
        members = self.brokers[group].members if group in self.brokers else ()
        return {group.casefold()} | {member.client_id.casefold() for member in members}

    def taken(self) -> tuple[Subscriber, ...]:
        grouped = {service for services in self.owners.values() for service in services}
        found = [self._of_group(group) for group in self.groups]
        found += [self._alone(service) for service in self.services - grouped]
        # A service of two groups may have had it as either, where its span names none.
        loose = [
            delivery
            for delivery in self.deliveries
            if not any(delivery in one.deliveries for one in found)
        ]
        found += [
            Subscriber((one.service,) if one.service else (), deliveries=(one,)) for one in loose
        ]
        return tuple(sorted(found, key=lambda one: (one.name, one.group)))

    def _of_group(self, group: str) -> Subscriber:
        owners = self.owners.get(group, {})
        only = {
            service
            for service in owners
            if sum(service in services for services in self.owners.values()) == 1
        }
        return Subscriber(
            services=tuple(sorted(owners)),
            group=group,
            group_known=min(owners.values(), key=list(GroupKnown).index) if owners else None,
            deliveries=tuple(
                one
                for one in self.deliveries
                if one.group == group or (not one.group and one.service in only)
            ),
            passages=tuple(one for one in self.passages if one.group == group),
            seen=tuple(
                row
                for row in self.rows
                if row.service and (row.group == group or (not row.group and row.service in only))
            ),
            members=self.brokers.get(group),
            declared=any(one.group == group or one.name in owners for one in self.expecting),
        )

    def _alone(self, service: str) -> Subscriber:
        return Subscriber(
            services=(service,),
            deliveries=tuple(one for one in self.deliveries if one.service == service),
            seen=tuple(row for row in self.rows if row.service == service),
            declared=any(one.name == service for one in self.expecting),
        )
