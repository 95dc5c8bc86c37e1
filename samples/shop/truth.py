"""The shape of the truth about a run: edges, chains, and what nobody outside could know.

Everything is made of frozen dataclasses, strings and numbers; `Truth.to_json()` is its JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from samples.shop.entries import Outcome
from samples.shop.flow import Known


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of the graph, counted over the whole run."""

    kind: str
    """`produce` (service -> topic), `consume` (topic -> service), `call` (service -> service)."""
    source: str
    target: str
    count: int
    """Distinct messages produced or delivered (a redelivered one is one), or calls answered."""
    errors: int
    """Of these, messages with a failed attempt, or calls answered with 400 and above."""
    known: tuple[Known, ...]
    """How the edge and its count can be known, surest first."""
    group: str = ""
    """A consume edge's consumer group."""
    group_known: tuple[Known, ...] = ()
    """How it can be known that this group is this service; empty: not at all, see `seen_as`."""
    seen_as: str = ""
    """The service's name as seen from outside: itself, or its group where only that is known."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a chain, and the event that it came from."""

    ce_id: str
    type: str
    service: str
    topic: str
    partition: int
    offset: int
    cause: str
    """`ce_id` of its cause; empty for the first of a chain."""
    cause_known: tuple[Known, ...]
    service_known: tuple[Known, ...]
    time: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event of a chain at one service."""

    ce_id: str
    topic: str
    partition: int
    offset: int
    service: str
    group: str
    seen_as: str
    outcome: Outcome
    """Of the last attempt that did something: a duplicate does not undo a handling."""
    attempts: int
    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """The same event at a new position: a dead letter, or one to be tried again."""

    ce_id: str
    topic: str
    partition: int
    offset: int
    of: str
    """`topic/partition/offset` of the original."""
    service: str
    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything that happened because of one first event: an order or a registration."""

    root: str
    """`ce_id` of the first event."""
    correlation: str
    outcome: str
    """`completed`, `cancelled`, `dead-lettered`, `open`; a registration is `registered`."""
    services: tuple[str, ...]
    """All that produced or took part of it."""
    events: tuple[Event, ...]
    deliveries: tuple[Delivery, ...]
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Unknowable:
    """A fact that neither broker nor spans tell: report it as such, neither found nor missed."""

    fact: str
    """`producer`, `cause`, `consumer name`, `attempts`."""
    service: str
    """Whom it is about, as only the ledger knows."""
    topic: str
    count: int
    """Messages concerned."""
    reason: str


@dataclass(frozen=True, slots=True)
class Truth:
    edges: tuple[Edge, ...]
    chains: tuple[Chain, ...]
    unknowable: tuple[Unknowable, ...]

    def to_json(self, indent: int | None = None) -> str:
        return json.dumps(asdict(self), indent=indent)
