"""What lists show: light rows of events and consumers, and what a list of events is asked for.

Times are nanoseconds since the Unix epoch; 0 when unknown or not bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graph.model import IdKind, Progress
from graph.terms import Field, Pattern, Term


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a list shows; an empty field asks for nothing. Everything must hold."""

    destination: str = ""
    """This and the other names compare exactly; `terms` have patterns."""
    event_type: str = ""
    key: str = ""
    service: str = ""
    """Who produced it, as its span or its source header says."""
    environment: str = ""
    since: int = 0
    """Inclusive."""
    until: int = 0
    """Exclusive."""
    limit: int = 100
    """The newest ones are kept, or the oldest where those come first."""
    oldest: bool = False
    """The oldest come first, instead of the newest."""
    terms: tuple[Term, ...] = ()
    """What the filter language asks for, see `graph.filter`."""

    @property
    def failed_only(self) -> bool:
        """Whether only what failed can fit: handling fails later than an event is stored, so who
        follows hears of it in no tail."""
        return any(
            term.field is Field.ERROR
            and term.patterns == (Pattern(("no" if term.excluded else "yes",)),)
            for term in self.terms
        )

    def accepts(self, row: EventRow) -> bool:
        """Whether a row fits; order and limit are the caller's."""
        return (
            self.destination in ("", row.destination)
            and self.event_type in ("", row.event_type)
            and self.key in ("", row.key)
            and self.service in ("", row.service, row.source)
            and self.environment in ("", row.environment)
            and row.time >= self.since
            and (not self.until or row.time < self.until)
            and all(_fits(term, row) for term in self.terms)
        )


ANY_EVENT = EventFilter()
"""Asks for nothing."""


def _fits(term: Term, row: EventRow) -> bool:
    found = any(
        pattern.fits(value) for pattern in term.patterns for value in _values(term, pattern, row)
    )
    return found is not term.excluded


def _values(term: Term, pattern: Pattern, row: EventRow) -> tuple[str, ...]:
    """The values that one of a term's patterns is held against."""
    place = (row.id,) if pattern.names_a_place or not row.tapped else ()
    match term.field:
        case Field.TOPIC:
            return (row.destination,)
        case Field.TYPE:
            return (row.event_type,)
        case Field.KEY:
            return (row.key,)
        case Field.SERVICE:
            names = tuple(name for name in (row.service, row.source) if name)
            return names or ("",)
        case Field.ERROR:
            return ("yes" if row.error else "no",)
        case Field.ENVIRONMENT:
            return (row.environment,)
        case Field.ID:
            return (row.message_id, *place)
        case Field.CORRELATION:
            return (row.correlation_id,)
        case Field.TEXT:
            return (row.message_id, row.key, row.correlation_id, *place)


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
    source: str = ""
    """Its producer as the source header names it, whatever the span says."""
    tapped: bool = True
    """False: known from a producing span only."""
    error: bool = False
    """Producing it, or an attempt at handling it, failed, as far as spans tell."""
    received: int = 0
    """When it was stored."""
    size: int = 0
    """Bytes of its value on the broker; 0 when there is none, or nobody tapped it."""


class Listing(NamedTuple):
    """Events that were asked for, in the filter's order."""

    rows: Sequence[EventRow]
    more: bool = False
    """Others fit beyond the limit."""
    covered_from: int = 0
    """What was received before was pruned, nanoseconds since the Unix epoch; 0: nothing was."""


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
    listed: bool = True
    """Lists of events have it: a message, or a sending span whose message no tap can see."""


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
    oldest: int = 0
    """When the oldest message that waits was produced; 0 when none waits, or no tap saw it."""
    rate: float | None = None
    """Messages that it committed a second in the last minutes; None when that is not known."""
    growth: float | None = None
    """Messages that were added a second, meanwhile, to what it reads."""

    @property
    def lag_seconds(self) -> float | None:
        """How old the oldest message that waits was when the broker was last asked; None when
        that is not known."""
        if not self.lag:
            return 0.0
        return max(0.0, (self.time - self.oldest) / 1e9) if self.oldest else None

    @property
    def catch_up(self) -> float | None:
        """Seconds until nothing waits any more, as things go; None for never or unknown."""
        if not self.lag:
            return 0.0
        if self.rate is None or self.growth is None or self.rate <= self.growth:
            return None
        return self.lag / (self.rate - self.growth)

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
