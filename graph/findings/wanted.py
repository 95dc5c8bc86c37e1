"""Which findings are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from graph.findings.model import Finding, Kind, State


@dataclass(frozen=True, slots=True)
class Wanted:
    """An empty field asks for nothing; everything must hold. Times are nanoseconds since the Unix
    epoch; without `since`, the last day is meant."""

    since: int = 0
    """Last seen then or later."""
    until: int = 0
    """First seen before; 0 is not bounded."""
    kinds: tuple[Kind, ...] = ()
    services: tuple[str, ...] = ()
    """Shell patterns in any case, of services, groups, and the service on the other side."""
    destinations: tuple[str, ...] = ()
    state: State | None = None
    muted: bool = False
    """Whether also those that are muted are wanted."""
    limit: int = 200

    def accepts(self, finding: Finding) -> bool:
        """Whether a finding fits; the limit is the caller's."""
        subject = finding.subject
        return (
            finding.last >= self.since
            and (not self.until or finding.first < self.until)
            and (not self.kinds or finding.kind in self.kinds)
            and _any(self.services, (subject.service, subject.group, subject.peer))
            and _any(self.destinations, (subject.destination, subject.peer))
            and self.state in (None, finding.state)
            and (self.muted or not finding.muted)
        )


def _any(patterns: Iterable[str], names: tuple[str, ...]) -> bool:
    folded = [pattern.casefold() for pattern in patterns]
    return not folded or any(
        fnmatchcase(name.casefold(), pattern) for pattern in folded for name in names if name
    )
