"""Structurizr's DSL: a landscape of software systems."""

from __future__ import annotations

import re
from collections import Counter

from graph.edges import Role
from graph.model import Evidence
from graph.topology import Edge, Node, NodeKey, NodeKind, Topology

TAGS = {
    NodeKind.DESTINATION: "Destination",
    NodeKind.EVENT: "Event type",
    NodeKind.GROUP: "Consumer group",
    NodeKind.PEER: "Called only",
    NodeKind.UNKNOWN: "Unknown producer",
}
"""Services bear none."""

VERBS = {
    Role.PRODUCE: "produces",
    Role.CONSUME: "is consumed",
    Role.CALL: "calls",
    Role.DELIVER: "is handled",
}

STYLES = """\
        styles {
            element "Destination" {
                shape Pipe
            }
            element "Event type" {
                shape Folder
            }
            element "Unknown producer" {
                shape Robot
            }
            relationship "Inferred" {
                style dashed
            }
        }"""

HEAD = 'workspace "flowtap" "Who produces and consumes what, as it was seen." {'


def structurizr(topology: Topology) -> str:
    """A workspace whose elements are `n0`, `n1`, ...; the same two are related once for each
    description."""
    names = _names(topology)
    places = {node.key: f"n{place}" for place, node in enumerate(topology.nodes)}
    rows = [HEAD, "    model {"]
    for node in topology.nodes:
        tag = f' "" {_quoted(TAGS[node.kind])}' if node.kind in TAGS else ""
        name = _quoted(names[node.key])
        rows.append(f"        {places[node.key]} = softwareSystem {name}{tag}")
    known: set[tuple[NodeKey, NodeKey, str]] = set()
    for edge in topology.edges:
        said = _said(edge)
        if (edge.source, edge.target, said) in known:
            continue
        known.add((edge.source, edge.target, said))
        tag = ' "" "Inferred"' if edge.evidence is Evidence.INFERRED else ""
        ends = f"{places[edge.source]} -> {places[edge.target]}"
        rows.append(f"        {ends} {_quoted(said)}{tag}")
    rows += ["    }", "    views {", "        systemLandscape {", "            include *"]
    rows += ["            autoLayout lr", "        }", STYLES, "    }", "}"]
    return "\n".join(rows) + "\n"


def _said(edge: Edge) -> str:
    types = ", ".join(edge.event_types)
    group = f"as {edge.group}" if edge.group else ""
    return " ".join(part for part in (VERBS[edge.role], types, group) if part)


def _names(topology: Topology) -> dict[NodeKey, str]:
    """Titles, with what they are where two have the same: no two elements may be called alike."""
    titles = {node.key: _title(node) for node in topology.nodes}
    often = Counter(title.lower() for title in titles.values())
    taken: set[str] = set()
    names = {}
    for node in topology.nodes:
        name = titles[node.key]
        if often[name.lower()] > 1 and node.kind in TAGS:
            name = f"{name} ({TAGS[node.kind].lower()})"
        wanted, number = name, 1
        while name.lower() in taken:
            number += 1
            name = f"{wanted} {number}"
        taken.add(name.lower())
        names[node.key] = name
    return names


def _title(node: Node) -> str:
    title = f"{node.title} of {node.label}" if node.kind is NodeKind.UNKNOWN else node.title
    return title if title.strip() else "(no name)"


def _quoted(text: str) -> str:
    """Nothing but a quote can be escaped, and `${NAME}` would be looked up among variables."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    shown = re.sub(r'\\+(?="|$)', "/", shown).replace("${", "$ {")
    return '"' + shown.replace('"', '\\"') + '"'
