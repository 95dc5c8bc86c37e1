"""A topology as a dict, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graph.edges import EdgeRow, LeftOut, Role, View
from graph.model import Evidence
from graph.series import MinuteCount
from graph.topology import EdgeKey, NodeKey, NodeKind, Topology
from graph.wire.facts import Json, plain, same, times

FORMAT = 1
QUANTILES = ("p50", "p95", "p99", "wait_p50", "wait_p95", "wait_p99")
_ROW_PLAIN = plain(EdgeRow, "role", "evidence", "last_seen")


def topology_to_dict(topology: Topology) -> Json:
    """A topology as a dict.

    - `format`, `start`, `end`: the window
    - `covered_from`: what was received before has been pruned (0: nothing has)
    - `left`: the `edges` that there was no room for, and the `count` that they carried
    - `view`: `destinations`, `events`, `services`
    - `nodes`: `id`, `kind` (`service`, `destination`, `event`, `group`, `peer`, `unknown`), `name`,
      `title`, `environment`, `system`, `cluster`, `incoming`, `outgoing`, `errors`, `last_seen`
    - `edges`: `source` and `target` (node ids), `role`, `group`, `event_types`, `evidence`,
      `count`, `errors`, `last_seen`, `p50`, `p95`, `p99`, `wait_p50`, `wait_p95`, `wait_p99`
      (seconds or null), and `rows`: the same by event type and evidence
    """
    ids = {node.key: node.id for node in topology.nodes}
    return {
        "format": FORMAT,
        **times("start", topology.start),
        **times("end", topology.end),
        **times("covered_from", topology.covered_from),
        "left": left_to_dict(topology.left),
        "view": topology.view.value,
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind.value,
                "name": node.key.name,
                "title": node.title,
                "environment": node.key.environment,
                "system": node.key.system,
                "cluster": node.key.cluster,
                "incoming": node.incoming,
                "outgoing": node.outgoing,
                "errors": node.errors,
                **times("last_seen", node.last_seen),
            }
            for node in topology.nodes
        ],
        "edges": [
            {
                "source": ids[edge.source],
                "target": ids[edge.target],
                "role": edge.role.value,
                "group": edge.group,
                "event_types": list(edge.event_types),
                "evidence": edge.evidence.value,
                "count": edge.count,
                "errors": edge.errors,
                **times("last_seen", edge.last_seen),
                **{name: getattr(edge, name) for name in QUANTILES},
                "rows": [edge_row_to_dict(row) for row in edge.rows],
            }
            for edge in topology.edges
        ],
    }


def left_to_dict(left: LeftOut) -> Json:
    """`edges` and `count`."""
    return {"edges": left.edges, "count": left.count}


def topology_from_dict(data: Mapping[str, Any]) -> Topology:
    """The topology that `topology_to_dict` told; raises KeyError or ValueError when it is none."""
    keys = {
        node["id"]: NodeKey(
            NodeKind(node["kind"]), **same(node, "name", "environment", "system", "cluster")
        )
        for node in data["nodes"]
    }
    parts = {
        EdgeKey(keys[edge["source"]], keys[edge["target"]], Role(edge["role"]), edge["group"]): [
            edge_row_from_dict(row) for row in edge["rows"]
        ]
        for edge in data["edges"]
    }
    return replace(
        Topology.of(parts, start=data["start_ns"], end=data["end_ns"]),
        left=LeftOut(**data["left"]),
        covered_from=data["covered_from_ns"],
        view=View(data.get("view", View.DESTINATIONS)),
    )


def minute_to_dict(one: MinuteCount) -> Json:
    """`minute` as two fields, `role`, `count`, `errors`."""
    return {
        **times("minute", one.minute),
        "role": one.role.value,
        "count": one.count,
        "errors": one.errors,
    }


def minute_from_dict(data: Mapping[str, Any]) -> MinuteCount:
    return MinuteCount(data["minute_ns"], Role(data["role"]), data["count"], data["errors"])


def edge_row_to_dict(row: EdgeRow) -> Json:
    """A row with its fields' own names, and `last_seen` as two."""
    return {
        "role": row.role.value,
        "evidence": row.evidence.value,
        **times("last_seen", row.last_seen),
        **{name: getattr(row, name) for name in _ROW_PLAIN},
    }


def edge_row_from_dict(data: Mapping[str, Any]) -> EdgeRow:
    return EdgeRow(
        role=Role(data["role"]),
        evidence=Evidence(data["evidence"]),
        last_seen=data["last_seen_ns"],
        **same(data, *_ROW_PLAIN),
    )
