"""Cytoscape JSON, for Cytoscape and cytoscape.js."""

from __future__ import annotations

import json

from graph.topology import Topology


def cytoscape(topology: Topology) -> str:
    """`elements` with `nodes` and `edges`; edges are `e0`, `e1`, ..., since several can join the
    same two nodes."""
    from graph.network import to_networkx

    graph = to_networkx(topology)
    nodes = [{"data": {"id": node, "value": node, **data}} for node, data in graph.nodes(data=True)]
    edges = [
        {"data": {"id": f"e{number}", "source": source, "target": target, "key": key, **data}}
        for number, (source, target, key, data) in enumerate(graph.edges(keys=True, data=True))
    ]
    told = {
        "data": [],
        "directed": True,
        "multigraph": True,
        "elements": {"nodes": nodes, "edges": edges},
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
