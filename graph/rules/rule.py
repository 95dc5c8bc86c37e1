"""What a rule is, what it is held against, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from graph.listing import Consumer
from graph.topology import Topology

Value = tuple[str, ...] | float | bool | str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a file; its keys are checked when it is read."""

    kind: str
    name: str
    """For people."""
    keys: Mapping[str, Value] = field(default_factory=dict)
    reason: str = ""
    """Why it is there, as its author says."""

    def patterns(self, key: str) -> tuple[str, ...]:
        found = self.keys.get(key, ())
        return found if isinstance(found, tuple) else ()

    def number(self, key: str) -> float | None:
        found = self.keys.get(key)
        return found if isinstance(found, float) else None

    def flag(self, key: str) -> bool:
        return self.keys.get(key) is True

    def word(self, key: str, otherwise: str) -> str:
        found = self.keys.get(key)
        return found if isinstance(found, str) else otherwise


class Status(StrEnum):
    """What came of a rule."""

    HOLDS = "holds"
    BROKEN = "broken"
    NOTHING = "matches nothing"
    NOT_CHECKED = "not checked"
    """What it needs is not known; the verdict says what."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a rule, and why."""

    rule: Rule
    status: Status
    matched: str = ""
    """What it was held against, for people: `3 edges`."""
    sentences: tuple[str, ...] = ()
    """Each one says what breaks it; or why it could not be checked."""
    notes: tuple[str, ...] = ()
    """What else is true: what could not be judged."""


@dataclass(frozen=True, slots=True)
class Flow:
    """An event that happened, and what followed it, each with the seconds after it."""

    id: str
    followers: tuple[tuple[str, float], ...] = ()
    cut: bool = False
    """More followed than was looked at."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What rules are held against."""

    topology: Topology
    """Of destinations."""
    consumers: Sequence[Consumer] | None = None
    """As the brokers tell them; None where nobody can be asked, as of a saved graph."""
    flows: Mapping[str, Sequence[Flow]] | None = None
    """By a rule's name, the events that it looks at; None where nobody can be asked."""
