"""GraphML, for yEd, Gephi and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graph.export.xml_text import xml_text
from graph.topology import Topology

if TYPE_CHECKING:
    import networkx as nx


def graphml(topology: Topology) -> str:
    """A directed graph; characters that XML cannot hold are replaced."""
    import networkx as nx

    return "\n".join(nx.generate_graphml(for_xml(topology))) + "\n"


def for_xml(topology: Topology) -> nx.MultiDiGraph[str]:
    """The networkx graph of a topology, of texts that XML can hold."""
    import networkx as nx

    from graph.network import to_networkx

    graph = to_networkx(topology)
    clean: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for node, attributes in graph.nodes(data=True):
        clean.add_node(xml_text(node), **_clean(attributes))
    for source, target, key, attributes in graph.edges(keys=True, data=True):
        clean.add_edge(
            xml_text(source), xml_text(target), key=xml_text(str(key)), **_clean(attributes)
        )
    return clean


def _clean(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: xml_text(value) if isinstance(value, str) else value
        for name, value in attributes.items()
    }
