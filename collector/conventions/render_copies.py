"""What a copy says of its original, as SQL; where `copying` is the name of how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.conventions import copies, names
from collector.conventions.copies import Copying
from collector.conventions.documents import Paths
from collector.conventions.sql import RANKS, array, few, lookup, quote, where
from graph.model import CopyKind


def said_of_copy(paths: Paths, known: Sequence[Copying]) -> str:
    """The texts of `copies.COLUMNS`, where a message is a copy of the `known` ones; numbers as
    decimal text. What is read of a body is added to `paths`, whose values are `texts`."""
    said = [
        (copying.name, index * RANKS + rank, names.parse(text))
        for copying in known
        for index, (_, texts) in enumerate(copying.named(), start=1)
        for rank, text in enumerate(few(texts))
    ]
    codes = {f"{who}/{name.header}": code for who, code, name in said if not name.path}
    code = lookup(codes, "concat(copying, '/', lower(n))")
    found = [f"arrayMap((n, v) -> (toUInt32({code}), v), header_names, header_values)"]
    in_json: dict[tuple[str, str], list[str]] = {}
    of_body = {f"{who}/{paths.place(name)}": code_of for who, code_of, name in said if name.in_body}
    place = lookup(of_body, "concat(copying, '/', toString(k))")
    found.append(f"arrayMap((v, k) -> (toUInt32({place}), v), texts, arrayEnumerate(texts))")
    for who, code_of, name in said:
        if name.path and not name.in_body:
            pair = f"(toUInt32({code_of}), JSONExtractString(v, {name.steps()}))"
            in_json.setdefault((who, name.header), []).append(pair)
    for (who, header), pairs in in_json.items():
        held = f"copying = {quote(who)} AND lower(n) = {quote(header)}"
        found.append(
            f"arrayFlatten(arrayMap(v -> [{', '.join(pairs)}], "
            f"arrayFilter((v, n) -> {held}, header_values, header_names)))"
        )
    # Of a header that is repeated, what is read is the first, or the last.
    order = f"(x.1, if(intDiv(x.1, {RANKS}) IN {_places(copies.NEWEST)}, -k, toInt64(k)))"
    ranked = (
        f"arrayMap(p -> arraySort((x, k) -> {order}, p, arrayEnumerate(p)), "
        f"[arrayFilter(x -> x.1 > 0 AND x.2 != '', arrayConcat({', '.join(found)}))])[1]"
    )
    fields = f"range(1, {len(copies.COLUMNS) + 1})"
    texts = (
        f"arrayMap((f, v) -> if(f IN {_places(copies.NUMBERS)}, {_number('v')}, v), {fields}, "
        f"arrayMap(f -> arrayFirst(x -> intDiv(x.1, {RANKS}) = f, p).2, {fields}))"
    )
    return f"arrayFlatten(arrayMap(p -> {texts}, {where(_COPY, ranked)}))"


_COPY = "copying != ''"


def copied(known: Sequence[Copying]) -> str:
    """The columns of `graph.model.Copied`; its kind is empty where the message is no copy."""
    kinds = {one.name: str(one.kind) for one in known}
    kind = f"transform(copying, {array(kinds)}, {array(kinds.values())}, '')"
    for one in known:
        if one.dead:
            ends = quote(f"({'|'.join(one.dead)})$".replace(".", "\\."))
            dead = f"copying = {quote(one.name)} AND match(lower(destination), {ends})"
            kind = f"if({dead}, {quote(str(CopyKind.DEAD_LETTER))}, {kind})"
    (attempt,) = _places(("attempt",))
    counted = array(one.name for one in known if one.counted)
    tried = f"ifNull(toInt64OrNull(copy_said[{attempt}]), 0) > 0"
    kind = f"if(copying IN ({counted[1:-1]}) AND NOT {tried}, '', {kind})"
    texts = [
        f"toInt64OrNull(copy_said[{place}])"
        if column in ("offset", "attempt")
        else f"copy_said[{place}]"
        for place, column in enumerate(copies.COLUMNS, start=1)
    ]
    queues = array(one.name for one in known if one.by_queue)
    (queue,), (consumer,) = _places(("destination",)), _places(("consumer",))
    place = f"if(copying IN ({queues[1:-1]}), {queue}, {consumer})"
    texts[consumer - 1] = f"copy_said[{place}]"
    return f"tuple({kind}, {', '.join(texts)})"


def _places(columns: Iterable[str]) -> tuple[int, ...]:
    return tuple(copies.COLUMNS.index(column) + 1 for column in columns)


def _number(text: str) -> str:
    """A number as decimal text, from such or from big-endian bytes. Partitions, offsets and
    attempts that occur begin with a zero byte, and no text does: words are not taken for one."""
    return (
        f"multiIf(toInt64OrNull({text}) IS NOT NULL, {text}, "
        f"NOT startsWith({text}, '\\0'), '', "
        f"length({text}) = 4, toString(reinterpretAsInt32(reverse({text}))), "
        f"length({text}) = 8, toString(reinterpretAsInt64(reverse({text}))), '')"
    )
