"""Messages that carry the context of what led to them, and not that of the span that sent them.

FastStream gives what a handler returns the context that the handler itself was given. Such a
message and the span that sent it have only the origin and the destination in common. Where each
is the only one there, they are taken for one; that is never more than inferred.
"""

from __future__ import annotations

from graph.chain.carrying import Carrying
from graph.chain.known import consumes, place, produces, relations_of
from graph.chain.names import may_be_same
from graph.chain.production import Productions
from graph.model import Operation, Position, SpanContext


class Origins:
    """Productions by the contexts that their messages may carry instead of their own."""

    def __init__(self, carrying: Carrying, productions: Productions) -> None:
        self.known = carrying.known
        self._carrying = carrying
        self._productions = productions
        self._of: dict[SpanContext, tuple[SpanContext, ...]] = {}
        self._sent: dict[tuple[SpanContext, str], tuple[SpanContext, ...]] = {}

    def of(self, root: SpanContext) -> tuple[SpanContext, ...]:
        """The contexts of what was handled around a production to somewhere else; none where
        any message or consumer knows a context of its own."""
        if root not in self._of:
            self._of[root] = self._found_of(root)
        return self._of[root]

    def sent(self, origin: SpanContext, destination: str) -> tuple[SpanContext, ...]:
        """The productions to a destination that have this origin, by their roots."""
        if (origin, destination) not in self._sent:
            found: set[SpanContext] = set()
            for sending in self._below(origin):
                if destination and sending.destination == destination:
                    found.update(self._productions.roots(sending.context))
            self._sent[origin, destination] = tuple(
                sorted(root for root in found if origin in self.of(root))
            )
        return self._sent[origin, destination]

    def messages(self, root: SpanContext) -> set[Position]:
        """Where the message of a production may lie, when it carries its origin's context."""
        destination = self.known.operations[root].destination
        return {
            position
            for origin in self.of(root)
            if self.sent(origin, destination) == (root,)
            for position in self._carrying.carried(origin)
            if position.destination == destination and not self.claimed(position)
        }

    def claimed(self, position: Position) -> bool:
        """Whether a producing span is known to have sent what lies there."""
        operations = self.known.operations
        message = self.known.messages.get(position)
        by_context = (operations.get(one) for one in (message.contexts if message else ()))
        return any(
            one is not None and produces(one) and may_be_same(one.destination, position.destination)
            for one in by_context
        ) or any(produces(operations[one]) for one in self.known.placed.get(place(position), ()))

    def _found_of(self, root: SpanContext) -> tuple[SpanContext, ...]:
        sending = self.known.operations[root]
        around = self._around(sending)
        if around is None or any(map(self._is_known, self._productions.members(root))):
            return ()
        return tuple(sorted(self._given(around, {root})))

    def _around(self, sending: Operation) -> Operation | None:
        """The handling, of something that lay elsewhere, in which a send was made."""
        for context in self.known.ancestors(sending.context):
            around = self.known.operations.get(context)
            if around is not None:
                is_handling = consumes(around) and around.service == sending.service
                elsewhere = not may_be_same(around.destination, sending.destination)
                return around if is_handling and elsewhere else None
        return None

    def _is_known(self, context: SpanContext) -> bool:
        operations = self.known.operations
        return bool(self._carrying.carried(context)) or any(
            consumes(operations[source]) for source in self.known.pointing.get(context, ())
        )

    def _given(self, handling: Operation, seen: set[SpanContext]) -> set[SpanContext]:
        """The contexts that a handling took out of messages, over what it received them in."""
        found: set[SpanContext] = set()
        for relation in relations_of(handling):
            if relation.target in seen:
                continue
            seen.add(relation.target)
            pointed = self.known.operations.get(relation.target)
            if pointed is not None and consumes(pointed):
                if pointed.service == handling.service:
                    found |= self._given(pointed, seen)
            elif relation.target not in self.known.spans or pointed is not None:
                found.add(relation.target)
        return found

    def _below(self, origin: SpanContext) -> list[Operation]:
        """The sends in the handlings of what has this context."""
        operations = self.known.operations
        todo = [operations[one] for one in self.known.pointing.get(origin, ())]
        seen = {origin}
        found = []
        while todo:
            handling = todo.pop()
            if handling.context in seen or not consumes(handling):
                continue
            seen.add(handling.context)
            inside = self._productions.below(handling.context)[0]
            found += [one for one in inside if produces(one)]
            todo += inside
            todo += [operations[one] for one in self.known.pointing.get(handling.context, ())]
        return found
