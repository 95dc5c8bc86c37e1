"""Asks a store for what is missing, in few calls, and keeps what it answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from graph.chain.known import Known, places_of
from graph.facts import Facts
from graph.model import IdKind, Position, Relation, SpanContext


class OutOfTime(Exception):
    """The deadline has passed."""


@dataclass(slots=True)
class Wanted:
    """What to ask for next."""

    contexts: set[SpanContext] = field(default_factory=set)
    positions: set[Position] = field(default_factory=set)
    ids: set[tuple[IdKind, str]] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.contexts or self.positions or self.ids)


class Gatherer:
    """Knows what was asked already; one round of asking is at most five calls."""

    def __init__(
        self, facts: Facts, known: Known, clock: Callable[[], float] | None, seconds: float
    ) -> None:
        self.known = known
        self._facts = facts
        self._clock = clock
        self._deadline = clock() + seconds if clock else 0.0
        self._traces: set[str] = set()
        self._contexts: set[SpanContext] = set()
        self._positions: set[Position] = set()
        self._ids: set[tuple[IdKind, str]] = set()

    def missing(self, wanted: Wanted) -> Wanted:
        """What of this was not asked before."""
        return Wanted(
            wanted.contexts - self._contexts,
            wanted.positions - self._positions,
            wanted.ids - self._ids,
        )

    def ask(self, wanted: Wanted) -> None:
        """Who points at these contexts, what lies at these positions, where these ids are; and
        the whole traces of all spans among them. Raises OutOfTime."""
        wanted = self.missing(wanted)
        self._contexts |= wanted.contexts
        positions = set(wanted.positions)
        spans = set(wanted.contexts)
        if wanted.contexts:
            positions |= self._pointing(wanted.contexts, spans)
        if wanted.ids:
            found_positions, found_spans = self.located(wanted.ids)
            positions |= found_positions
            spans |= found_spans
        self.traces(context.trace_id for context in spans)
        for context in spans:
            operation = self.known.operations.get(context)
            if operation is not None:
                positions.update(places_of(operation))
        self._messages(positions)

    def _pointing(
        self, contexts: Collection[SpanContext], spans: set[SpanContext]
    ) -> set[Position]:
        self._check()
        headers: list[Relation] = []
        positions: set[Position] = set()
        for relation in self._facts.pointing(contexts):
            if isinstance(relation.source, Position):
                headers.append(relation)
                positions.add(relation.source)
            else:
                spans.add(relation.source)
        self.known.add_headers(headers)
        return positions

    def located(
        self, ids: Collection[tuple[IdKind, str]]
    ) -> tuple[set[Position], set[SpanContext]]:
        """Where these ids are; nothing of it is fetched yet."""
        self._ids.update(ids)
        self._check()
        positions: set[Position] = set()
        contexts: set[SpanContext] = set()
        for location in self._facts.located(ids):
            if location.position is not None:
                positions.add(location.position)
            elif location.context is not None:
                contexts.add(location.context)
        return positions, contexts

    def traces(self, traces: Iterable[str]) -> None:
        """All operations and spans of these traces."""
        asked = {trace for trace in traces if trace} - self._traces
        if not asked:
            return
        self._traces |= asked
        self._check()
        self.known.add_operations(self._facts.operations(asked))
        self._check()
        self.known.add_spans(self._facts.spans(asked))

    def _messages(self, positions: Iterable[Position]) -> None:
        asked = set(positions) - self._positions
        self._positions |= asked
        asked -= self.known.messages.keys()
        if asked:
            self._check()
            self.known.add_messages(self._facts.messages(asked))

    def _check(self) -> None:
        if self._clock is not None and self._clock() >= self._deadline:
            raise OutOfTime
