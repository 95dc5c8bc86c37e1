"""Facts in memory: what a store would answer, for tests of everything above the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from graph.chain.known import original_of
from graph.chain.names import fits, is_whole, normal, normal_id, place_of
from graph.facts import RATE_SECONDS, Facts, Kind, Succession, Window
from graph.model import (
    IdKind,
    Location,
    Message,
    Operation,
    Passage,
    Position,
    Progress,
    Relation,
    Span,
    SpanContext,
)

MINUTE = 60 * 10**9

T = TypeVar("T")
Key = TypeVar("Key", bound=Hashable)


class MemoryFacts:
    """Implements `graph.facts.Facts`; counts the calls that it answers."""

    def __init__(
        self,
        operations: Iterable[Operation] = (),
        messages: Iterable[Message] = (),
        spans: Iterable[Span] = (),
        progress: Iterable[Progress] = (),
    ) -> None:
        self._operations = list(operations)
        self._messages = list(messages)
        self._spans = list(spans)
        self._progress = sorted(progress, key=lambda one: one.time)
        self.calls: list[str] = []

    def operations(self, traces: Collection[str]) -> list[Operation]:
        self.calls.append("operations")
        return _all(self._operations_of, set(traces))

    def spans(self, traces: Collection[str]) -> list[Span]:
        self.calls.append("spans")
        return _all(self._spans_of, set(traces))

    def pointing_into(self, traces: Collection[str]) -> list[Relation]:
        self.calls.append("pointing_into")
        return _all(self._pointing_at, [c for c in self._pointing_at if c.trace_id in set(traces)])

    def messages(self, positions: Collection[Position]) -> list[Message]:
        self.calls.append("messages")
        found: dict[Position, Message] = {}
        for asked in positions:
            for message in self._messages_at.get(str(asked), ()):
                if fits(asked, message.position):
                    found[message.position] = message
        return list(found.values())

    def passages(self, positions: Collection[Position]) -> list[Passage]:
        self.calls.append("passages")
        places = {position.destination for position in positions}
        newest = max((one.time for one in self._progress if one.destination in places), default=0)
        found = []
        for position in dict.fromkeys(positions):
            groups: dict[tuple[str, str, str], list[Progress]] = {}
            for one in self._progress:
                at = position._replace(cluster=one.cluster, incarnation=one.incarnation)
                same = (one.destination, one.partition) == (at.destination, at.partition)
                if same and fits(position, at):
                    groups.setdefault((one.cluster, one.incarnation, one.group), []).append(one)
            found += [
                _passage(position, seen, newest)
                for seen in groups.values()
                if not all(one.assumed for one in seen)
            ]
        return found

    def whole(self, positions: Collection[Position]) -> list[Position]:
        found = []
        for position in positions:
            if is_whole(position):
                found.append(position)
                continue
            filled = [Position(*life, *position[4:]) for life in self._lives]
            found += [one for one in filled if fits(position, one)]
        return list(dict.fromkeys(found))

    def together(self, questions: Sequence[Callable[[], object]]) -> None:
        for question in questions:
            question()

    def located(self, ids: Collection[tuple[IdKind, str]]) -> list[Location]:
        self.calls.append("located")
        return _all(self._located, {(kind, normal(kind, text)) for kind, text in ids})

    def naming(self, positions: Collection[str]) -> list[Location]:
        self.calls.append("naming")
        wanted = set(positions)
        return [
            _place(IdKind.POSITION, text, one)
            for one in self._operations
            if (place := place_of(one)) and (text := str(place)) in wanted
        ]

    def seen(self, windows: Collection[Window], limit: int) -> list[Location]:
        self.calls.append("seen")
        found: dict[Location, None] = {}
        for kind, text, start, end in windows:
            located = self._located.get((kind, text), ())
            within = (one for one in located if start <= _last(one) and one.time <= end)
            earliest = sorted(dict.fromkeys(within), key=lambda one: one.time)[:limit]
            found.update(dict.fromkeys(earliest))
        return list(found)

    def successions(self, pairs: Collection[tuple[Kind, Kind]]) -> list[Succession]:
        self.calls.append("successions")
        tapped = {normal_id(one.correlation_id) for one in self._messages if one.correlation_id}
        kinds: dict[object, Kind] = {
            one.position: Kind(one.position.destination, one.event_type) for one in self._messages
        }
        kinds |= {one.context: Kind(one.destination, one.event_type) for one in self._operations}
        flows: dict[str, dict[Kind, int]] = {}
        for one in self._locations():
            flow = normal_id(one.id)
            if one.kind is IdKind.CORRELATION and flow in tapped:
                kind = kinds[one.position or one.context]
                times = flows.setdefault(flow, {})
                times[kind] = min(times.get(kind, one.time), one.time)
        found = []
        for before, after in dict.fromkeys(pairs):
            apart = [
                times[after] - times[before]
                for times in flows.values()
                if before in times and after in times and times[before] != times[after]
            ]
            if apart:
                first = sum(difference > 0 for difference in apart)
                found.append(Succession(before, after, len(apart), first))
        return found

    def resolve(self, text: str, through: Facts | None = None) -> list[Location]:
        wanted = normal_id(text)
        found = [
            one
            for one in self._locations()
            if normal_id(one.id) == wanted and one.kind not in (IdKind.CAUSATION, IdKind.BUSINESS)
        ]
        found += [
            one
            for one in self._locations()
            if one.kind is IdKind.BUSINESS
            and (
                normal(one.kind, one.id) == normal(one.kind, text)
                or normal_id(one.id.partition("=")[2]) == wanted
            )
        ]
        found += [
            _place(IdKind.TRACE, text, one)
            for one in self._operations
            if one.context.trace_id == wanted
        ]
        found += [
            Location(text, IdKind.SPAN, context=one.context, time=one.start)
            for one in self._spans
            if one.context.span_id == wanted
        ]
        return found

    # By what they are asked for

    @cached_property
    def _operations_of(self) -> dict[str, list[Operation]]:
        return _grouped((one.context.trace_id, one) for one in self._operations)

    @cached_property
    def _spans_of(self) -> dict[str, list[Span]]:
        return _grouped((one.context.trace_id, one) for one in self._spans)

    @cached_property
    def _messages_at(self) -> dict[str, list[Message]]:
        return _grouped((str(one.position), one) for one in self._messages)

    @cached_property
    def _lives(self) -> set[tuple[str, str, str, str]]:
        return {message.position[:4] for message in self._messages}

    @cached_property
    def _pointing_at(self) -> dict[SpanContext, list[Relation]]:
        spans = (
            relation
            for one in self._operations
            for relation in one.relations
            if relation.target.trace_id != one.context.trace_id
        )
        headers = (
            Relation(context, "header", one.position)
            for one in self._messages
            for context in one.contexts
        )
        return _grouped((relation.target, relation) for relation in (*spans, *headers))

    @cached_property
    def _located(self) -> dict[tuple[IdKind, str], list[Location]]:
        return _grouped(((one.kind, normal(one.kind, one.id)), one) for one in self._locations())

    def _locations(self) -> Iterable[Location]:
        for message in self._messages:
            original = original_of(message)
            for kind, text in (
                (IdKind.POSITION, str(original) if original else ""),
                (IdKind.MESSAGE, message.copied.message_id if message.copied else ""),
                (IdKind.MESSAGE, message.message_id),
                (IdKind.CAUSATION, message.causation_id),
                (IdKind.CORRELATION, message.correlation_id),
                (IdKind.CORRELATION, message.alias),
                (IdKind.KEY, message.key),
                (IdKind.POSITION, str(message.position)),
                *((IdKind.BUSINESS, f"{name}={value}") for name, value in message.business),
            ):
                if text:
                    yield Location(text, kind, position=message.position, time=message.time)
        for operation in self._operations:
            own = None if _linked(operation) else place_of(operation)
            trace = SpanContext(operation.context.trace_id, "")
            minute = operation.start // MINUTE * MINUTE
            for kind, text in (
                (IdKind.MESSAGE, operation.message_id),
                (IdKind.KEY, operation.key),
            ):
                if text:
                    yield Location(text, kind, context=trace, time=minute)
            for kind, text in (
                (IdKind.CORRELATION, operation.conversation_id),
                (IdKind.POSITION, str(own) if own else ""),
            ):
                if text:
                    yield _place(kind, text, operation)


def _last(place: Location) -> int:
    """The last time that it may mean: without a span it is a minute of its trace."""
    whole_minute = place.context is not None and not place.context.span_id
    return place.time + (MINUTE - 1 if whole_minute else 0)


def _linked(operation: Operation) -> bool:
    return any(relation.kind == "link" for relation in operation.relations)


def _passage(position: Position, seen: list[Progress], newest: int) -> Passage:
    """What a group's observations, by time, say of its way past a position."""
    real = [one for one in seen if not one.assumed]
    since = newest - RATE_SECONDS * 10**9
    committing = [one for one in real if one.committed >= 0]
    rate = None
    if committing and real[-1].committed >= 0:
        early = [one for one in committing if one.time <= since]
        start = early[-1] if early else committing[0]
        seconds = (newest - max(start.time, since)) / 1e9
        done = max(0, real[-1].committed - start.committed)
        rate = round(done / seconds, 3) if seconds else None
    furthest = max(real, key=lambda one: (one.committed, -one.time))
    return Passage(
        position,
        real[0].group,
        began=real[0],
        latest=real[-1],
        before=next((one for one in reversed(seen) if one.committed <= position.offset), None),
        after=next((one for one in real if one.committed > position.offset), None),
        moved=furthest.time if furthest.committed == real[-1].committed else 0,
        absent=max((one.time for one in seen if one.assumed), default=0),
        rate=rate,
    )


def _grouped(pairs: Iterable[tuple[Key, T]]) -> dict[Key, list[T]]:
    groups: dict[Key, list[T]] = {}
    for key, one in pairs:
        groups.setdefault(key, []).append(one)
    return groups


def _all(groups: Mapping[Key, list[T]], keys: Iterable[Key]) -> list[T]:
    return [one for key in keys for one in groups.get(key, ())]


def _place(kind: IdKind, text: str, operation: Operation) -> Location:
    return Location(text, kind, context=operation.context, time=operation.start)
