"""When two names mean the same: ids, services, destinations, positions."""

from __future__ import annotations

import re
from functools import lru_cache

from graph.model import IdKind, Operation, Position

ONE_NAME_SYSTEMS = frozenset({"kafka", "pulsar", "redis"})
"""Systems in which producers and consumers call a destination the same. Elsewhere a producer
may name an exchange or topic, and a consumer its queue or subscription."""

PARTITIONED = frozenset({"kafka", ""})
"""Systems in which an offset means nothing without its partition, or that may be one."""

_EDGES = re.compile(r"^[\s\"'{]+|[\s\"'}]+$")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@lru_cache(maxsize=100_000)
def normal_id(text: str) -> str:
    """An id as stores compare it: no quotes, braces or spaces, lower case, a UUID undashed."""
    bare = _EDGES.sub("", text).lower()
    return bare.replace("-", "") if _UUID.fullmatch(bare) else bare


def normal(kind: IdKind, text: str) -> str:
    """An id of a kind as it compares: the names in a position keep their case, and a business id
    is written with its name, `order_id=123`."""
    if kind is IdKind.POSITION:
        return text
    if kind is IdKind.BUSINESS:
        name, _, value = text.strip().partition("=")
        return f"{name.lower()}={normal_id(value)}"
    return normal_id(text)


def service_names(text: str) -> set[str]:
    """What a service may be called by: the text itself, or the end of a path or URN."""
    whole = text.casefold().strip()
    return {whole, re.split(r"[/:]", whole.rstrip("/:"))[-1]} - {""}


def may_be_same(one: str, other: str) -> bool:
    """Whether two names agree as far as both are given."""
    return not one or not other or one == other


def same_destination(one: str, other: str, *systems: str) -> bool:
    """Whether a producer and a consumer can mean the same destination by these names."""
    return may_be_same(one, other) or not ONE_NAME_SYSTEMS.intersection(systems)


def fits(asked: Position, found: Position) -> bool:
    """Whether two positions can be one: what either leaves empty fits."""
    return (
        asked.offset == found.offset
        and asked.partition == found.partition
        and asked.destination == found.destination
        and may_be_same(asked.system, found.system)
        and may_be_same(asked.cluster, found.cluster)
        and may_be_same(asked.incarnation, found.incarnation)
    )


def is_whole(position: Position) -> bool:
    """Whether it says in which cluster, and in which life of its destination, it lies."""
    return bool(position.cluster and position.incarnation)


def place_of(operation: Operation) -> Position | None:
    """The position that a span itself names; None unless it is whole."""
    return place_at(operation, operation.destination, operation.partition, operation.offset)


def place_at(
    operation: Operation, destination: str, partition: str, offset: int | None
) -> Position | None:
    """A position in the words of a span; None where a part is missing, as Kafka's partition."""
    if offset is None or offset < 0 or not destination:
        return None
    if not partition and operation.system in PARTITIONED:
        return None
    return Position(operation.system, operation.cluster, destination, "", partition, offset)
