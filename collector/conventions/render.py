"""The tables of names as SQL: what a materialized view selects out of spans.

All expressions are pure functions of their source columns, so an embedded store, a cluster and
a re-index normalise in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.conventions import spans
from collector.conventions.sql import RANKS, array, few, normal_id, quote, written_id


def _codes(fields: Iterable[tuple[str, ...]]) -> tuple[list[str], list[int]]:
    names: list[str] = []
    codes: list[int] = []
    for index, aliases in enumerate(fields, start=1):
        for rank, alias in enumerate(few(aliases)):
            names.append(alias)
            codes.append(index * RANKS + rank)
    return names, codes


def _fields(attributes: str) -> str:
    """What attributes say, by the number of the field: the best name's value first. What says
    "none" is kept under 0."""
    names, codes = _codes(field.attributes for field in spans.FIELDS)
    known = (
        "arraySort(x -> x.1, arrayFilter(x -> x.1 > 0 AND x.2 != '', arrayMap((k, v) -> "
        f"(transform(k, {array(names)}, {codes}, 0), v), "
        f"mapKeys({attributes}), mapValues({attributes}))))"
    )
    field = f"intDiv(x.1, {RANKS})"
    absent: dict[str, list[int]] = {}
    for index, each in enumerate(spans.FIELDS, start=1):
        for value in each.absent:
            absent.setdefault(value, []).append(index)
    none = " OR ".join(
        f"x.2 = {quote(value)} AND {field} IN {tuple(indexes)}" for value, indexes in absent.items()
    )
    return f"CAST(arrayMap(x -> (if({none}, 0, {field}), x.2), {known}), 'Map(UInt8, String)')"


def _field(column: str, fields: str) -> str:
    return f"{fields}[{_index(column)}]"


def _index(column: str) -> int:
    return next(i for i, field in enumerate(spans.FIELDS, 1) if field.column == column)


def operations_select(source: str = "spans") -> str:
    """One row for each messaging span of `source`, in the columns of `operations`."""
    said = {field.column: _field(field.column, "said") for field in spans.FIELDS}
    messaging = (
        "SpanKind IN ('Producer', 'Consumer') OR "
        f"arrayExists(k -> k != {_index('server_address')}, mapKeys(said))"
    )
    types = spans.OPERATION_TYPES
    kinds = spans.KIND_TYPES
    place = (
        "multiIf("
        + ", ".join(
            f"startsWith(ScopeName, {quote(p.scope)}), "
            f"extractGroups({said['message_id']}, {quote(p.pattern)})"
            for p in spans.POSITION_IDS
        )
        + ", emptyArrayString())"
    )
    named = (
        "multiIf("
        + ", ".join(
            f"ScopeName = {quote(n.scope)} AND SpanKind = {quote(n.kind)} "
            f"AND endsWith(SpanName, {quote(n.ending)}), {quote(n.type)}"
            for n in spans.NAMED_TYPES
        )
        + ", '')"
    )
    typed = (
        f"if({said['operation_type']} = '', {named}, "
        f"transform({said['operation_type']}, {array(types)}, {array(types.values())}, ''))"
    )
    failed = " OR ".join(
        f"{_attribute(s.attribute)} IN ({array(s.values)[1:-1]})" for s in spans.FAILED_STATES
    )
    reason = f"concat({', '.join(_attribute(s.reason) for s in spans.FAILED_STATES)}, '')"
    linked = (
        f"arrayFilter(l -> {_valid('l')}, "
        "arrayZip(`Links.TraceId`, `Links.SpanId`, `Links.Attributes`))"
    )
    place_of_link = ", ".join(
        (
            _field("destination", "f"),
            _field("partition", "f"),
            f"toInt64OrNull({_field('offset', 'f')})",
            _field("message_id", "f"),
        )
    )
    # An insert pays for each expression before it reads a row, and for each column of each step.
    return f"""SELECT
    ReceivedAt AS received, {_resource(spans.ENVIRONMENT)} AS environment, TraceId AS trace_id,
    SpanId AS span_id, ParentSpanId AS parent_span_id, ServiceName AS service,
    {_resource(spans.INSTANCE)} AS instance, ScopeName AS scope, SpanName AS name,
    SpanKind AS kind,
    if(({typed} AS typed) = '', transform(SpanKind, {array(kinds)}, {array(kinds.values())}, ''),
        typed) AS type,
    {said["system"]} AS system, {said["cluster"]} AS cluster,
    if({said["destination"]} = '', ({place} AS place)[1], {said["destination"]}) AS destination,
    if({said["partition"]} = '', place[2], {said["partition"]}) AS partition,
    toInt64OrNull(if({said["offset"]} = '', place[3], {said["offset"]})) AS offset,
    {said["consumer_group"]} AS consumer_group, {said["client_id"]} AS client_id,
    if(empty(place), {said["message_id"]}, '') AS message_id, {said["event_id"]} AS event_id,
    {said["event_type"]} AS event_type, {said["conversation_id"]} AS conversation_id,
    {said["key"]} AS key, toInt64OrNull({said["batch_count"]}) AS batch_count,
    {said["server_address"]} AS server_address, Timestamp AS start, Duration AS duration,
    StatusCode = 'Error' OR ({failed} AS failed) AS error,
    if(failed AND StatusMessage = '', {reason}, StatusMessage) AS error_message,
    bitAnd(Flags, 0x200) != 0 AS remote_parent,
    arrayMap((l, f) -> (l.1, l.2, {place_of_link}), ({linked} AS linked),
        arrayMap(l -> {_fields("l.3")}, linked)) AS links
FROM (
  SELECT ReceivedAt, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
    ResourceAttributes, SpanAttributes, ScopeName, Duration, StatusCode, StatusMessage, Flags,
    `Links.TraceId`, `Links.SpanId`, `Links.Attributes`, {_fields("SpanAttributes")} AS said
  FROM {source}
  WHERE {messaging}
)"""


def _attribute(name: str) -> str:
    return f"SpanAttributes[{quote(name)}]"


def _resource(names: tuple[str, ...]) -> str:
    last = f"ResourceAttributes[{quote(names[-1])}]"
    for name in reversed(names[:-1]):
        value = f"ResourceAttributes[{quote(name)}]"
        last = f"if({value} = '', {last}, {value})"
    return last


def _valid(context: str) -> str:
    """That a pair of hex ids has the right length and is not all zeros."""
    return (
        f"length({context}.1) = 32 AND length({context}.2) = 16 "
        f"AND {context}.1 != repeat('0', 32) AND {context}.2 != repeat('0', 16)"
    )


def span_relations_select(source: str = "operations_in") -> str:
    """Links of each operation of `source` that lead to another trace, in the columns of
    `relations`.

    What points at a context from its own trace, as nearly all does, is told by the operations of
    that trace, which lie beside each other: a row for it would only say the same again.
    """
    return f"""SELECT
    received, r.1 AS target_trace_id, r.2 AS target_span_id, 'link' AS kind,
    trace_id, span_id, '' AS system, '' AS cluster, r.3 AS destination, '' AS incarnation,
    r.4 AS partition, r.5 AS offset, r.6 AS message_id, start AS time
FROM (
  SELECT received, trace_id, span_id, start,
    arrayJoin(arrayFilter(l -> l.1 != trace_id, links)) AS r
  FROM {source}
)"""


def operation_ids_select(source: str = "operations_in", *, once: bool = False) -> str:
    """Every id an operation names, in the columns of `ids`; `once`: no row twice.

    Most operations of an event, in one trace, bear the same message id and key: these are there
    once for each trace and minute, without the span, and which spans it is the trace tells. Where
    its message lay is an id where it points at nothing else; elsewhere that would be a row more
    for most operations, and they are found by what they point at.
    """
    bare = "i.3 = ''"
    minute = "fromUnixTimestamp64Nano(toInt64(minute) * 60000000000, 'UTC')"
    return f"""SELECT
    received, {normal_id("i.1")} AS id, i.2 AS kind, {written_id("i.1")} AS written, trace_id,
    i.3 AS span_id, '' AS system, '' AS cluster, if({bare}, '', destination) AS destination,
    '' AS incarnation, '' AS partition, toInt64(-1) AS offset,
    if({bare}, '', event_type) AS event_type, if({bare}, '', service) AS service,
    if({bare}, {minute}, start) AS time, if({bare}, minute, 0) AS minute
FROM (
  SELECT received, trace_id, destination, event_type, service, start,
    toInt32(intDiv(toUnixTimestamp64Nano(start), 60000000000)) AS minute,
    arrayJoin(arrayFilter(x -> x.1 != '', [
      (message_id, 'message', ''), (event_id, 'message', if(message_id = '', '', span_id)),
      (conversation_id, 'correlation', span_id), (key, 'key', ''),
      (if(offset IS NULL OR destination = '' OR remote_parent OR notEmpty(links), '',
        concat(destination, '/', partition, '/', toString(ifNull(offset, -1)))), 'position',
        span_id)])) AS i
  FROM {source}{" LIMIT 1 BY i, trace_id, minute" if once else ""}
)"""
