"""What is known, in formats that other tools read: tables of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from graph.chain.result import Chain
from graph.export.dot import dot
from graph.export.graphml import graphml
from graph.export.lists import (
    consumer_table,
    consumers_json,
    event_lines,
    event_table,
    finding_table,
    findings_json,
)
from graph.export.mermaid import mermaid
from graph.export.node_link import chain_json, node_link
from graph.export.picture import chain_picture, topology_picture
from graph.export.sequence import sequence
from graph.export.table import table
from graph.findings.model import Finding
from graph.listing import Consumer, EventRow
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
    about: str
    """What it is for, in some words."""


FORMATS: dict[str, Format[Topology]] = {
    one.name: one
    for one in (
        Format[Topology](
            "mermaid",
            "text/vnd.mermaid",
            ".mmd",
            lambda given: mermaid(topology_picture(given)),
            "a flowchart, as GitHub and many wikis draw it",
        ),
        Format[Topology](
            "dot",
            "text/vnd.graphviz",
            ".dot",
            lambda given: dot(topology_picture(given)),
            "for Graphviz",
        ),
        Format[Topology](
            "json",
            "application/json",
            ".json",
            node_link,
            "nodes and edges, as networkx reads them",
        ),
        Format[Topology](
            "graphml", "application/graphml+xml", ".graphml", graphml, "for yEd and Gephi"
        ),
        Format[Topology]("csv", "text/csv", ".csv", table, "a row for each edge"),
    )
}
"""How the live graph can be written, by name."""

CHAIN_FORMATS: dict[str, Format[Chain]] = {
    one.name: one
    for one in (
        Format[Chain](
            "mermaid",
            "text/vnd.mermaid",
            ".mmd",
            lambda given: mermaid(chain_picture(given)),
            "a flowchart, as GitHub and many wikis draw it",
        ),
        Format[Chain](
            "sequence",
            "text/vnd.mermaid",
            ".mmd",
            sequence,
            "a sequence diagram in Mermaid",
        ),
        Format[Chain](
            "dot",
            "text/vnd.graphviz",
            ".dot",
            lambda given: dot(chain_picture(given)),
            "for Graphviz",
        ),
        Format[Chain]("json", "application/json", ".json", chain_json, "as the API tells it"),
    )
}
"""How one event's chain can be written, by name."""

EVENT_FORMATS: dict[str, Format[Sequence[EventRow]]] = {
    one.name: one
    for one in (
        Format[Sequence[EventRow]](
            "json lines", "application/jsonl", ".jsonl", event_lines, "an event on each line"
        ),
        Format[Sequence[EventRow]]("csv", "text/csv", ".csv", event_table, "a row for each event"),
    )
}
"""How a list of events can be written, by name."""

CONSUMER_FORMATS: dict[str, Format[Sequence[Consumer]]] = {
    one.name: one
    for one in (
        Format[Sequence[Consumer]](
            "json",
            "application/json",
            ".json",
            consumers_json,
            "groups with members and partitions",
        ),
        Format[Sequence[Consumer]](
            "csv", "text/csv", ".csv", consumer_table, "a row for each group"
        ),
    )
}
"""How consumer groups can be written, by name."""

FINDING_FORMATS: dict[str, Format[Sequence[Finding]]] = {
    one.name: one
    for one in (
        Format[Sequence[Finding]](
            "json", "application/json", ".json", findings_json, "findings with their proofs"
        ),
        Format[Sequence[Finding]](
            "csv", "text/csv", ".csv", finding_table, "a row for each finding"
        ),
    )
}
"""How findings can be written, by name."""

__all__ = [
    "CHAIN_FORMATS",
    "CONSUMER_FORMATS",
    "EVENT_FORMATS",
    "FINDING_FORMATS",
    "FORMATS",
    "Format",
]
