"""Which operations handle an event: the other way round from `graph.chain.matching`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from graph.chain.identity import Identity
from graph.chain.known import handles, place, processes, relations_of
from graph.chain.matching import Match, Matching
from graph.chain.narrowing import ids_of_event
from graph.chain.result import Creation, EventKey
from graph.model import Operation, OperationType, SpanContext


class Consumption(Matching):
    """Events by the operations that handle them, and the other way round."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self._filed: dict[EventKey, dict[SpanContext, Match]] = {}
        self._files: set[SpanContext] = set()
        self._entered: set[SpanContext] = set()
        self._referred: set[SpanContext] = set()
        self._handlers: dict[EventKey, tuple[tuple[Operation, Match], ...]] = {}

    def handlers(self, key: EventKey) -> tuple[tuple[Operation, Match], ...]:
        """The operations that handle an event, by start."""
        if key not in self._handlers:
            self._handlers[key] = self._found_handlers(key)
        return self._handlers[key]

    def _found_handlers(self, key: EventKey) -> tuple[tuple[Operation, Match], ...]:
        for context in self.identity.contexts(key):
            self._file(context)
        for operation, _ in self.identity.producers(key):
            self._file(operation.context)
            for origin in self.identity.origins.of(operation.context):
                self._file(origin)
        for position in self.identity.positions(key):
            self._take(self.known.placed.get(place(position), ()))
        for message_id in ids_of_event(self.identity, key):
            self._take(self.known.operations_by_id.get(message_id, ()))
        if isinstance(key, Creation) and key.context in self.known.operations:
            self._take([key.context])
        found = [
            (self.known.operations[context], match)
            for context, match in self._filed.get(key, {}).items()
        ]
        found.sort(key=lambda pair: (pair[0].start, -pair[0].end, pair[0].context))
        return tuple(found)

    def references(self, operation: Operation) -> set[SpanContext]:
        """Every context that has to be known to say what an operation is about."""
        return self._references(operation, set())

    def more_references(self, operation: Operation) -> set[SpanContext]:
        """Those of its references that were not given before."""
        return self._references(operation, self._referred)

    def _references(self, operation: Operation, seen: set[SpanContext]) -> set[SpanContext]:
        found: set[SpanContext] = set()
        todo = [operation]
        while todo:
            for relation in relations_of(todo.pop()):
                for context in chain([relation.target], self.known.ancestors(relation.target)):
                    if context in seen:
                        break
                    seen.add(context)
                    found.add(context)
                    at = self.known.operations.get(context)
                    if at is not None:
                        if handles(at):
                            todo.append(at)
                        break
                    if relation.kind == "link":
                        break
        return found

    def _file(self, context: SpanContext) -> None:
        """File what points at a context, and what points at that, by events."""
        todo = [context]
        while todo:
            target = todo.pop()
            if target in self._files:
                continue
            self._files.add(target)
            sources = set(self.known.pointing.get(target, ()))
            sources.update(
                operation.context for operation in self.identity.productions.below(target)[0]
            )
            todo.extend(self._take(sources))

    def _take(self, sources: Iterable[SpanContext]) -> list[SpanContext]:
        taken = []
        for source in sources:
            operation = self.known.operations[source]
            if handles(operation):
                taken.append(source)
                self._enter(operation)
                around = self._around(operation)
                if around is not None:
                    self._enter(around)
        return taken

    def _enter(self, operation: Operation) -> None:
        if operation.context in self._entered:
            return
        self._entered.add(operation.context)
        for match in self.handled(operation):
            self._filed.setdefault(match.key, {})[operation.context] = match

    def _around(self, operation: Operation) -> Operation | None:
        """The poll that a process span runs in."""
        if not processes(operation):
            return None
        for context in self.known.ancestors(operation.context):
            above = self.known.operations.get(context)
            if above is not None:
                is_poll = above.type is OperationType.RECEIVE and above.service == operation.service
                return above if is_poll else None
        return None
