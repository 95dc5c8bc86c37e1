"""Which messages carry which contexts, by their headers and by what spans say of positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from graph.chain.known import Known, handles, link_place, produces, relations_of
from graph.chain.names import may_be_same, place_of, same_destination
from graph.model import Operation, Position, SpanContext


class _Pairs:
    """What one consuming span says of contexts and the positions of their messages."""

    def __init__(self) -> None:
        self.contexts: dict[Position, list[SpanContext]] = defaultdict(list)
        self.positions: dict[SpanContext, list[Position]] = defaultdict(list)


class Carrying:
    """Positions by contexts, over what is known now."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self._carried: dict[SpanContext, tuple[Position, ...]] = {}
        self._pairs: dict[SpanContext, _Pairs] = {}

    def carried(self, context: SpanContext) -> tuple[Position, ...]:
        """Where messages lie that carry this context, by their headers or as spans say it."""
        if context not in self._carried:
            self._carried[context] = tuple(sorted(self._found(context)))
        return self._carried[context]

    def _found(self, context: SpanContext) -> set[Position]:
        found = {
            position
            for raw in self.known.carrying.get(context, ())
            for position in self._full(raw, "")
        }
        operation = self.known.operations.get(context)
        own = place_of(operation) if operation and produces(operation) else None
        if operation and own:
            found.update(self._full(own, operation.environment))
        for source in self.known.pointing.get(context, ()):
            found.update(self._said(self.known.operations[source]).positions.get(context, ()))
        return found

    def paired(self, operation: Operation, position: Position) -> Sequence[SpanContext]:
        """The contexts that a consuming span says the message at this position has."""
        return self._said(operation).contexts.get(position, ())

    def _said(self, operation: Operation) -> _Pairs:
        if operation.context not in self._pairs:
            pairs = _Pairs()
            for context, position in self._paired(operation):
                pairs.contexts[position].append(context)
                pairs.positions[context].append(position)
            self._pairs[operation.context] = pairs
        return self._pairs[operation.context]

    def _paired(self, operation: Operation) -> Iterable[tuple[SpanContext, Position]]:
        if not handles(operation):
            return
        relations = relations_of(operation)
        links = [relation for relation in relations if relation.kind == "link"]
        alone = len({relation.target for relation in links or relations}) == 1
        for relation in links or relations:
            position = link_place(operation, relation) if links else None
            if position is None and alone:
                position = place_of(operation)
            if position is None or not self._is_creation(relation.target, operation, position):
                continue
            for full in self._full(position, operation.environment):
                yield relation.target, full

    def _is_creation(self, target: SpanContext, operation: Operation, position: Position) -> bool:
        """Whether the message at that position may carry the context pointed at."""
        creating = self.known.operations.get(target)
        if creating is None:
            span = self.known.spans.get(target)
            return span is None or span.service != operation.service
        if handles(creating):
            return False
        systems = (creating.system, operation.system)
        # A consumer below its own service's send to elsewhere only runs inside of it.
        return creating.service != operation.service or same_destination(
            creating.destination, position.destination, *systems
        )

    def _full(self, position: Position, environment: str) -> tuple[Position, ...]:
        """The one position that is meant, as far as anything says; of that environment."""
        known = self.known.messages
        found = [
            one
            for one in self.known.positions(position)
            if one not in known or may_be_same(known[one].environment, environment)
        ]
        return tuple(found) if len(found) == 1 else ()
