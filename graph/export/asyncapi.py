"""AsyncAPI 3.0: a document for each application, of what it sends and receives.

Documents tell what there is, not how much of it there was just then: the same system gives the same
text. Which evidence an operation rests on stands in `x-flowtap-evidence`. Payloads are as their
bodies look, where a tap saw these and they are JSON.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from graph.applications import Application, applications, types_of
from graph.export.ids import Ids
from graph.export.yaml_text import yaml_stream, yaml_text
from graph.payloads import PayloadKey, Payloads
from graph.topology import Edge, NodeKey, NodeKind, Topology

Json = dict[str, Any]

_UNTYPED = "message"
"""How messages that tell no type are called, where something else is known of them."""

_INFERRED = "Inferred from messages that were seen."

_PARAMETER = re.compile(r"\{([A-Za-z0-9_-]+)\}")


def asyncapi(topology: Topology) -> str:
    """The documents in one stream of YAML."""
    return yaml_stream(list(documents(topology).values()))


def asyncapi_files(topology: Topology) -> Mapping[str, str]:
    """The documents, each in a file of its own."""
    return {
        f"{name}.asyncapi.yaml": yaml_text(document)
        for name, document in documents(topology).items()
    }


def documents(topology: Topology) -> dict[str, Json]:
    """A document for each application that sends or receives, by an id made of its name."""
    ids = Ids()
    return {
        ids.of(one.node.key, one.node.label): document(one, topology.payloads)
        for one in applications(topology)
        if one.sends or one.receives
    }


def document(application: Application, payloads: Payloads) -> Json:
    """One application's document."""
    node = application.node
    about = "What this application was seen to send and receive."
    if node.kind is NodeKind.GROUP:
        about = "What this consumer group was seen to receive; no service speaks for it."
    info: Json = {"title": node.label, "version": "0.0.0", "description": about}
    if node.kind is NodeKind.GROUP:
        info["x-flowtap-kind"] = node.kind.value
    if node.key.environment:
        info["x-flowtap-environment"] = node.key.environment
    return described(info, application.sends, application.receives, payloads)


def described(
    info: Json, sends: Sequence[Edge], receives: Sequence[Edge], payloads: Payloads
) -> Json:
    """The document of these edges, each a send or a receive operation."""
    used: dict[NodeKey, list[Edge]] = defaultdict(list)
    for edge in sends:
        used[edge.target].append(edge)
    for edge in receives:
        used[edge.source].append(edge)
    ids, operations = Ids(), {}
    messages: dict[NodeKey, Ids] = {key: Ids() for key in sorted(used)}
    channels = {
        ids.of(key, key.name): _channel(key, used[key], messages[key], payloads) for key in messages
    }
    named = Ids()
    for action, key, edge in (
        *(("send", edge.target, edge) for edge in sends),
        *(("receive", edge.source, edge) for edge in receives),
    ):
        reference = f"#/channels/{ids.of(key, key.name)}"
        operation: Json = {"action": action, "channel": {"$ref": reference}}
        if types := _types(key, [edge], payloads):
            operation["messages"] = [
                {"$ref": f"{reference}/messages/{messages[key].of(name, name or _UNTYPED)}"}
                for name in types
            ]
        if edge.group and key.system == "kafka":
            group = {"type": "string", "enum": [edge.group]}
            operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": "0.5.0"}}
        operation["x-flowtap-evidence"] = edge.evidence.value
        name = " ".join(part for part in (action, key.name, edge.group) if part)
        operations[named.of(edge.key, name)] = operation
    return {
        "asyncapi": "3.0.0",
        "info": info,
        "channels": channels,
        "operations": operations,
    }


def _channel(key: NodeKey, edges: Sequence[Edge], ids: Ids, payloads: Payloads) -> Json:
    channel: Json = {"address": key.name}
    if parameters := _PARAMETER.findall(key.name):
        channel["parameters"] = {name: {} for name in parameters}
    if types := _types(key, edges, payloads):
        channel["messages"] = {
            ids.of(name, name or _UNTYPED): _message(key, name, payloads) for name in types
        }
    if key.system == "kafka":
        channel["bindings"] = {"kafka": {"topic": key.name, "bindingVersion": "0.5.0"}}
    elif key.system:
        channel["x-flowtap-system"] = key.system
    if key.cluster:
        channel["x-flowtap-cluster"] = key.cluster
    if key.environment:
        channel["x-flowtap-environment"] = key.environment
    return channel


def _types(key: NodeKey, edges: Sequence[Edge], payloads: Payloads) -> list[str]:
    """Event types on these edges, by name; the empty one last, where it has a payload."""
    untyped = any(not row.event_type for edge in edges for row in edge.rows)
    return types_of(edges) + [""] * (untyped and _payload_key(key, "") in payloads)


def _message(key: NodeKey, event_type: str, payloads: Payloads) -> Json:
    message: Json = {"name": event_type or _UNTYPED}
    if schema := payloads.get(_payload_key(key, event_type)):
        message["contentType"] = "application/json"
        message["payload"] = {"description": _INFERRED, **schema}
    return message


def _payload_key(key: NodeKey, event_type: str) -> PayloadKey:
    return PayloadKey(key.system, key.cluster, key.name, event_type)
