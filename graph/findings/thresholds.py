"""From where on something is worth telling: floors of each kind, and what a user set instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from graph.findings.model import Finding, Kind, Subject


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Floors. What is learned of a system can only raise them; a user's own value stands."""

    attempts: int = 5
    """Attempts at one event from which on it is a loop."""
    stuck_seconds: float = 120.0
    """For which a group commits nothing while messages wait."""
    stale_seconds: float = 300.0
    """By which a group may be behind, where it usually is less."""
    stale_factor: float = 5.0
    """Times its usual delay by which a group may be behind."""
    departed: int = 4
    """Members that left a group within ten minutes, from which on it storms."""
    unconsumed_messages: int = 10
    """Produced without a consumer, from which on it is told."""
    unconsumed_minutes: int = 3
    """In which it must have been produced: what is written once may be read once."""
    skew_seconds: float = 0.05
    """By which a consumer seems to have had an event before it was sent."""
    overdue_seconds: float = 60.0
    """The least time to wait for a next step."""
    contextless: int = 10
    """Operations or messages of one minute, from which on a missing context is told."""
    missing_share: float = 0.02
    """Of a consumer's messages without a span: if more lack one, its spans are taken to be
    sampled."""


NAMES = tuple(field.name for field in fields(Thresholds))


@dataclass(frozen=True, slots=True)
class Rule:
    """What a user says of some findings: other thresholds, or that they are muted."""

    kinds: tuple[str, ...] = ()
    """Kinds that it is of; none: all."""
    services: tuple[str, ...] = ()
    """Shell patterns in any case, of services and groups."""
    destinations: tuple[str, ...] = ()
    thresholds: tuple[tuple[str, float], ...] = ()
    """By the names of `Thresholds`."""
    mute: str = ""
    """The reason for which such findings are muted."""

    def fits(self, kind: Kind, subject: Subject) -> bool:
        """Whether it speaks of such a finding."""
        return (
            (not self.kinds or kind.value in self.kinds)
            and _any(self.services, (subject.service, subject.group))
            and _any(self.destinations, (subject.destination,))
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """A user's rules, in order: of those that fit and say the same thing, the last one counts."""

    rules: Sequence[Rule] = ()
    floors: Thresholds = Thresholds()

    def of(self, kind: Kind, subject: Subject, name: str) -> float:
        """A threshold as it holds for a subject."""
        value: float = getattr(self.floors, name)
        for rule in self.rules:
            if rule.fits(kind, subject):
                value = dict(rule.thresholds).get(name, value)
        return value

    def says(self, kind: Kind, subject: Subject, name: str) -> bool:
        """Whether the user set it, so that what is learned does not count."""
        return any(name in dict(one.thresholds) and one.fits(kind, subject) for one in self.rules)

    def least(self, kind: Kind, name: str) -> float:
        """The lowest value that any rule of the kind sets: what a store is asked with."""
        own: float = getattr(self.floors, name)
        said = (
            dict(one.thresholds)[name]
            for one in self.rules
            if name in dict(one.thresholds) and (not one.kinds or kind.value in one.kinds)
        )
        return min(own, *said, own)

    def muted(self, finding: Finding) -> str:
        """Why a finding is muted; empty when it is not."""
        reasons = [one.mute for one in self.rules if one.mute]
        fitting = [
            one.mute for one in self.rules if one.mute and one.fits(finding.kind, finding.subject)
        ]
        return fitting[-1] if reasons and fitting else ""


NO_RULES = Rules()


def _any(patterns: Sequence[str], names: Sequence[str]) -> bool:
    if not patterns:
        return True
    return any(
        fnmatchcase(name.casefold(), pattern.casefold())
        for pattern in patterns
        for name in names
        if name
    )
