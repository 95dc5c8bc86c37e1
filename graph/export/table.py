"""CSV: one row an edge, for spreadsheets."""

from __future__ import annotations

import csv
import io

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
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for edge in topology.edges:
        row = [titles[edge.source], edge.source.kind.value, titles[edge.target]]
        writer.writerow([_safe(cell) for cell in (*row, *_rest(edge))])
    return text.getvalue()


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


def _safe(cell: object) -> object:
    """A text on one line; one that a spreadsheet would take for a formula gets an apostrophe."""
    if not isinstance(cell, str):
        return cell
    line = "".join(char if char.isprintable() else " " for char in cell)
    return "'" + line if line.startswith(("=", "+", "-", "@")) else line
