"""The columns of a list of events: what each shows, and how a width is divided among them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from graph.listing import EventRow
from tui.drawing import figures
from tui.drawing.segments import Segment, cut_middle, pad, printable


class Column(StrEnum):
    """By the name that heads it; in the order in which they stand."""

    TIME = "time, UTC"
    TOPIC = "topic"
    TYPE = "event"
    KEY = "key"
    ID = "id"
    PRODUCER = "producer"
    SIZE = "size"
    DELAY = "delay"
    POSITION = "position"


MEANINGS = {
    Column.TIME: "when it was produced, as the message says",
    Column.TOPIC: "topic, queue or stream",
    Column.TYPE: "event type, or the topic where it has none",
    Column.KEY: "record key",
    Column.ID: "message id, or where it lies",
    Column.PRODUCER: "service that sent it",
    Column.SIZE: "bytes of its body",
    Column.DELAY: "from its time until it was stored here",
    Column.POSITION: "partition/offset",
}

USUAL = frozenset({Column.TIME, Column.TYPE, Column.KEY, Column.ID, Column.PRODUCER})
"""Shown until somebody chooses."""

_FIXED = {Column.TIME: 12, Column.SIZE: 7, Column.DELAY: 7}
_NAMES = (Column.TOPIC, Column.TYPE, Column.PRODUCER, Column.POSITION)
"""Are read as a whole, and so get room before ids and keys do, up to three tenths each."""
_LEAST = 8
_GAP = 2


def contents(row: EventRow) -> Iterator[tuple[Column, str]]:
    """What the columns of changing width show of a row."""
    yield Column.TOPIC, printable(row.destination)
    yield Column.TYPE, title(row)
    yield Column.KEY, printable(row.key)
    yield Column.ID, printable(row.message_id or row.id)
    yield Column.PRODUCER, printable(row.service) or "unknown"
    yield Column.POSITION, position(row)


def title(row: EventRow) -> str:
    """What kind of event it is."""
    return printable(row.event_type or row.destination)


def position(row: EventRow) -> str:
    """Partition and offset; nothing where no tap saw it."""
    return "/".join(row.id.rsplit("/", 2)[1:]) if row.tapped else ""


def divided(
    chosen: Collection[Column], wants: Mapping[Column, int], width: int
) -> dict[Column, int]:
    """How many columns of the screen each takes: what it wants as far as there is room; what is
    left goes to the id, or else to the last. Those that find no room are left out, last first."""
    shown = [column for column in Column if column in chosen]
    if Column.KEY in shown and not wants.get(Column.KEY):
        shown.remove(Column.KEY)
    while True:
        flexible = {
            column: max(len(column.value), wants.get(column, 0))
            for column in shown
            if column not in _FIXED
        }
        fixed = sum(_FIXED.get(column, 0) for column in shown)
        room = width - _before(shown) - fixed - _GAP * max(0, len(shown) - 1)
        if len(shown) < 2 or room >= sum(min(want, _LEAST) for want in flexible.values()):
            break
        shown.pop()
    given = flexible if sum(flexible.values()) <= room else _by_rank(flexible, max(0, room))
    spare = room - sum(given.values())
    if given and spare > 0:
        given[Column.ID if Column.ID in given else list(given)[-1]] += spare
    return {column: _FIXED.get(column) or given[column] for column in shown}


def _by_rank(wants: Mapping[Column, int], room: int) -> dict[Column, int]:
    """Names first, then ids and keys from what is left."""
    given = _shared({one: min(wants[one], room * 3 // 10) for one in wants if one in _NAMES}, room)
    left = room - sum(given.values())
    given |= _shared({one: wants[one] for one in wants if one not in _NAMES}, left)
    return {column: given[column] for column in wants}


def natural(chosen: Collection[Column], wants: Mapping[Column, int]) -> int:
    """The width in which nothing is cut."""
    shown = [column for column in Column if column in chosen]
    widths = (_FIXED.get(one) or max(len(one.value), wants.get(one, 0)) for one in shown)
    return _before(shown) + sum(widths) + _GAP * (len(shown) - 1)


def _before(shown: list[Column]) -> int:
    """The pointer, and the mark of an error behind the time or before everything."""
    return 3 + (_GAP if shown[:1] != [Column.TIME] else 0)


def _shared(wants: Mapping[Column, int], room: int) -> dict[Column, int]:
    """Whoever wants no more than an equal share gets it; the others share what is left."""
    given: dict[Column, int] = {}
    waiting = dict(wants)
    while waiting:
        share = room // len(waiting)
        modest = {column: want for column, want in waiting.items() if want <= share}
        if not modest:
            extra = room - share * len(waiting)
            for number, column in enumerate(waiting):
                given[column] = share + (number < extra)
            break
        given |= modest
        room -= sum(modest.values())
        for column in modest:
            del waiting[column]
    return {column: given[column] for column in wants}


def cell(column: Column, row: EventRow, width: int) -> Segment:
    """What a column shows of a row, in exactly this width."""
    match column:
        case Column.TIME:
            return Segment(figures.clock(row.time), "time")
        case Column.TOPIC:
            return Segment(pad(printable(row.destination), width), "destination")
        case Column.TYPE:
            return Segment(pad(title(row), width), "event")
        case Column.KEY:
            return Segment(pad(printable(row.key), width))
        case Column.ID:
            name = printable(row.message_id or row.id)
            return Segment(pad(cut_middle(name, width), width), "id")
        case Column.PRODUCER if row.service:
            return Segment(pad(printable(row.service), width), "service")
        case Column.PRODUCER:
            return Segment(pad("unknown", width), "unknown")
        case Column.SIZE:
            size = figures.size(row.size) if row.size else "-"
            return Segment(pad(size, width, "right"), "number")
        case Column.DELAY:
            known = row.time and row.received
            delay = figures.duration(row.received - row.time) if known else "-"
            return Segment(pad(delay, width, "right"), "wait")
        case Column.POSITION:
            return Segment(pad(position(row), width), "id")
