"""The tables of what messages say, as SQL: what a materialized view selects out of records.

Cheap where it matters. Each header's name is looked up once, for a code in which all tables have
a share; tables are data in the statement too, for each expression in it costs every insert. What
concerns few messages happens inside of arrays that are empty for all others, for which the engine
then computes nothing: a body is parsed only where a mark says so, and once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.conventions import contexts, copies, headers, names, profiles, render_contexts
from collector.conventions.documents import Paths
from collector.conventions.own import Own
from collector.conventions.profiles import TEXTS, Profile
from collector.conventions.recognise import Recogniser
from collector.conventions.render_copies import copied, said_of_copy
from collector.conventions.sql import (
    RANKS,
    array,
    few,
    lookup,
    normal_id,
    pick,
    quote,
    where,
    written_id,
)
from graph.model import MASKED

Said = Sequence[tuple[str, int, str]]
"""Who says it (a profile), under which code, and by which name."""

OWN = 24
"""Room for that many names of a profile's own in one field; the plain ones come after them."""

PLAIN, CARRIER, PROFILE, COPYING, BIT, END = 0, 16, 22, 30, 38, 44
"""A header name's code: its plain meaning from bit 0 on, its part in contexts, the profile and the
copying that it alone is a mark of, and the bit that it is as a mark with others."""

_CONTEXTS = "Array(Tuple(trace_id String, span_id String))"
_COPIED = (
    "Tuple(kind LowCardinality(String), destination String, partition String, "
    "offset Nullable(Int64), message_id String, consumer String, attempt Nullable(Int64), "
    "error_type String, error_message String)"
)
_BUSINESS = "Array(Tuple(name String, value String))"

KEPT: dict[str, str] = {
    **dict.fromkeys(TEXTS, "String"),
    "contexts": _CONTEXTS,
    "origins": _CONTEXTS,
    "profile": "String",
    "copied": _COPIED,
    "business": _BUSINESS,
}
"""What may have been read of a body, and the types of it."""

_ALONG = """received, environment, system, cluster, incarnation, partition, offset, time, key,
    value, value_size, event"""
_DOCUMENT = "if(event = '', assumeNotNull(value), event)"


def messages_select(
    source: str = "messages_in", own: Own | None = None, *, again: bool = False
) -> str:
    """Records of `source` with what they say of themselves, in the columns of `messages`.

    Its column `event` is the whole value where `value` is cut and may say something, else empty.
    `again` reads stored messages: what was read of a body that is stored cut is in `source` as
    `was`, named as the columns of `messages`. Raises ValueError for tables that are too long.
    """
    own = own or Own()
    known = (*own.profiles, *profiles.PROFILES)
    copyings = (*own.copies, *copies.COPYINGS)
    marks = recogniser(own)
    paths = marks.paths
    said = _said_by(known)
    of_body = _of_body(said, paths)
    copy_said = said_of_copy(paths, copyings)
    starting = _starting(paths)
    bodies = {who for who, _, text in said if names.parse(text).in_body}
    texts = paths.values(_documents(own, marks, bodies))
    read = [f"{pick(index, 'known')} AS {column}" for index, column in enumerate(TEXTS, start=1)]
    full = array(one.name for one in known if one.assembly)[1:-1]
    value, _, column = read[TEXTS.index("event_type")].rpartition(" AS ")
    short = f"if(profile IN ({full}), trimRight(extract({value}, '^[^,;]*')), {value})"
    read[TEXTS.index("event_type")] = f"{short} AS {column}"
    at = TEXTS.index("correlation_id")
    value, alias = (read[n].rpartition(" AS ")[0] for n in (at, TEXTS.index("alias")))
    read[at] = f"if({value} = '', {alias}, {value}) AS correlation_id"
    read += [
        "if(empty(hop), begun, hop) AS contexts",
        "if(empty(hop), [], begun) AS origins",
        "profile AS profile",
        f"{copied(copyings)} AS copied",
        f"{business(own)} AS business",
    ]
    if again:
        read = _kept(read, bodies, own)
    along = f"{_ALONG}, was" if again else _ALONG
    lines = ",\n    ".join(read)
    # What is only carried along is one column meanwhile: each costs something at each step.
    return f"""SELECT
    received, environment, system, cluster, destination, incarnation, partition, offset,
    {stored_time("m.time")} AS time, ifNull(m.key, '') AS key, m.key IS NULL AS key_null,
    {lines},
    arrayZip(header_names, header_values) AS headers, ifNull(m.value, '') AS value, value_size
FROM (
  SELECT {_unpacked(along)}, destination, header_names, header_values, said_type, profile, copying,
    {render_contexts.of_hop("found")} AS hop, {render_contexts.of_beginning("found")} AS begun,
    {_known(said, of_body)} AS known, {copy_said} AS copy_said
  FROM (
    SELECT rest, destination, header_names, header_values, seen, said_type, carried, carriers,
      profile, copying, texts, {render_contexts.read()} AS found
    FROM (
      SELECT rest, destination, header_names, header_values, seen, said_type, carried, carriers,
        usual, profile, copying, texts, {render_contexts.written(starting)} AS written
      FROM (
        SELECT rest, destination, header_names, header_values, seen, said_type, texts,
          carried, carriers, {render_contexts.usual()} AS usual,
          {marks.first(marks.tables[0], _share(PROFILE, COPYING))} AS profile,
          {marks.first(marks.tables[1], _share(COPYING, BIT))} AS copying
        FROM (
          SELECT rest, destination, header_names, header_values, seen, said_type, texts,
            {marks.bits(_share(BIT, END))} AS bits,
            arrayFilter((v, s) -> {_share(CARRIER, PROFILE)} > 0, header_values, seen) AS carried,
            arrayFilter(c -> c > 0, arrayMap(s -> toUInt8({_share(CARRIER, PROFILE)}), seen))
              AS carriers
          FROM (
            SELECT tuple({along}) AS rest, destination, header_names, header_values, seen,
              said_type, {texts} AS texts
            FROM (
              SELECT {along}, destination, header_names, header_values,
                arrayMap(n -> toUInt64({lookup(header_codes(marks), "lower(n)")}), header_names)
                  AS seen,
                {marks.said_type()} AS said_type
              FROM {source}
            )
          )
        )
      )
    )
  )
) AS m"""


def recogniser(own: Own) -> Recogniser:
    """The marks of the profiles and of the copies, the user's first."""
    return Recogniser(
        ((one.name, one.marks) for one in (*own.profiles, *profiles.PROFILES)),
        ((one.name, one.marks) for one in (*own.copies, *copies.COPYINGS)),
    )


def _unpacked(along: str) -> str:
    named = (name.strip() for name in along.split(","))
    return ", ".join(f"rest.{at} AS {name}" for at, name in enumerate(named, start=1))


def header_codes(marks: Recogniser) -> dict[str, int]:
    """Each header's name that any table knows, and its code."""
    codes: dict[str, int] = {}
    for index, field in enumerate(headers.FIELDS, start=1):
        for rank, name in enumerate(few(field.headers, RANKS - OWN)):
            codes[name] = (index * RANKS + rank) << PLAIN
    shares = (
        (render_contexts.CODES, CARRIER),
        (marks.tables[0].single, PROFILE),
        (marks.tables[1].single, COPYING),
        (marks.bit_of, BIT),
    )
    for table, place in shares:
        for name, code in table.items():
            codes[name] = codes.get(name, 0) | code << place
    return codes


def _share(low: int, high: int) -> str:
    """A table's share of a header name's code `s`."""
    return f"bitAnd(bitShiftRight(s, {low}), {2 ** (high - low) - 1})"


def _documents(own: Own, marks: Recogniser, bodies: Iterable[str]) -> str:
    """The body where some mark lets expect that it says something, and is JSON."""
    wanted = f"said_type != '' OR {marks.in_body()}"
    places = [str(marks.place_of(one.name)) for one in own.profiles if one.name in bodies]
    if places:
        wanted += f" OR arrayExists(s -> {_share(PROFILE, COPYING)} IN ({', '.join(places)}), seen)"
    return where(f"({wanted}) AND match({_DOCUMENT}, '^\\\\s*\\\\{{')", _DOCUMENT)


def _starting(paths: Paths) -> str:
    """The contexts that events in the body began in, as written there."""
    place = paths.place(names.parse(f"$.{contexts.STARTING}"))
    events = f"profile IN ({array(profiles.STRUCTURED)[1:-1]})"
    return f"arrayFilter(v -> v != '', arraySlice(texts, {place}, toUInt8({events})))"


def _said_by(known: Iterable[Profile]) -> Said:
    """Each profile's own names; code 0 is what means nothing in it."""
    said: list[tuple[str, int, str]] = []
    for profile in known:
        said += [(profile.name, 0, text) for text in profile.unread]
        for index, (_, texts) in enumerate(profile.named(), start=1):
            listed = few(texts, OWN)
            said += [(profile.name, index * RANKS + r, text) for r, text in enumerate(listed)]
    return said


def _of_body(said: Said, paths: Paths) -> str:
    """Pairs of code and value out of the texts of a body."""
    codes = {
        f"{who}/{paths.place(names.parse(text))}": code
        for who, code, text in said
        if names.parse(text).in_body
    }
    code = lookup(codes, "concat(profile, '/', toString(k))")
    return f"arrayMap((v, k) -> (toUInt32({code}), v), texts, arrayEnumerate(texts))"


def _known(said: Said, of_body: str) -> str:
    """What a message says, as pairs of code and value, the most trusted first."""
    plain = _share(PLAIN, CARRIER)
    of_plain = (
        f"arrayMap((s, v) -> (toUInt32(if(profile = '', {plain}, 0)), v), seen, header_values)"
    )
    codes = {
        f"{who}/{names.parse(text).header}": code
        for who, code, text in said
        if not names.parse(text).path
    }
    code = lookup(codes, "concat(profile, '/', lower(n))", f"{plain} + if({plain} > 0, {OWN}, 0)")
    of_profile = f"arrayMap((n, v, s) -> (toUInt32({code}), v), header_names, header_values, seen)"
    framed = "arrayFlatten(" + where("profile != ''", of_profile) + ")"
    producer = (TEXTS.index("source") + 1) * RANKS + RANKS - 1
    services = f"arrayMap(v -> (toUInt32({producer}), v), {render_contexts.skywalking_services()})"
    pairs = f"arrayConcat({of_plain}, {framed}, {of_body}, {services})"
    return f"arraySort(x -> x.1, arrayFilter(x -> x.1 > 0 AND x.2 != '', {pairs}))"


def _kept(read: Sequence[str], bodies: Iterable[str], own: Own) -> list[str]:
    """What was read of a body before stays where only a part of the body is stored."""
    cut = "value_size > length(value)"
    was_read = (
        f"{cut} AND (was.profile IN ({array(sorted(bodies))[1:-1]}) "
        "AND m.profile IN ('', was.profile) "
        "OR was.profile = '' AND said_type = 'application/cloudevents')"
    )
    ids = array(one.name for one in own.ids)[1:-1] or "''"
    kept = []
    for expression in read:
        value, _, column = expression.rpartition(" AS ")
        if column == "profile":
            expression = f"if({was_read} AND m.profile = '', was.profile, m.profile) AS profile"
        elif column == "business":
            before = f"if({cut}, arrayFilter(b -> b.1 IN ({ids}), was.business), [])"
            expression = f"arrayDistinct(arrayConcat({value}, {before})) AS business"
        elif column in KEPT:
            expression = f"if({was_read}, was.{column}, {value}) AS {column}"
        kept.append(expression)
    return kept


def business(own: Own) -> str:
    """The business ids of a message, as pairs of name and value."""
    found, paths = [], Paths()
    in_body: list[tuple[str, int]] = []
    for one in own.ids:
        for name in map(names.parse, one.places):
            if name.in_body:
                in_body.append((one.name, paths.place(name)))
                continue
            value = f"JSONExtractString(v, {name.steps()})" if name.path else "v"
            here = f"lower(n) = {quote(name.header)}"
            held = f"arrayFilter((v, n) -> {here}, header_values, header_names)"
            found.append(f"arrayMap(v -> ({quote(one.name)}, {value}), {held})")
    if in_body:
        labels, places = zip(*in_body, strict=True)
        texts = paths.values(where(f"match({_DOCUMENT}, '^\\\\s*[{{\\\\[]')", _DOCUMENT))
        found.append(
            f"arrayFlatten(arrayMap(t -> arrayMap((w, p) -> (w, t[p]), {array(labels)}, "
            f"{list(places)}), arrayFilter(t -> notEmpty(t), [{texts}])))"
        )
    said = f"arrayFilter(b -> b.2 != '', arrayConcat({', '.join(found)}))" if found else "[]"
    return f"CAST(arrayDistinct({said}), '{_BUSINESS}')"


def stored_time(milliseconds: str) -> str:
    """Clocks say anything: what lies outside of 1970 to 2262 is kept as the nearest that fits."""
    inside = f"greatest(0, least(toUnixTimestamp64Milli({milliseconds}), 9223372036854))"
    return f"fromUnixTimestamp64Milli(toInt64({inside}), 'UTC')"


# What follows from that


def header_relations_select(source: str = "messages_parsed") -> str:
    """Each context that a message carries, in the columns of `relations`."""
    return f"""SELECT
    received, c.1 AS target_trace_id, c.2 AS target_span_id, 'header' AS kind,
    '' AS trace_id, '' AS span_id, system, cluster, destination, incarnation, partition,
    toNullable(offset) AS offset, '' AS message_id, toDateTime64(time, 9) AS time
FROM (
  SELECT received, system, cluster, destination, incarnation, partition, offset, time,
    arrayJoin(contexts) AS c
  FROM {source}
)"""


def message_ids_select(source: str = "messages_parsed") -> str:
    """Every id a message names, in the columns of `ids`.

    A business id is found by its value, and written with its name before it. Elsewhere `written`
    is empty where the id tells it. A copy is found by
    its original's message id and position too. What is masked is no id: all would be the same.
    """
    return f"""SELECT
    received, {normal_id("i.1")} AS id, i.2 AS kind,
    if(i.3 = '', {written_id("i.1")}, concat(i.3, i.1)) AS written,
    '' AS trace_id, '' AS span_id, system, cluster, destination, incarnation, partition, offset,
    event_type, source AS service, toDateTime64(time, 9) AS time, 0 AS minute
FROM (
  SELECT received, system, cluster, destination, incarnation, partition, offset, event_type,
    source, time,
    if(copied.destination = '' OR isNull(copied.offset), '', concat(copied.destination, '/',
      copied.partition, '/', toString(assumeNotNull(copied.offset)))) AS original,
    arrayJoin(arrayConcat(
      arrayFilter(x -> x.1 != '', [(message_id, 'message', ''), (causation_id, 'causation', ''),
        (correlation_id, 'correlation', ''), (key, 'key', ''),
        (if(alias = correlation_id, '', alias), 'correlation', ''),
        (copied.message_id, 'message', ''), (original, 'position', '')]),
      arrayMap(o -> (o.1, 'trace', ''), origins),
      arrayMap(b -> (b.2, 'business', concat(b.1, '=')), business))) AS i
  FROM {source}
)
WHERE i.1 != {quote(MASKED)}"""
