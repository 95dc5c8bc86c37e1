"""Which minutes, and which slices of them: of what time, and which of them change by what was
stored."""

from __future__ import annotations

from dataclasses import dataclass

LATE = 3600
"""Seconds of receipt, before and after what was just stored, in which what it changes is looked
for."""

MINUTE = 60

SLICE = 5
"""Seconds of the slices in which the newest minutes are computed, so that of a minute that goes on
changing only what changed has to be computed again."""

_LAST = 2**32 // MINUTE * MINUTE - MINUTE
"""A minute is a 32-bit time: what a clock puts beyond 2106 counts in its last whole minute."""


def start_of(time: str, unit: int) -> str:
    """When the minute, or slice, of a DateTime64 begins, in seconds since the epoch."""
    return f"least(intDiv(toUnixTimestamp64Second({time}), {unit}) * {unit}, {_LAST})"


def slices_of(minute: int) -> range:
    """The beginnings of a minute's slices."""
    return range(minute, minute + MINUTE, SLICE)


def minute_of(start: int) -> int:
    """The minute of a slice."""
    return start // MINUTE * MINUTE


@dataclass(frozen=True, slots=True)
class Slices:
    """Stretches of time, each of `unit` seconds, whose edges are computed together."""

    starts: tuple[int, ...]
    """Seconds since the epoch, in order."""
    unit: int

    def of(self, time: str) -> str:
        """Which one a DateTime64 lies in."""
        return start_of(time, self.unit)

    def has(self, start: str) -> str:
        """That a beginning is that of one of them."""
        return f"{start} IN ({', '.join(map(str, self.starts))})"

    @property
    def first(self) -> str:
        """When the first begins."""
        return f"toDateTime({self.starts[0]}, 'UTC')"

    def between(self, time: str, beside: int = 0) -> str:
        """That a time lies between the beginning of the first and the end of the last, or so many
        seconds beside."""
        last = f"toDateTime64({self.starts[-1] + self.unit + beside}, 9, 'UTC')"
        if self.starts[-1] >= _LAST:
            last = "toDateTime64('2262-04-11 23:47:16.854775807', 9, 'UTC')"
        first = f"toDateTime({max(0, self.starts[0] - beside)}, 'UTC')"
        return f"{time} >= {first} AND {time} <= {last}"

    def within(self, time: str) -> str:
        """That a time lies in one of them; the range lets whole granules be skipped."""
        return f"({self.between(time)} AND {self.has(self.of(time))})"

    def seeds(self) -> Seeds:
        """What their edges are made of."""
        return Seeds(
            operations=self.within("start"),
            messages=self.within("time"),
            related="1",
            known=self.within("time"),
            consumers=False,
        )


def _between(column: str) -> str:
    return f"{column} >= toDateTime({{first:UInt32}}) AND {column} < toDateTime({{after:UInt32}})"


@dataclass(frozen=True, slots=True)
class Seeds:
    """What gathering starts from, as conditions on the tables' rows."""

    operations: str
    messages: str
    related: str
    """A further condition on the operations and relations that the steps lead to."""
    known: str
    """Relations that the seeds tell themselves."""
    consumers: bool
    """Whether also those are wanted who consume what the seeds produced or carry."""


_SPANS = "received > {spans:DateTime64(9)} AND received <= {until:DateTime64(9)}"
_MESSAGES = "received > {messages:DateTime64(9)} AND received <= {until:DateTime64(9)}"

STORED = Seeds(
    operations=_SPANS,
    messages=_MESSAGES,
    related=f"received > least({{spans:DateTime64(9)}}, {{messages:DateTime64(9)}}) - {LATE} "
    f"AND received <= {{until:DateTime64(9)}} + {LATE}",
    known=f"if(kind = 'header', {_MESSAGES}, {_SPANS})",
    consumers=True,
)
"""What was stored since, up to some time, and what belongs to it."""

RECEIPTS = """SELECT toUnixTimestamp64Nano(received) AS at, count() FROM (
    SELECT received FROM operations WHERE received > {spans:DateTime64(9)}
    UNION ALL SELECT received FROM messages WHERE received > {messages:DateTime64(9)}
) GROUP BY at ORDER BY at"""
"""How many rows were stored since, by their time of receipt."""

ROWS = f"""SELECT at, sum(rows) FROM (
    SELECT {start_of("start", SLICE)} AS at, count() AS rows FROM operations
    WHERE {_between("start")} GROUP BY at
    UNION ALL SELECT {start_of("time", SLICE)} AS at, count() FROM messages
    WHERE {_between("time")} GROUP BY at
) GROUP BY at"""
"""How many operations and messages each slice has, from the first on and before the last."""

ALL_MINUTES = f"""SELECT DISTINCT at FROM (
    SELECT {start_of("start", MINUTE)} AS at FROM operations
    UNION ALL SELECT {start_of("time", MINUTE)} FROM messages
    UNION ALL SELECT {start_of("time", MINUTE)} FROM progress
    UNION ALL SELECT {start_of("Timestamp", MINUTE)} FROM otel_traces
        WHERE SpanKind IN ('Client', 'Server')
    UNION ALL SELECT toInt64(toUnixTimestamp(minute)) FROM edges
) ORDER BY at"""
"""Minutes that have edges, or may have."""

_CALLS = "SpanKind IN ('Client', 'Server')"
_NEW_CALLS = "ReceivedAt > {spans:DateTime64(9)} AND SpanKind IN ('Client', 'Server', 'Producer')"
_SINCE = "least({spans:DateTime64(9)}, {messages:DateTime64(9)})"

CHANGED = f"""SELECT DISTINCT at FROM (
    SELECT {start_of("start", SLICE)} AS at FROM r_operations
    UNION ALL
    SELECT {start_of("time", SLICE)} FROM r_messages
    UNION ALL
    -- Messages that a producing span claims by the context they carry; and those that may carry
    -- the context of what was handled when they were sent.
    SELECT {start_of("time", SLICE)} FROM r_relations WHERE header AND self IN (
        SELECT self FROM r_operations WHERE seed AND type IN ('create', 'send')
        UNION ALL SELECT self FROM r_seen)
    UNION ALL
    SELECT {start_of("time", SLICE)} FROM progress WHERE time > {{progress:DateTime64(9)}} - 10
    UNION ALL
    SELECT {start_of("Timestamp", SLICE)} FROM otel_traces
        WHERE {_CALLS} AND (ReceivedAt > {_SINCE} - 120 AND TraceId IN (
                SELECT TraceId FROM otel_traces WHERE {_NEW_CALLS})
            OR {STORED.related.replace("received", "ReceivedAt")} AND TraceId IN (
                SELECT TraceId FROM otel_traces WHERE {_NEW_CALLS} AND Timestamp < ReceivedAt - 60))
)"""
"""Slices whose edges may differ after what was received since, once that is gathered."""

_PLACED = "FROM r_operations WHERE seed AND type IN ('create', 'send') AND offset IS NOT NULL"

PLACED = f"SELECT count() {_PLACED}"
"""How many sends name the position of their message."""

CLAIMED = f"""SELECT DISTINCT {start_of("time", SLICE)} FROM messages
    WHERE {STORED.related} AND (destination, partition, offset) IN (
        SELECT destination, partition, assumeNotNull(offset) {_PLACED})"""
"""Slices of the messages whose position such sends name."""

UNSETTLED = f"""SELECT DISTINCT {start_of("time", SLICE)} FROM r_messages
    WHERE received > fromUnixTimestamp64Nano({{settled:Int64}})"""
"""Slices of the messages received since and after a time."""
