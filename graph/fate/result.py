"""Fates as data: one statement for each consumer, with its evidence and the time of that.

Times are nanoseconds since the Unix epoch, 0 when there is none; durations nanoseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from graph.listing import EventRow
from graph.model import Evidence, Position


class Status(StrEnum):
    """What became of an event at one consumer; what wants looking at comes first."""

    DEAD_LETTERED = "dead-lettered"
    """Given up: a copy lies where such copies go."""
    FAILED = "failed"
    """The last attempt failed, and nothing says that there will be another."""
    RETRIED = "retried"
    """It failed, and another attempt is due."""
    PENDING = "pending"
    """The consumer's group has not got so far yet."""
    NO_EVIDENCE = "no evidence"
    """It consumes such events, and nothing says that it had this one."""
    NOT_SUBSCRIBED = "not subscribed"
    """It began to consume after the event, or had ceased before."""
    SKIPPED = "skipped"
    """Its group read past it, and it never handles events of this type."""
    PASSED = "passed"
    """Its group read past it; no span says what came of that."""
    HANDLED = "handled"

    @property
    def rank(self) -> int:
        """0 wants looking at the most."""
        return list(Status).index(self)


class GroupKnown(StrEnum):
    """How it is known which service a consumer group is, surest first."""

    SPAN = "span"
    """A span of the service names the group."""
    CONFIGURATION = "configuration"
    NAME = "name"
    """The group, or the client id of a member, is called like the service."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an event at one consumer."""

    services: tuple[str, ...]
    """Several when they share one group; none when only its broker knows the consumer."""
    group: str
    group_known: GroupKnown | None
    """Why the group is taken to be the services'; None when there is only one of the two."""
    status: Status
    evidence: Evidence | None
    """None when there is nothing that speaks for it or against it."""
    time: int
    """Of what the evidence tells: the end of the attempt, the copy, the observation."""
    explanation: str
    """One sentence."""
    needed: str = ""
    """What would be needed to know more."""
    notes: tuple[str, ...] = ()
    """What else is true: a sentence each."""
    attempts: int = 0
    """Attempts that spans tell of."""
    duration: int | None = None
    """Of the attempt that succeeded, or failed last."""
    error: str = ""
    copy: Position | None = None
    """Where it lies to be tried again, or given up."""
    ahead: int | None = None
    """Messages until the group is beyond it, this one included."""
    rate: float | None = None
    """Messages that the group commits a second."""
    expected: int = 0
    """When the group will be beyond it, at that rate."""
    passed_after: int = 0
    """The group was seen at or before it for the last time; 0: never."""
    passed_by: int = 0
    """The group was seen beyond it for the first time; 0: never."""

    @property
    def name(self) -> str:
        """What to call the consumer."""
        return ", ".join(self.services) or f"group {self.group}"


@dataclass(frozen=True, slots=True)
class Fates:
    """One event, and what became of it at each consumer."""

    event: EventRow
    copies: tuple[Position, ...] = ()
    """Where it lies besides: retry topics, dead letters, mirrors."""
    consumers: tuple[Fate, ...] = ()
    """What wants looking at first, then by name."""
    notes: tuple[str, ...] = ()
    """What is true of the event as a whole."""
    others: int = 0
    """Further events that were asked for by the same id."""

    @property
    def counts(self) -> Mapping[Status, int]:
        """Consumers by status."""
        return Counter(one.status for one in self.consumers)
