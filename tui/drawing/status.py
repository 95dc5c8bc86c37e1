"""The status line: who answers, how far behind it is, what came in, is stored, was dropped."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tui.drawing import figures
from tui.drawing.segments import Line, Segment, fit, line, printable, width_of

MEMORY = 10.0
"""Seconds over which the rate in is taken."""

SECOND = 1_000_000_000

LATE = 10.0
"""Seconds of its own lag from which a collector is marked as late."""

SLOW = 2 * SECOND
"""Nanoseconds after which it is said what is waited for."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question whose answer is slow."""

    what: str
    since: int
    """Nanoseconds since the Unix epoch."""

    def seconds(self, now: int) -> int:
        return (now - self.since) // SECOND


@dataclass(frozen=True, slots=True)
class Totals:
    """Spans and messages since the collector started."""

    received: int = 0
    stored: int = 0
    dropped: int = 0
    rejected: int = 0

    @classmethod
    def of(cls, health: Mapping[str, Any]) -> Totals:
        """Sums what the components tell of spans and messages."""
        sums = dict.fromkeys(("received", "stored", "dropped", "rejected"), 0)
        for component in health.get("components", ()):
            for counted in _counters(component.get("figures") or {}):
                for name in sums:
                    sums[name] += int(counted.get(name) or 0)
        return cls(**sums)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the collector itself is behind what it accepted and what its brokers hold."""

    seconds: float | None = None
    """Since the oldest span came that is not stored yet; None where no spool is."""
    messages: int = 0
    """In the brokers, as its taps last looked, and not read yet."""
    edges: float = 0.0
    """Seconds for which something is stored that the graph does not count."""

    @classmethod
    def of(cls, health: Mapping[str, Any]) -> Lag:
        """The spool's age, the sum of what the taps have before them, and how old the graph is."""
        told = [one.get("figures") or {} for one in health.get("components", ())]
        ages = [float(one["oldest_seconds"]) for one in told if "oldest_seconds" in one]
        unread = sum(int(one.get("lag") or 0) for one in told if "bootstrap" in one)
        edges = max((float(one.get("behind_seconds") or 0) for one in told), default=0.0)
        return cls(max(ages, default=None), unread, edges)


def _counters(figures_told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Mappings of outcomes to counts, wherever they lie; requests are not what is counted."""
    for name, value in figures_told.items():
        if isinstance(value, Mapping) and name != "requests":
            if "received" in value and "stored" in value:
                yield value
            else:
                yield from _counters(value)


class Connection:
    """What is known of the collector: whether it answers, since when not, how much comes in."""

    def __init__(self, name: str, live: bool = True) -> None:
        self.name = name
        self.live = live
        self.health: Mapping[str, Any] | None = None
        self.away_since = 0
        """Nanoseconds since the Unix epoch; 0 while it answers."""
        self.back_at = 0
        """When it answered again after it was away; 0: it never was."""
        self.trouble = ""
        self.hint = ""
        self._totals: deque[tuple[int, Totals]] = deque()

    def answered(self, health: Mapping[str, Any], now: int) -> None:
        """It told how it is."""
        self.back(now)
        self.health = health
        totals = Totals.of(health)
        if self._totals and totals.received < self._totals[-1][1].received:
            self._totals.clear()
        self._totals.append((now, totals))
        while len(self._totals) > 2 and now - self._totals[1][0] > MEMORY * SECOND:
            self._totals.popleft()

    @property
    def covered_from(self) -> int:
        """What was received before this has been pruned; 0: nothing has, as far as is known."""
        return int((self.health or {}).get("covered_from_ns", 0))

    def back(self, now: int) -> None:
        """It answers, perhaps again."""
        if self.away:
            self.back_at = now
        self.away_since, self.trouble, self.hint = 0, "", ""

    def failed(self, detail: str, hint: str, now: int) -> None:
        """It did not answer."""
        self.away_since = self.away_since or now
        self.trouble, self.hint = detail, hint

    @property
    def away(self) -> bool:
        return bool(self.away_since)

    @property
    def totals(self) -> Totals:
        return self._totals[-1][1] if self._totals else Totals()

    @property
    def lag(self) -> Lag:
        return Lag.of(self.health or {})

    @property
    def rate(self) -> float | None:
        """Spans and messages that came in, a second; None before two answers."""
        if len(self._totals) < 2:
            return None
        (first, before), (last, now) = self._totals[0], self._totals[-1]
        return (now.received - before.received) * SECOND / (last - first) if last > first else None

    @property
    def ailing(self) -> list[tuple[str, str]]:
        """Components that are not well, each with what is wrong."""
        return [
            (str(component.get("name", "")), str(component.get("detail", "")))
            for component in (self.health or {}).get("components", ())
            if not component.get("ok", True)
        ]

    @property
    def taps(self) -> list[tuple[str, bool, str]]:
        """The brokers that are tapped: name, whether it is connected, what it does or lacks."""
        return [
            (str(one.get("name", "")), bool(one.get("ok")), str(one.get("detail", "")))
            for one in (self.health or {}).get("components", ())
            if "bootstrap" in (one.get("figures") or {})
        ]

    def address_of(self, component: str) -> str:
        """Where a receiver listens, as health tells; empty when it does not."""
        for one in (self.health or {}).get("components", ()):
            if one.get("name") == component:
                return str(one.get("detail", "")).removeprefix("listens on ").strip()
        return ""


def as_it_was(at: int) -> str:
    """Of what time it is what shows while the collector is away."""
    return f"as it was at {figures.clock(at)[:8]} UTC"


def draw_status(
    connection: Connection, now: int, width: int, waiting: Waiting | None = None
) -> Line:
    """The status line in exactly this width; what is `waiting` comes first."""
    if waiting is not None and not connection.away:
        left = line(
            Segment(" ◌ asking ", "warning"),
            Segment(f"for {waiting.what}, {waiting.seconds(now):,} s; "),
            Segment("esc", "key"),
            Segment(" stops waiting", "dim"),
        )
        return fit(left, width)
    name = printable(connection.name.removeprefix("http://"))
    if connection.away:
        left = line(
            Segment(" ○ away ", "error"),
            Segment(f"{name}  ", "dim"),
            Segment(f"since {figures.clock(connection.away_since)[:8]} UTC", "warning"),
            Segment(f", {figures.ago(now - connection.away_since)}; asks again", "dim"),
        )
        return fit(left, width)
    if not connection.live:
        return fit(line(Segment(" ▪ recorded ", "label"), Segment(name, "dim")), width)
    if connection.health is None:
        return fit(line(Segment(" ◌ asking ", "label"), Segment(name, "dim")), width)
    totals, rate = connection.totals, connection.rate
    ailing = connection.ailing
    mark = Segment(" ● ", "ok") if not ailing else Segment(" ▲ ", "warning")
    trouble = f"  {ailing[0][0]}: {ailing[0][1]}" if ailing else ""
    right = line(
        *_lag(connection.lag),
        Segment("in ", "label"),
        Segment("…" if rate is None else figures.rate(rate), "number"),
        Segment("   stored ", "label"),
        Segment(f"{totals.stored:,}", "number"),
        Segment("   dropped ", "label"),
        Segment(f"{totals.dropped:,} ", "error" if totals.dropped else "number"),
        Segment(f"  rejected {totals.rejected:,} " if totals.rejected else "", "error"),
    )
    left = line(mark, Segment(name, "dim"), Segment(printable(trouble), "warning"))
    return (*fit(left, max(0, width - width_of(right))), *fit(right, min(width, width_of(right))))


def _lag(lag: Lag) -> Iterator[Segment]:
    """In tenths of a second: what a spool holds for a moment shall not make the line flicker."""
    if lag.seconds is None and not lag.messages:
        return
    seconds = lag.seconds or 0.0
    yield Segment("lag ", "label")
    if lag.seconds is not None:
        age = f"{seconds:.1f} s" if seconds < LATE else figures.seconds(seconds)
        yield Segment(age, "warning" if seconds >= LATE else "number")
    if lag.messages:
        yield Segment(", " if lag.seconds is not None else "", "label")
        yield Segment(figures.count(lag.messages), "number")
        yield Segment(" messages", "label")
    yield Segment("   ")
