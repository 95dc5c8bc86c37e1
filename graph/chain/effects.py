"""Where the effects of an event may be; `graph.chain.cause` decides which of them are.

Events that were sent or received together share spans, and so the places where effects may be.
What of that is the same for all of them is found once.
"""

from __future__ import annotations

from typing import NamedTuple

from graph.chain.consumption import Consumption
from graph.chain.known import handles, produces
from graph.chain.names import normal_id
from graph.chain.result import Creation, EventKey
from graph.model import Operation, Position, SpanContext


class _Below(NamedTuple):
    """What lies right below a span."""

    plain: tuple[SpanContext, ...]
    producing: tuple[Operation, ...]
    open: tuple[Operation, ...]
    """Operations that are about no event, as far as is known."""
    handling: dict[EventKey, list[Operation]]
    """Those that are about one event. What is about several ends the search."""


class _Pointing(NamedTuple):
    """Who points at a context, or carries it, without only handling what it was sent with."""

    producing: tuple[SpanContext, ...]
    beyond: tuple[SpanContext, ...]
    """Consumers of an event that this context names and is not known to have been sent with."""
    created: tuple[SpanContext, ...]
    """Consumers of the events that carry it."""
    positions: tuple[Position, ...]
    """Messages that carry it, and lie elsewhere than where its span sent."""


class Effects:
    """From an event to the contexts and positions where its effects may be."""

    def __init__(self, consumption: Consumption) -> None:
        self.consumption = consumption
        self.identity = consumption.identity
        self.known = consumption.known
        self._below: dict[SpanContext, _Below] = {}
        self._pointing: dict[SpanContext, _Pointing] = {}
        self._inside: dict[EventKey, tuple[list[Operation], list[SpanContext]]] = {}

    def points(self, key: EventKey) -> set[SpanContext | Position]:
        """Contexts and positions where effects of an event may be."""
        own = set(self.identity.contexts(key))
        operations, plain = self.inside(key)
        found: set[SpanContext | Position] = {operation.context for operation in operations}
        for context in own:
            pointing = self._pointing_at(context)
            found.update(pointing.producing, pointing.beyond)
            found.update(
                position
                for position in pointing.positions
                if not self._are_siblings(key, own, self.identity.at(position))
            )
        others = [operation.context for operation, _ in self.consumption.handlers(key)]
        for context in (*others, *plain):
            if context in own:
                continue
            pointing = self._pointing_at(context)
            found.update(pointing.producing, pointing.beyond)
            found.update(
                source
                for source in pointing.created
                if not self._are_siblings(key, own, self._keys(source))
            )
            found.update(
                position
                for position in self.identity.carrying.carried(context)
                if not self._are_siblings(key, own, self.identity.at(position))
            )
        for message_id in self._ids(key):
            found |= self.known.by_causation.get(message_id, set())
        return found - own - set(self.identity.positions(key))

    def contexts(self, key: EventKey) -> set[SpanContext]:
        """Contexts that effects may point at: what has to be asked for to find them."""
        found = set(self.identity.contexts(key))
        found.update(operation.context for operation, _ in self.consumption.handlers(key))
        found.update(self.inside(key)[1])
        return found

    def inside(self, key: EventKey) -> tuple[list[Operation], list[SpanContext]]:
        """Producing operations and plain spans below its own ones, down to other events'
        consumers."""
        if key not in self._inside:
            self._inside[key] = self._found_inside(key)
        return self._inside[key]

    def _found_inside(self, key: EventKey) -> tuple[list[Operation], list[SpanContext]]:
        operations: list[Operation] = []
        plain: list[SpanContext] = []
        todo = list(self.identity.contexts(key))
        todo += [operation.context for operation, _ in self.consumption.handlers(key)]
        seen = set(todo)
        while todo:
            below = self._right_below(todo.pop())
            plain.extend(below.plain)
            for operation in (*below.producing, *below.open, *below.handling.get(key, ())):
                if produces(operation):
                    operations.append(operation)
                if operation.context not in seen:
                    seen.add(operation.context)
                    todo.append(operation.context)
        return operations, plain

    def _right_below(self, context: SpanContext) -> _Below:
        if context not in self._below:
            nearest, plain = self.identity.productions.below(context)
            below = _Below(plain, tuple(filter(produces, nearest)), (), {})
            idle = []
            for operation in nearest:
                if produces(operation):
                    continue
                keys = self._keys(operation.context)
                if not keys:
                    idle.append(operation)
                elif len(keys) == 1:
                    below.handling.setdefault(keys[0], []).append(operation)
            self._below[context] = below._replace(open=tuple(idle))
        return self._below[context]

    def _pointing_at(self, context: SpanContext) -> _Pointing:
        if context not in self._pointing:
            producing, beyond, created = [], [], []
            for source in sorted(self.known.pointing.get(context, ())):
                if produces(self.known.operations[source]):
                    producing.append(source)
                    continue
                for key in self._keys(source):
                    if self.identity.is_created(key, context):
                        created.append(source)
                    elif isinstance(key, Creation) and key.context == context:
                        beyond.append(source)
            positions = tuple(
                position
                for position in self.identity.carrying.carried(context)
                if not all(
                    self.identity.is_created(key, context) for key in self.identity.at(position)
                )
            )
            self._pointing[context] = _Pointing(
                tuple(producing), tuple(beyond), tuple(created), positions
            )
        return self._pointing[context]

    def _are_siblings(
        self, key: EventKey, own: set[SpanContext], others: tuple[EventKey, ...]
    ) -> bool:
        """Whether these are the event itself, or were created together with it."""
        return all(
            other == key or any(self.identity.is_created(other, context) for context in own)
            for other in others
        )

    def _keys(self, source: SpanContext) -> tuple[EventKey, ...]:
        operation = self.known.operations[source]
        if not handles(operation):
            return ()
        return tuple(match.key for match in self.consumption.handled(operation))

    def _ids(self, key: EventKey) -> set[str]:
        """By what id its effects may call it, normalised."""
        messages = self.identity.messages(key)
        texts = [text for one in messages for text in (one.message_id, one.alias)]
        texts += [operation.message_id for operation, _ in self.identity.producers(key)]
        texts += [operation.message_id for operation, _ in self.consumption.handlers(key)]
        return {normal_id(text) for text in texts if text}
