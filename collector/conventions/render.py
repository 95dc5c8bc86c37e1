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
    named = (
        "multiIf("
        + ", ".join(
            f"ScopeName = {quote(n.scope)} AND SpanKind = {quote(n.kind)} "
            f"AND endsWith(SpanName, {quote(n.ending)}), {quote(n.type)}"
            for n in spans.NAMED_TYPES
        )
        + ", '')"
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
        _contexts(f"lower(n) = {quote(h.name)} AND match(v, {quote(h.pattern)})", h.pattern)
        for h in headers.CONTEXTS
    )
    pairs = ", ".join(
        f"arrayMap((t, s) -> ({_padded('lower(t)')}, lower(s)), {_same_length(trace, span)})"
        for trace, span in headers.CONTEXT_PAIRS
    )
    starting = headers.STARTING
    event_context = _json(starting.name)
    begun = (
        f"if(structured AND match({event_context}, {quote(starting.pattern)}), "
        f"[{_context(event_context, starting.pattern)}], "
        + _contexts(
            f"lower(n) IN ({array(headers.STARTING_HEADERS)[1:-1]}) "
            f"AND match(v, {quote(starting.pattern)})",
            starting.pattern,
        )
        + ")"
    )
    valid = f"match(c.1, '^[0-9a-f]{{32}}$') AND match(c.2, '^[0-9a-f]{{16}}$') AND {_valid('c')}"
    structured = f"startsWith({content_type}, {quote(headers.STRUCTURED)})"
    carried = f"arrayDistinct(arrayFilter(c -> {valid}, arrayConcat({found}, {pairs})))"
    return f"""WITH {known} AS known, {structured} AS structured, {carried} AS carried
SELECT
    received, environment, system, cluster, destination, incarnation, partition, offset,
    {_time("m.time")} AS time,
    ifNull(m.key, '') AS key, m.key IS NULL AS key_null,
    {fields},
    if(empty(carried), arrayFilter(c -> {valid}, {begun}), carried) AS contexts,
    arrayZip(header_names, header_values) AS headers,
    ifNull(m.value, '') AS value, value_size
FROM {source} AS m"""


def _json(attribute: str) -> str:
    return f"JSONExtractString(if(m.event = '', ifNull(m.value, ''), m.event), {quote(attribute)})"


def _time(milliseconds: str) -> str:
    """Clocks say anything: what lies outside of 1970 to 2262 is kept as the nearest that fits."""
    inside = f"greatest(0, least(toUnixTimestamp64Milli({milliseconds}), 9223372036854))"
    return f"fromUnixTimestamp64Milli(toInt64({inside}), 'UTC')"


def _contexts(which: str, pattern: str) -> str:
    """The contexts in the values of those headers (`n`, `v`), in their order."""
    return (
        f"arrayMap(v -> {_context('v', pattern)}, "
        f"arrayFilter((v, n) -> {which}, header_values, header_names))"
    )


def _context(value: str, pattern: str) -> str:
    trace, span = (f"extractGroups({value}, {quote(pattern)})[{group}]" for group in (1, 2))
    return f"({_padded(trace)}, {span})"


def _same_length(*names: str) -> str:
    """The values of each of these headers, as arrays as long as the shortest of them."""
    values = [
        f"arrayFilter((v, n) -> lower(n) = {quote(name)}, header_values, header_names)"
        for name in names
    ]
    shortest = f"least({', '.join(f'length({value})' for value in values)})"
    return ", ".join(f"arraySlice({value}, 1, {shortest})" for value in values)


def _padded(expression: str) -> str:
    """A trace id of 64 bits with its upper half."""
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
