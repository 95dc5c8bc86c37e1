"""Dependencies as Zipkin's and Jaeger's APIs tell them: who leads to whom, how often.

What has no known producer is no dependency of anybody, and is left out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from graph.topology import NodeKind, Topology


def zipkin(topology: Topology) -> str:
    """Zipkin's `/api/v2/dependencies`: with destinations, they are brokers: a producer leads to
    one, which leads to consumers, as Zipkin's own linker has it."""
    return _text(_links(topology, errors=True))


def jaeger(topology: Topology) -> str:
    """Jaeger's `/api/dependencies`: services alone."""
    links = _links(topology, errors=False)
    return _text({"data": links, "total": 0, "limit": 0, "offset": 0, "errors": None})


def _links(topology: Topology, *, errors: bool) -> list[dict[str, Any]]:
    labels = {node.key: node.title for node in topology.nodes}
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for edge in topology.edges:
        if edge.source.kind is NodeKind.UNKNOWN:
            continue
        total = sums[labels[edge.source], labels[edge.target]]
        total[0] += edge.count
        total[1] += edge.errors
    return [
        {"parent": parent, "child": child, "callCount": count}
        | ({"errorCount": failed} if errors and failed else {})
        for (parent, child), (count, failed) in sorted(sums.items())
    ]


def _text(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
