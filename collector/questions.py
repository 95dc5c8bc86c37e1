"""What people ask, whether by HTTP or in process: the thinking of `graph` over a backend."""

from __future__ import annotations

from collections.abc import Collection

from collector.api.backend import Backend
from graph.topology import Topology


def topology(
    backend: Backend,
    *,
    start: int = 0,
    end: int = 0,
    services: Collection[str] = (),
    destinations: Collection[str] = (),
    event_types: Collection[str] = (),
    environments: Collection[str] = (),
) -> Topology:
    """The topology of a window (0: not bounded), up to this moment, as the patterns select it."""
    backend.refresh()
    whole = Topology.build(backend.edges(start, end), backend.members(), start=start, end=end)
    if not (services or destinations or event_types or environments):
        return whole
    return whole.filtered(
        services=services,
        destinations=destinations,
        event_types=event_types,
        environments=environments,
    )
