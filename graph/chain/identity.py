"""Which records are one event: a message, its create and send spans, and its copies.

A view of what is known now; when more is learned, make a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from graph.chain.carrying import Carrying
from graph.chain.copies import Copies
from graph.chain.known import Known, place, produces
from graph.chain.names import (
    ONE_NAME_SYSTEMS,
    may_be_same,
    normal_id,
    same_destination,
)
from graph.chain.origins import Origins
from graph.chain.production import Productions
from graph.chain.result import Creation, EventKey, Join, Via
from graph.model import Evidence, Message, Operation, Position, SpanContext

Produced = tuple[Operation, Join]
"""A create or send operation of an event, and why it is."""


class Identity:
    """Events by the contexts, positions and messages that name them."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.carrying = Carrying(known)
        self.productions = Productions(self.carrying)
        self.origins = Origins(self.carrying, self.productions)
        self._created: dict[SpanContext, tuple[EventKey, ...]] = {}
        self._created_sets: dict[SpanContext, frozenset[EventKey]] = {}
        self._missing: dict[SpanContext, int] = {}
        self._root_sets: dict[SpanContext, frozenset[EventKey]] = {}
        self._of_root: dict[SpanContext, tuple[EventKey, ...]] = {}
        self._guessed: set[SpanContext] = set()
        """Roots whose messages carry only the same origin's context."""
        self._copies = Copies(known)
        self._messages: dict[EventKey, tuple[Message, ...]] = {}
        self._contexts: dict[EventKey, tuple[SpanContext, ...]] = {}
        self._producers: dict[EventKey, tuple[Produced, ...]] = {}
        self._copiers: dict[EventKey, tuple[Produced, ...]] = {}

    # From names to events

    def at(self, position: Position) -> tuple[EventKey, ...]:
        """The event at a position; several when it is incomplete and fits several."""
        found = (self.copies(fitting)[0] for fitting in self.known.positions(position))
        return tuple(dict.fromkeys(found))

    def created(self, context: SpanContext) -> tuple[EventKey, ...]:
        """The events that were created with this context: all messages of a batch."""
        if context not in self._created:
            operation = self.known.operations.get(context)
            if operation and produces(operation):
                keys = [
                    key for root in self.productions.roots(context) for key in self._events_of(root)
                ]
            else:
                keys = [
                    key for position in self.carrying.carried(context) for key in self.at(position)
                ]
            self._created[context] = tuple(dict.fromkeys(keys))
        return self._created[context]

    def is_created(self, key: EventKey, context: SpanContext) -> bool:
        """Whether `key` is among the events that were created with this context."""
        if context not in self._created_sets:
            self._created_sets[context] = frozenset(self.created(context))
        return key in self._created_sets[context]

    def missing(self, context: SpanContext) -> int:
        """How many more messages its span says to have sent than are known: it can be any."""
        operation = self.known.operations.get(context)
        if operation is None or (operation.batch_count or 0) < 2 or not produces(operation):
            return 0
        if context not in self._missing:
            known = sum(isinstance(key, Position) for key in self.created(context))
            sent = operation.batch_count or 0
            self._missing[context] = max(0, sent - known) if known else 0
        return self._missing[context]

    # From an event to what makes it

    def copies(self, position: Position) -> tuple[Position, ...]:
        """All positions of one event, the original first."""
        return self._copies.of(position)

    def original(self, position: Position) -> Position | None:
        """Where the original of a copy lies, as its headers name it."""
        return self._copies.original(position)

    def messages(self, key: EventKey) -> tuple[Message, ...]:
        """Its tapped messages, the original first."""
        if key not in self._messages:
            known = self.known.messages
            self._messages[key] = tuple(
                known[position] for position in self.positions(key) if position in known
            )
        return self._messages[key]

    def positions(self, key: EventKey) -> tuple[Position, ...]:
        """Where it lies, the original first; nowhere when no position is known."""
        return self._copies.of(key) if isinstance(key, Position) else ()

    def contexts(self, key: EventKey) -> tuple[SpanContext, ...]:
        """Every context that it may have been created with, those in headers first."""
        if key not in self._contexts:
            self._contexts[key] = self._found_contexts(key)
        return self._contexts[key]

    def _found_contexts(self, key: EventKey) -> tuple[SpanContext, ...]:
        if isinstance(key, Creation):
            operation = self.known.operations.get(key.context)
            if operation and produces(operation):
                roots = self.productions.roots(key.context)
                made = [one for root in roots for one in self.productions.members(root)]
                return tuple(dict.fromkeys((*made, *self._again(made))))
            return (key.context,)
        found = [context for message in self.messages(key) for context in message.contexts]
        for position in self.positions(key):
            for source in sorted(self.known.placed.get(place(position), ())):
                operation = self.known.operations[source]
                if produces(operation) and position in self.carrying.carried(source):
                    found.append(source)
                found.extend(self.carrying.paired(operation, position))
        for message in self.messages(key):
            for source in sorted(self.known.operations_by_id.get(_id_of(message), ())):
                if produces(self.known.operations[source]) and self.is_created(key, source):
                    found.append(source)
            if not self.origins.claimed(message.position):
                for context in message.contexts:
                    for root in self.origins.sent(context, message.position.destination):
                        if self.is_created(key, root):
                            found.extend(self.productions.members(root))
        return tuple(dict.fromkeys(found))

    def _again(self, made: Iterable[SpanContext]) -> Iterable[SpanContext]:
        """The spans that sent a message again which these had made."""
        for context in made:
            message_id = self.known.operations[context].message_id
            same = self.known.operations_by_id.get(normal_id(message_id), ()) if message_id else ()
            for source in sorted(same):
                sending = self.known.operations[source]
                if produces(sending) and self.productions.again(source) == context:
                    yield source

    def written(self, key: EventKey) -> tuple[SpanContext, ...]:
        """The contexts that it was first sent with, as far as headers or spans say: none that
        only a copy was given."""
        positions = self.positions(key)
        if len(positions) < 2:
            return self.contexts(key)
        first = self.known.messages.get(positions[0])
        own = [operation.context for operation, _ in self.producers(key)]
        if first is not None:
            return tuple(dict.fromkeys((*first.contexts, *own)))
        copied = {operation.context for operation, _ in self.copiers(key)}
        carried = [c for message in self.messages(key) for c in message.contexts]
        return tuple(dict.fromkeys([*(c for c in carried if c not in copied), *own]))

    def producers(self, key: EventKey) -> tuple[Produced, ...]:
        """Its create and send operations by start, each with why; none that made a copy."""
        if key not in self._producers:
            self._find_producers(key)
        return self._producers[key]

    def copiers(self, key: EventKey) -> tuple[Produced, ...]:
        """The operations that sent copies of it, by start."""
        if key not in self._copiers:
            self._find_producers(key)
        return self._copiers[key]

    def _find_producers(self, key: EventKey) -> None:
        written = {context for message in self.messages(key) for context in message.contexts}
        made: dict[SpanContext, Join] = {}
        copied: dict[SpanContext, Join] = {}
        for context in self.contexts(key):
            operation = self.known.operations.get(context)
            if operation is None or not produces(operation) or not self.is_created(key, context):
                continue
            for root in self.productions.roots(context):
                if key in self._set_of(root):
                    members = self.productions.members(root)
                    evidence, via = self._reason(key, root, members, written)
                    found = made if self._made(key, members) else copied
                    for member in members:
                        found.setdefault(member, Join(member, evidence, via))
        for context in made.keys() & copied.keys():
            del copied[context]
        self._producers[key] = self._by_start(made)
        self._copiers[key] = self._by_start(copied)

    def _by_start(self, joins: dict[SpanContext, Join]) -> tuple[Produced, ...]:
        pairs = [(self.known.operations[context], join) for context, join in joins.items()]
        pairs.sort(key=lambda pair: (pair[0].start, -pair[0].end, pair[0].context))
        return tuple(pairs)

    def _made(self, key: EventKey, members: Collection[SpanContext]) -> bool:
        """Whether a production made the event, and not a copy of it at another position."""
        if isinstance(key, Creation):
            return key.context in members
        positions = self.positions(key)
        if len(positions) < 2:
            return not any(map(self.productions.again, members))
        original, *copies = positions
        carried = {position for member in members for position in self.carrying.carried(member)}
        if original in carried:
            return True
        operations = [self.known.operations[member] for member in members]
        named = {operation.destination for operation in operations} - {""}
        strict = any(operation.system in ONE_NAME_SYSTEMS for operation in operations)
        if named and strict and original.destination not in named:
            return False
        untapped = original not in self.known.messages
        return untapped or carried.isdisjoint(copies)

    def _reason(
        self,
        key: EventKey,
        root: SpanContext,
        members: Iterable[SpanContext],
        written: set[SpanContext],
    ) -> tuple[Evidence, Via]:
        if root in self._guessed:
            return Evidence.INFERRED, Via.HEADER
        if written.intersection(members):
            return Evidence.OBSERVED, Via.HEADER
        if not self.messages(key):
            return Evidence.OBSERVED, Via.SPAN
        at = {place(position) for position in self.positions(key)}
        if any(at.intersection(map(place, self.carrying.carried(member))) for member in members):
            return Evidence.MATCHED, Via.POSITION
        return Evidence.MATCHED, Via.MESSAGE_ID

    def realm(self, key: EventKey) -> tuple[str, str]:
        """The environment and the cluster it lies in, as far as anything says."""
        positions = self.positions(key)
        environments = [message.environment for message in self.messages(key)]
        spoken = [operation for operation, _ in (*self.producers(key), *self.copiers(key))]
        environments += [operation.environment for operation in spoken]
        clusters = [position.cluster for position in positions]
        clusters += [operation.cluster for operation in spoken]
        return next(filter(None, environments), ""), next(filter(None, clusters), "")

    def _events_of(self, root: SpanContext) -> tuple[EventKey, ...]:
        if root not in self._of_root:
            self._of_root[root] = self._found_events(root)
        return self._of_root[root]

    def _set_of(self, root: SpanContext) -> frozenset[EventKey]:
        if root not in self._root_sets:
            self._root_sets[root] = frozenset(self._events_of(root))
        return self._root_sets[root]

    def _found_events(self, root: SpanContext) -> tuple[EventKey, ...]:
        operations = [self.known.operations[member] for member in self.productions.members(root)]
        destinations = {operation.destination for operation in operations} - {""}
        strict = any(operation.system in ONE_NAME_SYSTEMS for operation in operations)
        positions = {
            position
            for operation in operations
            for position in self.carrying.carried(operation.context)
        }
        if not positions:
            positions = self._positions_by_id(operations)
        if not positions:
            first = self.productions.again(root)
            if first is not None:
                roots = self.productions.roots(first)
                return tuple(dict.fromkeys(k for one in roots for k in self._events_of(one)))
            positions = self._positions_by_origin(root)
        exact = {
            position
            for position in positions
            if any(one.destination in destinations for one in self.copies(position))
        }
        # A message elsewhere with the same context was forwarded, or handed on by hand.
        if exact or (strict and destinations):
            positions = exact
        keys = dict.fromkeys(key for position in sorted(positions) for key in self.at(position))
        destination = operations[0].destination or min(destinations, default="")
        return tuple(keys) or (Creation(root, destination),)

    def _positions_by_origin(self, root: SpanContext) -> set[Position]:
        found = self.origins.messages(root)
        if len({self.copies(position)[0] for position in found}) != 1:
            return set()
        self._guessed.add(root)
        return found

    def _positions_by_id(self, operations: Iterable[Operation]) -> set[Position]:
        found = set()
        for operation in operations:
            if not operation.message_id:
                continue
            for position in self.known.messages_by_id.get(normal_id(operation.message_id), ()):
                message = self.known.messages[position]
                if (
                    not message.contexts
                    and same_destination(
                        operation.destination, position.destination, operation.system
                    )
                    and may_be_same(operation.environment, message.environment)
                    and may_be_same(operation.cluster, position.cluster)
                ):
                    found.add(position)
        return found


def _id_of(message: Message) -> str:
    return normal_id(message.message_id) if message.message_id else ""
