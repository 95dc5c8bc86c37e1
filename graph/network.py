"""A topology as a networkx graph, for its algorithms and formats."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import networkx as nx

from graph.topology import Edge, Node, NodeKey, NodeKind, Topology

CYCLES = 100
"""Cycles told at most; a dense graph has more than anybody can read."""

LENGTH = 12
"""Nodes in a cycle at most."""


def to_networkx(topology: Topology) -> nx.MultiDiGraph[str]:
    """Nodes by id with plain attributes, so that every format can write them.

    Edges are keyed by role and, for `consume`, group. What is unknown is left out: formats have
    no null.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    ids = {node.key: node.id for node in topology.nodes}
    for node in topology.nodes:
        graph.add_node(node.id, **_node(node))
    for edge in topology.edges:
        graph.add_edge(ids[edge.source], ids[edge.target], key=edge_name(edge), **_edge(edge))
    return graph


def edge_name(edge: Edge) -> str:
    """What tells an edge from others between the same nodes."""
    return f"{edge.role}:{edge.group}" if edge.group else edge.role.value


def cycles(topology: Topology) -> list[tuple[NodeKey, ...]]:
    """Ways in which events can go round, shortest first, each from the first of its nodes.

    Calls are part of one where they lead from a consumer to a producer. At most `CYCLES` of at
    most `LENGTH` nodes; which ones, where there are more, is left open.
    """
    graph = nx.DiGraph([(edge.source, edge.target) for edge in topology.edges])
    simple: Iterable[list[NodeKey]] = nx.simple_cycles(graph, length_bound=LENGTH)
    through = (
        _turned(cycle) for cycle in simple if any(key.kind is NodeKind.DESTINATION for key in cycle)
    )
    return sorted(islice(through, CYCLES), key=lambda cycle: (len(cycle), cycle))


def _turned(cycle: list[NodeKey]) -> tuple[NodeKey, ...]:
    first = cycle.index(min(cycle))
    return tuple(cycle[first:] + cycle[:first])


def _node(node: Node) -> dict[str, Any]:
    return _known(
        label=node.title,
        kind=node.kind.value,
        name=node.key.name,
        environment=node.key.environment,
        system=node.key.system,
        cluster=node.key.cluster,
        incoming=node.incoming,
        outgoing=node.outgoing,
        errors=node.errors,
        last_seen_ns=node.last_seen,
    )


def _edge(edge: Edge) -> dict[str, Any]:
    return _known(
        role=edge.role.value,
        group=edge.group,
        event_types=", ".join(edge.event_types),
        evidence=edge.evidence.value,
        count=edge.count,
        errors=edge.errors,
        last_seen_ns=edge.last_seen,
        p50=edge.p50,
        p95=edge.p95,
        p99=edge.p99,
        wait_p50=edge.wait_p50,
        wait_p95=edge.wait_p95,
        wait_p99=edge.wait_p99,
    )


def _known(**attributes: Any) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value not in (None, "")}
