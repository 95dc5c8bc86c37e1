"""What is known, in formats that other tools read: tables of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from graph.chain.result import Chain
from graph.edges import View
from graph.export.asyncapi import asyncapi, asyncapi_files
from graph.export.backstage import backstage
from graph.export.cytoscape import cytoscape
from graph.export.dependencies import jaeger, zipkin
from graph.export.dot import dot
from graph.export.eventcatalog import eventcatalog, eventcatalog_files
from graph.export.gexf import gexf
from graph.export.graphml import graphml
from graph.export.html import html
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
from graph.export.plantuml import plantuml
from graph.export.sequence import sequence
from graph.export.structurizr import structurizr
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
    views: tuple[View, ...] = tuple(View)
    """Of the graph, those that it can be written of; the first is meant where none is named."""
    files: Callable[[T], Mapping[str, str]] | None = None
    """Who writes it as files in a folder, texts by their paths; None: it is one text."""
    payloads: bool = False
    """It tells what bodies look like, where that is known."""


FORMATS: dict[str, Format[Topology]] = {
    one.name: one
    for one in (
        Format[Topology](
            "mermaid",
            "text/vnd.mermaid",
            ".mmd",
            lambda given: mermaid(topology_picture(given)),
            "a flowchart for GitHub and wikis",
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
            "to keep, compare, check; networkx",
        ),
        Format[Topology]("html", "text/html", ".html", html, "a page to pan, zoom and search"),
        Format[Topology](
            "graphml", "application/graphml+xml", ".graphml", graphml, "for yEd and Gephi"
        ),
        Format[Topology]("gexf", "application/gexf+xml", ".gexf", gexf, "for Gephi"),
        Format[Topology](
            "cytoscape", "application/json", ".cyjs", cytoscape, "for Cytoscape, cytoscape.js"
        ),
        Format[Topology]("csv", "text/csv", ".csv", table, "a row for each edge"),
        Format[Topology](
            "plantuml",
            "text/vnd.plantuml",
            ".puml",
            lambda given: plantuml(topology_picture(given)),
            "a component diagram",
        ),
        Format[Topology](
            "structurizr", "text/vnd.structurizr", ".dsl", structurizr, "a C4 landscape"
        ),
        Format[Topology](
            "asyncapi",
            "application/yaml",
            ".asyncapi.yaml",
            asyncapi,
            "AsyncAPI 3.0, one an application",
            views=(View.DESTINATIONS,),
            files=asyncapi_files,
            payloads=True,
        ),
        Format[Topology](
            "backstage",
            "application/yaml",
            ".backstage.yaml",
            backstage,
            "entities of its catalogue",
            views=(View.DESTINATIONS,),
            payloads=True,
        ),
        Format[Topology](
            "eventcatalog",
            "application/json",
            ".catalog.json",
            eventcatalog,
            "pages of EventCatalog, by path",
            views=(View.DESTINATIONS,),
            files=eventcatalog_files,
        ),
        Format[Topology](
            "zipkin",
            "application/json",
            ".zipkin.json",
            zipkin,
            "dependencies as Zipkin has them",
            views=(View.DESTINATIONS, View.SERVICES),
        ),
        Format[Topology](
            "jaeger",
            "application/json",
            ".jaeger.json",
            jaeger,
            "dependencies as Jaeger has them",
            views=(View.SERVICES,),
        ),
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
