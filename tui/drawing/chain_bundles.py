"""Rows that are alike, many times below one cause, as one row with their count.

Alike are effects of one type, destination and producer, and deliveries at one consumer. What is
below the members of a bundle is bundled too, so a wide fan-out reads like a narrow one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace

from graph.model import Evidence
from tui.drawing.chain_tree import Row, RowKey, RowKind, counted

ALIKE = 12
"""Rows that are alike and stand below one other: as many are still drawn one by one."""


def bundled(
    rows: Sequence[Row], opened: Collection[RowKey] = (), *, most: int = ALIKE
) -> list[Row]:
    """The rows of a whole tree with those that are alike as one; the members of a bundle that
    is `opened` follow it, one level deeper."""
    walk = _Bundling(rows, frozenset(opened), most)
    return counted(walk.rows()) if walk.worth_it else list(rows)


def evidence_of(row: Row) -> Evidence | None:
    """Why a row hangs where it hangs; the weakest join of a bundle."""
    found = [evidence for one in members_of(row) if (evidence := _evidence(one)) is not None]
    return max(found, key=lambda evidence: evidence.rank, default=None)


def members_of(row: Row) -> tuple[Row, ...]:
    """The rows that a bundle stands for; of a plain row, itself."""
    return row.alike or (row,)


def began(row: Row) -> tuple[int, int]:
    """When the first and the last of its members began; 0 where nothing tells."""
    times = [time for one in members_of(row) if (time := _time(one))]
    return (min(times), max(times)) if times else (0, 0)


def failures(row: Row) -> int:
    """Members that failed."""
    return sum(
        one.delivery.error if one.delivery else bool(one.event and one.event.error)
        for one in members_of(row)
    )


def _evidence(row: Row) -> Evidence | None:
    if row.delivery is not None:
        return row.delivery.evidence
    return row.cause.evidence if row.cause else None


def _time(row: Row) -> int:
    if row.delivery is not None:
        return row.delivery.start
    return row.event.time if row.event else 0


class _Bundling:
    def __init__(self, rows: Sequence[Row], opened: frozenset[RowKey], most: int) -> None:
        self._rows = rows
        self._opened = opened
        self._most = most
        self._below: dict[int, list[int]] = defaultdict(list)
        self._tops: list[int] = []
        way: list[int] = []
        for index, row in enumerate(rows):
            while way and rows[way[-1]].depth >= row.depth:
                way.pop()
            (self._below[way[-1]] if way else self._tops).append(index)
            way.append(index)
        self.worth_it = any(len(below) > most for below in self._below.values())

    def rows(self) -> list[Row]:
        found: list[Row] = []
        waiting = self._placed(self._groups(self._tops, together=False), None)
        while waiting:
            row, members, apart = waiting.pop()
            found.append(row)
            if apart:
                groups = [[index] for index in members]
            else:
                below = [index for member in members for index in self._below[member]]
                groups = self._groups(below, together=len(members) > 1)
            waiting += self._placed(groups, row)
        return found

    def _groups(self, indexes: Iterable[int], *, together: bool) -> list[list[int]]:
        """Rows that become one, in the order of their first; `together` bundles also few."""
        alike: dict[Hashable, list[int]] = defaultdict(list)
        for index in indexes:
            alike[_shape(self._rows[index])].append(index)
        groups = []
        for members in alike.values():
            if len(members) > (1 if together else max(1, self._most)):
                groups.append(members)
            else:
                groups += [[index] for index in members]
        return sorted(groups)

    def _placed(
        self, groups: Sequence[list[int]], above: Row | None
    ) -> list[tuple[Row, list[int], bool]]:
        """The rows of groups below a row, the first one last, each with its members and whether
        those follow one by one."""
        guides: tuple[bool, ...] = ()
        if above is not None:
            guides = (*above.guides, not above.last) if above.guides else (False,)
        placed = []
        for number, members in enumerate(groups):
            row = self._rows[members[0]]
            last = number == len(groups) - 1 if above is not None else row.last
            apart = False
            if len(members) > 1:
                key = RowKey(RowKind.BUNDLE, row.key.event, row.key.consumer)
                apart = key in self._opened
                alike = tuple(self._rows[index] for index in members)
                row = replace(row, key=key, alike=alike)
            placed.append((replace(row, guides=guides, last=last, inside=0), members, apart))
        return placed[::-1]


def _shape(row: Row) -> Hashable:
    if row.key.kind is RowKind.RELATED:
        return row.key
    event = row.event
    what = (event.event_type, event.destination, event.service) if event else ()
    who = (row.delivery.service, row.delivery.group) if row.delivery else ()
    return row.key.kind, what, who
