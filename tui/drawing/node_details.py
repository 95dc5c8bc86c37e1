"""All that is known of one node of the graph: what comes in, what goes out, how fast, how late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graph.listing import EventRow
from graph.series import MinuteCount, per_minute
from graph.topology import Edge, NodeKey, NodeKind, Role
from tui.drawing import figures
from tui.drawing.evidence import MARKS, MEANINGS, ROLES
from tui.drawing.facts import LABEL, fact, heading
from tui.drawing.finding_flags import finding_facts
from tui.drawing.flow import MARKS as NODE_MARKS
from tui.drawing.flow import ROLES as NODE_ROLES
from tui.drawing.flow import Flow, Spot
from tui.drawing.segments import Line, Segment, cut_middle, line, pad, printable
from tui.drawing.sparkline import sparkline

_KINDS = {
    NodeKind.SERVICE: "service",
    NodeKind.DESTINATION: "destination",
    NodeKind.EVENT: "event type",
    NodeKind.GROUP: "consumer group, no spans",
    NodeKind.PEER: "called, sends no spans",
    NodeKind.UNKNOWN: "nothing says who produces this",
}


@dataclass(frozen=True)
class Known:
    """What was asked about one node besides the graph."""

    node: NodeKey
    start: int
    end: int
    """The window that `minutes` are of, nanoseconds since the Unix epoch."""
    asked: int
    """When."""
    minutes: Sequence[MinuteCount] = ()
    events: Sequence[EventRow] = ()
    """Its newest, newest first."""


def spot_details(
    flow: Flow, spot: Spot | None, width: int, known: Known | None = None
) -> list[Line]:
    """Of the selected node, and of the edge that it stands at the end of."""
    if spot is None or spot.node not in flow:
        return []
    node = flow.topology.node(spot.node)
    mark, role = NODE_MARKS[node.kind], NODE_ROLES[node.kind]
    lines = [line(Segment(f"{mark} ", role), Segment(printable(node.title), "title"))]
    place = "  ".join(part for part in (node.key.system, node.key.cluster) if part)
    lines += fact("what", _KINDS[node.kind], width=width)
    lines += fact("where", place, width=width)
    lines += fact("environment", node.key.environment, width=width)
    lines += finding_facts(flow.found.get(spot.node, ()), width)
    if node.kind is NodeKind.DESTINATION:
        lines += _traffic(flow, node.key, node.incoming, width)
    elif spot.edge is None:
        lines += _waiting(flow, node.key, width)
    if spot.edge is None:
        lines += _slowest(flow, node.key, width)
    known = known if known is not None and known.node == spot.node else None
    if known is not None:
        lines += _by_minute(known, width)
    if spot.edge is not None:
        edge = next((one for one in flow.touching(spot.node) if one.key == spot.edge), None)
        if edge is not None:
            lines += _edge(flow, edge, width)
    lines += _list(flow, spot.node, width)
    if known is not None:
        lines += _last_events(known, width)
    return lines


def _by_minute(known: Known, width: int) -> list[Line]:
    """For each of its roles a sparkline, with the most that a minute had."""
    lines: list[Line] = []
    place = known.node.kind is NodeKind.DESTINATION
    for role in Role:
        counts = per_minute(known.minutes, role, known.start, known.end)
        most = max(counts, default=0)
        if not most or (place and role is Role.CONSUME and lines):
            continue
        said = f" max {figures.count(most)}/min"
        drawn = sparkline(counts, width - LABEL - 1 - len(said))
        label = ("arrived" if role is Role.PRODUCE else "consumed") if place else _DID[role]
        lines += fact(label, Segment(drawn, "work"), Segment(said, "dim"), width=width)
    return lines


_DID = {Role.PRODUCE: "produced", Role.CONSUME: "consumed", Role.CALL: "called"}


def _last_events(known: Known, width: int) -> list[Line]:
    lines = []
    for row in known.events:
        clock = figures.clock(row.time)[:8]
        name = row.event_type or row.destination
        room = max(8, (width - 12) // 2)
        lines.append(
            line(
                Segment(f"{clock} ", "time"),
                Segment("✗ " if row.error else "", "error"),
                Segment(pad(printable(name), room), "event"),
                Segment(" " + cut_middle(printable(row.message_id or row.id), room), "id"),
            )
        )
    return [*heading("last events", width), *lines] if lines else []


def _traffic(flow: Flow, place: NodeKey, count: int, width: int) -> list[Line]:
    """What arrives at a destination, and what of it still waits."""
    arriving = [edge for edge in flow.touching(place) if edge.target == place]
    known = flow.rates is not None and arriving
    lines = fact("now", flow.pace(arriving), width=width) if known else []
    lines += fact("count", f"{count:,} messages", width=width)
    types = sorted({kind for edge in arriving for kind in edge.event_types})
    lines += fact("types", Segment(", ".join(types), "event"), width=width)
    waiting = [
        (edge.group, flow.lags[edge.key])
        for edge in flow.touching(place)
        if edge.source == place and flow.lags.get(edge.key)
    ]
    for group, lag in sorted(waiting, key=lambda one: -one[1]):
        said = Segment(f"{lag:,} wait", "warning")
        lines += fact("lag", said, Segment(f"  {printable(group)}", "group"), width=width)
    return lines


def _edge(flow: Flow, edge: Edge, width: int) -> list[Line]:
    source, target = (flow.topology.node(key) for key in (edge.source, edge.target))
    lines = heading(f"{edge.role.value}: {source.title} → {target.title}"[: width - 2], width)
    lines += fact(
        "evidence",
        Segment(MARKS[edge.evidence], ROLES[edge.evidence]),
        Segment(f" {edge.evidence.value}", ROLES[edge.evidence]),
        width=width,
    )
    lines += fact("", Segment(MEANINGS[edge.evidence], "dim"), width=width)
    if flow.rates is not None:
        lines += fact("now", flow.pace([edge]), width=width)
    noun = "calls" if edge.role is Role.CALL else "messages"
    lines += fact("count", f"{edge.count:,} {noun}", width=width)
    if edge.errors:
        share = f"{edge.errors / edge.count:.1%}" if edge.count else ""
        lines += fact("errors", Segment(f"✗ {edge.errors:,}  {share}", "error"), width=width)
    lines += fact("group", Segment(edge.group, "group"), width=width)
    lag = flow.lags.get(edge.key)
    if lag is not None:
        lines += fact("lag", Segment(f"{lag:,} wait", "warning" if lag else "dim"), width=width)
    for label, *values in _latencies(edge):
        lines += fact(label, Segment(_percentiles(values), "work"), width=width)
    lines += fact("last", Segment(f"{figures.date(edge.last_seen)} UTC", "time"), width=width)
    if edge.event_types:
        lines += fact("types", Segment(", ".join(edge.event_types), "event"), width=width)
    return lines


def _latencies(edge: Edge) -> tuple[tuple[str, float | None, float | None, float | None], ...]:
    return (
        ("took", edge.p50, edge.p95, edge.p99),
        ("waited", edge.wait_p50, edge.wait_p95, edge.wait_p99),
    )


def _percentiles(values: Sequence[float | None]) -> str:
    return "   ".join(
        f"{name} {figures.seconds(value)}"
        for name, value in zip(("p50", "p95", "p99"), values, strict=True)
        if value is not None
    )


def _waiting(flow: Flow, key: NodeKey, width: int) -> list[Line]:
    """What a consumer has not handled yet, by destination."""
    lines: list[Line] = []
    for edge in flow.touching(key):
        lag = flow.lags.get(edge.key)
        if lag:
            name = printable(flow.topology.node(edge.source).title)
            said = Segment(f"{lag:,} wait", "warning")
            lines += fact("lag", said, Segment(f"  {name}", "destination"), width=width)
    return lines


def _slowest(flow: Flow, key: NodeKey, width: int) -> list[Line]:
    """The percentiles of the slowest consumption at this node, and which that is."""
    consumed = [edge for edge in flow.touching(key) if edge.role is Role.CONSUME]
    lines: list[Line] = []
    for number, label in enumerate(("took", "waited")):
        slow = max(consumed, key=lambda edge: _latencies(edge)[number][2] or 0.0, default=None)
        text = _percentiles(_latencies(slow)[number][1:]) if slow is not None else ""
        if slow is None or not text:
            continue
        other = flow.topology.node(slow.source if slow.target == key else slow.target)
        most = "  at most, " if len(consumed) > 1 else "  "
        name = Segment(f"{most}{printable(other.title)}", "dim")
        lines += fact(label, Segment(text, "work"), name, width=width)
    return lines


def _list(flow: Flow, key: NodeKey, width: int) -> list[Line]:
    """Everything that comes in and goes out, with counts."""
    lines: list[Line] = []
    into = [edge for edge in flow.touching(key) if edge.target == key]
    out = [edge for edge in flow.touching(key) if edge.source == key]
    inward, outward = ("from", "to")
    if key.kind is not NodeKind.DESTINATION:
        inward, outward = ("consumes", "produces")
    for title, edges, role in (
        (inward, [edge for edge in into if edge.role is not Role.CALL], "target"),
        (outward, [edge for edge in out if edge.role is not Role.CALL], "source"),
        ("is called by", [edge for edge in into if edge.role is Role.CALL], "target"),
        ("calls", [edge for edge in out if edge.role is Role.CALL], "source"),
    ):
        if not edges:
            continue
        lines += heading(title, width)
        for edge in edges:
            other = flow.topology.node(edge.source if role == "target" else edge.target)
            failed = f"  ✗ {figures.count(edge.errors)}" if edge.errors else ""
            count = f"{edge.count:,}"
            room = max(1, width - len(count) - len(failed) - 3)
            lines.append(
                line(
                    Segment(f"{NODE_MARKS[other.kind]} ", NODE_ROLES[other.kind]),
                    Segment(pad(printable(other.title), room), NODE_ROLES[other.kind]),
                    Segment(f" {count}", "number"),
                    Segment(failed, "error"),
                )
            )
    return lines
