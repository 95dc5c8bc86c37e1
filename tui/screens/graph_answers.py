"""What the graph screen asks, in a thread, and what it makes of the answers there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from graph.listing import EventFilter
from graph.topology import EdgeKey, NodeKey, NodeKind, Topology
from graph.topology_diff import Change, Difference, EdgeChange, compare, with_quiet
from tui.drawing.flow import Block, Flow, Spot, blocks_of
from tui.drawing.node_details import Known
from tui.drawing.rates import lags_of
from tui.drawing.segments import Line, Segment, SegmentRole, line
from tui.drawing.windows import DAY, MINUTE, Bounds, Window, said
from tui.source import Source

LAST_EVENTS = 5
MOST_MINUTES = 120
"""Of a node's sparkline."""

REST = 9.0
"""An answer is followed by a rest this many times as long as it took: a large graph must not
keep a core busy."""


@dataclass(frozen=True)
class Answered:
    """What was told of a window, laid out."""

    window: Window
    bounds: Bounds
    counted: Topology
    """The window's own counts."""
    topology: Topology
    """The same with what is gone or quiet."""
    changes: Mapping[EdgeKey, EdgeChange] | None
    told: Line
    """What was compared and found."""
    earlier: tuple[Bounds, Topology] | None
    """What it was compared with."""
    lags: Mapping[EdgeKey, int]
    blocks: tuple[Block, ...]
    now: int
    """When it was asked for."""
    rests_until: float
    """By the monotonic clock."""

    @property
    def due(self) -> bool:
        """Whether it is time to ask again; a past window is asked for once."""
        return self.window.follows and time.monotonic() >= self.rests_until

    def flow(self, rates: Mapping[EdgeKey, float] | None) -> Flow:
        """What is drawn; a past window has counts instead of rates."""
        return Flow(
            self.topology,
            rates if self.window.follows else None,
            self.lags,
            self.blocks,
            self.changes,
        )


@dataclass(frozen=True)
class Asked:
    """A question about the whole graph."""

    source: Source
    window: Window
    now: int
    comparing: bool
    known: Topology | None

    def answer(self, last: Answered | None) -> Answered:
        """Asks, and lays out here, in the thread: thousands of edges take their time."""
        began = time.monotonic()
        bounds = self.window.bounds(self.now)
        counted = self.source.topology(start=bounds.start, end=bounds.end)
        lags = lags_of(counted, self.source.consumers()) if self.window.follows else {}
        before, earlier = self._before(last)
        topology, changes, told = counted, None, line()
        if earlier is not None:
            stretch = ((bounds.end or self.now) - bounds.start) / (before.end - before.start)
            difference = compare(earlier, counted, stretch=max(stretch, 1e-9))
            topology, changes = difference.topology, difference.changes
            told = news(difference, said(before, self.now))
        if self.known is not None:
            topology = with_quiet(topology, self.known)
        return Answered(
            self.window,
            bounds,
            counted,
            topology,
            changes,
            told,
            (before, earlier) if earlier is not None else None,
            lags,
            blocks_of(topology),
            self.now,
            time.monotonic() + (time.monotonic() - began) * REST,
        )

    def _before(self, last: Answered | None) -> tuple[Bounds, Topology | None]:
        """The window before, which is asked for once as long as it is the same."""
        before = self.window.earlier(self.now) if self.comparing else None
        if before is None:
            return Bounds(0, 0), None
        if last is not None and last.earlier is not None and last.earlier[0] == before:
            return last.earlier
        return before, self.source.topology(start=before.start, end=before.end)


def known_before(source: Source, bounds: Bounds) -> Topology:
    """What was there in the day before: it stays in the graph while it is quiet."""
    return source.topology(start=max(1, bounds.start - DAY), end=bounds.start)


def news(difference: Difference, before: str) -> Line:
    """What has changed, in numbers: `3 new, 1 gone, 2 changed, 1 failing since 11:30-11:45`."""
    counts: tuple[tuple[int, str, SegmentRole], ...] = (
        (difference.count(Change.NEW), "new", "ok"),
        (difference.count(Change.GONE), "gone", "error"),
        (difference.count(Change.MORE) + difference.count(Change.LESS), "changed", "warning"),
        (difference.failing, "failing more", "error"),
    )
    parts: list[Segment | str] = []
    for count, name, role in counts:
        if count:
            parts += [", " if parts else "", Segment(f"{count:,} {name}", role)]
    return line(*(parts or ["no change"]), Segment(f" since {before}", "dim"))


def about(source: Source, node: NodeKey, bounds: Bounds, now: int) -> Callable[[], Known]:
    """The question for what the graph does not say of a node: its minutes and its last events."""
    end = bounds.end or -(-now // MINUTE) * MINUTE
    start = max(bounds.start, end - MOST_MINUTES * MINUTE)

    def question() -> Known:
        wanted = replace(events_of(Spot(None, node, 0)), limit=LAST_EVENTS, until=bounds.end)
        asked = node.kind in (NodeKind.SERVICE, NodeKind.DESTINATION)
        return Known(
            node,
            start,
            end,
            now,
            source.minutes(node, start=max(1, start), end=bounds.end),
            source.events(wanted).rows if asked else (),
        )

    return question


def events_of(spot: Spot) -> EventFilter:
    """Events of the selected place: a destination's, or what a service sends, there or anywhere."""
    node = spot.node
    if node.kind is NodeKind.DESTINATION:
        return EventFilter(destination=node.name)
    edge = spot.edge
    places = (edge.source, edge.target) if edge is not None else ()
    place = next((key.name for key in places if key.kind is NodeKind.DESTINATION), "")
    if not place or (edge is not None and edge.source == node):
        return EventFilter(destination=place, service=node.name)
    return EventFilter(destination=place)
