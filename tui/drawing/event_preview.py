"""What one event carries, in short: its body, its headers, and where it is from."""

from __future__ import annotations

from graph.chain.result import Event
from tui.drawing import figures
from tui.drawing.chain_details import message_lines
from tui.drawing.facts import fact
from tui.drawing.segments import Line, Segment, line, printable


def preview_lines(event: Event, width: int) -> list[Line]:
    """The event's title and place, then its message: body, headers; then its ids."""
    lines = [
        line(
            Segment("● ", "event"),
            Segment(printable(event.title), "title"),
            Segment(f"  {event.key}"[: max(0, width - 4 - len(event.title))], "id"),
        )
    ]
    lines += message_lines(event, width)
    lines += [()]
    producer = Segment(event.service, "service") if event.service else Segment("unknown", "unknown")
    lines += fact("producer", producer, width=width)
    lines += fact("time", Segment(f"{figures.date(event.time)} UTC", "time"), width=width)
    lines += fact("key", event.record_key, width=width)
    lines += fact("id", Segment(event.message_id, "id"), width=width)
    lines += fact("correlation", Segment(event.correlation_id, "id"), width=width)
    lines += fact("causation", Segment(event.causation_id, "id"), width=width)
    return lines
