"""Which minutes: of what time, and which of them change by what was stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

LATE = 3600
"""Seconds of receipt, before and after what was just stored, in which what it changes is looked
for."""

_LAST_MINUTE = 2**32 // 60 * 60 - 60
"""A minute is a 32-bit time: what a clock puts beyond 2106 counts in its last whole minute."""


def minute(time: str) -> str:
    """The minute of a DateTime64."""
    return f"least(toStartOfMinute({time}), toDateTime({_LAST_MINUTE}))"


def asked(minutes: Iterable[int]) -> str:
    """Minutes, in seconds since the epoch, as a list of the engine."""
    return ", ".join(f"toDateTime({each}, 'UTC')" for each in minutes)


def within(column: str, minutes: Collection[int]) -> str:
    """That a time lies in these minutes; the range lets whole granules be skipped."""
    first, last = min(minutes), max(minutes)
    after = "toDateTime64('2262-04-11 23:47:16.854775807', 9, 'UTC')"
    if last != _LAST_MINUTE:
        after = f"toDateTime64({last + 60}, 9, 'UTC')"
    return (
        f"{column} >= toDateTime({first}, 'UTC') AND {column} <= {after} "
        f"AND {minute(column)} IN ({asked(minutes)})"
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


def of_minutes(minutes: Collection[int]) -> Seeds:
    """What the edges of these minutes are made of."""
    return Seeds(
        operations=within("start", minutes),
        messages=within("time", minutes),
        related="1",
        known=f"({within('time', minutes)})",
        consumers=False,
    )


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

ROWS = f"""SELECT toUnixTimestamp(minute) AS at, sum(rows) FROM (
    SELECT {minute("start")} AS minute, count() AS rows FROM operations
    WHERE {_between("start")} GROUP BY minute
    UNION ALL SELECT {minute("time")} AS minute, count() FROM messages
    WHERE {_between("time")} GROUP BY minute
) GROUP BY at"""
"""How many operations and messages each minute has, from the first on and before the last."""

ALL_MINUTES = f"""SELECT DISTINCT toUnixTimestamp(minute) AS at FROM (
    SELECT {minute("start")} AS minute FROM operations
    UNION ALL SELECT {minute("time")} FROM messages
    UNION ALL SELECT {minute("time")} FROM progress
    UNION ALL SELECT {minute("Timestamp")} FROM otel_traces WHERE SpanKind IN ('Client', 'Server')
    UNION ALL SELECT minute FROM edges
) ORDER BY at"""
"""Minutes that have edges, or may have."""

_CALLS = "SpanKind IN ('Client', 'Server')"
_NEW_CALLS = "ReceivedAt > {spans:DateTime64(9)} AND SpanKind IN ('Client', 'Server', 'Producer')"
_SINCE = "least({spans:DateTime64(9)}, {messages:DateTime64(9)})"

CHANGED_MINUTES = f"""SELECT DISTINCT toUnixTimestamp(minute) AS at FROM (
    SELECT {minute("start")} AS minute FROM r_operations
    UNION ALL
    SELECT {minute("time")} FROM r_messages
    UNION ALL
    -- Messages that a producing span claims by the context they carry; and those that may carry
    -- the context of what was handled when they were sent.
    SELECT {minute("time")} FROM r_relations WHERE header AND self IN (
        SELECT self FROM r_operations WHERE seed AND type IN ('create', 'send')
        UNION ALL SELECT self FROM r_seen)
    UNION ALL
    SELECT {minute("time")} FROM progress WHERE time > {{progress:DateTime64(9)}} - 10
    UNION ALL
    SELECT {minute("Timestamp")} FROM otel_traces
        WHERE {_CALLS} AND (ReceivedAt > {_SINCE} - 120 AND TraceId IN (
                SELECT TraceId FROM otel_traces WHERE {_NEW_CALLS})
            OR {STORED.related.replace("received", "ReceivedAt")} AND TraceId IN (
                SELECT TraceId FROM otel_traces WHERE {_NEW_CALLS} AND Timestamp < ReceivedAt - 60))
)"""
"""Minutes whose edges may differ after what was received since, once that is gathered."""

_PLACED = "FROM r_operations WHERE seed AND type IN ('create', 'send') AND offset IS NOT NULL"

PLACED = f"SELECT count() {_PLACED}"
"""How many sends name the position of their message."""

CLAIMED_MINUTES = f"""SELECT DISTINCT toUnixTimestamp({minute("time")}) FROM messages
    WHERE {STORED.related} AND (destination, partition, offset) IN (
        SELECT destination, partition, assumeNotNull(offset) {_PLACED})"""
"""Minutes of the messages whose position such sends name."""

MESSAGE_MINUTES = f"SELECT DISTINCT toUnixTimestamp({minute('time')}) FROM r_messages"
"""Minutes of the messages received since."""
