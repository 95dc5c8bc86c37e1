"""What kinds of findings ask of a store: a run of minutes at a time, never one event at a time.

Every answer is bounded: of very many rows a sample by their ids is looked at (`Run.share`), and of
what is found the first few are named. Times are nanoseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from graph.findings.model import Proof
from graph.gaps import Gap
from graph.listing import Consumer


class Run(NamedTuple):
    """Whole minutes in a row, start <= time < end."""

    start: int
    end: int
    share: int = 1
    """One in so many ids is looked at, where a kind looks at single events."""
    waited: int = 0
    """Seconds since its end."""
    delay: int = 0
    """Which of the delays of a kind this look is for."""


class Place(NamedTuple):
    """A destination."""

    system: str
    cluster: str
    destination: str


class End(NamedTuple):
    """One end of a destination, of one event type, over the last day."""

    role: str
    environment: str
    service: str
    group: str
    system: str
    cluster: str
    destination: str
    event_type: str
    evidence: str
    number: int
    minutes: int
    """In which it was seen."""
    first: int
    last: int


class Copies(NamedTuple):
    """Copies of one sort in one minute."""

    minute: int
    kind: str
    """`dead-letter`, `retry`; empty where only the destination's name may tell."""
    environment: str
    system: str
    cluster: str
    destination: str
    original: str
    """Where the headers say that they came from; may be empty."""
    consumer: str
    event_type: str
    error_type: str
    number: int
    first: int
    last: int
    proof: tuple[Proof, ...]
    error_message: str


class Attempts(NamedTuple):
    """One event that was tried again and again."""

    environment: str
    service: str
    group: str
    system: str
    cluster: str
    destination: str
    event_type: str
    number: int
    first: int
    last: int
    proof: tuple[Proof, ...]
    error_message: str


class Skew(NamedTuple):
    """How long what one service sent took to another, by their own clocks, in one minute."""

    minute: int
    environment: str
    producer: str
    consumer: str
    destination: str
    number: int
    p50: float
    """Seconds; below 0 the effect seems to come first."""
    p95: float
    last: int


class Twice(NamedTuple):
    """What was done twice, of all that was done alike in a run."""

    minute: int
    """Of the later of the two."""
    environment: str
    service: str
    group: str
    system: str
    cluster: str
    destination: str
    event_type: str
    of: int
    """Events that were looked at."""
    number: int
    """Of them done more than once."""
    most: int
    """Times that one of them was done."""
    first: int
    last: int
    proof: tuple[Proof, ...]


class Missing(NamedTuple):
    """What is missing of all that is alike in one minute."""

    minute: int
    environment: str
    service: str
    group: str
    system: str
    cluster: str
    destination: str
    event_type: str
    of: int
    """Events that were looked at."""
    number: int
    """Of them missing."""
    first: int
    last: int
    proof: tuple[Proof, ...]
    lacking: int = 0
    """Missing in the whole run, as far as that is known."""


class Departures(NamedTuple):
    """Members of a group that were seen in it and are not in it any more."""

    cluster: str
    group: str
    number: int
    since: int
    last: int
    clients: tuple[str, ...]


class Contexts(NamedTuple):
    """Operations or messages that should point at something, in one minute."""

    minute: int
    environment: str
    service: str
    """Of messages what their source header says."""
    group: str
    system: str
    cluster: str
    destination: str
    library: str
    """The instrumentation scope; empty for messages."""
    number: int
    without: int
    first: int
    last: int
    proof: tuple[Proof, ...]
    """Of those without."""


class Flow(NamedTuple):
    """What one flow has of each kind of event: its first."""

    id: str
    events: tuple[tuple[str, str, int, str, str, str], ...]
    """(destination, event type, time, position as text, system, cluster)."""
    dead: tuple[str, ...] = ()
    """Destinations of which an event of it was given up and lies as a dead letter; empty text
    where the dead letter does not say which."""


class FindingFacts(Protocol):
    """Synchronous; every method may raise the store's error."""

    @property
    def memory(self) -> dict[str, Any]:
        """What kinds learned, kept between looks, by their names."""

    def ends(self) -> Sequence[End]:
        """Who produced and consumed what in the last day, as edges have it."""

    def consumers(self) -> Sequence[Consumer]:
        """Groups as their broker told them, with their paces."""

    def usual_waits(self) -> dict[tuple[str, str], float]:
        """By group (or service, where no group is known) and destination: seconds from produced
        to handled, as in the slowest twentieth of the last day's events."""

    def departures(self, since: int) -> Sequence[Departures]:
        """Members that left their groups since then."""

    def gaps(self) -> Sequence[Gap]:
        """What taps missed, newest first."""

    def transactional(self) -> Collection[str]:
        """Destinations that a transactional producer writes to: what it aborts is never read."""

    def read_to(self, destinations: Collection[str], at: int) -> Collection[str]:
        """Those of the destinations of which a tap is known to have read all that lay there at
        that time."""

    def copies(self, run: Run) -> Sequence[Copies]:
        """Copies made in these minutes, and what lies where the name says dead letter."""

    def tried(self, run: Run, least: int) -> Sequence[Attempts]:
        """Events with so many failed attempts, or copies for retry, the last of them in the run."""

    def skews(self, run: Run) -> Sequence[Skew]:
        """Between services joined by trace context, where at least half seem to come too early."""

    def handled_twice(self, run: Run) -> Sequence[Twice]:
        """Single events that one consumer handled more than once without an error."""

    def produced_twice(self, run: Run) -> Sequence[Twice]:
        """Messages alike in id, key, type and size, that are no copies."""

    def vanished(self, run: Run) -> Sequence[Missing]:
        """Sends without an error whose message is nowhere, among sends whose messages are there.
        `count` is of them; of services where none vanished nothing is told."""

    def unhandled(self, run: Run) -> Sequence[Missing]:
        """Messages without a span of a consumer that went past them, among messages with one; also
        how many it lacks in the whole run, even where that is none."""

    def disordered(self, run: Run) -> Sequence[Missing]:
        """Events of one key that a consumer began to handle after a later one of that key."""

    def consumer_contexts(self, run: Run) -> Sequence[Contexts]:
        """Process spans, and how many of them point at nothing."""

    def message_contexts(self, run: Run) -> Sequence[Contexts]:
        """Messages, and how many of them carry no trace context."""

    def flow_span(self, until: int) -> int:
        """Nanoseconds of messages before that time that flows can be looked for in, as many as
        there are just then."""

    def flows(self, start: int, end: int, *, until: int, most: int) -> Sequence[Flow]:
        """Flows by correlation id with an event in start <= time < end, and all that they have
        from there until `until`; of very many a sample."""
