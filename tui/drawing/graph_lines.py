"""A topology as text: each destination with who produces and who consumes, then the calls.

DESTINATION, < from, > to             COUNT  ERRORS     P95  WAIT P95  EVIDENCE
order.created  kafka
  < storefront                         1,204            4 ms            observed
  > payment                            1,204      37  142 ms      6 ms  observed

Event types stand in the place of destinations where they are asked for. Services alone are shown
each with who handles what it produced, and whom it calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from graph.chain.coverage import pruned_before
from graph.edges import View
from graph.layers import destinations_in_order
from graph.topology import Edge, NodeKey, NodeKind, Role, Topology
from graph.views import unattributed
from tui.drawing import evidence as marks
from tui.drawing import figures
from tui.drawing.segments import Line, Segment, SegmentRole, cells, cut, line, pad, printable

COUNT = 9
ERRORS = 7
P95 = 8
WAIT = 9
EVIDENCE = 9
LEAST_WIDTH = 64

_ROLES: dict[NodeKind, SegmentRole] = {
    NodeKind.SERVICE: "service",
    NodeKind.GROUP: "group",
    NodeKind.PEER: "service",
    NodeKind.UNKNOWN: "unknown",
    NodeKind.DESTINATION: "destination",
    NodeKind.EVENT: "event",
}

_HEADINGS = {
    View.DESTINATIONS: "DESTINATION, < from, > to",
    View.EVENTS: "EVENT TYPE, < from, > to",
    View.SERVICES: "PRODUCER, > handled by",
}

_ALWAYS = {
    View.DESTINATIONS: (NodeKind.DESTINATION, NodeKind.SERVICE),
    View.EVENTS: (NodeKind.EVENT, NodeKind.SERVICE),
    View.SERVICES: (NodeKind.SERVICE,),
}
"""Counted even when there are none."""


def graph_lines(topology: Topology, width: int = 80) -> list[Line]:
    """The whole topology, causes before effects; segments have nodes' and edges' keys as target."""
    drawing = _Drawing(topology, max(width, LEAST_WIDTH))
    carried = drawing.deliveries() if topology.view is View.SERVICES else drawing.destinations()
    return [*drawing.summary(), (), drawing.heading(), *carried, *drawing.calls()]


def told_beside(topology: Topology) -> list[Line]:
    """What an answer cannot show: edges that it has no room for, and a beginning that is gone."""
    lines = []
    if left := topology.left:
        edges = f"and {left.edges:,} more edge{'s' if left.edges != 1 else ''}"
        lines.append(line(Segment(f"{edges}, which carried {left.count:,}", "warning")))
    if topology.cut:
        before = pruned_before(topology.covered_from)
        lines.append(line(Segment(f"what was received before {before} was pruned", "warning")))
    return lines


class _Drawing:
    def __init__(self, topology: Topology, width: int) -> None:
        self.topology = topology
        self.width = width
        self.name = width - COUNT - ERRORS - P95 - WAIT - EVIDENCE - 4

    def summary(self) -> Iterator[Line]:
        kinds = [node.kind for node in self.topology.nodes]
        parts = [
            f"{kinds.count(kind):,} {name if kinds.count(kind) == 1 else name + 's'}"
            for kind, name in (
                (NodeKind.EVENT, "event type"),
                (NodeKind.DESTINATION, "destination"),
                (NodeKind.SERVICE, "service"),
                (NodeKind.GROUP, "consumer group"),
            )
            if kinds.count(kind) or kind in _ALWAYS[self.topology.view]
        ]
        yield line(Segment(", ".join(parts), "title"))
        start, end = self.topology.start, self.topology.end
        if start or end:
            begin = f"from {figures.date(start)} UTC" if start else "from the beginning"
            until = f"to {figures.date(end)} UTC" if end else "to now"
            yield line(Segment(f"{begin} {until}", "time"))
        yield from told_beside(self.topology)
        unknown, carried = unattributed(self.topology)
        if unknown:
            told = f"of {unknown:,} of {carried:,} deliveries no context says who produced them"
            yield line(Segment(told, "warning"))

    def heading(self) -> Line:
        columns = (
            pad(_HEADINGS[self.topology.view], self.name),
            pad("COUNT", COUNT, "right"),
            pad("ERRORS", ERRORS, "right"),
            pad("P95", P95, "right"),
            pad("WAIT P95", WAIT + 1, "right"),
            "  EVIDENCE",
        )
        return line(Segment("".join(columns), "label"))

    def destinations(self) -> Iterator[Line]:
        into: dict[NodeKey, list[Edge]] = {}
        out: dict[NodeKey, list[Edge]] = {}
        for edge in self.topology.edges:
            if edge.role is Role.PRODUCE:
                into.setdefault(edge.target, []).append(edge)
            elif edge.role is Role.CONSUME:
                out.setdefault(edge.source, []).append(edge)
        for key in destinations_in_order(self.topology):
            node = self.topology.node(key)
            where = " ".join(part for part in (key.system, key.environment) if part)
            title = printable(node.title)
            yield ()
            yield line(Segment(title, "destination", key), Segment(f"  {where}", "dim"))
            carried = [*into.get(key, ()), *out.get(key, ())]
            types = sorted({name for edge in carried for name in edge.event_types})
            if types and types != [key.name]:
                yield from self._types(types)
            for edge in into.get(key, ()):
                yield self._edge("< ", edge, edge.source)
            for edge in out.get(key, ()):
                yield self._edge("> ", edge, edge.target)
            if key not in out:
                yield line("  ", Segment("nobody was seen consuming", "dim"))

    def _types(self, types: list[str]) -> Iterator[Line]:
        """What a destination carries, wrapped between the names."""
        room = self.width - 4
        current = ""
        for name in map(printable, types):
            if current and cells(current) + 2 + cells(name) > room:
                yield line("    ", Segment(f"{current},", "event"))
                current = ""
            current = f"{current}, {name}" if current else cut(name, room)
        yield line("    ", Segment(current, "event"))

    def deliveries(self) -> Iterator[Line]:
        """By who produced what was handled."""
        carried = [edge for edge in self.topology.edges if edge.role is Role.DELIVER]
        for lines in self._by_source(carried):
            yield ()
            yield from lines

    def calls(self) -> Iterator[Line]:
        called = [edge for edge in self.topology.edges if edge.role is Role.CALL]
        if not called:
            return
        yield ()
        yield line(Segment("Calls between services", "label"))
        for lines in self._by_source(called):
            yield from lines

    def _by_source(self, edges: list[Edge]) -> Iterator[list[Line]]:
        for source in dict.fromkeys(edge.source for edge in edges):
            node = self.topology.node(source)
            title = line(Segment(printable(node.title), _ROLES[source.kind], source))
            if source.kind is NodeKind.UNKNOWN:
                title += (Segment(f" of {printable(node.label)}", "destination"),)
            ends = [edge for edge in edges if edge.source == source]
            yield [title, *(self._edge("> ", edge, edge.target) for edge in ends)]

    def _edge(self, mark: str, edge: Edge, end: NodeKey) -> Line:
        node = self.topology.node(end)
        names = [Segment(printable(node.title), _ROLES[end.kind], end)]
        if end.kind is NodeKind.GROUP:
            names.append(Segment(" (group)", "dim"))
        elif edge.group and edge.group != end.name:
            names.append(Segment(f" as {printable(edge.group)}", "group", edge.key))
        if end.kind is NodeKind.PEER:
            names.append(Segment(" (sends no spans)", "dim"))
        room = self.name - 4
        shown: list[Segment] = []
        for name in names:
            text = cut(name.text, room)
            shown.append(name._replace(text=text))
            room -= cells(text)
        failed = f"{edge.errors:,}" if edge.errors else ""
        return line(
            "  ",
            Segment(mark, "edge", edge.key),
            *shown,
            " " * room,
            Segment(pad(f"{edge.count:,}", COUNT, "right"), "number", edge.key),
            Segment(pad(failed, ERRORS, "right"), "error", edge.key),
            Segment(pad(figures.seconds(edge.p95), P95, "right"), "work", edge.key),
            Segment(pad(figures.seconds(edge.wait_p95), WAIT + 1, "right"), "wait", edge.key),
            "  ",
            Segment(edge.evidence.value, marks.ROLES[edge.evidence], edge.key),
        )
