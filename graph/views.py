"""Other views of a topology: event types in the place of destinations, or services alone.

Nothing is guessed from sharing a destination. That a message of one service reached another is
counted where its creation context says so, minute by minute; what carries none comes from an
unknown producer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from graph.edges import EdgeRow, View
from graph.model import Evidence
from graph.topology import Edge, EdgeKey, NodeKey, NodeKind, Role, Topology


def seen_as(topology: Topology, view: View) -> Topology:
    """A topology of destinations in another view; for `SERVICES` its rows have to say who produced
    what was consumed."""
    if view is View.EVENTS:
        return by_event_type(topology)
    return by_service(topology) if view is View.SERVICES else topology


def by_event_type(topology: Topology) -> Topology:
    """Event types in the place of destinations, each once in its environment.

    What a group's progress counts tells no type: it is that of its destination where all that was
    produced there is of one, `inferred`. Else it stays with the destination.
    """
    types: dict[NodeKey, set[str]] = defaultdict(set)
    for edge in topology.edges:
        if edge.role is Role.PRODUCE:
            types[edge.target].update(row.event_type for row in edge.rows)

    def placed(edge: Edge, row: EdgeRow) -> tuple[EdgeKey, EdgeRow]:
        key = edge.key
        if key.role is Role.PRODUCE:
            return key._replace(target=_event(row.event_type, key.target)), row
        if key.role is Role.CONSUME:
            only = types[key.source]
            if not row.event_type and len(only) == 1 and "" not in only:
                row = replace(row, event_type=next(iter(only)), evidence=Evidence.INFERRED)
            return key._replace(source=_event(row.event_type, key.source)), row
        return key, row

    return _again(topology, View.EVENTS, placed)


def _event(event_type: str, destination: NodeKey) -> NodeKey:
    if not event_type:
        return destination
    return NodeKey(NodeKind.EVENT, event_type, destination.environment)


def by_service(topology: Topology) -> Topology:
    """Services alone: who handled whose messages, and who called whom.

    Counts are deliveries. What was produced and handled by nobody is not there.
    """
    named: dict[str, set[NodeKey]] = defaultdict(set)
    for edge in topology.edges:
        for key in (edge.source, edge.target):
            if key.kind is NodeKind.SERVICE:
                named[key.name].add(key)

    def producer(edge: Edge, row: EdgeRow) -> NodeKey:
        if not row.peer:
            return NodeKey(NodeKind.UNKNOWN, *edge.source[1:])
        known = named[row.peer]
        if len(known) == 1:
            return next(iter(known))
        return NodeKey(NodeKind.SERVICE, row.peer, edge.target.environment)

    def placed(edge: Edge, row: EdgeRow) -> tuple[EdgeKey, EdgeRow] | None:
        if edge.role is Role.PRODUCE:
            return None
        if edge.role is Role.CALL:
            return edge.key, row
        key = EdgeKey(producer(edge, row), edge.target, Role.DELIVER)
        return key, replace(row, role=Role.DELIVER)

    return _again(topology, View.SERVICES, placed)


def unattributed(topology: Topology) -> tuple[int, int]:
    """Of services alone: deliveries whose producer no context names, and all deliveries."""
    carried = [edge for edge in topology.edges if edge.role is Role.DELIVER]
    unknown = (edge.count for edge in carried if edge.source.kind is NodeKind.UNKNOWN)
    return sum(unknown), sum(edge.count for edge in carried)


def _again(
    topology: Topology,
    view: View,
    placed: Callable[[Edge, EdgeRow], tuple[EdgeKey, EdgeRow] | None],
) -> Topology:
    """The topology made of its rows once more, each where it is placed now."""
    parts: dict[EdgeKey, list[EdgeRow]] = defaultdict(list)
    for key, row in _placed(topology.edges, placed):
        parts[key].append(row)
    return replace(
        Topology.of(parts, start=topology.start, end=topology.end),
        left=topology.left,
        covered_from=topology.covered_from,
        view=view,
    )


def _placed(
    edges: Iterable[Edge], placed: Callable[[Edge, EdgeRow], tuple[EdgeKey, EdgeRow] | None]
) -> Iterable[tuple[EdgeKey, EdgeRow]]:
    for edge in edges:
        for row in edge.rows:
            found = placed(edge, row)
            if found is not None:
                yield found
