"""GraphML, for yEd, Gephi and others."""

from __future__ import annotations

import re
from typing import Any

from graph.topology import Topology

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def graphml(topology: Topology) -> str:
    """A directed graph; characters that XML cannot hold are replaced."""
    import networkx as nx

    from graph.network import to_networkx

    graph = to_networkx(topology)
    clean: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for node, attributes in graph.nodes(data=True):
        clean.add_node(_xml(node), **_clean(attributes))
    for source, target, key, attributes in graph.edges(keys=True, data=True):
        clean.add_edge(_xml(source), _xml(target), key=_xml(str(key)), **_clean(attributes))
    return "\n".join(nx.generate_graphml(clean)) + "\n"


def _clean(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _xml(value) if isinstance(value, str) else value for name, value in attributes.items()
    }


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
