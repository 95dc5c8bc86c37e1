"""GET /destinations: topics, queues and streams, and who is at their ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from collector import questions
from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.api.window import AskedWindow, Window
from graph.topology import Edge, Node, NodeKey, NodeKind
from graph.wire.facts import times
from graph.wire.topology import left_to_dict

router = APIRouter(tags=["topology"])


@router.get("/destinations", responses={200: {"model": schemas.Destinations}})
async def destinations(request: Request, asked: Asked, window: AskedWindow) -> Response:
    """Every destination that something was produced to or consumed from, by name; `left` tells
    of edges that there was no room for."""
    most = request.app.state.limits.edges
    return json_answer(await asked.ask(_destinations, asked.backend, window, most))


def _destinations(backend: Backend, window: Window, most: int) -> bytes:
    topology = questions.topology(backend, start=window.start, end=window.end, limit=most)
    into: dict[NodeKey, list[Edge]] = defaultdict(list)
    out: dict[NodeKey, list[Edge]] = defaultdict(list)
    for edge in topology.edges:
        into[edge.target].append(edge)
        out[edge.source].append(edge)
    found = [node for node in topology.nodes if node.kind is NodeKind.DESTINATION]
    told = [_destination(node, into[node.key], out[node.key]) for node in found]
    return json_bytes({"destinations": told, "left": left_to_dict(topology.left)})


def _destination(node: Node, into: Sequence[Edge], out: Sequence[Edge]) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.key.name,
        "title": node.title,
        "system": node.key.system,
        "cluster": node.key.cluster,
        "environment": node.key.environment,
        "produced": node.incoming,
        "consumed": node.outgoing,
        "errors": node.errors,
        "event_types": sorted({name for edge in (*into, *out) for name in edge.event_types}),
        **times("last_seen", node.last_seen),
        "producers": [_flow(edge, edge.source) for edge in into],
        "consumers": [_flow(edge, edge.target) for edge in out],
    }


def _flow(edge: Edge, end: NodeKey) -> dict[str, Any]:
    return {
        "name": "" if end.kind is NodeKind.UNKNOWN else end.name,
        "kind": end.kind.value,
        "group": edge.group,
        "count": edge.count,
        "errors": edge.errors,
        "evidence": edge.evidence.value,
        **times("last_seen", edge.last_seen),
    }
