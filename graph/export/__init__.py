"""Topologies and chains in formats that other tools read: a table of pure functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from graph.chain.result import Chain
from graph.export.dot import dot
from graph.export.graphml import graphml
from graph.export.mermaid import mermaid
from graph.export.node_link import chain_json, node_link
from graph.export.picture import chain_picture, topology_picture
from graph.export.table import table
from graph.topology import Topology

T = TypeVar("T")


@dataclass(frozen=True)
class Format(Generic[T]):
    """One format: what it is called, how it is served and saved, and who writes it."""

    name: str
    media_type: str
    suffix: str
    """Of a file's name, with its dot."""
    function: Callable[[T], str]


FORMATS: dict[str, Format[Topology]] = {
    one.name: one
    for one in (
        Format[Topology](
            "mermaid", "text/vnd.mermaid", ".mmd", lambda given: mermaid(topology_picture(given))
        ),
        Format[Topology](
            "dot", "text/vnd.graphviz", ".dot", lambda given: dot(topology_picture(given))
        ),
        Format[Topology]("json", "application/json", ".json", node_link),
        Format[Topology]("graphml", "application/graphml+xml", ".graphml", graphml),
        Format[Topology]("csv", "text/csv", ".csv", table),
    )
}
"""How the live graph can be written, by name."""

CHAIN_FORMATS: dict[str, Format[Chain]] = {
    one.name: one
    for one in (
        Format[Chain](
            "mermaid", "text/vnd.mermaid", ".mmd", lambda given: mermaid(chain_picture(given))
        ),
        Format[Chain]("dot", "text/vnd.graphviz", ".dot", lambda given: dot(chain_picture(given))),
        Format[Chain]("json", "application/json", ".json", chain_json),
    )
}
"""How one event's chain can be written, by name."""

__all__ = ["CHAIN_FORMATS", "FORMATS", "Format"]
