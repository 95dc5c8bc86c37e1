"""Facts in memory: what a store would answer, for tests of everything above the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from graph.chain.known import original_of
from graph.chain.names import fits, normal, normal_id, place_of
from graph.facts import Kind, Succession, Window
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


class MemoryFacts:
    """Implements `graph.facts.Facts`; counts the calls that it answers."""

    def __init__(
        self,
        operations: Iterable[Operation] = (),
        messages: Iterable[Message] = (),
        spans: Iterable[Span] = (),
    ) -> None:
        self._operations = list(operations)
        self._messages = list(messages)
        self._spans = list(spans)
        self.calls: list[str] = []

    def operations(self, traces: Collection[str]) -> list[Operation]:
        self.calls.append("operations")
        return [one for one in self._operations if one.context.trace_id in traces]

    def spans(self, traces: Collection[str]) -> list[Span]:
        self.calls.append("spans")
        return [one for one in self._spans if one.context.trace_id in traces]

    def pointing(self, contexts: Collection[SpanContext]) -> list[Relation]:
        self.calls.append("pointing")
        wanted = set(contexts)
        found = [
            relation
            for operation in self._operations
            for relation in operation.relations
            if relation.target in wanted
        ]
        found += [
            Relation(context, "header", message.position)
            for message in self._messages
            for context in message.contexts
            if context in wanted
        ]
        return found

    def messages(self, positions: Collection[Position]) -> list[Message]:
        self.calls.append("messages")
        wanted: dict[tuple[str, str, int], list[Position]] = {}
        for position in positions:
            place = (position.destination, position.partition, position.offset)
            wanted.setdefault(place, []).append(position)
        return [
            message
            for message in self._messages
            if any(
                fits(asked, message.position)
                for asked in wanted.get(
                    (
                        message.position.destination,
                        message.position.partition,
                        message.position.offset,
                    ),
                    (),
                )
            )
        ]

    def located(self, ids: Collection[tuple[IdKind, str]]) -> list[Location]:
        self.calls.append("located")
        wanted = {(kind, normal(kind, text)) for kind, text in ids}
        return [one for one in self._locations() if (one.kind, normal(one.kind, one.id)) in wanted]

    def seen(self, windows: Collection[Window], limit: int) -> list[Location]:
        self.calls.append("seen")
        found: dict[Location, None] = {}
        for kind, text, start, end in windows:
            within = (
                one
                for one in self._locations()
                if one.kind is kind and normal(kind, one.id) == text and start <= one.time <= end
            )
            earliest = sorted(dict.fromkeys(within), key=lambda one: one.time)[:limit]
            found.update(dict.fromkeys(earliest))
        return list(found)

    def successions(self, pairs: Collection[tuple[Kind, Kind]]) -> list[Succession]:
        self.calls.append("successions")
        tapped = {normal_id(one.correlation_id) for one in self._messages if one.correlation_id}
        flows: dict[str, dict[Kind, int]] = {}
        for one in self._locations():
            flow = normal_id(one.id)
            if one.kind is IdKind.CORRELATION and flow in tapped:
                kind = Kind(one.destination, one.event_type)
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

    def resolve(self, text: str) -> list[Location]:
        wanted = normal_id(text)
        found = [
            one
            for one in self._locations()
            if normal_id(one.id) == wanted and one.kind is not IdKind.CAUSATION
        ]
        found += [
            _place(IdKind.TRACE, text, one)
            for one in self._operations
            if one.context.trace_id == wanted
        ]
        found += [
            Location(text, IdKind.SPAN, context=one.context, time=one.start, service=one.service)
            for one in self._spans
            if one.context.span_id == wanted
        ]
        return found

    def _locations(self) -> Iterable[Location]:
        for message in self._messages:
            original = original_of(message)
            for kind, text in (
                (IdKind.POSITION, str(original) if original else ""),
                (IdKind.MESSAGE, message.copied.message_id if message.copied else ""),
                (IdKind.MESSAGE, message.message_id),
                (IdKind.CAUSATION, message.causation_id),
                (IdKind.CORRELATION, message.correlation_id),
                (IdKind.KEY, message.key),
                (IdKind.POSITION, str(message.position)),
                *((IdKind.BUSINESS, f"{name}={value}") for name, value in message.business),
            ):
                if text:
                    yield Location(
                        text,
                        kind,
                        position=message.position,
                        time=message.time,
                        destination=message.position.destination,
                        event_type=message.event_type,
                        service=message.source,
                    )
        for operation in self._operations:
            own = place_of(operation)
            for kind, text in (
                (IdKind.MESSAGE, operation.message_id),
                (IdKind.CORRELATION, operation.conversation_id),
                (IdKind.KEY, operation.key),
                (IdKind.POSITION, str(own) if own else ""),
            ):
                if text:
                    yield _place(kind, text, operation)


def _place(kind: IdKind, text: str, operation: Operation) -> Location:
    return Location(
        text,
        kind,
        context=operation.context,
        time=operation.start,
        destination=operation.destination,
        event_type=operation.event_type,
        service=operation.service,
    )
