"""What lists show: light rows of events and consumers, and what a list of events is asked for.

Times are nanoseconds since the Unix epoch; 0 when unknown or not bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

from graph.model import IdKind, Progress


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a list shows; an empty field asks for nothing. Names compare exactly."""

    destination: str = ""
    event_type: str = ""
    key: str = ""
    service: str = ""
    """Who produced it."""
    environment: str = ""
    since: int = 0
    """Inclusive."""
    until: int = 0
    """Exclusive."""
    limit: int = 100
    """The newest ones are kept."""

    def accepts(self, row: EventRow) -> bool:
        """Whether a row fits; `limit` is the caller's."""
        return (
            self.destination in ("", row.destination)
            and self.event_type in ("", row.event_type)
            and self.key in ("", row.key)
            and self.service in ("", row.service)
            and self.environment in ("", row.environment)
            and row.time >= self.since
            and (not self.until or row.time < self.until)
        )


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event in a list: a tapped message, or a producing span where no tap saw the message."""

    id: str
    """Finds exactly this event when it is looked up: `destination/partition/offset`, or
    `trace id/span id`."""
    time: int
    destination: str = ""
    system: str = ""
    cluster: str = ""
    environment: str = ""
    event_type: str = ""
    key: str = ""
    message_id: str = ""
    correlation_id: str = ""
    service: str = ""
    """Its producer as the span, or else the message's source header, names it."""
    tapped: bool = True
    """False: known from a producing span only."""
    error: bool = False
    """Producing it failed; only a span can tell."""
    received: int = 0
    """When it was stored."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that was just stored, for those who follow along.

    A message when `operation` is empty, else what a service did, as its span says it.
    """

    event: EventRow
    operation: str = ""
    """`create`, `send`, `receive`, `process`, `settle`; then `event.service` is who did it, and
    `event.id` is the span's `trace id/span id`."""
    group: str = ""
    duration: int = 0
    """Of the operation, nanoseconds."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a consumer group, as the broker last told it."""

    member_id: str
    client_id: str = ""
    host: str = ""
    assignment: tuple[tuple[str, str], ...] = ()
    """(destination, partition) pairs."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer group at its broker: who is in it, and how far it has got."""

    group: str
    cluster: str = ""
    state: str = ""
    """As the broker calls it: Stable, Empty, PreparingRebalance, ..."""
    members: tuple[Member, ...] = ()
    progress: tuple[Progress, ...] = ()
    """The newest of each partition, by destination and partition."""
    services: tuple[str, ...] = ()
    """Services whose spans name this group."""
    time: int = 0
    """When the broker was last asked."""

    @property
    def lag(self) -> int:
        """Messages that wait; partitions without a commit are left out."""
        return sum(max(0, at.end - at.committed) for at in self.progress if at.committed >= 0)

    @property
    def destinations(self) -> tuple[str, ...]:
        """What it reads, by name."""
        read = {at.destination for at in self.progress}
        read.update(name for member in self.members for name, _ in member.assignment)
        return tuple(sorted(read))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that a text could mean."""

    ask: str
    """Names exactly this when it is looked up."""
    kind: IdKind
    """As what kind of id the text names it."""
    label: str
    """One line to choose by."""
    events: int = 1
    time: int = 0
    """Of the earliest event, nanoseconds since the Unix epoch."""
