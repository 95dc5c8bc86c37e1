"""Topologies that somebody declared, to be held against what was seen: AsyncAPI 2 and 3, and
Backstage's catalogue.

An application is called as `x-flowtap-service` of its `info` says, else as its title, and has to
be called so by its spans too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from graph.edges import EdgeRow, Role
from graph.model import Evidence
from graph.topology import Topology

Json = Mapping[str, Any]

SYSTEMS = {
    "kafka": "kafka",
    "kafka-secure": "kafka",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "nats": "nats",
    "mqtt": "mqtt",
    "mqtts": "mqtt",
    "redis": "redis",
    "sqs": "aws_sqs",
    "pulsar": "pulsar",
    "jms": "jms",
}
"""OpenTelemetry's names of what AsyncAPI calls protocols."""

BACKSTAGE = "backstage.io/"


class DeclarationError(ValueError):
    """What was declared cannot be read: says where, and what is wrong."""


class Declared(NamedTuple):
    """What documents declare."""

    topology: Topology
    notes: tuple[str, ...] = ()
    """What of them could not be used."""


class _Operation(NamedTuple):
    sends: bool
    address: str
    types: tuple[str, ...]
    system: str = ""
    cluster: str = ""
    environment: str = ""
    group: str = ""


def is_declaration(data: object) -> bool:
    """Whether this document is one that is read here."""
    if not isinstance(data, Mapping):
        return False
    return "asyncapi" in data or str(data.get("apiVersion", "")).startswith(BACKSTAGE)


def declared(documents: Iterable[tuple[str, Any]], parse: Callable[[str], Any]) -> Declared:
    """The topology of documents, each with a name for messages; `parse` reads YAML and raises
    ValueError. Raises DeclarationError."""
    rows: list[EdgeRow] = []
    notes: list[str] = []
    entities: list[tuple[str, Json]] = []
    for name, document in documents:
        if not is_declaration(document):
            raise DeclarationError(f"{name} is neither an AsyncAPI document nor one of Backstage")
        if "asyncapi" in document:
            info = _mapping(document, "info", name)
            group = info.get("x-flowtap-kind") == "group"
            rows += _rows(_title(info, name), operations(document, name), group=group)
        else:
            entities.append((name, document))
    if entities:
        found, said = _catalogue(entities, parse)
        rows += found
        notes += said
    return Declared(Topology.build(rows), tuple(notes))


def operations(document: Json, name: str) -> list[_Operation]:
    """What the application of an AsyncAPI document sends and receives."""
    version = str(document["asyncapi"])
    if version.startswith("3."):
        return list(_of_3(document, name))
    if version.startswith("2."):
        return list(_of_2(document, name))
    raise DeclarationError(f"{name} is AsyncAPI {version}: 2 and 3 can be read")


def _of_3(document: Json, name: str) -> Iterator[_Operation]:
    for key, told in _mapping(document, "operations", name).items():
        where = f"{name}: operations.{key}"
        operation = _resolved(document, told, where)
        action = operation.get("action")
        if action not in ("send", "receive"):
            raise DeclarationError(f"{where}.action is {action!r}: it is send or receive")
        if "channel" not in operation:
            raise DeclarationError(f"{where}.channel is missing")
        pointer = operation["channel"]
        channel = _resolved(document, pointer, f"{where}.channel")
        address = channel.get("address") or _last(pointer)
        own = operation.get("messages")
        if own is None:
            channels = _mapping(channel, "messages", f"{where}.channel")
            messages = [(kind, one) for kind, one in channels.items()]
        else:
            messages = [(_last(one), one) for one in own]
        yield _Operation(
            action == "send",
            str(address),
            tuple(_type(document, kind, one, where) for kind, one in messages),
            _system(document, channel),
            str(channel.get("x-flowtap-cluster", "")),
            str(channel.get("x-flowtap-environment", "")),
            _group(operation),
        )


def _of_2(document: Json, name: str) -> Iterator[_Operation]:
    # What others may subscribe to is what the application sends.
    for address, told in _mapping(document, "channels", name).items():
        where = f"{name}: channels.{address}"
        channel = _resolved(document, told, where)
        for action, sends in (("subscribe", True), ("publish", False)):
            if action not in channel:
                continue
            operation = _resolved(document, channel[action], f"{where}.{action}")
            message = operation.get("message")
            several = message.get("oneOf") if isinstance(message, Mapping) else None
            messages = several if several is not None else [message] if message else []
            yield _Operation(
                sends,
                str(address),
                tuple(_type(document, _last(one), one, where) for one in messages),
                _system(document, channel),
                group=_group(operation),
            )


def _type(document: Json, kind: str, message: Any, where: str) -> str:
    """An event type's name: the message's, else its id, else what refers to it is called."""
    told = _resolved(document, message, where)
    return str(told.get("name") or told.get("messageId") or kind)


def _system(document: Json, channel: Json) -> str:
    bindings = channel.get("bindings")
    names = list(bindings) if isinstance(bindings, Mapping) else []
    servers = document.get("servers")
    if isinstance(servers, Mapping):
        names += [one.get("protocol", "") for one in servers.values() if isinstance(one, Mapping)]
    found = {SYSTEMS[name] for name in names if name in SYSTEMS}
    known = next(iter(found)) if len(found) == 1 else ""
    return str(channel.get("x-flowtap-system", known))


def _group(operation: Json) -> str:
    """The consumer group, where its binding allows only one."""
    told = operation.get("bindings")
    for name in ("kafka", "groupId"):
        told = told.get(name) if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping):
        return ""
    several = told.get("enum", [told["const"]] if "const" in told else [])
    return str(several[0]) if isinstance(several, Sequence) and len(several) == 1 else ""


def _rows(name: str, told: Iterable[_Operation], *, group: bool) -> Iterator[EdgeRow]:
    """What an application does, or a consumer group that no service speaks for."""
    for operation in told:
        consumes_as = name if group else operation.group
        for event_type in operation.types or ("",):
            yield EdgeRow(
                Role.PRODUCE if operation.sends else Role.CONSUME,
                environment=operation.environment,
                service="" if group else name,
                group=consumes_as if group or not operation.sends else "",
                system=operation.system,
                cluster=operation.cluster,
                destination=operation.address,
                event_type=event_type,
                evidence=Evidence.DECLARED,
            )


def _catalogue(
    entities: Sequence[tuple[str, Json]], parse: Callable[[str], Any]
) -> tuple[list[EdgeRow], list[str]]:
    """Who provides an API does what it says, who consumes it does the opposite."""
    apis: dict[str, list[_Operation]] = {}
    notes = []
    for where, entity in entities:
        name = _name(entity, where)
        if entity.get("kind") != "API":
            continue
        spec = _mapping(entity, "spec", where)
        definition = spec.get("definition")
        if spec.get("type") != "asyncapi":
            notes.append(f"API {name} is {spec.get('type')}, not asyncapi")
        elif not isinstance(definition, str):
            notes.append(f"API {name} has its definition elsewhere")
        else:
            apis[name.lower()] = _defined(definition, f"{where}: definition of {name}", parse)
    rows: list[EdgeRow] = []
    for where, entity in entities:
        if entity.get("kind") != "Component":
            continue
        title = str(_mapping(entity, "metadata", where).get("title") or _name(entity, where))
        spec = _mapping(entity, "spec", where)
        for relation, inverse in (("providesApis", False), ("consumesApis", True)):
            for reference in spec.get(relation) or ():
                api = str(reference).rpartition("/")[2].rpartition(":")[2].lower()
                if api not in apis:
                    notes.append(f"{title} names the API {reference}, which cannot be read here")
                    continue
                told = (one._replace(sends=one.sends is not inverse) for one in apis[api])
                rows += _rows(title, told, group=spec.get("type") == "consumer-group")
    return rows, notes


def _defined(text: str, where: str, parse: Callable[[str], Any]) -> list[_Operation]:
    try:
        document = parse(text)
    except ValueError as error:
        raise DeclarationError(f"{where}: {error}") from error
    if not isinstance(document, Mapping) or "asyncapi" not in document:
        raise DeclarationError(f"{where} is no AsyncAPI document")
    return operations(document, where)


def _title(info: Json, name: str) -> str:
    title = info.get("x-flowtap-service") or info.get("title")
    if not title:
        raise DeclarationError(f"{name}: info.title is missing, which names the application")
    return str(title)


def _name(entity: Json, where: str) -> str:
    name = _mapping(entity, "metadata", where).get("name")
    if not name:
        raise DeclarationError(f"{where}: metadata.name is missing")
    return str(name)


def _mapping(data: Json, key: str, where: str) -> Json:
    found = data.get(key) or {}
    if not isinstance(found, Mapping):
        raise DeclarationError(f"{where}: {key} is no mapping")
    return found


def _last(pointer: object) -> str:
    reference = pointer.get("$ref", "") if isinstance(pointer, Mapping) else ""
    return _unescaped(str(reference).rpartition("/")[2])


def _resolved(document: Json, told: Any, where: str) -> Json:
    """What is told, or what it refers to, in this document, through several references."""
    for _ in range(20):
        if not isinstance(told, Mapping):
            raise DeclarationError(f"{where} is no mapping")
        reference = told.get("$ref")
        if reference is None:
            return told
        told = _pointed_at(document, str(reference), where)
    raise DeclarationError(f"{where}: references lead round in a circle")


def _pointed_at(document: Json, reference: str, where: str) -> Any:
    if not reference.startswith("#/"):
        raise DeclarationError(f"{where} refers to {reference}: only `#/...` can be followed")
    found: Any = document
    for part in reference[2:].split("/"):
        key = _unescaped(part)
        if not isinstance(found, Mapping) or key not in found:
            raise DeclarationError(f"{where} refers to {reference}, which is not there")
        found = found[key]
    return found


def _unescaped(part: str) -> str:
    from urllib.parse import unquote

    return unquote(part).replace("~1", "/").replace("~0", "~")
