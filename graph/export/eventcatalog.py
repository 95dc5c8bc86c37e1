"""EventCatalog: a folder with a page for each service, event and channel."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from graph.applications import applications, types_of
from graph.edges import Role
from graph.export.ids import Ids
from graph.export.yaml_text import yaml_text
from graph.topology import Edge, NodeKey, NodeKind, Topology

VERSION = "0.0.1"

Event = tuple[str, NodeKey | None]
"""A type; of messages that tell none, the destination they lie on."""

_SUMMARIES = {
    NodeKind.SERVICE: "A service that was seen to send or receive.",
    NodeKind.GROUP: "A consumer group that no service speaks for.",
}


def eventcatalog(topology: Topology) -> str:
    """The pages as JSON: their texts by their paths."""
    return json.dumps(eventcatalog_files(topology), indent=2, ensure_ascii=False) + "\n"


def eventcatalog_files(topology: Topology) -> Mapping[str, str]:
    """The pages by their paths in the catalogue's folder."""
    ids = {kind: Ids() for kind in ("services", "events", "channels")}
    pages = {}
    carried: dict[Event, None] = {}
    places: dict[NodeKey, list[Edge]] = defaultdict(list)
    for edge in topology.edges:
        if edge.role in (Role.PRODUCE, Role.CONSUME):
            place = edge.target if edge.role is Role.PRODUCE else edge.source
            places[place].append(edge)
            carried.update(dict.fromkeys(_events(edge, place)))

    def pointers(edges: Sequence[Edge], way: str) -> list[dict[str, Any]]:
        where: dict[Event, list[str]] = defaultdict(list)
        for edge in edges:
            place = edge.target if edge.role is Role.PRODUCE else edge.source
            for event in _events(edge, place):
                channel = ids["channels"].of(place, place.name)
                if channel not in where[event]:
                    where[event].append(channel)
        return [
            {
                "id": ids["events"].of(event, _name(event)),
                "version": VERSION,
                way: [{"id": channel, "version": VERSION} for channel in channels],
            }
            for event, channels in where.items()
        ]

    for one in applications(topology):
        if not one.sends and not one.receives:
            continue
        name = ids["services"].of(one.node.key, one.node.label)
        about: dict[str, Any] = {"id": name, "name": one.node.label, "version": VERSION}
        about["summary"] = _SUMMARIES[one.node.kind]
        if one.sends:
            about["sends"] = pointers(one.sends, "to")
        if one.receives:
            about["receives"] = pointers(one.receives, "from")
        pages[f"services/{name}/index.mdx"] = _page(about)
    for event in carried:
        name = ids["events"].of(event, _name(event))
        about = {"id": name, "name": _name(event), "version": VERSION}
        about["summary"] = "An event type." if event[1] is None else "Messages that tell no type."
        pages[f"events/{name}/index.mdx"] = _page(about)
    for place, edges in places.items():
        name = ids["channels"].of(place, place.name)
        about = {"id": name, "name": place.name, "version": VERSION, "address": place.name}
        if place.system:
            about["protocols"] = [place.system]
        types = ", ".join(types_of(edges))
        about["summary"] = f"Event types: {types}" if types else "Its messages tell no type."
        pages[f"channels/{name}/index.mdx"] = _page(about)
    return pages


def _events(edge: Edge, place: NodeKey) -> list[Event]:
    return [(name, None) for name in edge.event_types] or [("", place)]


def _name(event: Event) -> str:
    name, place = event
    return name if place is None else f"messages of {place.name}"


def _page(about: dict[str, Any]) -> str:
    return f"---\n{yaml_text(about)}---\n\n<NodeGraph />\n"
