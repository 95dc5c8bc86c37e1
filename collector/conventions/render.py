"""The tables of names as SQL: what a materialized view selects out of spans.

All expressions are pure functions of their source columns, so an embedded store, a cluster and
a re-index normalise in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.conventions import spans
from collector.conventions.sql import RANKS, array, few, normal_id, pick, quote


def _codes(fields: Iterable[tuple[str, ...]]) -> tuple[list[str], list[int]]:
    names: list[str] = []
    codes: list[int] = []
    for index, aliases in enumerate(fields, start=1):
        for rank, alias in enumerate(few(aliases)):
            names.append(alias)
            codes.append(index * RANKS + rank)
    return names, codes


def operations_select(source: str = "spans") -> str:
    """One row for each messaging span of `source`, in the columns of `operations`."""
    names, codes = _codes(field.attributes for field in spans.FIELDS)
    known = (
        f"arraySort(x -> x.1, arrayFilter(x -> x.1 > 0 AND x.2 != '', arrayMap((k, v) -> "
        f"(transform(k, {array(names)}, {codes}, 0), v), "
        "mapKeys(SpanAttributes), mapValues(SpanAttributes))))"
    )
    address = next(i for i, f in enumerate(spans.FIELDS, 1) if f.column == "server_address")
    messaging = (
        "SpanKind IN ('Producer', 'Consumer') OR "
        f"arrayExists(x -> intDiv(x.1, {RANKS}) != {address}, known)"
    )
    picks = ",\n    ".join(
        f"{pick(index, 'known', field.absent)} AS said_{field.column}"
        for index, field in enumerate(spans.FIELDS, start=1)
    )
    types = spans.OPERATION_TYPES
    kinds = spans.KIND_TYPES
    groups = (
        "multiIf("
        + ", ".join(
            f"startsWith(ScopeName, {quote(p.scope)}), "
            f"extractGroups(said_message_id, {quote(p.pattern)})"
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
    failed = " OR ".join(
        f"{_attribute(s.attribute)} IN ({array(s.values)[1:-1]})" for s in spans.FAILED_STATES
    )
    reason = f"concat({', '.join(_attribute(s.reason) for s in spans.FAILED_STATES)}, '')"
    environment = _resource(spans.ENVIRONMENT)
    instance = _resource(spans.INSTANCE)
    return f"""SELECT
    ReceivedAt AS received, {environment} AS environment, TraceId AS trace_id, SpanId AS span_id,
    ParentSpanId AS parent_span_id, ServiceName AS service, {instance} AS instance,
    ScopeName AS scope, SpanName AS name, SpanKind AS kind,
    if(typed = '', transform(SpanKind, {array(kinds)}, {array(kinds.values())}, ''), typed) AS type,
    said_system AS system, said_cluster AS cluster,
    if(said_destination = '', place[1], said_destination) AS destination,
    if(said_partition = '', place[2], said_partition) AS partition,
    toInt64OrNull(if(said_offset = '', place[3], said_offset)) AS offset,
    said_consumer_group AS consumer_group, said_client_id AS client_id,
    if(empty(place), said_message_id, '') AS message_id, said_event_id AS event_id,
    said_event_type AS event_type, said_conversation_id AS conversation_id, said_key AS key,
    toInt64OrNull(said_batch_count) AS batch_count, said_server_address AS server_address,
    Timestamp AS start, Duration AS duration, StatusCode = 'Error' OR failed AS error,
    if(failed AND StatusMessage = '', reason, StatusMessage) AS error_message,
    bitAnd(Flags, 0x200) != 0 AS remote_parent,
    arrayMap(l -> (l.1, l.2, {_link("destination")}, {_link("partition")},
        toInt64OrNull({_link("offset")}), {_link("message_id")}),
        arrayFilter(l -> {_valid("l")},
            arrayZip(`Links.TraceId`, `Links.SpanId`, `Links.Attributes`))) AS links
FROM (
  SELECT *, if(said_operation_type = '', {named},
      transform(said_operation_type, {array(types)}, {array(types.values())}, '')) AS typed,
    {groups} AS place
  FROM (
    SELECT ReceivedAt, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
      ResourceAttributes, ScopeName, Duration, StatusCode, StatusMessage, Flags,
      `Links.TraceId`, `Links.SpanId`, `Links.Attributes`,
      {failed} AS failed, {reason} AS reason, {known} AS known,
    {picks}
    FROM {source}
    WHERE {messaging}
  )
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


def _link(column: str) -> str:
    field = next(field for field in spans.FIELDS if field.column == column)
    last = "''"
    for name in reversed(field.attributes):
        last = f"if(l.3[{quote(name)}] = '', {last}, l.3[{quote(name)}])"
    return last


def span_relations_select(source: str = "operations_in") -> str:
    """Parent and links of each operation of `source`, in the columns of `relations`."""
    return f"""SELECT
    received, r.1 AS target_trace_id, r.2 AS target_span_id, r.3 AS kind,
    trace_id, span_id, '' AS system, '' AS cluster, r.4 AS destination, '' AS incarnation,
    r.5 AS partition, r.6 AS offset, r.7 AS message_id, start AS time
FROM (
  SELECT received, trace_id, span_id, start,
    arrayJoin(arrayConcat(
      if(parent_span_id = '', [], [(trace_id, parent_span_id, 'parent', '', '', NULL, '')]),
      arrayMap(l -> (l.1, l.2, 'link', l.3, l.4, l.5, l.6), links)
    )) AS r
  FROM {source}
  WHERE parent_span_id != '' OR notEmpty(links)
)"""


def operation_ids_select(source: str = "operations_in") -> str:
    """Every id an operation names, in the columns of `ids`.

    Where its message lay is one where it points at nothing else; elsewhere that would be a row
    more for most operations, and they are found by what they point at.
    """
    return f"""SELECT
    received, {normal_id("i.1")} AS id, i.2 AS kind, i.1 AS written, trace_id, span_id,
    '' AS system, '' AS cluster, destination, '' AS incarnation, '' AS partition,
    toInt64(-1) AS offset, event_type, service, start AS time
FROM (
  SELECT received, trace_id, span_id, destination, event_type, service, start,
    arrayJoin(arrayFilter(x -> x.1 != '', [(message_id, 'message'), (event_id, 'message'),
      (conversation_id, 'correlation'), (key, 'key'),
      (if(offset IS NULL OR destination = '' OR remote_parent OR notEmpty(links), '',
        concat(destination, '/', partition, '/', toString(ifNull(offset, -1)))), 'position')])) AS i
  FROM {source}
)"""
