"""Which records are one event: a message, its create and send spans, and its copies.

A view of what is known now; when more is learned, make a new one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from graph.chain.known import Known, handles, link_place, place, produces, relations_of
from graph.chain.names import (
    ONE_NAME_SYSTEMS,
    may_be_same,
    normal_id,
    place_of,
    same_destination,
)
from graph.chain.result import Creation, EventKey, Join, Via
from graph.model import Evidence, Message, Operation, OperationType, Position, SpanContext

SAME_ID_LIMIT = 50
"""Messages with one id that are compared for being copies; an id that so many share is none."""


class Identity:
    """Events by the contexts, positions and messages that name them."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self._created: dict[SpanContext, tuple[EventKey, ...]] = {}
        self._of_root: dict[SpanContext, tuple[EventKey, ...]] = {}
        self._roots: dict[SpanContext, tuple[SpanContext, ...]] = {}
        self._members: dict[SpanContext, tuple[SpanContext, ...]] = {}
        self._inner: dict[SpanContext, tuple[SpanContext, ...]] = {}
        self._below: dict[SpanContext, tuple[tuple[Operation, ...], tuple[SpanContext, ...]]] = {}
        self._pairs: dict[SpanContext, tuple[tuple[SpanContext, Position], ...]] = {}
        self._copies: dict[str, dict[Position, tuple[Position, ...]]] = {}
        self._positions: dict[EventKey, tuple[Position, ...]] = {}
        self._messages: dict[EventKey, tuple[Message, ...]] = {}
        self._contexts: dict[EventKey, tuple[SpanContext, ...]] = {}
        self._producers: dict[EventKey, tuple[tuple[Operation, Join], ...]] = {}

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
                keys = [key for root in self.roots(context) for key in self._events_of(root)]
            else:
                keys = [key for position in self.carried(context) for key in self.at(position)]
            self._created[context] = tuple(dict.fromkeys(keys))
        return self._created[context]

    def carried(self, context: SpanContext) -> list[Position]:
        """Where messages lie that carry this context, by their headers or as spans say it."""
        found = {
            position for raw in self.known.carrying.get(context, ()) for position in self._full(raw)
        }
        operation = self.known.operations.get(context)
        own = place_of(operation) if operation and produces(operation) else None
        if own:
            found.update(self._full(own))
        for source in self.known.pointing.get(context, ()):
            for target, position in self.pairs(self.known.operations[source]):
                if target == context:
                    found.add(position)
        return sorted(found)

    def pairs(self, operation: Operation) -> tuple[tuple[SpanContext, Position], ...]:
        """What a consuming span says of contexts and the positions of their messages."""
        if operation.context not in self._pairs:
            self._pairs[operation.context] = tuple(self._paired(operation))
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
            for full in self._full(position):
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

    def _full(self, position: Position) -> tuple[Position, ...]:
        found = self.known.positions(position)
        return found if len(found) == 1 else ()

    # From an event to what makes it

    def copies(self, position: Position) -> tuple[Position, ...]:
        """All positions of one event, the original first."""
        message = self.known.messages.get(position)
        if message is None or not message.message_id:
            return (position,)
        message_id = normal_id(message.message_id)
        if message_id not in self._copies:
            found = self.known.messages_by_id[message_id]
            self._copies[message_id] = _same_events([self.known.messages[one] for one in found])
        return self._copies[message_id].get(position, (position,))

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
        if not isinstance(key, Position):
            return ()
        if key not in self._positions:
            self._positions[key] = self.copies(key)
        return self._positions[key]

    def contexts(self, key: EventKey) -> tuple[SpanContext, ...]:
        """Every context that it may have been created with, those in headers first."""
        if key not in self._contexts:
            self._contexts[key] = self._found_contexts(key)
        return self._contexts[key]

    def _found_contexts(self, key: EventKey) -> tuple[SpanContext, ...]:
        if isinstance(key, Creation):
            operation = self.known.operations.get(key.context)
            if operation and produces(operation):
                return tuple(m for root in self.roots(key.context) for m in self.members(root))
            return (key.context,)
        found = [context for message in self.messages(key) for context in message.contexts]
        for position in self.positions(key):
            for source in sorted(self.known.placed.get(place(position), ())):
                operation = self.known.operations[source]
                if produces(operation) and position in self.carried(source):
                    found.append(source)
                found.extend(c for c, paired in self.pairs(operation) if paired == position)
        for message in self.messages(key):
            for source in sorted(self.known.operations_by_id.get(_id_of(message), ())):
                if produces(self.known.operations[source]) and key in self.created(source):
                    found.append(source)
        return tuple(dict.fromkeys(found))

    def producers(self, key: EventKey) -> tuple[tuple[Operation, Join], ...]:
        """Its create and send operations by start, each with why."""
        if key not in self._producers:
            self._producers[key] = self._found_producers(key)
        return self._producers[key]

    def _found_producers(self, key: EventKey) -> tuple[tuple[Operation, Join], ...]:
        written = {context for message in self.messages(key) for context in message.contexts}
        found: dict[SpanContext, Join] = {}
        for context in self.contexts(key):
            operation = self.known.operations.get(context)
            if operation is None or not produces(operation) or key not in self.created(context):
                continue
            for root in self.roots(context):
                if key in self._events_of(root):
                    members = self.members(root)
                    evidence, via = self._reason(key, members, written)
                    for member in members:
                        found.setdefault(member, Join(member, evidence, via))
        pairs = [(self.known.operations[context], join) for context, join in found.items()]
        pairs.sort(key=lambda pair: (pair[0].start, -pair[0].end, pair[0].context))
        return tuple(pairs)

    def _reason(
        self, key: EventKey, members: Iterable[SpanContext], written: set[SpanContext]
    ) -> tuple[Evidence, Via]:
        if written.intersection(members):
            return Evidence.OBSERVED, Via.HEADER
        if not self.messages(key):
            return Evidence.OBSERVED, Via.SPAN
        at = {place(position) for position in self.positions(key)}
        if any(at.intersection(map(place, self.carried(member))) for member in members):
            return Evidence.MATCHED, Via.POSITION
        return Evidence.MATCHED, Via.MESSAGE_ID

    def realm(self, key: EventKey) -> tuple[str, str]:
        """The environment and the cluster it lies in, as far as anything says."""
        positions = self.positions(key)
        environments = [message.environment for message in self.messages(key)]
        environments += [operation.environment for operation, _ in self.producers(key)]
        clusters = [position.cluster for position in positions]
        clusters += [operation.cluster for operation, _ in self.producers(key)]
        return next(filter(None, environments), ""), next(filter(None, clusters), "")

    # Several spans for one production

    def roots(self, context: SpanContext) -> tuple[SpanContext, ...]:
        """The outermost spans of the productions that a producing span takes part in.

        A send belongs to the create that it links to or runs in; a send around several others
        is shared by their events. Otherwise it is itself.
        """
        if context not in self._roots:
            self._roots[context] = (context,)  # for links in a circle
            self._roots[context] = self._found_roots(context)
        return self._roots[context]

    def _found_roots(self, context: SpanContext) -> tuple[SpanContext, ...]:
        operation = self.known.operations[context]
        linked = [
            relation.target
            for relation in relations_of(operation)
            if relation.kind == "link" and self.sends(operation, relation.target)
        ]
        if linked:
            return tuple(dict.fromkeys(root for one in linked for root in self.roots(one)))
        outer = self.outer(context)
        if outer is not None and (
            self.known.operations[outer].type is OperationType.CREATE
            or self.inner(outer) == (context,)
        ):
            return self.roots(outer)
        inner = self.inner(context)
        if (
            len(inner) > 1
            and operation.type is not OperationType.CREATE
            and not self.carried(context)
        ):
            return tuple(dict.fromkeys(root for one in inner for root in self.roots(one)))
        return (context,)

    def sends(self, operation: Operation, target: SpanContext) -> bool:
        """Whether a producing span links to the creation of what it sends."""
        created = self.known.operations.get(target)
        return (
            created is not None
            and target != operation.context
            and produces(created)
            and created.service == operation.service
            and may_be_same(created.destination, operation.destination)
            and (created.type is OperationType.CREATE or not self.carried(operation.context))
        )

    def outer(self, context: SpanContext) -> SpanContext | None:
        """The producing span that this one runs in, for the same destination and service."""
        operation = self.known.operations[context]
        for above in self.known.ancestors(context):
            around = self.known.operations.get(above)
            if around is None:
                if self.known.service(above) != operation.service:
                    return None
                continue
            is_around = (
                produces(around)
                and around.service == operation.service
                and may_be_same(around.destination, operation.destination)
                and (
                    around.type is OperationType.CREATE
                    or around.start <= operation.start <= around.end
                )
            )
            return above if is_around else None
        return None

    def inner(self, context: SpanContext) -> tuple[SpanContext, ...]:
        """The producing spans that run in this one."""
        if context not in self._inner:
            operations, _ = self.below(context)
            self._inner[context] = tuple(
                sorted(
                    operation.context
                    for operation in operations
                    if produces(operation) and self.outer(operation.context) == context
                )
            )
        return self._inner[context]

    def members(self, root: SpanContext) -> tuple[SpanContext, ...]:
        """All producing spans of one production, the root first."""
        if root not in self._members:
            found = {root: None}
            todo = [root]
            while todo:
                context = todo.pop()
                near = [*self.inner(context), *self._linking(context)]
                outer = self.outer(context)
                if outer is not None:
                    near.append(outer)
                for other in near:
                    if other not in found and root in self.roots(other):
                        found[other] = None
                        todo.append(other)
            self._members[root] = (root, *sorted(found.keys() - {root}))
        return self._members[root]

    def _linking(self, context: SpanContext) -> list[SpanContext]:
        operations = self.known.operations
        sources = self.known.pointing.get(context, ())
        return [source for source in sources if produces(operations[source])]

    def _events_of(self, root: SpanContext) -> tuple[EventKey, ...]:
        if root not in self._of_root:
            self._of_root[root] = self._found_events(root)
        return self._of_root[root]

    def _found_events(self, root: SpanContext) -> tuple[EventKey, ...]:
        operations = [self.known.operations[member] for member in self.members(root)]
        destinations = {operation.destination for operation in operations} - {""}
        strict = any(operation.system in ONE_NAME_SYSTEMS for operation in operations)
        positions = {
            position for operation in operations for position in self.carried(operation.context)
        }
        if not positions:
            positions = self._positions_by_id(operations)
        exact = {position for position in positions if position.destination in destinations}
        # A message elsewhere with the same context was forwarded, or handed on by hand.
        if exact or (strict and destinations):
            positions = exact
        keys = dict.fromkeys(key for position in sorted(positions) for key in self.at(position))
        destination = operations[0].destination or min(destinations, default="")
        return tuple(keys) or (Creation(root, destination),)

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

    # Down the span tree

    def below(self, context: SpanContext) -> tuple[tuple[Operation, ...], tuple[SpanContext, ...]]:
        """The nearest messaging operations below a span, and the plain spans in between."""
        if context not in self._below:
            operations, plain = [], []
            seen = {context}
            todo = [context]
            while todo:
                for child in self.known.children.get(todo.pop(), ()):
                    if child in seen:
                        continue
                    seen.add(child)
                    operation = self.known.operations.get(child)
                    if operation:
                        operations.append(operation)
                    else:
                        plain.append(child)
                        todo.append(child)
            operations.sort(key=lambda operation: operation.context)
            self._below[context] = (tuple(operations), tuple(sorted(plain)))
        return self._below[context]


def _id_of(message: Message) -> str:
    return normal_id(message.message_id) if message.message_id else ""


def _same_events(messages: list[Message]) -> dict[Position, tuple[Position, ...]]:
    """Messages of one id, by position: the positions of the same event, the original first."""
    if not 1 < len(messages) <= SAME_ID_LIMIT:
        return {message.position: (message.position,) for message in messages}
    messages.sort(key=lambda message: (message.time, message.position))
    repeated = len({message.position[:4] for message in messages}) < len(messages)
    group = {message.position: index for index, message in enumerate(messages)}
    for index, message in enumerate(messages):
        for other in messages[:index]:
            if group[message.position] != group[other.position] and _is_copy(
                message, other, repeated
            ):
                old, new = group[message.position], group[other.position]
                for position, number in group.items():
                    if number == old:
                        group[position] = new
    members: dict[int, list[Position]] = defaultdict(list)
    for message in messages:
        members[group[message.position]].append(message.position)
    return {message.position: tuple(members[group[message.position]]) for message in messages}


def _is_copy(one: Message, other: Message, repeated: bool) -> bool:
    """Whether two messages of one id, at different destinations, are one event.

    They are when they share a trace context. Where none can be compared, or the copy was sent
    with a new one, source and type have to agree as far as both are given, and the id must not
    have been sent twice to one destination.
    """
    if one.position.destination == other.position.destination:
        return False
    if not may_be_same(one.environment, other.environment):
        return False
    if set(one.contexts) & set(other.contexts):
        return True
    if repeated or not may_be_same(one.position.cluster, other.position.cluster):
        return False
    if one.contexts and other.contexts:
        same_source = one.source == other.source and one.source != ""
        return same_source and one.event_type == other.event_type
    return may_be_same(one.source, other.source) and may_be_same(one.event_type, other.event_type)
