"""A topology by application: what each sends and receives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from graph.topology import Edge, Node, NodeKey, NodeKind, Role, Topology


@dataclass(frozen=True, slots=True)
class Application:
    """A service, or a consumer group that no service speaks for."""

    node: Node
    sends: tuple[Edge, ...] = ()
    """To destinations."""
    receives: tuple[Edge, ...] = ()
    """From destinations; of one, an edge for each group."""
    calls: tuple[Edge, ...] = ()
    """To services and peers."""

    @property
    def destinations(self) -> tuple[NodeKey, ...]:
        """Each once, by its key."""
        used = {edge.target for edge in self.sends} | {edge.source for edge in self.receives}
        return tuple(sorted(used))


def applications(topology: Topology) -> list[Application]:
    """All that send, receive or call, and are known, in the order of the topology's nodes."""
    parts: dict[tuple[NodeKey, Role], list[Edge]] = defaultdict(list)
    for edge in topology.edges:
        owner = edge.target if edge.role is Role.CONSUME else edge.source
        parts[owner, edge.role].append(edge)
    found = []
    for node in topology.nodes:
        if node.kind not in (NodeKind.SERVICE, NodeKind.GROUP):
            continue
        found.append(
            Application(
                node,
                tuple(parts[node.key, Role.PRODUCE]),
                tuple(parts[node.key, Role.CONSUME]),
                tuple(parts[node.key, Role.CALL]),
            )
        )
    return found


def types_of(edges: Sequence[Edge]) -> list[str]:
    """Event types on these edges, each once, by name."""
    return sorted({name for edge in edges for name in edge.event_types})
