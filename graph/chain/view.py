"""All that can be said of what is known now: identity, deliveries and causes in one place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graph.chain.cause import Causes
from graph.chain.consumption import Consumption
from graph.chain.effects import Effects
from graph.chain.gather import Wanted
from graph.chain.identity import Identity
from graph.chain.known import Known, handles, original_of, place, produces
from graph.chain.names import normal, normal_id
from graph.chain.result import Creation, EventKey
from graph.facts import Kind
from graph.model import Evidence, IdKind, Operation, Position, Span, SpanContext


class View:
    """A snapshot: make a new one when more is known."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.version = known.version
        self.identity = Identity(known)
        self.consumption = Consumption(self.identity)
        self.causes = Causes(self.consumption)
        self.effects = Effects(self.consumption)
        self._wanted: dict[EventKey, int] = {}
        self._ids: dict[tuple[EventKey, IdKind], frozenset[str]] = {}
        self._producers: dict[EventKey, tuple[str, Evidence | None]] = {}

    def keys(self, seed: SpanContext | Position) -> tuple[EventKey, ...]:
        """The events that a position or a span stands for; none when nothing is known of it."""
        if isinstance(seed, Position):
            if not any(
                position in self.known.messages
                or place(position) in self.known.placed
                or place(position) in self.known.copies_at
                for position in self.known.positions(seed)
            ):
                return ()
            return self.identity.at(seed)
        operation = self.known.operations.get(seed)
        if operation is not None and handles(operation):
            return tuple(match.key for match in self.consumption.handled(operation))
        created = self.identity.created(seed)
        if created or (operation is not None and produces(operation)):
            return created
        # A context that nobody exported and no tapped message carries: consumers know it.
        found = (
            match.key
            for source in sorted(self.known.pointing.get(seed, ()))
            for match in self.consumption.handled(self.known.operations[source])
            if isinstance(match.key, Creation) and match.key.context == seed
        )
        return tuple(dict.fromkeys(found))

    def exists(self, key: EventKey) -> bool:
        """Whether this is still an event's name: a position may have been learned for it."""
        if isinstance(key, Position):
            return self.identity.at(key) == (key,)
        return key in self.identity.created(key.context) or bool(self.consumption.handlers(key))

    def time(self, key: EventKey) -> int:
        """When it was produced, or at least known."""
        producers = self.identity.producers(key)
        if producers:
            return producers[0][0].start
        messages = self.identity.messages(key)
        if messages:
            return messages[0].time
        handlers = self.consumption.handlers(key)
        return handlers[0][0].start if handlers else 0

    def kind(self, key: EventKey) -> Kind:
        """What it has in common with such events in other flows."""
        if isinstance(key, Position):
            message = self.known.messages.get(key)
            if message is not None:
                return Kind(key.destination, message.event_type)
        for operation, _ in (*self.identity.producers(key), *self.consumption.handlers(key)):
            if operation.destination:
                return Kind(operation.destination, operation.event_type)
        return Kind(key.destination)

    def ids(self, key: EventKey, kind: IdKind) -> frozenset[str]:
        """Its correlation ids, business ids or record keys, in headers and spans, normalised."""
        if (key, kind) not in self._ids:
            self._ids[key, kind] = frozenset(
                normal(kind, text) for text in self._texts(key, kind) if text
            )
        return self._ids[key, kind]

    def _texts(self, key: EventKey, kind: IdKind) -> Iterator[str]:
        pairs = (*self.identity.producers(key), *self.consumption.handlers(key))
        operations = [operation for operation, _ in pairs]
        for message in self.identity.messages(key):
            if kind is IdKind.CORRELATION:
                yield message.correlation_id
            elif kind is IdKind.BUSINESS:
                yield from (f"{name}={value}" for name, value in message.business if value)
            elif not message.key.startswith("hex:"):
                yield message.key
        if kind is IdKind.CORRELATION:
            yield from (operation.conversation_id for operation in operations)
        elif kind is IdKind.KEY:
            yield from (operation.key for operation in operations)

    def producer(self, key: EventKey) -> tuple[str, Evidence | None]:
        """Who produced it, and what says so."""
        if key not in self._producers:
            self._producers[key] = self._found_producer(key)
        return self._producers[key]

    def _found_producer(self, key: EventKey) -> tuple[str, Evidence | None]:
        for producing, join in self.identity.producers(key):
            if producing.service:
                return producing.service, join.evidence
        for context in self.identity.written(key):
            # A context of the service's own making, put into the message by hand.
            operation = self.known.operations.get(context)
            if operation is not None and (
                not handles(operation)
                or any(match.key == key for match in self.consumption.handled(operation))
            ):
                continue
            if service := self.known.service(context):
                return service, Evidence.OBSERVED
        for message in self.identity.messages(key):
            if message.source:
                return re.split(r"[/:]", message.source.rstrip("/:"))[-1], Evidence.DECLARED
        return "", None

    def way(self, key: EventKey) -> tuple[Span, ...]:
        """The spans around its production, from the first that is known of its trace on."""
        for operation, _ in self.identity.producers(key):
            above = (self.known.spans.get(one) for one in self.known.ancestors(operation.context))
            return tuple(span for span in above if span is not None)[::-1]
        return ()

    def request(self, key: EventKey) -> Span | None:
        """The call from outside with which its trace begins: then that is what led to it."""
        way = self.way(key)
        return way[0] if way and way[0].kind == "server" else None

    def actor(self, key: EventKey) -> str:
        """Who was given what led to it: its producer, or who called that."""
        way = self.way(key)
        return (way[0].service if way else "") or self.producer(key)[0]

    def want(self, seed: SpanContext | Position, wanted: Wanted) -> tuple[EventKey, ...]:
        """Add what has to be asked for to know which events a seed stands for: these, by now."""
        if isinstance(seed, SpanContext):
            operation = self.known.operations.get(seed)
            if operation is not None and handles(operation):
                wanted.contexts |= self.consumption.more_references(operation)
                if operation.message_id:
                    wanted.ids.add((IdKind.MESSAGE, normal_id(operation.message_id)))
            elif operation is not None:
                wanted.contexts |= _links(operation)
        return self.keys(seed)

    def want_event(self, key: EventKey, wanted: Wanted, *, effects: bool) -> None:
        """Add what has to be asked for to know all of an event; nothing the second time."""
        if self._wanted.get(key, -1) >= effects:
            return
        self._wanted[key] = effects
        wanted.contexts.update(self.identity.contexts(key))
        wanted.positions.update(self.identity.positions(key))
        wanted.ids.update(
            (IdKind.POSITION, str(position)) for position in self.identity.positions(key)
        )
        texts: set[str] = set()
        for operation, _ in (*self.identity.producers(key), *self.identity.copiers(key)):
            wanted.contexts |= {operation.context, *_links(operation)}
            wanted.contexts.update(self.identity.origins.of(operation.context))
            texts.add(operation.message_id)
        for operation, match in self.consumption.handlers(key):
            wanted.contexts.add(operation.context)
            texts.add(operation.message_id)
            if match.evidence is Evidence.INFERRED or self._of_several(operation, key):
                wanted.contexts |= self.consumption.more_references(operation)
        for message in self.identity.messages(key):
            texts.add(message.message_id)
            if message.copied is not None:
                texts.add(message.copied.message_id)
                original = original_of(message)
                if original is not None:
                    wanted.positions.add(original)
                    wanted.ids.add((IdKind.POSITION, str(original)))
            if message.causation_id:
                wanted.ids.add((IdKind.MESSAGE, normal_id(message.causation_id)))
        ids = {normal_id(text) for text in texts if text}
        wanted.ids.update((IdKind.MESSAGE, text) for text in ids)
        if effects:
            wanted.ids.update((IdKind.CAUSATION, text) for text in ids)
            wanted.contexts |= self.effects.contexts(key)

    def _of_several(self, operation: Operation, key: EventKey) -> bool:
        """Whether it links to other events too and says that it was elsewhere: how sure it is of
        this one then depends on whether those lay there."""
        places = {position.destination for position in self.identity.positions(key)}
        if isinstance(key, Creation):
            places.add(key.destination)
        return operation.destination not in places and len(_links(operation)) > 1


def _links(operation: Operation) -> set[SpanContext]:
    return {relation.target for relation in operation.relations if relation.kind == "link"}
