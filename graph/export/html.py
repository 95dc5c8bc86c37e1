"""A page of its own: the graph to pan, zoom and search in, in one file that asks no network."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from graph.export.html_layout import Box, boxes
from graph.export.html_page import PAGE, SCRIPT, STYLE
from graph.model import Evidence
from graph.topology import Edge, Node, NodeKey, NodeKind, Role, Topology
from graph.wire.facts import iso
from graph.wire.topology import QUANTILES

ROUND = {
    NodeKind.SERVICE: 4,
    NodeKind.PEER: 4,
    NodeKind.DESTINATION: 17,
    NodeKind.EVENT: 0,
    NodeKind.GROUP: 10,
    NodeKind.UNKNOWN: 17,
}
"""How round the corners of a kind's boxes are."""


def html(topology: Topology) -> str:
    """The page. Names stand in it as text only, and its policy forbids whatever is not in it."""
    places = boxes(topology)
    numbers = {node.key: number for number, node in enumerate(topology.nodes)}
    drawn = [_line(number, edge, places) for number, edge in enumerate(topology.edges)]
    drawn += [_box(number, node, places[node.key]) for number, node in enumerate(topology.nodes)]
    told = {
        "nodes": [_node(node) for node in topology.nodes],
        "edges": [_edge(edge, numbers) for edge in topology.edges],
    }
    width = max((box.x + box.width for box in places.values()), default=0) + 20
    height = max((box.y + box.height for box in places.values()), default=0) + 20
    return PAGE.format(
        style=STYLE,
        script=SCRIPT,
        about=escape(_about(topology)),
        width=_figure(width),
        height=_figure(height),
        drawn="\n".join(drawn),
        data=_script_safe(json.dumps(told, ensure_ascii=True, separators=(",", ":"))),
    )


def _about(topology: Topology) -> str:
    start, end = iso(topology.start), iso(topology.end)
    window = " ".join(
        part
        for part in (f"from {start[:19]}Z" if start else "", f"to {end[:19]}Z" if end else "")
        if part
    )
    counts = f"{len(topology.nodes):,} nodes, {len(topology.edges):,} edges"
    left = f"and {topology.left.edges:,} more edges" if topology.left else ""
    return ", ".join(part for part in (counts, left, window) if part)


def _box(number: int, node: Node, box: Box) -> str:
    dashed = node.kind in (NodeKind.GROUP, NodeKind.UNKNOWN, NodeKind.PEER)
    names = ["node", node.kind.value, *(["dashed"] if dashed else [])]
    names += ["failed"] if node.errors else []
    title = node.title
    most = int((box.width - 16) / 7)
    shown = title if len(title) <= most else title[: most - 1] + "…"
    corner = ROUND[node.kind]
    return (
        f'<g class="{" ".join(names)}" data-node="{number}" tabindex="0" role="button">'
        f"<title>{_text(f'{node.kind.value} {title}')}</title>"
        f'<rect x="{_figure(box.x)}" y="{_figure(box.y)}" width="{_figure(box.width)}" '
        f'height="{_figure(box.height)}" rx="{corner}"/>'
        f'<text x="{_figure(box.x + box.width / 2)}" y="{_figure(box.y + box.height / 2)}">'
        f"{_text(shown)}</text></g>"
    )


def _line(number: int, edge: Edge, places: dict[NodeKey, Box]) -> str:
    source, target = places[edge.source], places[edge.target]
    x1, y1 = source.x + source.width, source.y + source.height / 2
    x2, y2 = target.x, target.y + target.height / 2
    if x2 > x1:
        bend = (x2 - x1) / 2
        way = f"M{_p(x1, y1)}C{_p(x1 + bend, y1)} {_p(x2 - bend, y2)} {_p(x2, y2)}"
    else:
        # Back to the left, or to itself: around below both.
        low = max(source.y, target.y) + source.height + 40
        way = f"M{_p(x1, y1)}C{_p(x1 + 60, low)} {_p(x2 - 60, low)} {_p(x2, y2)}"
    guessed = edge.evidence is Evidence.INFERRED or edge.source.kind is NodeKind.UNKNOWN
    dashed = guessed or edge.target.kind is NodeKind.GROUP
    names = ["edge", edge.role.value, *(["dashed"] if dashed else [])]
    names += ["failed"] if edge.errors else []
    return f'<path class="{" ".join(names)}" data-edge="{number}" d="{way}"/>'


def _node(node: Node) -> dict[str, Any]:
    return {
        "title": node.title,
        "kind": node.kind.value,
        "about": [
            part for part in (node.key.system, node.key.cluster, node.key.environment) if part
        ],
        "in": node.incoming,
        "out": node.outgoing,
        "errors": node.errors,
    }


def _edge(edge: Edge, numbers: dict[NodeKey, int]) -> dict[str, Any]:
    return {
        "source": numbers[edge.source],
        "target": numbers[edge.target],
        "role": "calls" if edge.role is Role.CALL else edge.role.value,
        "types": list(edge.event_types),
        "group": edge.group,
        "evidence": edge.evidence.value,
        "count": edge.count,
        "errors": edge.errors,
        "seen": (iso(edge.last_seen) or "")[:19],
        **{name: value for name in QUANTILES if (value := getattr(edge, name)) is not None},
    }


def _p(x: float, y: float) -> str:
    return f"{_figure(x)},{_figure(y)}"


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape("".join(char if char.isprintable() else " " for char in text))


def _script_safe(text: str) -> str:
    """JSON that ends no script and opens no comment."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
