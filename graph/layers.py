"""Layers of a graph, causes above effects, and the order of destinations by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

from graph.topology import NodeKey, Role, Topology


def destinations_in_order(topology: Topology) -> list[NodeKey]:
    """Destinations by layer, then by label: what a service consumes stands above what it makes."""
    consumed: dict[NodeKey, list[NodeKey]] = defaultdict(list)
    produced: dict[NodeKey, list[NodeKey]] = defaultdict(list)
    places: dict[NodeKey, None] = {}
    for edge in topology.edges:
        if edge.role is Role.PRODUCE:
            produced[edge.source].append(edge.target)
            places[edge.target] = None
        elif edge.role is Role.CONSUME:
            consumed[edge.target].append(edge.source)
            places[edge.source] = None
    leads: dict[NodeKey, dict[NodeKey, None]] = {place: {} for place in places}
    for service, sources in consumed.items():
        for source in sources:
            leads[source].update(dict.fromkeys(produced.get(service, ())))
    labels = {node.key: node.label for node in topology.nodes}
    order = sorted(leads, key=lambda key: (labels.get(key, key.name), key))
    height = layers({place: list(leads[place]) for place in order})
    return sorted(order, key=lambda key: (height[key], labels.get(key, key.name), key))


def layers(leads: Mapping[NodeKey, Sequence[NodeKey]]) -> dict[NodeKey, int]:
    """The layer of each node, 0 on top: the longest way that leads to it.

    Nodes on a loop are entered where the walk comes first; the way back does not count.
    """
    order: list[NodeKey] = []
    done: set[Hashable] = set()
    on_way: set[Hashable] = set()
    forward: dict[NodeKey, list[NodeKey]] = {node: [] for node in leads}
    entered = {target for targets in leads.values() for target in targets}
    tops = [node for node in leads if node not in entered]
    for top in [*tops, *leads]:
        if top in done:
            continue
        way = [(top, iter(leads[top]))]
        on_way.add(top)
        while way:
            node, rest = way[-1]
            for target in rest:
                if target in on_way:
                    continue
                forward[node].append(target)
                if target not in done:
                    way.append((target, iter(leads[target])))
                    on_way.add(target)
                    break
            else:
                way.pop()
                on_way.discard(node)
                done.add(node)
                order.append(node)
    height = dict.fromkeys(leads, 0)
    for node in reversed(order):
        for target in forward[node]:
            height[target] = max(height[target], height[node] + 1)
    return height
