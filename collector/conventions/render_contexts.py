"""The contexts that headers carry, as SQL.

The expressions stand where `carried` are the values of the headers that carry contexts, and
`carriers` the codes of those headers' names, alike in order. What is written in several parts is
put together first; then one pattern reads all.
"""

from __future__ import annotations

from collector.conventions import contexts, headers
from collector.conventions.sql import quote, where

_FORMS = (contexts.W3C, contexts.B3, contexts.JAEGER, contexts.XRAY, contexts.PAIR)
_LETTERS = "wbjxp"
"""A letter before a value tells its form; a space, that it is a part of one."""

_PARTS = tuple(
    name for pair in contexts.PAIRS for name in (pair.trace, pair.span, pair.upper) if name
)
_NAMES = (*contexts.CONTEXTS, *_PARTS, contexts.SKYWALKING)

CODES: dict[str, int] = {name: code for code, name in enumerate(_NAMES, start=1)}
"""Each header that carries a context, or a part of one, with its code."""

BEGINNING = len(_NAMES) + 1
"""The code of a CloudEvent's own context, in any of its headers."""

CODES |= dict.fromkeys(headers.STARTING_HEADERS, BEGINNING)


_SPELT = (
    "".join(_LETTERS[_FORMS.index(form)] for form in contexts.CONTEXTS.values()).ljust(
        BEGINNING - 1
    )
    + "w"
)
_USUAL = "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


def usual() -> str:
    """Which of the headers are written as nearly all are: these need no groups."""
    letter = f"substring({quote(_SPELT)}, c, 1)"
    return f"arrayMap((v, c) -> {letter} = 'w' AND match(v, {quote(_USUAL)}), carried, carriers)"


def written(starting: str) -> str:
    """All else that may be a context, as (code, form and text); where `usual` is of the headers.

    `starting` are the contexts that events in the body began in, as they are written there.
    """
    letter = f"substring({quote(_SPELT)}, c, 1)"
    spelt = f"arrayMap((v, c, u) -> (if(u, 0, c), concat({letter}, v)), carried, carriers, usual)"
    in_parts = f"arrayExists(c -> c > {len(contexts.CONTEXTS)} AND c < {BEGINNING}, carriers)"
    apart = f"arrayFlatten({where(in_parts, _put_together())})"
    begun = f"arrayMap(v -> (toUInt8({BEGINNING}), concat('w', v)), {starting})"
    return (
        f"arrayFlatten({where('has(usual, 0)', f'arrayConcat({spelt}, {apart})')}), {begun}"
    ).join(("arrayConcat(", ")"))


def read() -> str:
    """All contexts as (code, trace id, span id), by code, then in the order of the message."""
    plain = (
        "arrayMap((v, c, u) -> (if(u, c, 0), substring(v, 4, 32), substring(v, 37, 16)), "
        "carried, carriers, usual)"
    )
    pattern, trace, span = _pattern()
    others = (
        f"arrayMap((x, g) -> (x.1, {_padded(f'lower(concat({trace}))', 32)}, "
        f"{_padded(f'lower(concat({span}))', 16)}), written, "
        f"arrayMap(x -> extractGroups(x.2, {quote(pattern)}), written))"
    )
    valid = (
        "x.1 > 0 AND length(x.2) = 32 AND length(x.3) = 16 "
        "AND x.2 != repeat('0', 32) AND x.3 != repeat('0', 16)"
    )
    return f"arraySort(x -> x.1, arrayFilter(x -> {valid}, arrayConcat({plain}, {others})))"


def of_hop(found: str) -> str:
    """Those that the message's own hop carries, once each."""
    return f"arrayDistinct(arrayMap(x -> (x.2, x.3), arrayFilter(x -> x.1 < {BEGINNING}, {found})))"


def of_beginning(found: str) -> str:
    """Those in which a CloudEvent began."""
    return f"arrayDistinct(arrayMap(x -> (x.2, x.3), arrayFilter(x -> x.1 = {BEGINNING}, {found})))"


def skywalking_services() -> str:
    """The producer's service in each SkyWalking header."""
    code = CODES[contexts.SKYWALKING]
    headers_of_it = f"arrayFilter((v, c) -> c = {code}, carried, carriers)"
    return f"arrayMap(v -> tryBase64Decode(splitByChar('-', v)[5]), {headers_of_it})"


def _pattern() -> tuple[str, str, str]:
    """One pattern for all forms, and the groups of the trace id and of the span id."""
    alternatives, trace, span, count = [], [], [], 0
    for letter, form in zip(_LETTERS, _FORMS, strict=True):
        for pattern in form.patterns:
            groups = pattern.count("(") - pattern.count("(?")
            alternatives.append(letter + pattern)
            trace += [f"g[{count + group}]" for group in range(1, groups)]
            span.append(f"g[{count + groups}]")
            count += groups
    return f"^(?:{'|'.join(alternatives)})$", ", ".join(trace), ", ".join(span)


def _put_together() -> str:
    """What is told in parts, as (code, `trace:span`)."""
    made = ", ".join([*map(_pair, contexts.PAIRS), _skywalking()])
    return f"arrayMap(x -> (x.1, concat('p', x.2)), arrayConcat({made}))"


def _values(name: str) -> str:
    return f"arrayFilter((v, c) -> c = {CODES[name]}, carried, carriers)"


def _pair(pair: contexts.Apart) -> str:
    def number(text: str) -> str:
        return _padded(f"hex(toUInt64OrZero({text}))", 16)

    traces, span = _values(pair.trace), f"{_values(pair.span)}[k]"
    if not pair.decimal:
        text = f"concat(t, ':', {span})"
    else:
        upper = f"extract(arrayStringConcat({_values(pair.upper)}, ','), {quote(pair.pattern)})"
        whole = f"concat({_padded(upper, 16)}, {number('t')}, ':', {number(span)})"
        text = f"if(toUInt64OrZero(t) = 0, '', {whole})"
    code = f"toUInt8({CODES[pair.trace]})"
    return f"arrayMap((t, k) -> ({code}, {text}), {traces}, arrayEnumerate({traces}))"


def _skywalking() -> str:
    """SkyWalking's ids as the OpenTelemetry Collector makes contexts of them.

    An id is 32 hex digits, and may go on with two numbers: the first, in little-endian, is XORed
    into the second quarter of the digits' bytes, the second into their second half. A span's id is
    the halves of its segment's id XOR each other, the span's number XORed into the first quarter.
    Segments whose ids are UUIDs with dashes get one span id for all their spans: no context.
    """

    def high(text: str) -> str:
        number = f"toUInt32(toUInt64OrZero(splitByChar('.', {text})[2]))"
        half = f"reinterpretAsUInt64(reverse(unhex(substring({text}, 1, 16))))"
        return f"bitXor({half}, toUInt64(byteSwap({number})))"

    def low(text: str) -> str:
        number = f"toUInt64OrZero(splitByChar('.', {text})[3])"
        return (
            f"bitXor(reinterpretAsUInt64(reverse(unhex(substring({text}, 17, 16)))), "
            f"byteSwap({number}))"
        )

    ids = (
        "arrayMap(f -> (replaceAll(tryBase64Decode(f[2]), '-', ''), tryBase64Decode(f[3]), f[4], "
        "length(f)), "
        f"arrayMap(v -> splitByChar('-', v), {_values(contexts.SKYWALKING)}))"
    )
    form = quote(r"^[0-9a-f]{32}(\.[0-9]+\.[0-9]+)?$")
    span = (
        f"bitXor(bitXor({high('s.2')}, {low('s.2')}), "
        "bitShiftLeft(toUInt64(byteSwap(toUInt32(toUInt64OrZero(s.3)))), 32))"
    )
    trace = ", ".join(_padded(f"hex({half('s.1')})", 16) for half in (high, low))
    whole = f"s.4 = 8 AND match(s.1, {form}) AND match(s.2, {form})"
    text = f"if({whole}, concat({trace}, ':', {_padded(f'hex({span})', 16)}), '')"
    return f"arrayMap(s -> (toUInt8({CODES[contexts.SKYWALKING]}), {text}), {ids})"


def _padded(text: str, width: int) -> str:
    """An id with its leading zeros."""
    return f"leftPad({text}, {width}, '0')"
