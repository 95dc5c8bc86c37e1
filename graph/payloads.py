"""What bodies of messages look like: JSON Schema, inferred from those that were seen.

A schema says what was there: the names, the types, what no body lacked. It never holds a value.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]

SAMPLES = 20
"""Bodies of one event type on one destination that a schema is inferred from, the newest."""

NAMES = 64
"""Names of one object; where there are more, or where they are ids, it is taken for a map."""

DEPTH = 16
"""Levels that are told; deeper ones may be anything."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_FORMATS = {"uuid": _UUID, "date": _DATE, "date-time": _DATE_TIME}

_REGISTRY_BYTES = 5
"""A zero and the id of a schema in a registry, which some serialisers put before the JSON."""


class PayloadKey(NamedTuple):
    """Messages that are taken to look alike."""

    system: str
    cluster: str
    destination: str
    event_type: str


class Body(NamedTuple):
    """What a message held, as it is stored."""

    key: PayloadKey
    text: str
    cut: bool
    """It was longer, so that it may be no JSON any more."""


Payloads = Mapping[PayloadKey, Json]
"""JSON Schemas by what they are of."""


def payloads_of(bodies: Iterable[Body]) -> Payloads:
    """A schema for each kind of messages whose bodies are JSON, all that are whole."""
    by_key: dict[PayloadKey, list[Body]] = defaultdict(list)
    for body in bodies:
        by_key[body.key].append(body)
    found = {key: schema_of(by_key[key]) for key in sorted(by_key)}
    return {key: schema for key, schema in found.items() if schema is not None}


def schema_of(bodies: Sequence[Body]) -> Json | None:
    """The JSON Schema that fits these bodies; None where they are no JSON."""
    values = []
    for body in bodies:
        try:
            values.append(json.loads(_bare(body.text)))
        except (ValueError, RecursionError):
            if not body.cut:
                return None
    return _schema(values) if values else None


def _bare(text: str) -> str:
    return text[_REGISTRY_BYTES:] if text.startswith("\0") else text


def _schema(values: Sequence[Any], depth: int = 0) -> Json:
    kinds: dict[str, list[Any]] = defaultdict(list)
    for value in values:
        kinds[_kind(value)].append(value)
    if "number" in kinds:
        kinds.pop("integer", None)
    names = sorted(kinds)
    schema: Json = {"type": names[0] if len(names) == 1 else names} if names else {}
    if depth == DEPTH:
        return schema
    if "string" in kinds:
        schema |= _text(kinds["string"])
    if "object" in kinds:
        schema |= _object(kinds["object"], depth)
    if items := [item for value in kinds.get("array", ()) for item in value]:
        schema["items"] = _schema(items, depth + 1)
    return schema


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() and abs(value) < 2**53 else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _text(values: Sequence[str]) -> Json:
    for name, form in _FORMATS.items():
        if all(map(form.fullmatch, values)):
            return {"format": name}
    return {}


def _object(values: Sequence[Mapping[str, Any]], depth: int) -> Json:
    by_name: dict[str, list[Any]] = defaultdict(list)
    for value in values:
        for name, inner in value.items():
            by_name[name].append(inner)
    if not by_name:
        return {}
    if len(by_name) > NAMES or _are_ids(by_name):
        everything = [inner for each in by_name.values() for inner in each]
        return {"additionalProperties": _schema(everything, depth + 1)}
    schema: Json = {
        "properties": {name: _schema(by_name[name], depth + 1) for name in sorted(by_name)}
    }
    if always := [name for name in sorted(by_name) if len(by_name[name]) == len(values)]:
        schema["required"] = always
    return schema


def _are_ids(names: Iterable[str]) -> bool:
    """Names that are data: numbers, or UUIDs."""
    return all(name.isdecimal() or _UUID.fullmatch(name) for name in names)
