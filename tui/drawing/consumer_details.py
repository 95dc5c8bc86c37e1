"""All that is known of one consumer group: how far it is behind, its partitions, who is in it."""

from __future__ import annotations

from collections import defaultdict

from graph.listing import Consumer, Member
from graph.model import Progress
from graph.standing import Standing, standing_of
from tui.drawing import figures
from tui.drawing.consumer_table import MARKS, catch_up
from tui.drawing.facts import fact, heading, wrap
from tui.drawing.segments import (
    Line,
    Segment,
    SegmentRole,
    cells,
    cut,
    cut_middle,
    line,
    pad,
    printable,
)

PARTITION = 6
LAG = 7
OFFSET = 11

_MEANINGS = {
    Standing.NOBODY: "No member is in the group: nobody reads what waits.",
    Standing.STILL: "Members are in it, and it has committed nothing in the last minutes.",
    Standing.FALLING: "More is added than it reads: it falls further behind.",
    Standing.STEADY: "It reads as much as is added, so what waits stays.",
    Standing.BEHIND: "It has not been seen for long enough to know its pace.",
    Standing.CATCHING: "It reads more than is added.",
    Standing.UNCOMMITTED: "It has committed nothing, so what waits for it is not known.",
    Standing.KEEPING: "What is added is read within seconds.",
    Standing.EMPTY: "No member is in it, and nothing waits for it.",
}


def consumer_details(consumer: Consumer | None, width: int) -> list[Line]:
    """How it stands and why, its partitions, its members."""
    if consumer is None:
        return []
    standing = standing_of(consumer)
    mark, role = MARKS[standing]
    lines = [
        line(
            Segment(f"{mark} ", role),
            Segment(printable(consumer.group), "title"),
            Segment(f"  {standing.value}", role),
        )
    ]
    lines += [line(*row) for row in wrap([Segment(_MEANINGS[standing], "dim")], width)]
    lines += fact("lag", *_lag(consumer), width=width)
    lines += fact("pace", *_pace(consumer), width=width)
    service = [Segment(printable(", ".join(consumer.services)), "service")]
    if not consumer.services:
        service = [Segment("no span names this group", "unknown")]
    lines += fact("service", *service, width=width)
    lines += fact("broker", *_state(consumer), width=width)
    lines += _partitions(consumer, width)
    lines += _members(consumer, width)
    return lines


def behind_on(consumer: Consumer) -> list[str]:
    """The destinations on which messages wait for it, that with the most first."""
    waiting: dict[str, int] = defaultdict(int)
    for at in consumer.progress:
        if 0 <= at.committed < at.end:
            waiting[at.destination] += at.end - at.committed
    return sorted(sorted(waiting), key=lambda name: -waiting[name])


def _lag(consumer: Consumer) -> list[Segment]:
    if standing_of(consumer) is Standing.UNCOMMITTED:
        return [Segment("not known", "unknown")]
    if not consumer.lag:
        return [Segment("nothing waits", "dim")]
    parts = [Segment(f"{consumer.lag:,} wait", MARKS[standing_of(consumer)][1])]
    if consumer.lag_seconds is None:
        return [*parts, Segment(", since when is not known: no tap read them", "dim")]
    seconds = figures.seconds(consumer.lag_seconds)
    since = figures.date(consumer.oldest)[:19]
    return [*parts, Segment(f", the oldest for {seconds}"), Segment(f", since {since}", "time")]


def _pace(consumer: Consumer) -> list[Segment]:
    if consumer.rate is None or consumer.growth is None:
        return [Segment("not known yet", "dim")]
    # The pace is that of the last minutes, in which it may still have had members.
    reads = "read" if standing_of(consumer) is Standing.NOBODY else "reads"
    parts = [
        Segment(f"{reads} {figures.rate(consumer.rate)}", "number"),
        Segment(f", {figures.rate(consumer.growth)} added", "number"),
    ]
    until = catch_up(consumer)
    if until == "never":
        return [*parts, Segment(", never done", MARKS[standing_of(consumer)][1])]
    return [*parts, Segment(f", done in {until}" if until else "", "work")]


def _state(consumer: Consumer) -> list[Segment]:
    said = consumer.state or "tells no state"
    asked = figures.clock(consumer.time)[:8] if consumer.time else ""
    cluster = f"  in {printable(consumer.cluster)}" if consumer.cluster else ""
    return [
        Segment(said),
        Segment(f" at {asked}" if asked else "", "time"),
        Segment(cluster, "dim"),
    ]


def _partitions(consumer: Consumer, width: int) -> list[Line]:
    """By destination: lag, committed offset, end, and who reads it."""
    readers = {place: one for one in consumer.members for place in one.assignment}
    places: dict[str, list[Progress]] = defaultdict(list)
    for at in consumer.progress:
        places[at.destination].append(at)
    room = width - PARTITION - LAG - 2 * OFFSET - 2
    lines: list[Line] = []
    for name in sorted(places):
        behind = [max(0, at.end - at.committed) for at in places[name] if at.committed >= 0]
        waiting = sum(1 for lag in behind if lag)
        said = "nothing waits" if behind else "no commit"
        if waiting:
            said = f"waiting on {waiting} of {len(places[name])}"
        title = cut_middle(printable(name), max(8, width - cells(said) - 6))
        lines += heading(f"{title} · {said}", width)
        ends = (pad(one, OFFSET, "right") for one in ("committed", "end"))
        columns = (pad("lag", LAG, "right"), *ends)
        beside = "  member" if room >= 8 else ""
        lines.append(line(Segment(f"{pad('part', PARTITION)}{''.join(columns)}{beside}", "label")))
        lines += [_partition(at, readers, room) for at in places[name]]
    return lines


def _partition(at: Progress, readers: dict[tuple[str, str], Member], room: int) -> Line:
    lag = max(0, at.end - at.committed) if at.committed >= 0 else None
    reader = readers.get((at.destination, at.partition))
    name = printable(reader.client_id or reader.member_id) if reader else "nobody"
    place = f" at {_host(reader)}" if reader and _host(reader) else ""
    if cells(name + place) > room:
        place = ""
    return line(
        Segment(pad(printable(at.partition), PARTITION)),
        Segment(
            pad("?" if lag is None else _short(lag), LAG, "right"), "warning" if lag else "dim"
        ),
        Segment(pad("none" if lag is None else f"{at.committed:,}", OFFSET, "right"), "number"),
        Segment(pad(f"{at.end:,}", OFFSET, "right"), "number"),
        Segment(f"  {_end_of(name, room)}" if room >= 8 else "", _reader_role(reader, lag)),
        Segment(place if room >= 8 else "", "dim"),
    )


def _end_of(name: str, room: int) -> str:
    """A client id by its end, where ids differ."""
    return name if cells(name) <= room else cut("…" + name[1 - room :], room)


def _short(lag: int) -> str:
    return f"{lag:,}" if lag < 1_000_000 else figures.count(lag)


def _reader_role(reader: Member | None, lag: int | None) -> SegmentRole:
    if reader is not None:
        return "id"
    return "warning" if lag else "dim"


def _host(member: Member) -> str:
    return printable(member.host.lstrip("/"))


def _members(consumer: Consumer, width: int) -> list[Line]:
    if not consumer.members:
        return []
    count = len(consumer.members)
    lines = heading(f"{count} member{'' if count == 1 else 's'}", width)
    for member in consumer.members:
        assigned: dict[str, list[str]] = defaultdict(list)
        for destination, partition in member.assignment:
            assigned[destination].append(partition)
        reads = ", ".join(f"{name}/{','.join(parts)}" for name, parts in assigned.items())
        lines += [
            line(*row)
            for row in wrap(
                [
                    Segment(member.client_id or "no client id", "title"),
                    Segment(f"  {_host(member)}" if _host(member) else "", "id"),
                    Segment(f"  reads {reads or 'no partition'}", "dim"),
                ],
                width,
            )
        ]
    return lines
