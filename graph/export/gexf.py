"""GEXF, for Gephi."""

from __future__ import annotations

import re

from graph.export.graphml import for_xml
from graph.topology import Topology


def gexf(topology: Topology) -> str:
    """A directed graph in GEXF 1.2; characters that XML cannot hold are replaced.

    A weight is the count, which is how Gephi draws an edge's thickness.
    """
    import networkx as nx

    graph = for_xml(topology)
    for number, (_, _, attributes) in enumerate(graph.edges(data=True)):
        attributes.update(
            id=f"e{number}", label=attributes.get("event_types", ""), weight=attributes["count"]
        )
    text = "\n".join(nx.generate_gexf(graph)) + "\n"
    # Who wrote it, and when: it would differ each day.
    return re.sub(r" *<meta .*?</meta>\n", "", text, count=1, flags=re.DOTALL)
