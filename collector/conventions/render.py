"""The tables of names as SQL: what a materialized view selects out of spans and messages.

All expressions are pure functions of their source columns, so an embedded store, a cluster and
a re-index normalise in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from collector.conventions import headers, spans

RANKS = 32
"""Room for that many names in one field; a name's code is field * RANKS + rank."""


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def array(values: Iterable[str]) -> str:
    """An array literal of strings."""
    return "[" + ", ".join(quote(value) for value in values) + "]"


def normal_id(expression: str) -> str:
    """An id as `ids` keeps it: no quotes, braces or spaces, lower case, a UUID without dashes."""
    bare = f"lower(replaceRegexpAll({expression}, '^[\\\\s\"\\'{{]+|[\\\\s\"\\'}}]+$', ''))"
    uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
    return f"if(match({bare}, '{uuid}'), replaceAll({bare}, '-', ''), {bare})"


def _codes(fields: Iterable[tuple[str, ...]]) -> tuple[list[str], list[int]]:
    names: list[str] = []
    codes: list[int] = []
    for index, aliases in enumerate(fields, start=1):
        if len(aliases) > RANKS:
            raise ValueError(f"more than {RANKS} names for one field: {aliases[0]}")
        for rank, alias in enumerate(aliases):
            names.append(alias)
            codes.append(index * RANKS + rank)
    return names, codes


def _pick(index: int, pairs: str, absent: Iterable[str] = ()) -> str:
    """The best value of the field: `pairs` is sorted by code, so the first of its codes wins."""
    low = index * RANKS
    besides = "".join(f" AND x.2 != {quote(value)}" for value in absent)
    return f"arrayFirst(x -> x.1 >= {low} AND x.1 < {low + RANKS}{besides}, {pairs}).2"


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
        f"{_pick(index, 'known', field.absent)} AS said_{field.column}"
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
    Timestamp AS start, Duration AS duration, StatusCode = 'Error' AS error,
    StatusMessage AS error_message, bitAnd(Flags, 0x200) != 0 AS remote_parent,
    arrayMap(l -> (l.1, l.2, {_link("destination")}, {_link("partition")},
        toInt64OrNull({_link("offset")}), {_link("message_id")}),
        arrayZip(`Links.TraceId`, `Links.SpanId`, `Links.Attributes`)) AS links
FROM (
  SELECT *, transform(said_operation_type, {array(types)}, {array(types.values())}, '') AS typed,
    {groups} AS place
  FROM (
    SELECT ReceivedAt, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName,
      ResourceAttributes, ScopeName, Duration, StatusCode, StatusMessage, Flags,
      `Links.TraceId`, `Links.SpanId`, `Links.Attributes`,
      {known} AS known,
    {picks}
    FROM {source}
    WHERE {messaging}
  )
)"""


def _resource(names: tuple[str, ...]) -> str:
    last = f"ResourceAttributes[{quote(names[-1])}]"
    for name in reversed(names[:-1]):
        value = f"ResourceAttributes[{quote(name)}]"
        last = f"if({value} = '', {last}, {value})"
    return last


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
    """Every id an operation names, in the columns of `ids`."""
    return f"""SELECT
    received, {normal_id("i.1")} AS id, i.2 AS kind, i.1 AS written, trace_id, span_id,
    '' AS system, '' AS cluster, destination, '' AS incarnation, '' AS partition,
    toInt64(-1) AS offset, event_type, service, start AS time
FROM (
  SELECT received, trace_id, span_id, destination, event_type, service, start,
    arrayJoin(arrayFilter(x -> x.1 != '', [(message_id, 'message'), (event_id, 'message'),
      (conversation_id, 'correlation'), (key, 'key')])) AS i
  FROM {source}
)"""


def messages_select(source: str = "messages_in") -> str:
    """Records of `source` with what their headers say, in the columns of `messages`.

    Its column `event` is the structured CloudEvent where `value` is cut, and else empty.
    """
    names, codes = _codes(field.headers for field in headers.FIELDS)
    known = (
        "arraySort(x -> x.1, arrayFilter(x -> x.1 > 0 AND x.2 != '', arrayMap((n, v) -> "
        f"(transform(lower(n), {array(names)}, {codes}, 0), v), header_names, header_values)))"
    )
    fields = ",\n    ".join(
        f"if(structured AND {_json(field.attribute)} != '', {_json(field.attribute)}, "
        f"{_pick(index, 'known')}) AS {field.column}"
        for index, field in enumerate(headers.FIELDS, start=1)
    )
    content_type = (
        "lower(arrayFirst((v, n) -> lower(n) = 'content-type', header_values, header_names))"
    )
    found = ", ".join(
        f"arrayMap(v -> ({_padded(f'extractGroups(v, {quote(h.pattern)})[1]')}, "
        f"extractGroups(v, {quote(h.pattern)})[2]), "
        f"arrayFilter((v, n) -> lower(n) = {quote(h.name)} AND match(v, {quote(h.pattern)}), "
        "header_values, header_names))"
        for h in headers.CONTEXTS
    )
    pairs = ", ".join(
        f"if(arrayExists(n -> lower(n) = {quote(trace)}, header_names), "
        f"[({_padded(_header(trace))}, {_header(span)})], [])"
        for trace, span in headers.CONTEXT_PAIRS
    )
    valid = (
        "match(c.1, '^[0-9a-f]{32}$') AND match(c.2, '^[0-9a-f]{16}$') "
        "AND c.1 != repeat('0', 32) AND c.2 != repeat('0', 16)"
    )
    structured = f"startsWith({content_type}, {quote(headers.STRUCTURED)})"
    return f"""WITH {known} AS known, {structured} AS structured
SELECT
    received, environment, system, cluster, destination, incarnation, partition, offset, time,
    ifNull(m.key, '') AS key, m.key IS NULL AS key_null,
    {fields},
    arrayDistinct(arrayFilter(c -> {valid}, arrayConcat({found}, {pairs}))) AS contexts,
    arrayZip(header_names, header_values) AS headers,
    ifNull(m.value, '') AS value, value_size
FROM {source} AS m"""


def _json(attribute: str) -> str:
    return f"JSONExtractString(if(m.event = '', ifNull(m.value, ''), m.event), {quote(attribute)})"


def _header(name: str) -> str:
    return f"lower(arrayFirst((v, n) -> lower(n) = {quote(name)}, header_values, header_names))"


def _padded(expression: str) -> str:
    return f"leftPad({expression}, 32, '0')"


def header_relations_select(source: str = "messages_parsed") -> str:
    """Each context that a message carries, in the columns of `relations`."""
    return f"""SELECT
    received, c.1 AS target_trace_id, c.2 AS target_span_id, 'header' AS kind,
    '' AS trace_id, '' AS span_id, system, cluster, destination, incarnation, partition,
    toNullable(offset) AS offset, message_id, toDateTime64(time, 9) AS time
FROM (
  SELECT received, system, cluster, destination, incarnation, partition, offset, message_id, time,
    arrayJoin(contexts) AS c
  FROM {source}
)"""


def message_ids_select(source: str = "messages_parsed") -> str:
    """Every id a message names, in the columns of `ids`."""
    return f"""SELECT
    received, {normal_id("i.1")} AS id, i.2 AS kind, i.1 AS written, '' AS trace_id, '' AS span_id,
    system, cluster, destination, incarnation, partition, offset, event_type, source AS service,
    toDateTime64(time, 9) AS time
FROM (
  SELECT received, system, cluster, destination, incarnation, partition, offset, event_type,
    source, time,
    arrayJoin(arrayFilter(x -> x.1 != '', [(message_id, 'message'),
      (causation_id, 'causation'), (correlation_id, 'correlation'), (key, 'key')])) AS i
  FROM {source}
)"""


def version() -> str:
    """Changes whenever what is rendered changes: the stored tables then want a re-index."""
    text = "\n".join(
        (
            operations_select(),
            span_relations_select(),
            operation_ids_select(),
            messages_select(),
            header_relations_select(),
            message_ids_select(),
        )
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]
