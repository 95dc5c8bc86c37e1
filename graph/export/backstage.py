"""Backstage's catalogue: services are components, destinations resources and, by what is sent
there, APIs.

An API stands for a destination, so that nothing is guessed: who produces there provides it, who
consumes there consumes it. Owners are unknown here, and have to be set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from graph.applications import Application, applications
from graph.export.asyncapi import described
from graph.export.ids import Ids
from graph.export.yaml_text import yaml_stream, yaml_text
from graph.topology import Edge, EdgeKey, NodeKey, NodeKind, Role, Topology

Json = dict[str, Any]

OWNER = "unknown"


def backstage(topology: Topology) -> str:
    """The entities in one stream of YAML, as in a `catalog-info.yaml`."""
    return yaml_stream(entities(topology))


def entities(topology: Topology) -> list[Json]:
    """Components, then for each destination its API and its resource."""
    ids = {kind: Ids() for kind in ("component", "api", "resource")}
    known = applications(topology)
    peers = [node for node in topology.nodes if node.kind is NodeKind.PEER]
    for node in (*(one.node for one in known), *peers):
        ids["component"].of(node.key, node.label)
    components = [_component(one, ids) for one in known]
    components += [
        _entity("Component", ids["component"].of(node.key, node.label), node.label, _spec("other"))
        for node in peers
    ]
    produced: dict[NodeKey, list[Edge]] = defaultdict(list)
    for edge in topology.edges:
        if edge.role is Role.PRODUCE:
            produced[edge.target].append(edge)
    places = []
    for node in topology.nodes:
        if node.kind is NodeKind.DESTINATION:
            places.append(_api(node.key, node.label, topology, produced[node.key], ids["api"]))
            places.append(_resource(node.key, node.label, ids["resource"]))
    return components + places


def _component(one: Application, ids: dict[str, Ids]) -> Json:
    spec = _spec("service" if one.node.kind is NodeKind.SERVICE else "consumer-group")
    provides = _names(ids["api"], [edge.target for edge in one.sends])
    consumes = _names(ids["api"], [edge.source for edge in one.receives])
    depends = [f"resource:{name}" for name in _names(ids["resource"], one.destinations)]
    called = [f"component:{name}" for name in _names(ids["component"], _called(one))]
    for name, listed in (
        ("providesApis", provides),
        ("consumesApis", consumes),
        ("dependsOn", depends + called),
    ):
        if listed:
            spec[name] = listed
    name = ids["component"].of(one.node.key, one.node.label)
    return _entity("Component", name, one.node.label, spec)


def _called(one: Application) -> list[NodeKey]:
    return [edge.target for edge in one.calls if edge.target != one.node.key]


def _names(ids: Ids, keys: Sequence[NodeKey]) -> list[str]:
    return [ids.of(key, key.name) for key in dict.fromkeys(keys)]


def _api(key: NodeKey, label: str, topology: Topology, produced: list[Edge], ids: Ids) -> Json:
    # What is sent there, by whomever; types are of who consumes where nobody is known to produce.
    rows = [row for edge in produced or topology.touching(key) for row in edge.rows]
    whoever = EdgeKey(NodeKey(NodeKind.UNKNOWN, *key[1:]), key, Role.PRODUCE)
    sends = Topology.of({whoever: rows}).edges
    info = {"title": label, "version": "0.0.0"}
    definition = yaml_text(described(info, sends, (), topology.payloads))
    return _entity("API", ids.of(key, key.name), label, _spec("asyncapi", definition=definition))


def _resource(key: NodeKey, label: str, ids: Ids) -> Json:
    spec = {"type": f"{key.system}-topic" if key.system == "kafka" else "queue", "owner": OWNER}
    return _entity("Resource", ids.of(key, key.name), label, spec)


def _entity(kind: str, name: str, title: str, spec: Json) -> Json:
    metadata = {"name": name}
    if title != name:
        metadata["title"] = title
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }


def _spec(kind: str, **more: Any) -> Json:
    return {"type": kind, "lifecycle": "unknown", "owner": OWNER, **more}
