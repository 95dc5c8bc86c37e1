"""Numbers as people read them: counts, rates, durations, clock times. Short, of steady width."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

SECOND = 1_000_000_000


def count(value: int) -> str:
    """A count in at most five characters: `950`, `1.2k`, `38k`, `4.1M`."""
    if value < 1_000:
        return str(value)
    for unit, size in (("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)):
        scaled = value / size
        if scaled < 9.95:
            return f"{scaled:.1f}{unit}"
        if scaled < 999.5:
            return f"{scaled:.0f}{unit}"
    return f"{value / 1e12:.0f}T"


def counted(value: int, noun: str) -> str:
    """`1 message`, `1,204 messages`."""
    return f"1 {noun}" if value == 1 else f"{value:,} {noun}s"


def rate(per_second: float) -> str:
    """A rate in at most seven characters: `1.2k/s`, `34/s`, `1.2/s`, `12/min`, `idle` for none."""
    if per_second <= 0:
        return "idle"
    if per_second >= 9.95:
        return f"{count(round(per_second))}/s"
    if per_second >= 0.95:
        return f"{per_second:.1f}/s"
    per_minute = per_second * 60
    if per_minute >= 0.95:
        return f"{per_minute:.0f}/min"
    return f"{per_minute * 60:.0f}/h" if per_minute * 60 >= 0.5 else "<1/h"


def duration(nanoseconds: int) -> str:
    """A duration in at most seven characters: `0.4 ms`, `12 ms`, `1.2 s`, `3m 05s`, `2h 10m`."""
    sign = "-" if nanoseconds < 0 else ""
    size = abs(nanoseconds)
    if size < 10_000_000:
        small = f"{size / 1e6:.1f}"
        return f"{sign}{small} ms" if small != "10.0" else f"{sign}10 ms"
    if size < 999_500_000:
        return f"{sign}{size / 1e6:.0f} ms"
    if size < 9_950_000_000:
        return f"{sign}{size / 1e9:.1f} s"
    seconds = round(size / 1e9)
    if seconds < 60:
        return f"{sign}{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{sign}{minutes}m {seconds:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{sign}{hours}h {minutes:02}m"
    days, hours = divmod(hours, 24)
    return f"{sign}{days}d {hours:02}h"


def seconds(value: float | None) -> str:
    """A duration given in seconds; empty when it is unknown."""
    return "" if value is None else duration(round(value * SECOND))


def clock(nanoseconds: int, zone: tzinfo | None = UTC) -> str:
    """The time of day with milliseconds: `14:03:12.004`; dashes when it is unknown."""
    if not nanoseconds:
        return "--:--:--.---"
    moment = datetime.fromtimestamp(nanoseconds // SECOND, zone)
    milliseconds = nanoseconds % SECOND // 1_000_000
    return f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}.{milliseconds:03}"


def date(nanoseconds: int, zone: tzinfo | None = UTC) -> str:
    """Date and time of day with milliseconds; dashes when it is unknown."""
    if not nanoseconds:
        return clock(0)
    moment = datetime.fromtimestamp(nanoseconds // SECOND, zone)
    return f"{moment:%Y-%m-%d} {clock(nanoseconds, zone)}"


def size(count_of_bytes: int) -> str:
    """A size in bytes: `312 B`, `1.4 kB`, `2.1 MB`, `18.2 GB`."""
    if count_of_bytes < 1_000:
        return f"{count_of_bytes} B"
    for unit, factor in (("kB", 10**3), ("MB", 10**6)):
        if count_of_bytes < 1_000 * factor:
            return f"{count_of_bytes / factor:.1f} {unit}"
    return f"{count_of_bytes / 10**9:.1f} GB"
