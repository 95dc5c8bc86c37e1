"""CSV: one row an edge, for spreadsheets."""

from __future__ import annotations

from graph.export.cells import csv_text
from graph.topology import Edge, Topology
from graph.wire.facts import iso
from graph.wire.topology import QUANTILES

COLUMNS = (
    *("source", "source_kind", "target", "target_kind", "role", "group", "event_types"),
    *("environment", "system", "cluster", "evidence", "count", "errors", "last_seen"),
    *QUANTILES,
)


def table(topology: Topology) -> str:
    """A header and a row for each edge; quantiles are seconds, empty when unknown."""
    titles = {node.key: node.title for node in topology.nodes}
    return csv_text(
        COLUMNS,
        (
            (titles[edge.source], edge.source.kind.value, titles[edge.target], *_rest(edge))
            for edge in topology.edges
        ),
    )


def _rest(edge: Edge) -> list[object]:
    place = edge.target if edge.target.system or edge.target.cluster else edge.source
    return [
        edge.target.kind.value,
        edge.role.value,
        edge.group,
        " ".join(edge.event_types),
        edge.source.environment or edge.target.environment,
        place.system,
        place.cluster,
        edge.evidence.value,
        edge.count,
        edge.errors,
        iso(edge.last_seen) or "",
        *(getattr(edge, name) for name in QUANTILES),
    ]
