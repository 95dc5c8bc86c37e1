"""Windows of time that counts are of: one that follows now, everything, or one that is past."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from graph.moments import interval
from tui.drawing import figures

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND


class Bounds(NamedTuple):
    """start <= time < end, nanoseconds since the Unix epoch; 0 is not bounded."""

    start: int
    end: int


class Window(NamedTuple):
    """One that follows now has minutes; a past one its bounds; everything has neither."""

    name: str
    minutes: int = 0
    start: int = 0
    end: int = 0

    @property
    def follows(self) -> bool:
        """Whether what happens now is in it."""
        return not self.end

    def bounds(self, now: int) -> Bounds:
        """Whole minutes; one that follows now begins a part of a minute earlier."""
        if self.minutes:
            return Bounds((now // MINUTE - self.minutes) * MINUTE, 0)
        return Bounds(self.start, self.end)

    def earlier(self, now: int) -> Bounds | None:
        """As long a time just before; None for everything."""
        start, end = self.bounds(now)
        if not start:
            return None
        length = self.minutes * MINUTE or max(MINUTE, _floor((end or now) - start))
        return Bounds(max(1, start - length), start)


WINDOWS = (
    Window("last 5 min", 5),
    Window("last 15 min", 15),
    Window("last hour", 60),
    Window("everything"),
)
USUAL = WINDOWS[1]


def typed(text: str, now: int) -> Window:
    """The window that a person wrote: `2h..1h`, `90m`, two dates. Raises MomentError."""
    start, end = interval(text, now)
    written = text.strip()
    if not end and written.partition("..")[0].strip()[-1:] in "smhdw":
        minutes = max(1, round((now - start) / MINUTE))
        return Window(f"last {_span(minutes)}", minutes)
    start = max(1, _floor(start))
    end = max(start + MINUTE, -(-end // MINUTE) * MINUTE) if end else 0
    return Window(
        f"{_clock(start, now)}-{_clock(end, now)}" if end else _since(start, now), 0, start, end
    )


def _since(start: int, now: int) -> str:
    return f"since {_clock(start, now)}"


def said(bounds: Bounds, now: int) -> str:
    """A window's ends as clock times, with the date where that is another day's."""
    return f"{_clock(bounds.start, now)}-{_clock(bounds.end or now, now)}"


def _floor(time: int) -> int:
    return time // MINUTE * MINUTE


def _span(minutes: int) -> str:
    if minutes % 1440 == 0:
        return f"{minutes // 1440} d"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _clock(time: int, now: int) -> str:
    """Hours and minutes, UTC; another day's with its date."""
    moment = figures.clock(time)[:5]
    if time // DAY == now // DAY:
        return moment
    return f"{datetime.fromtimestamp(time // SECOND, UTC):%m-%d} {moment}"
