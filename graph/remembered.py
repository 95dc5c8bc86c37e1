"""Facts that are asked once: for the length of one question, what was answered is remembered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import TypeVar

from graph.chain.names import normal
from graph.facts import Facts, Kind, Succession, Window
from graph.model import (
    IdKind,
    Location,
    Message,
    Operation,
    Passage,
    Position,
    Relation,
    Span,
)

WHOLE = (IdKind.MESSAGE, IdKind.CORRELATION, IdKind.KEY)
"""Kinds of ids of which a look-up tells every place where they were seen, if those are few."""

FEW = 100

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered:
    """`Facts` over other facts. To be thrown away with the question: what is stored meanwhile
    is not seen, and nothing is forgotten."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._operations: dict[str, list[Operation]] = {}
        self._spans: dict[str, list[Span]] = {}
        self._pointing_into: dict[str, list[Relation]] = {}
        self._messages: dict[Position, list[Message]] = {}
        self._located: dict[tuple[IdKind, str], list[Location]] = {}

    def operations(self, traces: Collection[str]) -> list[Operation]:
        return _remembered(
            traces, self._operations, self._facts.operations, lambda op: (op.context.trace_id,)
        )

    def pointing_into(self, traces: Collection[str]) -> list[Relation]:
        return _remembered(
            traces,
            self._pointing_into,
            self._facts.pointing_into,
            lambda relation: (relation.target.trace_id,),
        )

    def spans(self, traces: Collection[str]) -> list[Span]:
        return _remembered(
            traces, self._spans, self._facts.spans, lambda span: (span.context.trace_id,)
        )

    def messages(self, positions: Collection[Position]) -> list[Message]:
        return _remembered(
            self.whole(positions),
            self._messages,
            self._facts.messages,
            lambda message: (message.position,),
        )

    def whole(self, positions: Collection[Position]) -> list[Position]:
        return self._facts.whole(positions)

    def together(self, questions: Sequence[Callable[[], object]]) -> None:
        self._facts.together(questions)

    def passages(self, positions: Collection[Position]) -> list[Passage]:
        return self._facts.passages(positions)

    def located(self, ids: Collection[tuple[IdKind, str]]) -> list[Location]:
        return _remembered(
            [(kind, normal(kind, text)) for kind, text in ids],
            self._located,
            self._facts.located,
            lambda location: ((location.kind, normal(location.kind, location.id)),),
        )

    def naming(self, positions: Collection[str]) -> list[Location]:
        return self._facts.naming(positions)

    def seen(self, windows: Collection[Window], limit: int) -> list[Location]:
        return self._facts.seen(windows, limit)

    def successions(self, pairs: Collection[tuple[Kind, Kind]]) -> list[Succession]:
        return self._facts.successions(pairs)

    def resolve(self, text: str, through: Facts | None = None) -> list[Location]:
        found = self._facts.resolve(text, through or self)
        if len(found) < FEW:
            for kind in WHOLE:
                here = [one for one in found if one.kind is kind]
                self._located.setdefault((kind, normal(kind, text)), here)
        return found


def _remembered(
    keys: Collection[K],
    known: dict[K, list[V]],
    ask: Callable[[Collection[K]], Iterable[V]],
    keys_of: Callable[[V], Iterable[K]],
) -> list[V]:
    missing = [key for key in dict.fromkeys(keys) if key not in known]
    if missing:
        for key in missing:
            known[key] = []
        for value in ask(missing):
            for key in keys_of(value):
                known[key].append(value)
    return [value for key in dict.fromkeys(keys) for value in known[key]]
