"""What is different between two topologies, as a list of changes: of two windows, of graphs that
were kept, or of what was declared and what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from graph.edges import EdgeRow, View
from graph.topology import Edge, EdgeKey, NodeKey, NodeKind, Role, Topology
from graph.topology_diff import Change, EdgeChange, compare


class What(StrEnum):
    """What a change is about."""

    PRODUCER = "producer"
    CONSUMER = "consumer"
    CALL = "call"
    EVENT_TYPE = "event type"
    """Of an edge that is on both sides."""


class How(StrEnum):
    """What became of it."""

    NEW = "new"
    GONE = "gone"
    MORE = "more"
    LESS = "less"
    FAILS = "fails"
    """Errors are new, or more."""
    RECOVERED = "recovered"
    """Errors are gone, or fewer."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    name: str
    """As it was asked for."""
    topology: Topology
    declared: bool = False
    """It says what there is, not how much of it there was."""

    @property
    def minutes(self) -> float | None:
        """How long its window is; None where that is not known."""
        start, end = self.topology.start, self.topology.end
        return (end - start) / 60e9 if start and end > start and not self.declared else None


def narrowed(side: Side, kept: Topology) -> Side:
    """The side with what was kept of its topology."""
    whole = side.topology
    kept = replace(kept, left=whole.left, covered_from=whole.covered_from)
    return replace(side, topology=kept)


@dataclass(frozen=True, slots=True)
class Item:
    """One change; counts are 0 on the side where it is not."""

    what: What
    how: How
    role: Role
    application: str
    """Who produces, consumes or calls."""
    place: str
    """Which destination, or who is called."""
    group: str = ""
    event_types: tuple[str, ...] = ()
    count: tuple[int, int] = (0, 0)
    errors: tuple[int, int] = (0, 0)
    unknown: bool = False
    """Nobody knows who produces."""


@dataclass(frozen=True, slots=True)
class Report:
    """All changes, in the order of `How`, then of `What`."""

    before: Side
    after: Side
    items: tuple[Item, ...]
    rated: bool
    """Both windows' lengths are known, so that rates can be compared."""
    counted: bool
    """Both sides were seen, so that there are counts."""
    notes: tuple[str, ...] = ()

    def of(self, how: How) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.how is how)


def report(before: Side, after: Side, notes: Iterable[str] = ()) -> Report:
    """Compares two sides. What was declared is held against who produces and consumes only: it
    tells neither calls nor, reliably, groups. Raises ValueError unless both have destinations."""
    for side in (before, after):
        if side.topology.view is not View.DESTINATIONS:
            raise ValueError(f"{side.name} is of the view {side.topology.view}: destinations it is")
    counted = not (before.declared or after.declared)
    earlier, later = before.topology, after.topology
    if not counted:
        earlier, later = _plain(earlier), _plain(later)
    stretch = after.minutes / before.minutes if before.minutes and after.minutes else None
    found = compare(earlier, later, stretch=stretch, counted=counted)
    labels = {node.key: node for node in found.topology.nodes}

    def title(key: NodeKey) -> str:
        node = labels.get(key)
        return node.title if node is not None else key.name

    items = [
        item
        for key, change in found.changes.items()
        for item in _items(key, change, title(key.source), title(key.target), counted)
    ]
    order = list(How)
    kinds = list(What)
    items.sort(
        key=lambda one: (
            *(order.index(one.how), kinds.index(one.what), one.place),
            *(one.application, one.group, one.event_types),
        )
    )
    said = [*notes]
    if not counted:
        # Who is not known can be neither documented nor missing.
        for place in sorted({item.place for item in items if item.unknown}):
            said.append(f"Of what lies on {place} nobody knows who produces it.")
        items = [item for item in items if not item.unknown]
    if counted and stretch is None:
        said.append("Of one window the length is not known, so rates are not compared.")
    for side in (before, after):
        if side.topology.cut:
            said.append(f"{side.name} begins before what is still kept.")
        if side.topology.left:
            said.append(f"{side.name} had no room for {side.topology.left.edges:,} edges.")
    return Report(before, after, tuple(items), stretch is not None, counted, tuple(said))


def _items(
    key: EdgeKey, change: EdgeChange, source: str, target: str, counted: bool
) -> Iterator[Item]:
    old, new = change.before, change.after
    consumes = key.role is Role.CONSUME
    what = {Role.PRODUCE: What.PRODUCER, Role.CONSUME: What.CONSUMER}.get(key.role, What.CALL)
    item = Item(
        what,
        How.NEW,
        key.role,
        target if consumes else source,
        source if consumes else target,
        key.group if consumes else "",
        tuple(sorted({*_types(old), *_types(new)})),
        (old.count if old and counted else 0, new.count if new and counted else 0),
        (old.errors if old and counted else 0, new.errors if new and counted else 0),
        unknown=key.source.kind is NodeKind.UNKNOWN,
    )
    ways = {
        Change.NEW: How.NEW,
        Change.GONE: How.GONE,
        Change.MORE: How.MORE,
        Change.LESS: How.LESS,
    }
    if change.traffic is not Change.SAME:
        yield replace(item, how=ways[change.traffic])
    if old is None or new is None:
        if change.errors is Change.NEW:
            yield replace(item, how=How.FAILS)
        return
    if change.errors is not Change.SAME:
        fails = change.errors in (Change.NEW, Change.MORE)
        yield replace(item, how=How.FAILS if fails else How.RECOVERED)
    # A side that tells no types says nothing of them.
    if _types(old) and _types(new):
        for types, how in (
            (_types(new) - _types(old), How.NEW),
            (_types(old) - _types(new), How.GONE),
        ):
            for name in sorted(types):
                count = (_of_type(old, name), _of_type(new, name)) if counted else (0, 0)
                one = replace(item, what=What.EVENT_TYPE, how=how, event_types=(name,))
                yield replace(one, count=count, errors=(0, 0))


def _types(edge: Edge | None) -> set[str]:
    return set(edge.event_types) if edge is not None else set()


def _of_type(edge: Edge, name: str) -> int:
    return sum(row.count for row in edge.rows if row.event_type == name)


def _plain(topology: Topology) -> Topology:
    """Who produces and consumes, without calls and groups."""
    parts: dict[EdgeKey, list[EdgeRow]] = {}
    for edge in topology.edges:
        if edge.role in (Role.PRODUCE, Role.CONSUME):
            key = edge.key._replace(group="")
            parts.setdefault(key, []).extend(edge.rows)
    return replace(
        Topology.of(parts, start=topology.start, end=topology.end),
        left=topology.left,
        covered_from=topology.covered_from,
    )
