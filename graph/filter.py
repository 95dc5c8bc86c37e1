"""The filter language: `topic:order.* -type:a,b key:42 service:payment error:yes since:10m abc`.

    FIELD:VALUE       the value of a field, whole, in any case; `*` stands for anything
    FIELD:A,B         either; the same field again means the same
    -FIELD:VALUE      not that
    since: until:     a time, as in 15m, 2h or 2026-01-31T12:00:00Z
    order:oldest      the oldest first; order:newest is how it is without
    TEXT              the beginning of an id, a key or a correlation id
    "A B"             in quotes nothing has a meaning but \\" and \\\\; an empty pair is no value

Different fields must all fit. `parse` and `written` are each other's inverse.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from graph.listing import EventFilter
from graph.moments import EXAMPLES, MomentError, moment
from graph.terms import Field, Pattern, Term

ALIASES = {
    "destination": Field.TOPIC,
    "queue": Field.TOPIC,
    "env": Field.ENVIRONMENT,
    **{field.value: field for field in Field if field is not Field.TEXT},
}
"""Names before the colon, those that are not shown first."""

SINCE, UNTIL, ORDER = "since", "until", "order"

ORDERS = {"newest": False, "oldest": True}
"""Which come first; true for the oldest."""

NAMES = (*(field.value for field in Field if field is not Field.TEXT), SINCE, UNTIL, ORDER)

_YES_NO = {"yes": "yes", "true": "yes", "1": "yes", "no": "no", "false": "no", "0": "no"}

_SPECIAL = frozenset(' \t\r\n,"\\*:')


class FilterError(ValueError):
    """The text is no filter: what is wrong, where, and what would be right."""

    def __init__(self, detail: str, start: int, end: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.start = start
        self.end = end
        """The characters of the text that it is about, counted from 0."""


class Character(NamedTuple):
    """A character of a word, and whether quotes took its meaning away; empty for an empty pair."""

    text: str
    at: int
    quoted: bool


class Word(NamedTuple):
    """What stands between two spaces."""

    start: int
    end: int
    characters: tuple[Character, ...]
    """Without the quotes."""
    closed: bool
    """Every quote has its end."""

    def sign_at(self, sign: str) -> int:
        """Where a sign has its meaning first; -1 when nowhere."""
        for number, character in enumerate(self.characters):
            if character.text == sign and not character.quoted:
                return number
        return -1


def words(text: str) -> list[Word]:
    """The words of a filter, with their quotes resolved."""
    found: list[Word] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        start, opened, quoted, characters = at, at, False, list[Character]()
        while at < len(text) and (quoted or not text[at].isspace()):
            sign = text[at]
            if sign == '"':
                if quoted and text[at - 1] == '"' and at - 1 == opened:
                    characters.append(Character("", at, True))
                quoted, opened = not quoted, at
            elif quoted and sign == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
                at += 1
                characters.append(Character(text[at], at, True))
            else:
                characters.append(Character(sign, at, quoted))
            at += 1
        found.append(Word(start, at, tuple(characters), not quoted))
    return found


def parse(text: str, now: int) -> EventFilter:
    """The filter that a text stands for; times count back from `now`. Raises FilterError."""
    wanted: dict[tuple[Field, bool], list[Pattern]] = {}
    times: dict[str, int] = {}
    oldest: bool | None = None
    last = Word(0, len(text), (), True)
    for word in words(text):
        if not word.closed:
            raise FilterError('a quote is not closed: add a "', word.start, word.end)
        excluded, name, values = _divided(word)
        if name in (SINCE, UNTIL):
            if excluded:
                other = UNTIL if name == SINCE else SINCE
                raise FilterError(f"-{name}: means nothing: write {other}:", *word[:2])
            if name in times:
                raise FilterError(f"{name}: is there twice: one is enough", *word[:2])
            times[name], last = _moment(name, values, now, word), word
            continue
        if name == ORDER:
            if oldest is not None:
                raise FilterError("order: is there twice: one is enough", *word[:2])
            oldest = _order(excluded, values, word)
            continue
        field = Field.TEXT if name is None else ALIASES[name]
        patterns = wanted.setdefault((field, excluded), [])
        patterns += _patterns(field, values, word)
    since, until = times.get(SINCE, 0), times.get(UNTIL, 0)
    if until and until <= since:
        raise FilterError("until: lies before since:, so nothing can fit", *last[:2])
    terms = tuple(
        Term(field, tuple(dict.fromkeys(patterns)), excluded)
        for (field, excluded), patterns in wanted.items()
    )
    return EventFilter(terms=terms, since=since, until=until, oldest=bool(oldest))


def _divided(word: Word) -> tuple[bool, str | None, tuple[Character, ...]]:
    """Whether it excludes, the field's name (None: free text), and what comes after the colon."""
    characters = word.characters
    first = characters[0] if characters else None
    excluded = first is not None and first.text == "-" and not first.quoted
    begin = 1 if excluded else 0
    colon = word.sign_at(":")
    if colon < 0:
        if not characters[begin:]:
            raise FilterError("what is to be left out? write -FIELD:VALUE", *word[:2])
        return excluded, None, characters[begin:]
    name = "".join(one.text for one in characters[begin:colon]).lower()
    if name not in ALIASES and name not in (SINCE, UNTIL, ORDER):
        raise FilterError(_unknown(name), word.start, characters[colon].at + 1)
    return excluded, name, characters[colon + 1 :]


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, (*ALIASES, SINCE, UNTIL, ORDER), 1)
    right = f"{near[0]}: is one" if near else f"fields are {', '.join(NAMES)}"
    return f"{name or 'nothing'}: is no field, {right}; text with a colon goes in quotes"


def _moment(name: str, values: tuple[Character, ...], now: int, word: Word) -> int:
    if not values:
        raise FilterError(f"{name}: wants a time: write {EXAMPLES}", *word[:2])
    try:
        return moment("".join(one.text for one in values), now)
    except MomentError as error:
        raise FilterError(str(error), *word[:2]) from None


def _order(excluded: bool, values: tuple[Character, ...], word: Word) -> bool:
    """Whether the oldest come first."""
    said = "".join(one.text for one in values).lower()
    if excluded or said not in ORDERS:
        raise FilterError("order: is newest or oldest", *word[:2])
    return ORDERS[said]


def _patterns(field: Field, values: tuple[Character, ...], word: Word) -> list[Pattern]:
    given = _split(values, ",")
    if not all(given):
        example = "error:yes" if field is Field.ERROR else f"{field.value or 'FIELD'}:order*"
        beside = "a value is missing beside the comma" if len(given) > 1 else "a value is missing"
        raise FilterError(f"{beside}: write it, as in {example}", *word[:2])
    patterns = [_pattern(value) for value in given]
    if field is Field.ERROR:
        said = [_YES_NO.get("*".join(pattern.parts).lower()) for pattern in patterns]
        if None in said:
            raise FilterError("error: is yes or no", *word[:2])
        return [Pattern((one,)) for one in said if one is not None]
    if field is Field.TEXT:
        if not all(any(one.parts) for one in patterns):
            raise FilterError("free text wants the beginning of an id or key", *word[:2])
        return [one if one.parts[-1] == "" else Pattern((*one.parts, "")) for one in patterns]
    return patterns


def _split(values: tuple[Character, ...], sign: str) -> list[tuple[Character, ...]]:
    parts: list[tuple[Character, ...]] = []
    start = 0
    for number, character in enumerate(values):
        if character.text == sign and not character.quoted:
            parts.append(values[start:number])
            start = number + 1
    return [*parts, values[start:]]


def _pattern(value: tuple[Character, ...]) -> Pattern:
    parts = ["".join(one.text for one in part) for part in _split(value, "*")]
    # Two stars in a row mean what one means.
    inner = [part for part in parts[1:-1] if part]
    return Pattern((parts[0], *inner, *parts[-1:]) if len(parts) > 1 else (parts[0],))


def written(wanted: EventFilter) -> str:
    """The filter's terms, exact names, times and order as text; the limit is not of it."""
    names = (
        (Field.TOPIC, wanted.destination),
        (Field.TYPE, wanted.event_type),
        (Field.KEY, wanted.key),
        (Field.SERVICE, wanted.service),
        (Field.ENVIRONMENT, wanted.environment),
    )
    exact = [Term(field, (Pattern((name,)),)) for field, name in names if name]
    times = ((SINCE, wanted.since), (UNTIL, wanted.until))
    return " ".join(
        (
            *(_written(term) for term in (*exact, *wanted.terms)),
            *(f"{name}:{quoted(_dated(time))}" for name, time in times if time),
            *([f"{ORDER}:oldest"] if wanted.oldest else []),
        )
    )


def _dated(time: int) -> str:
    """A time as `graph.moments` reads it back, in microseconds."""
    moment = datetime.fromtimestamp(time // 1_000_000_000, UTC)
    moment = moment.replace(microsecond=time % 1_000_000_000 // 1_000)
    return moment.isoformat().replace("+00:00", "Z")


def _written(term: Term) -> str:
    sign = "-" if term.excluded else ""
    if term.field is Field.TEXT:
        shown = (Pattern(one.parts[:-1]) for one in term.patterns)
        return f"{sign}{_values(shown)}"
    return f"{sign}{term.field.value}:{_values(term.patterns)}"


def _values(patterns: Iterable[Pattern]) -> str:
    return ",".join("*".join(map(quoted, one.parts)) or '""' for one in patterns)


def quoted(text: str) -> str:
    """A value as it is written in a filter: in quotes where it would mean something else."""
    if not text.startswith("-") and _SPECIAL.isdisjoint(text) and not any(map(str.isspace, text)):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def with_value(text: str, field: Field, value: str) -> str:
    """The filter's text asking for this value of a field, in place of others. Raises FilterError
    when it is none."""
    kept = []
    for word in words(text):
        excluded, name, _ = _divided(word)
        if excluded or name is None or ALIASES.get(name) is not field:
            kept.append(text[word.start : word.end])
    return " ".join((*kept, _written(Term(field, (Pattern((value,)),)))))
