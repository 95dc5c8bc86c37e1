"""Asks a store for what is missing, in few calls, and keeps what it answers.

A chain needs little at a time, again and again. So what is asked for is asked together with
what will be asked next: a trace with everything that points into it, and where the ids of all
messages read so far are. What comes early waits here until it is wanted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from graph.chain.known import Known, bears, handles, ids_of, original_of, places_of
from graph.chain.names import is_whole, normal, normal_id
from graph.facts import Facts, Kind, Succession, Window
from graph.model import (
    IdKind,
    Location,
    Message,
    Operation,
    Position,
    Relation,
    Span,
    SpanContext,
)

K = TypeVar("K")
T = TypeVar("T")

EARLY = 2_000
"""Ids that are asked for before they are wanted; where there are more, most will never be."""

AHEAD = 500
"""Places of one correlation id that are read before they are wanted."""

STEPS = 3
"""Rounds of asking before somebody has to think: from a message to its consumers' messages."""

Id = tuple[IdKind, str]


class OutOfTime(Exception):
    """The deadline has passed."""


@dataclass(slots=True)
class Wanted:
    """What to ask for next."""

    contexts: set[SpanContext] = field(default_factory=set)
    positions: set[Position] = field(default_factory=set)
    ids: set[Id] = field(default_factory=set)
    """As `graph.chain.names.normal` has them."""

    def __bool__(self) -> bool:
        return bool(self.contexts or self.positions or self.ids)


def ids_of_message(message: Message, *, effects: bool) -> set[Id]:
    """The ids by which copies and causes of a message are found, and its effects if wanted."""
    found = {(IdKind.POSITION, str(message.position))}
    if message.message_id:
        found.add((IdKind.MESSAGE, normal_id(message.message_id)))
    if effects:
        names = (message.message_id, message.alias)
        found |= {(IdKind.CAUSATION, normal_id(text)) for text in names if text}
    if message.causation_id:
        found.add((IdKind.MESSAGE, normal_id(message.causation_id)))
    original = original_of(message)
    if original is not None:
        found.add((IdKind.POSITION, str(original)))
    if message.copied is not None and message.copied.message_id:
        found.add((IdKind.MESSAGE, normal_id(message.copied.message_id)))
    return found


class Gatherer:
    """Knows what was asked already; one round of asking is at most three waves of calls that
    are made together."""

    def __init__(
        self,
        facts: Facts,
        known: Known,
        clock: Callable[[], float] | None,
        seconds: float,
        *,
        ahead: bool,
    ) -> None:
        """With `ahead`, effects are looked for too, and all that shares a correlation id with what
        is read is read with it."""
        self.known = known
        self._ahead = ahead
        self._facts = facts
        self._clock = clock
        self._deadline = clock() + seconds if clock else 0.0
        self._wanted = Wanted()
        """What was wanted before."""
        self._traces: dict[str, list[SpanContext]] = {}
        """The operations of those that were read."""
        self._pointing: dict[SpanContext, tuple[set[SpanContext], set[Position]]] = defaultdict(
            lambda: (set(), set())
        )
        self._located: dict[Id, tuple[set[SpanContext], set[Position]]] = {}
        self._positions: set[Position] = set()
        self._ids: set[Id] = set()
        """Of messages and operations, to be asked for with the next ones."""
        self._followed: set[SpanContext] = set()
        """Contexts whose sources were fetched."""
        self._correlations: set[Id] = set()
        """Of what was read so far, and not yet read on by."""
        self._named: set[str] = set()
        """Positions that may be named by operations which point elsewhere."""
        self._named_before: set[str] = set()
        self._near: set[Position] = set()
        """Where messages of the traces lie that were read: they carry their contexts, or spans
        name them."""
        self._carrying: set[str] = set()
        """Positions of messages with a context: who handles them points at it."""

    def missing(self, wanted: Wanted) -> Wanted:
        """What of this was not asked before."""
        return Wanted(
            wanted.contexts - self._wanted.contexts,
            wanted.positions - self._wanted.positions,
            wanted.ids - self._wanted.ids,
        )

    def ask(self, wanted: Wanted) -> None:
        """Who points at these contexts, what lies at these positions, where these ids are; and
        the whole traces of all spans among them. Raises OutOfTime.

        What will be wanted next is plain by then: who points at the contexts in the messages
        and at their consumers, and where the ids of the messages are. It is asked at once.
        """
        wanted = self.missing(wanted)
        self._wanted.contexts |= wanted.contexts
        self._wanted.positions |= wanted.positions
        self._wanted.ids |= wanted.ids
        for _ in range(STEPS):
            wanted = self._ask(wanted)
            if not wanted:
                break
        self._name()

    def _ask(self, wanted: Wanted) -> Wanted:
        """One round; returns what is plainly wanted after it."""
        known = self.known
        self._named.update(text for kind, text in wanted.ids if kind is IdKind.POSITION)
        named = {
            place
            for context in wanted.contexts & known.operations.keys()
            for place in places_of(known.operations[context])
        }
        contexts = wanted.contexts | self._carried(wanted.positions)
        pointing, own, ids = self._plain(contexts, wanted.positions)
        ids |= wanted.ids
        self._wave(ids, pointing | self._carried(own), own | named)
        found, spans = self._places(ids)
        pointing, own, early = self._plain(contexts, wanted.positions)
        self._followed |= contexts
        near_positions, near_spans = self._correlated()
        own |= near_positions
        spans |= pointing | near_spans
        # What the messages carry that are read by now would be asked for next.
        self._wave(early, spans | self._carried(own), found | own)
        spans |= self._bearing(ids)
        operations = [known.operations[one] for one in spans if one in known.operations]
        self._wave(positions={place for one in operations for place in places_of(one)})
        contexts = self._carried(own)
        contexts.update(
            one.context for one in operations if one.context in pointing and handles(one)
        )
        return Wanted(contexts - self._followed, set(), self._ids_of(own) - self._located.keys())

    def _plain(
        self, contexts: Collection[SpanContext], positions: Iterable[Position]
    ) -> tuple[set[SpanContext], set[Position], set[Id]]:
        """What is plainly wanted of events with these contexts and positions, as far as they are
        known: who points there, where they lie, and by which ids others name them."""
        pointing = set(contexts)
        own = set(positions)
        for context in contexts:
            sources, carrying = self._pointing[context]
            # Of its own trace every operation is known once that was read.
            pointing.update(sources, self.known.pointing.get(context, ()))
            own |= carrying
        operations = self.known.operations
        told = [
            operations[one]
            for one in pointing
            if one in operations and (one in contexts or handles(operations[one]))
        ]
        ids = {(IdKind.MESSAGE, text) for one in told for text in ids_of(one)}
        ids |= {(IdKind.POSITION, str(place)) for one in told for place in places_of(one)}
        ids |= {(IdKind.POSITION, str(position)) for position in own}
        ids |= self._ids_of(own)
        return pointing, own, ids if len(ids) <= EARLY else set()

    def _carried(self, positions: Iterable[Position]) -> set[SpanContext]:
        """The contexts in the messages there, as far as they are read."""
        return {context for one in self._read(positions) for context in one.contexts}

    def _ids_of(self, positions: Iterable[Position]) -> set[Id]:
        """The ids of the messages there, as far as they are read."""
        return {
            id for one in self._read(positions) for id in ids_of_message(one, effects=self._ahead)
        }

    def _read(self, positions: Iterable[Position]) -> list[Message]:
        messages = self.known.messages
        return [messages[position] for position in positions if position in messages]

    def _name(self) -> None:
        """Look for operations that say where their message lay and point at something else."""
        settled = self._carrying | self._named_before
        bare = self._named - settled
        self._named.clear()
        if bare:
            if self._ahead:
                # The next events of these traces are reached one after the other.
                early = {str(place) for place in self._near} - settled
                bare |= early if len(early) <= AHEAD else set()
            self._named_before |= bare
            self._check()
            found = self._facts.naming(bare)
            self._wave(spans={one.context for one in found if one.context is not None})

    def located(self, ids: Collection[Id]) -> tuple[set[Position], set[SpanContext]]:
        """Where these ids are; nothing of it is fetched yet."""
        self._wave(ids=ids)
        return self._places(ids)

    def seen(
        self, windows: Collection[Window], limit: int
    ) -> dict[Id, list[tuple[SpanContext | Position, int]]]:
        """Places and their times by the ids seen there; see `Facts.seen`."""
        self._check()
        found: dict[Id, list[tuple[SpanContext | Position, int]]] = defaultdict(list)
        traces: dict[Id, set[str]] = defaultdict(set)
        for location in self._facts.seen(windows, limit):
            one = location.kind, normal(location.kind, location.id)
            if location.position is not None:
                found[one].append((location.position, location.time))
            elif location.context is not None and location.context.span_id:
                found[one].append((location.context, location.time))
            elif location.context is not None:
                traces[one].add(location.context.trace_id)
        self.read({trace for within in traces.values() for trace in within})
        for one, within in traces.items():
            spans = self.bearing(within, one)
            found[one] += [(span, self.known.operations[span].start) for span in spans]
        return found

    def successions(self, pairs: Collection[tuple[Kind, Kind]]) -> list[Succession]:
        """What recent flows show; nothing once time has run out."""
        if self._clock is not None and self._clock() >= self._deadline:
            return []
        return self._facts.successions(pairs)

    def read(
        self,
        traces: Iterable[str],
        positions: Iterable[Position] = (),
        ids: Iterable[Id] = (),
    ) -> None:
        """Whole traces, messages, and where ids are."""
        self._wave(ids, (SpanContext(trace, "") for trace in traces), positions)

    def bearing(self, traces: Iterable[str], id: Id) -> set[SpanContext]:
        """The operations of these traces, which were read, that bear an id."""
        return {
            context
            for trace in traces
            for context in self._traces.get(trace, ())
            if context in self.known.operations and bears(self.known.operations[context], *id)
        }

    def _bearing(self, ids: Iterable[Id]) -> set[SpanContext]:
        """The same of traces in which ids were located."""
        return {
            span
            for one in ids
            for span in self.bearing(
                (context.trace_id for context in self._located[one][0] if not context.span_id), one
            )
        }

    def _correlated(self) -> tuple[set[Position], set[SpanContext]]:
        """Where the rest of the flows is that were met: a chain ends with them in any case."""
        found = {
            one
            for one in self._correlations & self._located.keys()
            if sum(len(places) for places in self._located[one]) <= AHEAD
        }
        self._correlations -= self._located.keys()
        return self._places(found)

    def _places(self, ids: Collection[Id]) -> tuple[set[Position], set[SpanContext]]:
        spans: set[SpanContext] = set()
        positions: set[Position] = set()
        for one in ids:
            spans |= self._located[one][0]
            positions |= self._located[one][1]
        return positions, spans

    def _wave(
        self,
        ids: Iterable[Id] = (),
        spans: Iterable[SpanContext] = (),
        positions: Iterable[Position] = (),
    ) -> None:
        """Ask, together, where these ids are, for the whole traces of these spans with all that
        points at them, and what lies at these positions; as far as it was not asked yet."""
        traces = {span.trace_id for span in spans} - self._traces.keys() - {""}
        positions = self._with_early_positions(positions)
        ids = self._with_early_ids(ids, beside=bool(traces or positions))
        relations: list[Relation] = []
        locations: list[Location] = []
        operations: list[Operation] = []
        light: list[Span] = []
        messages: list[Message] = []
        questions: list[Callable[[], object]] = []

        def ask(into: list[T], question: Callable[[Collection[K]], list[T]], keys: set[K]) -> None:
            if keys:
                questions.append(lambda: into.extend(question(keys)))

        ask(relations, self._facts.pointing_into, traces)
        ask(locations, self._facts.located, ids)
        ask(operations, self._facts.operations, traces)
        ask(light, self._facts.spans, traces)
        ask(messages, self._facts.messages, positions)
        if not questions:
            return
        self._check()
        self._facts.together(questions)
        self._traces.update((trace, []) for trace in traces)
        self._learn_pointing(relations)
        self._learn_located(ids, locations)
        self._learn_operations(operations)
        self.known.add_spans(light)
        self.known.add_messages(messages)
        for message in messages:
            own = ids_of_message(message, effects=self._ahead)
            self._ids |= own
            self._named.update(text for kind, text in own if kind is IdKind.POSITION)
            if message.contexts:
                self._carrying.add(str(message.position))
        if self._ahead:
            texts = {message.correlation_id for message in messages}
            texts.update(operation.conversation_id for operation in operations)
            new = {(IdKind.CORRELATION, normal_id(text)) for text in texts if text}
            self._correlations |= new - self._located.keys()
            self._ids |= new

    def _with_early_ids(self, ids: Iterable[Id], *, beside: bool) -> set[Id]:
        """`beside` says that something else is asked in any case: then message ids that are known
        by now are asked for with it."""
        asked = {one for one in ids if one not in self._located}
        if not self._ahead:
            return asked
        asked |= self._correlations - self._located.keys()
        early = self._ids - self._located.keys()
        rides = bool(asked) or (beside and any(kind is IdKind.MESSAGE for kind, _ in early))
        return asked | early if rides and len(early) <= EARLY else asked

    def _with_early_positions(self, positions: Iterable[Position]) -> set[Position]:
        asked = self._unread(positions)
        if asked and self._ahead and len(early := self._near - self._positions) <= AHEAD:
            asked |= self._unread(early)
        return asked

    def _unread(self, positions: Iterable[Position]) -> set[Position]:
        asked = set(positions) - self._positions
        open_ended = [position for position in asked if not is_whole(position)]
        self._positions.update(asked.difference(open_ended))
        if open_ended:
            # One that its broker says no more of is whole as it is, and comes back.
            whole = set(self._facts.whole(open_ended)) - self._positions
            self._positions.update(whole, open_ended)
            asked = asked.difference(open_ended) | whole
        return asked - self.known.messages.keys()

    def _learn_pointing(self, found: Iterable[Relation]) -> None:
        headers: list[Relation] = []
        for relation in found:
            spans, positions = self._pointing[relation.target]
            if isinstance(relation.source, Position):
                headers.append(relation)
                positions.add(relation.source)
                self._near.add(relation.source)
            else:
                spans.add(relation.source)
        self.known.add_headers(headers)

    def _learn_located(self, asked: Iterable[Id], found: Iterable[Location]) -> None:
        self._located.update((one, (set(), set())) for one in asked)
        for location in found:
            places = self._located.get((location.kind, normal(location.kind, location.id)))
            if places is None:
                continue
            if location.position is not None:
                places[1].add(location.position)
            elif location.context is not None:
                places[0].add(location.context)

    def _learn_operations(self, operations: Sequence[Operation]) -> None:
        self.known.add_operations(operations)
        for one in operations:
            self._traces[one.context.trace_id].append(one.context)
            # What says that it was caused by their messages is found by the same ids.
            for text in ids_of(one):
                self._ids |= {(IdKind.MESSAGE, text), (IdKind.CAUSATION, text)}
            places = places_of(one)
            self._near.update(places)
            self._ids.update((IdKind.POSITION, str(place)) for place in places)

    def _check(self) -> None:
        if self._clock is not None and self._clock() >= self._deadline:
            raise OutOfTime
