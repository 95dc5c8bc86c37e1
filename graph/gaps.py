"""What a tap could not read: stretches of offsets that were gone before it came to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graph.model import Position


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets `first` to `last` of one partition, which a tap missed."""

    system: str
    cluster: str
    destination: str
    incarnation: str
    partition: str
    first: int
    last: int
    reason: str
    """`retention`, `the topic was deleted`, `unreadable: ...`."""
    noticed: int
    """Nanoseconds since the Unix epoch."""

    @property
    def count(self) -> int:
        """Offsets; of a compacted or transactional topic not each held a message."""
        return self.last - self.first + 1

    def holds(self, position: Position) -> bool:
        """Whether a position lies in it; what the position leaves open fits."""
        return (
            self.first <= position.offset <= self.last
            and (self.destination, self.partition) == (position.destination, position.partition)
            and position.system in ("", self.system)
            and position.cluster in ("", self.cluster)
            and position.incarnation in ("", self.incarnation)
        )

    def __str__(self) -> str:
        place = f"{self.destination}/{self.partition}/{self.first}"
        return place if self.first == self.last else f"{place}..{self.last}"


def missed(gaps: Iterable[Gap], positions: Iterable[Position]) -> tuple[Gap, ...]:
    """Those of the gaps in which one of the positions lies."""
    beside: dict[tuple[str, str], list[Position]] = defaultdict(list)
    for position in positions:
        beside[position.destination, position.partition].append(position)
    return tuple(
        gap for gap in gaps if any(map(gap.holds, beside.get((gap.destination, gap.partition), ())))
    )


def told(gaps: Sequence[Gap]) -> str:
    """A gap, or several, in one sentence."""
    count = sum(gap.count for gap in gaps)
    many = f"{count:,} offset{'s were' if count != 1 else ' was'} missed"
    newest = max(gaps, key=lambda gap: gap.noticed)
    return f"{many}{' in all' if len(gaps) > 1 else ''}; the newest: {newest} ({newest.reason})"
