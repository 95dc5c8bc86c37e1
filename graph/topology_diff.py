"""Two windows of one system beside each other: what is new, gone, changed, or has gone quiet.

A short window knows less than a long one: who is called may show no span of its own in it, a
destination may lack its cluster. What can only be the same is taken as the same before anything
is called new or gone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from graph.topology import Edge, EdgeKey, EdgeRow, NodeKey, NodeKind, Role, Topology

FACTOR = 2.0
"""From how many times as much, or as little, on something has changed."""

DEVIATIONS = 3.0
"""How many standard deviations counts must lie apart: 1 after 3 is chance, not a change."""


class Change(StrEnum):
    """What became of an edge's traffic, or of its errors."""

    SAME = "same"
    NEW = "new"
    GONE = "gone"
    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """An edge in the earlier and in the later window; None where it carried nothing."""

    before: Edge | None
    after: Edge | None
    traffic: Change
    errors: Change
    """NEW where there were none before; GONE where there are none any more."""
    factor: float = 1.0
    """Later by earlier traffic, for windows of the same length; 0 or infinite at the ends."""

    @property
    def changed(self) -> bool:
        return self.traffic is not Change.SAME or self.errors is not Change.SAME


@dataclass(frozen=True)
class Difference:
    """The later window, with the edges that are gone since as edges that carried nothing."""

    topology: Topology
    changes: Mapping[EdgeKey, EdgeChange]

    def count(self, change: Change) -> int:
        """Edges whose traffic became so."""
        return sum(one.traffic is change for one in self.changes.values())

    @property
    def failing(self) -> int:
        """Edges with errors where there were none, or more of them."""
        return sum(one.errors in (Change.NEW, Change.MORE) for one in self.changes.values())


def compare(
    before: Topology,
    after: Topology,
    *,
    stretch: float | None = 1.0,
    factor: float = FACTOR,
    counted: bool = True,
) -> Difference:
    """What changed from one window to another that is `stretch` times as long.

    Counts have changed when they lie further apart than by chance and by at least `factor`.
    Errors are new from the first on; that they became more is told by the same rule. Without a
    `stretch`, where a window's length is not known, only what begins or ends is told; and if
    nothing is `counted`, as in what somebody declared, only which edges there are.
    """
    earlier = {edge.key: edge for edge in _named_alike(before.edges, after)}
    later = {edge.key: edge for edge in after.edges}
    changes = {}
    for key in [*later, *(key for key in earlier if key not in later)]:
        old, new = earlier.get(key), later.get(key)
        if counted:
            old = old if old is not None and old.count else None
            new = new if new is not None and new.count else None
        if old is None and new is None:
            continue
        longer = stretch or 1.0
        was, now = (old.count * longer if old else 0.0), (new.count if new else 0)
        failed, fails = (old.errors * longer if old else 0.0), (new.errors if new else 0)
        if stretch is None or not counted:
            errors = _presence(failed, fails) if counted else Change.SAME
            changes[key] = EdgeChange(old, new, _presence(old, new), errors)
            continue
        changes[key] = EdgeChange(
            old,
            new,
            Change.GONE
            if new is None
            else Change.NEW
            if old is None
            else _change(was, now, factor),
            _errors(failed, fails, factor),
            now / was if was else float("inf"),
        )
    gone = [
        _silent(edge)
        for key, edge in earlier.items()
        if (edge.count or not counted) and key not in later
    ]
    whole = Topology.of_edges([*after.edges, *gone], after.start, after.end) if gone else after
    return Difference(whole, changes)


_SAME_BY_NAME = ({NodeKind.SERVICE, NodeKind.PEER}, {NodeKind.SERVICE, NodeKind.GROUP})
"""Kinds that a service of one name is taken for where it shows no spans."""


def with_quiet(shown: Topology, known: Topology) -> Topology:
    """The topology, and the edges of another that are not in it as edges that carried nothing."""
    here = {edge.key for edge in shown.edges}
    quiet = {edge.key: edge for edge in _named_alike(known.edges, shown) if edge.key not in here}
    if not quiet:
        return shown
    return Topology.of_edges([*shown.edges, *map(_silent, quiet.values())], shown.start, shown.end)


def _silent(edge: Edge) -> Edge:
    """The edge as one that carried nothing; when it was last seen stays."""
    if not edge.count and not edge.errors:
        return edge
    return Edge(
        edge.key,
        tuple(_silenced(edge)),
        edge.evidence,
        count=0,
        errors=0,
        last_seen=edge.last_seen,
    )


def _silenced(edge: Edge) -> Iterable[EdgeRow]:
    return (
        replace(
            row,
            count=0,
            errors=0,
            p50=None,
            p95=None,
            p99=None,
            wait_p50=None,
            wait_p95=None,
            wait_p99=None,
        )
        for row in edge.rows
    )


def _presence(was: object, now: object) -> Change:
    if bool(was) == bool(now):
        return Change.SAME
    return Change.GONE if was else Change.NEW


def _change(was: float, now: float, factor: float) -> Change:
    if abs(now - was) <= DEVIATIONS * (now + was) ** 0.5:
        return Change.SAME
    if now >= was * factor:
        return Change.MORE
    return Change.LESS if now * factor <= was else Change.SAME


def _errors(was: float, now: float, factor: float) -> Change:
    if now and not was:
        return Change.NEW
    change = _change(was, now, factor)
    return Change.GONE if change is Change.LESS and not now else change


def _named_alike(edges: Iterable[Edge], other: Topology) -> list[Edge]:
    """Edges with the keys that the other topology has for what can only be the same."""
    own = list(edges)
    names = _counterparts(
        {key for edge in own for key in (edge.source, edge.target)},
        {node.key for node in other.nodes},
    )
    renamed = []
    for edge in own:
        key = edge.key
        source, target = names.get(key.source, key.source), names.get(key.target, key.target)
        if (source, target) != (key.source, key.target):
            edge = replace(edge, key=EdgeKey(source, target, key.role, key.group))
        renamed.append(edge)
    return _grouped_alike(renamed, other)


def _counterparts(own: set[NodeKey], others: set[NodeKey]) -> dict[NodeKey, NodeKey]:
    """Keys of the other side for those that it does not have but under a fuller, or a barer,
    name; only where there is one."""
    missing: dict[str, list[NodeKey]] = defaultdict(list)
    for key in others - own:
        missing[key.name].append(key)
    found: dict[NodeKey, NodeKey] = {}
    for key in own - others:
        fitting = [other for other in missing.get(key.name, ()) if _may_be_same(key, other)]
        if len(fitting) == 1:
            found[key] = fitting[0]
    taken = Counter(found.values())
    return {key: other for key, other in found.items() if taken[other] == 1}


def _may_be_same(one: NodeKey, other: NodeKey) -> bool:
    kinds = {one.kind, other.kind}
    if len(kinds) == 2 and kinds not in _SAME_BY_NAME:
        return False
    return all(a == b or not a or not b for a, b in zip(one[2:], other[2:], strict=True))


def _grouped_alike(edges: list[Edge], other: Topology) -> list[Edge]:
    """Consuming edges with the group of their only counterpart, where one side names none."""
    theirs: dict[tuple[NodeKey, NodeKey], list[EdgeKey]] = defaultdict(list)
    for edge in other.edges:
        if edge.role is Role.CONSUME:
            theirs[edge.source, edge.target].append(edge.key)
    ours: dict[tuple[NodeKey, NodeKey], int] = defaultdict(int)
    for edge in edges:
        if edge.role is Role.CONSUME:
            ours[edge.source, edge.target] += 1
    alike = []
    for edge in edges:
        ends = edge.source, edge.target
        if edge.role is Role.CONSUME and ours[ends] == 1 and len(theirs.get(ends, ())) == 1:
            (key,) = theirs[ends]
            if key.group != edge.group and not (key.group and edge.group):
                edge = replace(edge, key=key)
        alike.append(edge)
    return alike
