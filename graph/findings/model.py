"""Findings as data: what did not happen, or not as it should, since when, and what proves it.

A `Sighting` is what one complete minute shows of one subject; a `Finding` is a run of sightings of
the same subject without a long pause. Times are nanoseconds since the Unix epoch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

MINUTE = 60 * 10**9

PROOFS = 5
"""Proofs of one minute, at most."""


class Kind(StrEnum):
    """What can be found; what wants looking at the most comes first."""

    LOST = "lost"
    """Sent without an error and never on the destination, or passed by a consumer without a trace
    of its handling."""
    DEAD_LETTER = "dead-letter"
    """Given up by its consumer."""
    DUPLICATE = "duplicate"
    """Handled successfully twice by one consumer, or produced twice under one message id."""
    OUT_OF_ORDER = "out-of-order"
    """Events of one key were handled in another order than they were produced."""
    RETRY_LOOP = "retry-loop"
    """One event is tried again and again."""
    OVERDUE = "overdue"
    """What follows in nearly all flows has not followed in this one."""
    STUCK = "stuck"
    """A group makes no progress while messages wait."""
    STORMING = "storming"
    """Members of a group keep coming and going."""
    STALE = "stale"
    """A group is behind by more than usual, or more than allowed."""
    UNCONSUMED = "unconsumed"
    """Nobody consumes what is produced, or it was gone before a group came to it."""
    BROKEN_CONTEXT = "broken-context"
    """A service drops or never sets the trace context."""
    CLOCK_SKEW = "clock-skew"
    """Two services' clocks disagree."""

    @property
    def rank(self) -> int:
        """0 wants looking at the most."""
        return list(Kind).index(self)


class Severity(StrEnum):
    """How much it matters, the worst first."""

    ERROR = "error"
    """Something was lost, given up or done twice, or nothing goes on."""
    WARNING = "warning"
    """It will become that, or may be."""
    NOTICE = "notice"
    """What flowtap tells of this system is less sure because of it."""

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class State(StrEnum):
    OPEN = "open"
    """It was seen in what was looked at last."""
    CLOSED = "closed"
    """It has not been seen for as long as its kind takes to be over."""


class Subject(NamedTuple):
    """Who and what a finding is about; what does not matter to its kind is empty."""

    environment: str = ""
    service: str = ""
    group: str = ""
    system: str = ""
    cluster: str = ""
    destination: str = ""
    event_type: str = ""
    peer: str = ""
    """The other one: where dead letters lie, the service on the other side."""

    @property
    def consumer(self) -> str:
        """What to call who it is about."""
        return self.service or (f"group {self.group}" if self.group else "")


class Proof(NamedTuple):
    """Something that can be looked up and shows it."""

    id: str
    """What `flowtap trace` finds: `destination/partition/offset`, `trace id/span id`; empty where
    the proof is of no one event."""
    time: int = 0
    note: str = ""
    """What is to be seen there, in a few words."""


Said = Mapping[str, str | int | float]
"""Figures and names that a kind's sentence is made of, as JSON."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one minute shows of one subject."""

    kind: Kind
    subject: Subject
    minute: int
    """Its beginning."""
    count: int
    """Of what the kind counts: events, messages, or how things stood in a minute."""
    first: int
    last: int
    severity: Severity = Severity.WARNING
    proof: tuple[Proof, ...] = ()
    said: Said = field(default_factory=dict)
    coverage: str = ""
    """What it rests on, and what it could not see; one sentence."""

    @property
    def id(self) -> str:
        """Of the subject, the same in every minute."""
        return subject_id(self.kind, self.subject)


@dataclass(frozen=True, slots=True)
class Finding:
    """A run of sightings of one subject."""

    id: str
    kind: Kind
    severity: Severity
    state: State
    subject: Subject
    first: int
    last: int
    count: int
    minutes: int
    """Minutes in which it was seen."""
    proof: tuple[Proof, ...] = ()
    """Of the first minute and of the last."""
    said: Said = field(default_factory=dict)
    """Of the last minute."""
    coverage: str = ""
    sentence: str = ""
    """What is the matter, for a tired person."""
    advice: str = ""
    """What to do or to look at next; may be empty."""
    muted: str = ""
    """Why nobody is to be bothered with it; empty when it is not muted."""


class Findings(NamedTuple):
    """An answer: findings, the open and worst first."""

    findings: Sequence[Finding]
    until: int = 0
    """All complete minutes before this were looked at; 0: none was yet."""
    more: bool = False
    """The limit cut the answer."""
    since: int = 0
    """The beginning of the first minute that was looked at; 0: none was yet."""


def subject_id(kind: Kind, subject: Subject) -> str:
    """16 hex digits."""
    told = "\0".join((kind.value, *subject))
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
