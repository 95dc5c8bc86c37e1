"""A topology as networkx's node-link form, whole enough to be read back and compared.

`graph` has the window and what was left out, an edge has its `rows`: both are plain attributes to
networkx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graph.edges import LeftOut, Role, View
from graph.topology import EdgeKey, NodeKey, NodeKind, Topology
from graph.wire.facts import Json, times
from graph.wire.topology import FORMAT, edge_row_from_dict, edge_row_to_dict, left_to_dict


def topology_to_saved(topology: Topology) -> Json:
    """`directed`, `multigraph`, `graph`, `nodes`, `edges`."""
    import networkx as nx

    from graph.network import edge_name, to_networkx

    graph = to_networkx(topology)
    graph.graph.update(
        format=FORMAT,
        view=topology.view.value,
        **times("start", topology.start),
        **times("end", topology.end),
        **times("covered_from", topology.covered_from),
        left=left_to_dict(topology.left),
    )
    ids = {node.key: node.id for node in topology.nodes}
    for edge in topology.edges:
        told = graph.edges[ids[edge.source], ids[edge.target], edge_name(edge)]
        told["rows"] = [edge_row_to_dict(row) for row in edge.rows]
    return dict(nx.node_link_data(graph, edges="edges"))


def topology_from_saved(data: Mapping[str, Any]) -> Topology:
    """The topology that was saved; raises KeyError, TypeError or ValueError when it is none."""
    about = data["graph"]
    keys = {
        node["id"]: NodeKey(
            NodeKind(node["kind"]),
            *(node.get(name, "") for name in ("name", "environment", "system", "cluster")),
        )
        for node in data["nodes"]
    }
    parts = {
        EdgeKey(
            keys[edge["source"]], keys[edge["target"]], Role(edge["role"]), edge.get("group", "")
        ): [edge_row_from_dict(row) for row in edge["rows"]]
        for edge in data["edges"]
    }
    return replace(
        Topology.of(parts, start=about["start_ns"], end=about["end_ns"]),
        left=LeftOut(**about["left"]),
        covered_from=about["covered_from_ns"],
        view=View(about["view"]),
    )
