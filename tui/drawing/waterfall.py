"""When things happened beside each other: waiting as dots, handling as a bar, events as points."""

from __future__ import annotations

from typing import Literal, NamedTuple

from graph.chain.result import Chain, Delivery
from tui.drawing import figures
from tui.drawing.segments import Segment, cells


class TimeSpan(NamedTuple):
    """The time that a waterfall shows, nanoseconds since the Unix epoch."""

    start: int
    end: int

    @classmethod
    def of(cls, chain: Chain) -> TimeSpan:
        """From the first to the last that happened in a chain; both 0 when nothing says when."""
        starts = [event.time for event in chain.events if event.time]
        starts += [delivery.start for delivery in chain.deliveries if delivery.start]
        ends = [delivery.end for delivery in chain.deliveries if delivery.end]
        return cls(min(starts), max(starts + ends)) if starts else cls(0, 0)

    @property
    def duration(self) -> int:
        """Nanoseconds."""
        return self.end - self.start

    def half_column(self, time: int, width: int) -> int:
        """Which half column a time falls on, 0 to 2 * width."""
        if self.duration <= 0:
            return 0
        return max(0, min(2 * width, (time - self.start) * 2 * width // self.duration))


def scale(span: TimeSpan, width: int) -> Segment:
    """What a whole waterfall of this width stands for."""
    whole = figures.duration(span.duration)
    return Segment(f"├{'─' * (width - cells(whole) - 4)} {whole} ┤", "label")


def point(time: int, span: TimeSpan, width: int) -> list[Segment]:
    """An event: a mark where it happened, in exactly `width` columns."""
    if not time:
        return [Segment(" " * width)]
    at = min(width - 1, span.half_column(time, width) // 2)
    return [Segment(" " * at), Segment("◆", "event"), Segment(" " * (width - at - 1))]


def bar(born: int, delivery: Delivery, span: TimeSpan, width: int) -> list[Segment]:
    """A delivery of an event that happened at `born` (0: unknown), in exactly `width` columns."""
    if not delivery.start:
        return [Segment(" " * width)]
    start = min(span.half_column(delivery.start, width), 2 * width - 1)
    end = max(start + 1, span.half_column(delivery.end, width))
    first = start // 2
    waited = min(span.half_column(born, width) // 2, first) if born else first
    drawn = "".join(
        _HALVES[start <= 2 * column < end, start <= 2 * column + 1 < end]
        for column in range(first, (end + 1) // 2)
    )
    role: Literal["error", "work"] = "error" if delivery.error else "work"
    return [
        Segment(" " * waited),
        Segment("·" * (first - waited), "wait"),
        Segment(drawn, role),
        Segment(" " * (width - first - len(drawn))),
    ]


_HALVES = {(True, True): "━", (True, False): "╸", (False, True): "╺", (False, False): " "}
