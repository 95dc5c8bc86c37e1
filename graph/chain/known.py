"""The facts gathered so far, indexed by how they point at one another; each fact once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from graph.chain.names import fits, normal_id, place_at, place_of
from graph.model import (
    Copied,
    IdKind,
    Message,
    Operation,
    OperationType,
    Position,
    Relation,
    Span,
    SpanContext,
)

_PRODUCING = frozenset(one for one in OperationType if one.produces)
_CONSUMING = frozenset(one for one in OperationType if one.consumes)
_HANDLING = _CONSUMING | {OperationType.SETTLE}


class Place(NamedTuple):
    """What spans say of a position; cluster and incarnation they seldom know."""

    destination: str
    partition: str
    offset: int


class Known:
    """Operations, spans and messages by every way in which a chain looks for them.

    The order in which facts are added, and how often, changes nothing.
    """

    def __init__(self) -> None:
        self.operations: dict[SpanContext, Operation] = {}
        self.spans: dict[SpanContext, Span] = {}
        self.messages: dict[Position, Message] = {}
        self.children: dict[SpanContext, set[SpanContext]] = defaultdict(set)
        """Spans by their parent."""
        self.pointing: dict[SpanContext, set[SpanContext]] = defaultdict(set)
        """Operations by the contexts that they point at, by parent or link."""
        self.carrying: dict[SpanContext, set[Position]] = defaultdict(set)
        """Messages by the contexts in their headers."""
        self.placed: dict[Place, set[SpanContext]] = defaultdict(set)
        """Operations by the positions that they, or their links, name."""
        self.tapped: dict[Place, set[Position]] = defaultdict(set)
        self.named: dict[Place, set[Position]] = defaultdict(set)
        """Positions as spans name them."""
        self.messages_by_id: dict[str, set[Position]] = defaultdict(set)
        self.operations_by_id: dict[str, set[SpanContext]] = defaultdict(set)
        self.by_alias: dict[str, set[Position]] = defaultdict(set)
        self.by_causation: dict[str, set[Position]] = defaultdict(set)
        self.copies_at: dict[Place, set[Position]] = defaultdict(set)
        """Copies by where their headers say that the original lies."""
        self.copies_by_id: dict[str, set[Position]] = defaultdict(set)
        """Copies by their original's message id, where they have one of their own."""
        self.twins: dict[tuple[SpanContext, *Twin], set[Position]] = defaultdict(set)
        """Messages without ids by context, key and value: those of one bucket look alike."""
        self._parents: dict[SpanContext, SpanContext | None] = {}
        self.version = 0
        """Grows whenever something new is learned."""

    def add_operations(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            before = self.operations.get(operation.context)
            if before == operation and before.relations == operation.relations:
                continue
            self.version += 1
            self._parents.pop(operation.context, None)
            if before is None or _order(operation) < _order(before):
                self.operations[operation.context] = operation
            if operation.parent:
                parent = SpanContext(operation.context.trace_id, operation.parent)
                self.children[parent].add(operation.context)
            for relation in relations_of(operation):
                self.pointing[relation.target].add(operation.context)
            for position in places_of(operation):
                here = place(position)
                self.placed[here].add(operation.context)
                self.named[here].add(position)
            for message_id in ids_of(operation):
                self.operations_by_id[message_id].add(operation.context)

    def add_spans(self, spans: Iterable[Span]) -> None:
        for span in spans:
            before = self.spans.get(span.context)
            # Zipkin lets caller and callee share a span id: always the same one is kept.
            if before == span:
                continue
            self.version += 1
            self._parents.pop(span.context, None)
            if before is None or _shape(span) < _shape(before):
                self.spans[span.context] = span
            if span.parent:
                self.children[SpanContext(span.context.trace_id, span.parent)].add(span.context)

    def add_messages(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if message.position in self.messages:
                continue
            self.version += 1
            self.messages[message.position] = message
            self.tapped[place(message.position)].add(message.position)
            for context in message.contexts:
                self.carrying[context].add(message.position)
            if message.message_id:
                self.messages_by_id[normal_id(message.message_id)].add(message.position)
            if message.alias:
                self.by_alias[normal_id(message.alias)].add(message.position)
            if message.causation_id:
                self.by_causation[normal_id(message.causation_id)].add(message.position)
            if message.copied is not None:
                self._add_copy(message, message.copied)
            twin = twin_of(message)
            if twin is not None:
                for context in message.contexts:
                    self.twins[context, *twin].add(message.position)

    def _add_copy(self, message: Message, copied: Copied) -> None:
        original = original_of(message)
        if original is not None:
            self.copies_at[place(original)].add(message.position)
            self.named[place(original)].add(original)
        if copied.message_id:
            self.copies_by_id[normal_id(copied.message_id)].add(message.position)

    def add_headers(self, relations: Iterable[Relation]) -> None:
        """Messages that carry contexts, known by position before they are read themselves."""
        for relation in relations:
            if isinstance(relation.source, Position) and (
                relation.source not in self.carrying[relation.target]
            ):
                self.version += 1
                self.carrying[relation.target].add(relation.source)
                self.named[place(relation.source)].add(relation.source)

    def positions(self, asked: Position) -> tuple[Position, ...]:
        """Tapped positions that fit; else the fullest that spans or copies name: several only
        where they name different clusters."""
        if asked in self.messages:
            return (asked,)
        here = place(asked)
        found = [position for position in self.tapped.get(here, ()) if fits(asked, position)]
        if found:
            return tuple(sorted(found))
        said = {position for position in self.named.get(here, ()) if fits(asked, position)}
        if not said:
            return (asked,)
        said.add(asked)
        kept: list[Position] = []
        for one in sorted(said, key=lambda position: (sum(map(bool, position)), position))[::-1]:
            if not any(fits(one, fuller) for fuller in kept):
                kept.append(one)
        return tuple(kept)

    def parent(self, context: SpanContext) -> SpanContext | None:
        """The parent's context as the span says it; None for a root, or an unknown span."""
        if context not in self._parents:
            span = self.spans.get(context) or self.operations.get(context)
            self._parents[context] = (
                SpanContext(context.trace_id, span.parent) if span and span.parent else None
            )
        return self._parents[context]

    def ancestors(self, context: SpanContext) -> Iterator[SpanContext]:
        """Parents upwards; the last may be a span that nobody knows. Loops end."""
        seen = {context}
        above = self.parent(context)
        while above is not None and above not in seen:
            yield above
            seen.add(above)
            above = self.parent(above)

    def service(self, context: SpanContext) -> str:
        span = self.operations.get(context) or self.spans.get(context)
        return span.service if span else ""


TELLING = 16
"""Bytes of a body that nobody else will have written by chance."""

Twin = tuple[str, str, int]
"""What a record that was handed on as it was keeps: key, value, size."""


def twin_of(message: Message) -> Twin | None:
    """What a message without an id can be known by; None where it says too little.

    Nothing is as good as another nothing, and so are a body of a few bytes, or one that was not
    kept, without a key.
    """
    size = message.value_size or len(message.value or "")
    if message.message_id or not message.contexts or size <= 0:
        return None
    if not message.key and (size < TELLING or not message.value):
        return None
    return message.key, message.value or "", message.value_size


def original_of(message: Message) -> Position | None:
    """Where a copy's headers say that its original lies: in its own cluster, for none says
    otherwise. None for what is no copy, or does not name an offset, or names itself."""
    copied = message.copied
    if copied is None or copied.offset is None or copied.offset < 0 or not copied.destination:
        return None
    own = message.position
    found = Position(
        own.system, own.cluster, copied.destination, "", copied.partition, copied.offset
    )
    return found if place(found) != place(own) else None


def produces(operation: Operation) -> bool:
    """Whether it made or sent messages; what the span does not say, its kind does."""
    type = operation.type
    return type in _PRODUCING or (type is OperationType.OTHER and operation.kind == "producer")


def consumes(operation: Operation) -> bool:
    """Whether it received or processed messages."""
    type = operation.type
    return type in _CONSUMING or (type is OperationType.OTHER and operation.kind == "consumer")


def processes(operation: Operation) -> bool:
    """Whether it processed messages, and did not only fetch them."""
    return consumes(operation) and operation.type is not OperationType.RECEIVE


def handles(operation: Operation) -> bool:
    """Whether it belongs to a delivery: consumes, or settles."""
    return operation.type in _HANDLING or consumes(operation)


def relations_of(operation: Operation) -> tuple[Relation, ...]:
    """Links first, then the parent: a link says more."""
    links = [relation for relation in operation.relations if relation.kind == "link"]
    parents = [relation for relation in operation.relations if relation.kind == "parent"]
    if not parents and operation.parent:
        target = SpanContext(operation.context.trace_id, operation.parent)
        parents = [Relation(target, "parent", operation.context)]
    return (*links, *parents)


def place(position: Position) -> Place:
    return Place(position.destination, position.partition, position.offset)


def link_place(operation: Operation, relation: Relation) -> Position | None:
    """The position that a link's own attributes name, completed by its span's."""
    return place_at(
        operation,
        relation.destination or operation.destination,
        relation.partition or operation.partition,
        relation.offset,
    )


def places_of(operation: Operation) -> list[Position]:
    """Every position that the operation or one of its links names."""
    own = place_of(operation)
    found = [own] if own else []
    for relation in operation.relations:
        position = link_place(operation, relation) if relation.kind == "link" else None
        if position:
            found.append(position)
    return found


def ids_of(operation: Operation) -> set[str]:
    """Message ids that the operation or its links name, normalised."""
    texts = {operation.message_id, *(relation.message_id for relation in operation.relations)}
    return {normal_id(text) for text in texts if text}


def bears(operation: Operation, kind: IdKind, text: str) -> bool:
    """Whether an operation has this normalised message id or key for its own."""
    own = operation.key if kind is IdKind.KEY else operation.message_id
    return bool(own) and normal_id(own) == text


def _order(operation: Operation) -> tuple[object, ...]:
    return (
        operation.start,
        operation.end,
        operation.service,
        operation.name,
        operation.kind,
        operation.type,
        repr(operation),
    )


def _shape(span: Span) -> tuple[object, ...]:
    return (span.kind, span.start, span.end, span.service, span.name, span.parent, span.error)
