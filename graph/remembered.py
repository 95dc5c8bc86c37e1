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
    SpanContext,
)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered:
    """`Facts` over other facts. To be thrown away with the question: what is stored meanwhile
    is not seen, and nothing is forgotten."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._operations: dict[str, list[Operation]] = {}
        self._spans: dict[str, list[Span]] = {}
        self._pointing: dict[SpanContext, list[Relation]] = {}
        self._messages: dict[Position, list[Message]] = {}
        self._located: dict[tuple[IdKind, str], list[Location]] = {}

    def operations(self, traces: Collection[str]) -> list[Operation]:
        return _remembered(
            traces, self._operations, self._facts.operations, lambda op: (op.context.trace_id,)
        )

    def pointing(self, contexts: Collection[SpanContext]) -> list[Relation]:
        return _remembered(
            contexts, self._pointing, self._facts.pointing, lambda relation: (relation.target,)
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

    def resolve(self, text: str) -> list[Location]:
        return self._facts.resolve(text)


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
