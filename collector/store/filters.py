"""A list's filter as SQL: tests of columns with bound parameters, and the short way by `ids`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from collector.store.rows import readable
from graph.chain.names import normal_id
from graph.listing import EventFilter
from graph.model import IdKind
from graph.terms import Field, Pattern, Term

Columns = Mapping[Field, tuple[str, ...]]
"""The expressions that hold a field's values; a missing field is not tested."""

_MESSAGE_ID, _KEY = readable("message_id"), readable("key")
_CORRELATION = readable("correlation_id")

MESSAGES: Columns = {
    Field.TOPIC: ("destination",),
    Field.TYPE: ("event_type",),
    Field.KEY: (_KEY,),
    Field.ENVIRONMENT: ("environment",),
    Field.ID: (_MESSAGE_ID,),
    Field.CORRELATION: (_CORRELATION,),
    Field.TEXT: (_MESSAGE_ID, _KEY, _CORRELATION),
}
"""Of `messages`; who produced one, and whether something failed, only spans can tell."""

MESSAGE_PLACE = "concat(destination, '/', partition, '/', toString(offset))"

_SPAN_ID = f"if(message_id != '', {_MESSAGE_ID}, event_id)"
_CONVERSATION = readable("conversation_id")

OPERATIONS: Columns = {
    Field.TOPIC: ("toValidUTF8(destination)",),
    Field.TYPE: ("event_type",),
    Field.KEY: (_KEY,),
    Field.SERVICE: ("service",),
    Field.ENVIRONMENT: ("environment",),
    Field.ID: (_SPAN_ID,),
    Field.CORRELATION: (_CONVERSATION,),
    Field.TEXT: (_SPAN_ID, _KEY, _CONVERSATION),
}

OPERATION_PLACE = "concat(trace_id, '/', span_id)"

_KINDS = {
    Field.KEY: (IdKind.KEY,),
    Field.ID: (IdKind.MESSAGE,),
    Field.CORRELATION: (IdKind.CORRELATION,),
    Field.TEXT: (IdKind.KEY, IdKind.MESSAGE, IdKind.CORRELATION),
}
"""As what `ids` knows the values of a field."""

FEW = 50_000
"""Places in `ids` that are still a short way."""


def moment(ns: int) -> str:
    """A DateTime64(9) parameter; beyond its range the nearest that fits."""
    ns = min(max(ns, 0), 2**63 - 2**33)
    return f"{ns // 10**9}.{ns % 10**9:09d}"


@dataclass(slots=True)
class Tests:
    """Conditions that must all hold, and the parameters that they name."""

    name: str
    """Tells its parameters from those of others in the same statement."""
    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any, type: str = "String") -> str:
        """The place of a value in the SQL."""
        name = f"{self.name}{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{type}}}"

    def exactly(self, column: str, value: str) -> None:
        """The column holds this; an empty value asks for nothing."""
        if value:
            self.conditions.append(f"{column} = {self.bind(value)}")

    def term(self, term: Term, columns: Columns, place: str, *, always: bool = False) -> None:
        """One of the term's patterns fits, or none where it excludes. Where a row lies is looked
        at by patterns that name a place, or `always`."""
        tests = []
        for pattern in term.patterns:
            values = columns[term.field]
            if term.field in (Field.ID, Field.TEXT) and (always or pattern.names_a_place):
                values = (*values, place)
            tests += [self._fits(value, pattern) for value in values]
        sign = "NOT " if term.excluded else ""
        self.conditions.append(f"{sign}({' OR '.join(tests)})")

    def _fits(self, value: str, pattern: Pattern) -> str:
        if len(pattern.parts) == 1:
            return f"lower({value}) = {self.bind(_lower(pattern.parts[0]))}"
        like = "%".join(_escaped(_lower(part)) for part in pattern.parts)
        return f"lower({value}) LIKE {self.bind(like)}"

    def between(self, column: str, wanted: EventFilter, slack: int = 0) -> None:
        """The column lies in the filter's time, or so many nanoseconds beside it."""
        since = self.bind(moment(wanted.since - slack), "DateTime64(9)")
        until = self.bind(moment((wanted.until or 2**62) + slack), "DateTime64(9)")
        self.conditions.append(f"{column} >= {since} AND {column} < {until}")

    def taken(self, other: Tests) -> str:
        """The other's condition, whose parameters are given with these."""
        self.parameters |= other.parameters
        return other.where

    @property
    def where(self) -> str:
        return " AND ".join(self.conditions) or "1"


def message_tests(wanted: EventFilter) -> Tests:
    """What a row of `messages` itself can tell of a filter, without its times."""
    tests = Tests("message")
    tests.exactly("destination", wanted.destination)
    tests.exactly("event_type", wanted.event_type)
    tests.exactly(_KEY, wanted.key)
    tests.exactly("environment", wanted.environment)
    for term in wanted.terms:
        if term.field in MESSAGES:
            tests.term(term, MESSAGES, MESSAGE_PLACE)
    return tests


def operation_tests(wanted: EventFilter) -> Tests:
    """What a row of `operations` itself can tell of a filter, without its times."""
    tests = Tests("span")
    tests.exactly("toValidUTF8(destination)", wanted.destination)
    tests.exactly("event_type", wanted.event_type)
    tests.exactly(_KEY, wanted.key)
    tests.exactly("environment", wanted.environment)
    tests.exactly("service", wanted.service)
    for term in wanted.terms:
        if term.field in OPERATIONS:
            tests.term(term, OPERATIONS, OPERATION_PLACE, always=True)
    return tests


class Producing(NamedTuple):
    """What a filter asks of a message's producer: of its span, or else of its source header."""

    span: Tests
    source: Tests


SOURCE = "extract(source, '([^/:]+)[/:]*$')"
"""The service that a message's source header names."""


def producing_tests(wanted: EventFilter) -> Producing | None:
    """Tests of which every message that fits passes one; None where its producer is any."""
    span, source = Tests("producer"), Tests("source")
    span.exactly("service", wanted.service)
    source.exactly(SOURCE, wanted.service)
    for term in wanted.terms:
        if term.field is Field.SERVICE and not term.excluded:
            span.term(term, {Field.SERVICE: ("service",)}, "")
            source.term(term, {Field.SERVICE: (SOURCE,)}, "")
    return Producing(span, source) if span.conditions else None


def short_way(wanted: EventFilter) -> Tests | None:
    """Tests of `ids` that every message which fits passes by one of its ids; None without such."""
    for term in (*_exact_key(wanted), *wanted.terms):
        tests = _by_ids(term)
        if tests is not None:
            return tests
    return None


def _exact_key(wanted: EventFilter) -> Iterable[Term]:
    return [Term(Field.KEY, (Pattern((wanted.key,)),))] if wanted.key else []


def _by_ids(term: Term) -> Tests | None:
    if term.excluded or term.field not in _KINDS:
        return None
    tests = Tests("id")
    ways = []
    for pattern in term.patterns:
        begin = _lower(pattern.parts[0])
        if not begin or pattern.names_a_place or not _plain(begin):
            return None
        if len(pattern.parts) == 1:
            ways.append(f"id = {tests.bind(normal_id(begin))}")
        else:
            # A UUID is kept without dashes.
            ways += [
                f"startsWith(id, {tests.bind(one)})"
                for one in dict.fromkeys((begin, begin.replace("-", "")))
                if one
            ]
    kinds = tests.bind([str(kind) for kind in _KINDS[term.field]], "Array(String)")
    tests.conditions += [f"({' OR '.join(ways)})", f"kind IN {kinds}", "trace_id = ''"]
    return tests


def _plain(begin: str) -> bool:
    """Whether `ids` keeps such a beginning as it is."""
    trimmed = any(sign in "\"'{}" or sign.isspace() for sign in begin)
    bytes_shown = "hex:".startswith(begin[:4]) or begin.startswith("hex:")
    return begin.isascii() and not trimmed and not bytes_shown


def _lower(text: str) -> str:
    """ASCII letters only, as the engine's `lower`."""
    if text.isascii():
        return text.lower()
    return "".join(sign.lower() if sign.isascii() else sign for sign in text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
