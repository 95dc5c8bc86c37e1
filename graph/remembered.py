"""Facts that are asked once: for the length of one question, what was answered is remembered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import TypeVar

from graph.chain.names import normal
from graph.facts import Facts, Kind, Succession, Window
from graph.model import IdKind, Location, Message, Operation, Position, Relation, Span, SpanContext

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
        # Who asks with parts of a position missing may mean several messages: only whole
        # positions are keys.
        whole = [p for p in positions if p.cluster and p.incarnation]
        partial = [p for p in positions if not (p.cluster and p.incarnation)]
        found = _remembered(
            whole, self._messages, self._facts.messages, lambda message: (message.position,)
        )
        if partial:
            known = {message.position for message in found}
            for message in self._facts.messages(partial):
                self._messages[message.position] = [message]
                if message.position not in known:
                    found.append(message)
        return found

    def located(self, ids: Collection[tuple[IdKind, str]]) -> list[Location]:
        return _remembered(
            [(kind, normal(kind, text)) for kind, text in ids],
            self._located,
            self._facts.located,
            lambda location: ((location.kind, normal(location.kind, location.id)),),
        )

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
