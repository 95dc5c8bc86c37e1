"""Columns of edges that statements have in common, and what there is to make edges from."""

from __future__ import annotations

from typing import NamedTuple

KEYS = """role, environment, service, consumer_group, peer, system, cluster, destination,
    event_type, evidence"""

LATENCY = "quantilesTDigestState(0.5, 0.95, 0.99)"
LATENCY_IF = "quantilesTDigestStateIf(0.5, 0.95, 0.99)"
NEITHER = "toInt64(0) AS created, toInt64(0) AS loose"
NO_MORE = f"toInt64(0) AS errors, {NEITHER}"
NO_TIMES = "arrayReduce('quantilesTDigestState(0.5, 0.95, 0.99)', emptyArrayFloat32())"


class Found(NamedTuple):
    """How many rows there are of what the statements are about."""

    producing: int
    creating: int
    consuming: int
    silent: int
    """Sends of which there is no message."""
    pointing: int
    """At operations of their own service that consume."""
    many: int
    """Operations about several contexts."""
    messages: int
    handed: int
    committed: int
    calls: int
