"""The answers' shapes, for the API's description; `graph.wire` writes the answers themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Shape):
    """What went wrong."""

    error: str = Field(description="A code: `not_found`, `ambiguous`, `invalid`, `deadline`, ...")
    detail: str = Field(description="One sentence.")
    hint: str = Field(description="What to do; may be empty.")


class EventRow(Shape):
    """An event in a list: a tapped message, or a producing span where no tap saw the message."""

    id: str = Field(description="Finds exactly this event at /events and /chain.")
    time_ns: int
    time: str | None
    received_ns: int
    received: str | None
    destination: str
    system: str
    cluster: str
    environment: str
    event_type: str
    key: str
    message_id: str
    correlation_id: str
    service: str
    source: str = Field(description="The producer as the message's source header names it.")
    tapped: bool
    error: bool
    size: int = Field(description="Bytes of the message's value on the broker.")


class Events(Shape):
    """Newest first."""

    events: list[EventRow]
    more: bool = Field(description="The limit cut the answer.")
    covered_from_ns: int = Field(
        description="What was received before it has been pruned; 0: nothing has."
    )
    covered_from: str | None


class Activity(Shape):
    """Something that was just stored."""

    kind: str = Field(description="`message` or `operation`.")
    operation: str
    group: str
    duration_ns: int
    listed: bool = Field(description="GET /events has it too: an event, not what became of one.")
    event: EventRow


class Flow(Shape):
    """One end of a destination."""

    name: str
    kind: str = Field(description="`service`, `group` or `unknown`.")
    group: str
    count: int
    errors: int
    evidence: str
    last_seen_ns: int
    last_seen: str | None


class Destination(Shape):
    """A destination and who is at its ends, in the window."""

    id: str
    name: str
    title: str
    system: str
    cluster: str
    environment: str
    produced: int
    consumed: int
    errors: int
    event_types: list[str]
    last_seen_ns: int
    last_seen: str | None
    producers: list[Flow]
    consumers: list[Flow]


class LeftOut(Shape):
    """What there was no room for: the edges that carried least."""

    edges: int
    count: int = Field(description="Messages and calls that they carried.")


class Destinations(Shape):
    """By name."""

    destinations: list[Destination]
    left: LeftOut


class Member(Shape):
    """A member of a consumer group, as the broker last told it."""

    member_id: str
    client_id: str
    host: str
    assignment: list[tuple[str, str]] = Field(description="(destination, partition) pairs.")


class Progress(Shape):
    """How far a group has got on a partition."""

    cluster: str
    group: str
    destination: str
    incarnation: str
    partition: str
    committed: int = Field(description="Next offset to read; -1 when it has committed none.")
    end: int
    time_ns: int
    time: str | None


class Consumer(Shape):
    """A consumer group at its broker."""

    group: str
    cluster: str
    state: str
    lag: int = Field(description="Messages that wait.")
    lag_seconds: float | None = Field(
        description="Age of the oldest of them when the broker was last asked; null: unknown."
    )
    oldest_ns: int = Field(description="When the oldest of them was produced.")
    oldest: str | None
    rate: float | None = Field(description="Messages committed a second in the last minutes.")
    growth: float | None = Field(description="Messages added a second meanwhile.")
    catch_up_seconds: float | None = Field(
        description="Until nothing waits any more, as things go; null for never or unknown."
    )
    services: list[str]
    destinations: list[str]
    time_ns: int
    time: str | None
    members: list[Member]
    progress: list[Progress]


class Consumers(Shape):
    """By cluster and group."""

    consumers: list[Consumer]


class Gap(Shape):
    """Offsets of one partition, `first` to `last`, that a tap missed."""

    system: str
    cluster: str
    destination: str
    incarnation: str
    partition: str
    first: int
    last: int
    reason: str = Field(description="`retention`, `the topic was deleted`, `unreadable: ...`.")
    noticed_ns: int
    noticed: str | None


class Gaps(Shape):
    """The newest first, 1,000 at most."""

    gaps: list[Gap]


class Subject(Shape):
    """Who and what a finding is about; what does not matter to its kind is empty."""

    environment: str
    service: str
    group: str
    system: str
    cluster: str
    destination: str
    event_type: str
    peer: str = Field(
        description="The other one: where dead letters lie, the service on the other side, what "
        "should follow."
    )


class Proof(Shape):
    """Something that can be looked up and shows a finding."""

    id: str = Field(description="Finds it at /chain; may be empty.")
    time_ns: int
    time: str | None
    note: str


class Finding(Shape):
    """What did not happen, or not as it should: a run of minutes in which it was seen."""

    id: str
    kind: str = Field(
        description="`lost`, `dead-letter`, `duplicate`, `out-of-order`, `retry-loop`, `overdue`, "
        "`stuck`, `storming`, `stale`, `unconsumed`, `broken-context` or `clock-skew`."
    )
    severity: str = Field(description="`error`, `warning` or `notice`.")
    state: str = Field(description="`open`, or `closed` when it has not been seen for a while.")
    subject: Subject
    first_ns: int
    first: str | None
    last_ns: int
    last: str | None
    count: int = Field(description="Of what the kind counts: events, messages, minutes.")
    minutes: int = Field(description="In which it was seen.")
    proof: list[Proof]
    said: dict[str, Any] = Field(description="Figures of the sentence, of the last minute.")
    coverage: str = Field(description="What it rests on, and what it could not see.")
    sentence: str
    advice: str = Field(description="What to do or to look at next; may be empty.")
    muted: str = Field(description="Why nobody is to be bothered with it; empty when not muted.")


class Findings(Shape):
    """The open and worst first."""

    format: int
    since_ns: int = Field(description="The first minute that was looked at; 0: none yet.")
    since: str | None
    until_ns: int = Field(description="Complete minutes before were looked at; 0: none yet.")
    until: str | None
    more: bool = Field(description="The limit cut the answer.")
    findings: list[Finding]


class Component(Shape):
    """How one part of the collector is doing."""

    name: str
    ok: bool
    detail: str
    figures: dict[str, Any]


class Health(Shape):
    """How the collector is doing."""

    status: str = Field(description="`ok`, or `degraded` when a component is not.")
    version: str
    covered_from_ns: int = Field(
        description="What was received before it has been pruned; 0: nothing has."
    )
    covered_from: str | None
    components: list[Component]


class Column(Shape):
    """A column of an answer in SQL."""

    name: str
    type: str = Field(description="The engine's.")


class Table(Shape):
    """What a statement told."""

    columns: list[Column]
    rows: list[list[Any]]
    more: bool = Field(description="There were more rows than are told.")


class Pruned(Shape):
    """What leaves the store, or has left."""

    dry_run: bool
    until_ns: int = Field(description="All that was received before it leaves; 0: nothing does.")
    until: str | None
    weeks: list[str] = Field(description="Weeks that leave whole, by their Mondays.")
    rows: int = Field(description="Spans and messages.")
    bytes: int = Field(description="Room that it gives on the disk.")


class Candidate(Shape):
    """One thing that an id could mean."""

    ask: str = Field(description="Names exactly this when it is asked for.")
    kind: str = Field(
        description="As what the id was found: `message`, `correlation`, `key`, `trace`, `span`, "
        "`position` or `causation`."
    )
    label: str
    events: int
    time_ns: int
    time: str | None


class Ambiguous(Problem):
    """The id could mean several things."""

    candidates: list[Candidate]


class Chain(Shape):
    """A graph of events, their deliveries, and what led to what."""

    format: int
    focus: str = Field(description="The id of the event asked for.")
    starts: list[str] = Field(description="All events asked for.")
    complete: bool
    stopped_by: str | None = Field(description="`events`, `depth`, `deadline`, or null.")
    services: list[str]
    roots: list[str]
    related: list[str] = Field(description="Events that share only a correlation id.")
    covered_from_ns: int = Field(
        description="What was received before it has been pruned; 0: nothing has."
    )
    covered_from: str | None
    cut: list[str] = Field(description="Events that may have causes before that.")
    gaps: list[Gap] = Field(
        description="What taps missed, where events lie that are known from spans only."
    )
    events: list[dict[str, Any]] = Field(
        description="By time: `id`, `key`, `title`, times, names, `messages`, `positions`, "
        "`contexts`, `operations`, each of those with its `join` (evidence)."
    )
    deliveries: list[dict[str, Any]] = Field(
        description="One event at one consumer: `event`, `service`, `group`, `evidence`, times, "
        "`error`, `attempts`, `operations`."
    )
    causes: list[dict[str, Any]] = Field(
        description="`cause`, `effect`, `evidence`, `via`, `service`, `group`, `delay_ns`, "
        "`candidates`, `way`."
    )
    explanations: list[dict[str, Any]] | None = Field(
        default=None,
        description="When asked for, by event: what was tried towards its `producer`, its `causes` "
        "and its `deliveries`, in order: `via`, `found`, `reason`, `because`, `subject`.",
    )


class Event(Shape):
    """One event with its deliveries, told as in a chain."""

    format: int
    id: str
    event: dict[str, Any]
    deliveries: list[dict[str, Any]]


class Position(Shape):
    """Where a message lies."""

    system: str
    cluster: str
    destination: str
    incarnation: str
    partition: str
    offset: int


class Fate(Shape):
    """What became of an event at one consumer."""

    name: str = Field(description="The services, or the group where nobody knows them.")
    services: list[str]
    group: str
    group_known: str | None = Field(
        description="Why the group is the services': `span`, `configuration` or `name`."
    )
    status: str = Field(
        description="`dead-lettered`, `failed`, `retried`, `pending`, `no evidence`, "
        "`not subscribed`, `skipped`, `passed` or `handled`."
    )
    evidence: str | None = Field(
        description="`observed`, `declared`, `matched`, `inferred`, or null for none."
    )
    time_ns: int = Field(description="Of what the evidence tells.")
    time: str | None
    explanation: str
    needed: str = Field(description="What would be needed to know more; may be empty.")
    notes: list[str] = Field(description="What else is true.")
    attempts: int
    duration_ns: int | None
    error: str
    copy_at: Position | None = Field(description="Where it lies to be tried again, or given up.")
    ahead: int | None = Field(description="Messages until the group is beyond it.")
    rate: float | None = Field(description="Messages that the group commits a second.")
    expected_ns: int
    expected: str | None
    passed_after_ns: int = Field(description="The group was last seen at or before it.")
    passed_after: str | None
    passed_by_ns: int = Field(description="The group was first seen beyond it.")
    passed_by: str | None


class Fates(Shape):
    """One event, and what became of it at each consumer."""

    format: int
    event: EventRow
    copies: list[Position]
    consumers: list[Fate] = Field(description="What wants looking at first.")
    notes: list[str]
    others: int = Field(description="Further events of the same id.")


class Topology(Shape):
    """Who produces, consumes and calls."""

    format: int
    start_ns: int
    start: str | None
    end_ns: int
    end: str | None
    covered_from_ns: int = Field(
        description="What was received before it has been pruned; 0: nothing has."
    )
    covered_from: str | None
    left: LeftOut
    view: str = Field(description="`destinations`, `events` or `services`.")
    nodes: list[dict[str, Any]] = Field(
        description="`id`, `kind` (`service`, `destination`, `event`, `group`, `peer`, `unknown`), "
        "`name`, `title`, `environment`, `system`, `cluster`, `incoming`, `outgoing`, `errors`, "
        "times."
    )
    edges: list[dict[str, Any]] = Field(
        description="`source`, `target`, `role`, `group`, `event_types`, `evidence`, `count`, "
        "`errors`, times, quantiles in seconds, and `rows`: the same by event type and evidence."
    )


class Payload(Shape):
    """What messages of one event type on one destination hold."""

    system: str
    cluster: str
    destination: str
    event_type: str = Field(description="Empty: the messages say none.")
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema.")


class Payloads(Shape):
    """Schemas that were inferred."""

    payloads: list[Payload]


class MinuteCount(Shape):
    """Of one node in one role in one minute."""

    minute_ns: int
    minute: str | None
    role: str = Field(description="`produce`, `consume` or `call`.")
    count: int
    errors: int


class Series(Shape):
    """By minute and role; minutes without anything are left out."""

    minutes: list[MinuteCount]


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The bearer token is missing or wrong."},
    422: {"model": Problem, "description": "A parameter cannot be used."},
    503: {"model": Problem, "description": "The store is away or slow: try again later."},
}
"""Errors that every resource can answer."""
