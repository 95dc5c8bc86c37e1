"""Stories out of messages and spans, so that a test says only what matters to it.

A `Flow` is one small world with its own clock, which goes on by a millisecond at each step:

    flow = Flow()
    order = flow.send("storefront", "orders")
    payment = flow.process("payment", order)
    paid = flow.send("payment", "payments", inside=payment)
    chain = flow.chain(order)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graph.chain import Chain, Creation, EventKey, Limits, Start, find
from graph.facts import Facts
from graph.model import (
    Message,
    Operation,
    OperationType,
    Position,
    Progress,
    Relation,
    Span,
    SpanContext,
)
from tests.memory_facts import MemoryFacts

EPOCH = 1_700_000_000_000_000_000
MILLISECOND = 1_000_000


@dataclass(frozen=True)
class Sent:
    """Something produced: a span, a message, or both."""

    destination: str
    context: SpanContext | None
    """The creation context, as the message carries it."""
    position: Position | None
    time: int

    @property
    def key(self) -> EventKey:
        """What the event is expected to be called."""
        if self.position is not None:
            return self.position
        assert self.context is not None
        return Creation(self.context, self.destination)


Inside = Operation | Span | Sent | SpanContext | None


class Flow:
    """Collects the facts of a story."""

    def __init__(self, *, cluster: str = "c1", system: str = "kafka", first_id: int = 0) -> None:
        """Ids of traces and spans count up from `first_id`."""
        self.operations: dict[SpanContext, Operation] = {}
        self.messages: dict[Position, Message] = {}
        self.spans: dict[SpanContext, Span] = {}
        self.progress: list[Progress] = []
        self.now = EPOCH
        self._cluster = cluster
        self._system = system
        self._offsets: dict[tuple[str, str], int] = {}
        self._ids = first_id

    # Producing

    def send(
        self,
        service: str,
        destination: str,
        *,
        inside: Inside = None,
        links: Sequence[Inside] = (),
        tapped: bool = True,
        spanned: bool = True,
        type: OperationType = OperationType.SEND,
        carries: Sequence[SpanContext] | None = None,
        partition: str = "0",
        span: dict[str, Any] | None = None,
        **message: Any,
    ) -> Sent:
        """A producing span and the message it made; either can be missing.

        `carries` are the contexts in the headers, the producing span's own when not given;
        `span` are fields of the operation, other keywords are fields of the message.
        """
        context = None
        time = message.pop("time", 0) or self.tick()
        if spanned:
            fields = {"start": time, **(span or {})}
            made = self.operation(service, destination, type, inside=inside, links=links, **fields)
            context, time = made.context, made.start
        if carries is None:
            carries = [context] if context else []
        position = None
        if tapped:
            position = self.message(
                destination, contexts=tuple(carries), partition=partition, time=time, **message
            ).position
        return Sent(destination, carries[0] if carries else context, position, time)

    def batch(self, service: str, destination: str, count: int, **message: Any) -> list[Sent]:
        """Several messages by one send span, which all carry its context."""
        made = self.operation(service, destination, OperationType.SEND, batch_count=count)
        return [
            self.send(service, destination, spanned=False, carries=[made.context], **message)
            for _ in range(count)
        ]

    def message(
        self,
        destination: str,
        *,
        partition: str = "0",
        time: int = 0,
        incarnation: str = "i1",
        **fields: Any,
    ) -> Message:
        """A tapped message at the next offset of its partition."""
        offset = self._offsets.get((destination, partition), 0)
        self._offsets[destination, partition] = offset + 1
        at = (self._system, self._cluster, destination, incarnation, partition, offset)
        message = Message(
            Position(*at), (time or self.tick()) // MILLISECOND * MILLISECOND, **fields
        )
        self.messages[message.position] = message
        return message

    # Consuming

    def process(
        self,
        service: str,
        *sent: Sent,
        by: str = "parent",
        inside: Inside = None,
        type: OperationType = OperationType.PROCESS,
        **fields: Any,
    ) -> Operation:
        """A consuming span. `by` says how it points at what it consumes: `parent`, `link`,
        `links with positions`, or `position` (names it, and points nowhere)."""
        destination = fields.pop("destination", sent[0].destination if sent else "")
        links: list[Relation | SpanContext] = []
        for one in sent:
            if by == "parent":
                assert one.context
                inside = one
            elif by == "link":
                assert one.context
                links.append(one.context)
            elif by == "links with positions":
                assert one.context and one.position
                at = one.position
                nowhere = SpanContext("", "")
                links.append(
                    Relation(one.context, "link", nowhere, at.destination, at.partition, at.offset)
                )
            else:
                assert one.position
                fields |= {"partition": one.position.partition, "offset": one.position.offset}
        return self.operation(service, destination, type, inside=inside, links=links, **fields)

    def receive(self, service: str, *sent: Sent, **fields: Any) -> Operation:
        return self.process(service, *sent, type=OperationType.RECEIVE, **fields)

    def commit(
        self,
        group: str,
        destination: str,
        committed: int,
        *,
        partition: str = "0",
        end: int | None = None,
        time: int = 0,
        incarnation: str = "i1",
        assumed: bool = False,
    ) -> Progress:
        """The broker tells how far a group has got; the end is what was sent by then."""
        seen = Progress(
            self._cluster,
            group,
            destination,
            partition,
            committed,
            self._offsets.get((destination, partition), 0) if end is None else end,
            (time or self.tick()) // MILLISECOND * MILLISECOND,
            incarnation,
            assumed,
        )
        self.progress.append(seen)
        return seen

    # Spans

    def operation(
        self,
        service: str,
        destination: str,
        type: OperationType,
        *,
        inside: Inside = None,
        links: Iterable[Any] = (),
        start: int = 0,
        lasts: int = MILLISECOND // 2,
        **fields: Any,
    ) -> Operation:
        """A messaging span; in a trace of its own unless it lies inside of something."""
        context, parent = self._placed(inside)
        start = start or self.tick()
        relations = [Relation(SpanContext(context.trace_id, parent), "parent", context)]
        for link in links:
            if isinstance(link, Relation):
                relations.append(replace(link, source=context))
            else:
                relations.append(Relation(_context(link), "link", context))
        kind = "producer" if type.produces else "consumer"
        defaults: dict[str, Any] = {
            "kind": kind,
            "name": f"{type} {destination}",
            "system": self._system,
        }
        operation = Operation(
            context=context,
            type=type,
            service=service,
            start=start,
            end=start + lasts,
            parent=parent,
            destination=destination,
            relations=tuple(relations if parent else relations[1:]),
            **(defaults | fields),
        )
        self.operations[context] = operation
        self.spans[context] = Span(
            context,
            parent,
            operation.name,
            operation.kind,
            service,
            start,
            operation.end,
            operation.error,
        )
        return operation

    def span(
        self,
        service: str,
        name: str = "work",
        *,
        inside: Inside = None,
        kind: str = "internal",
        lasts: int = 50 * MILLISECOND,
    ) -> Span:
        """A span that is no messaging operation."""
        context, parent = self._placed(inside)
        start = self.tick()
        span = Span(context, parent, name, kind, service, start, start + lasts)
        self.spans[context] = span
        return span

    def call(self, caller: str, callee: str, *, inside: Inside = None) -> Span:
        """A client span and the server span below it, which is returned."""
        client = self.span(caller, f"call {callee}", inside=inside, kind="client")
        return self.span(callee, "handle", inside=client, kind="server")

    def forget(self, *lost: Operation | Span | Sent) -> None:
        """Spans that were never exported."""
        for one in lost:
            context = _context(one)
            self.operations.pop(context, None)
            self.spans.pop(context, None)

    def tick(self, milliseconds: float = 1.0) -> int:
        self.now += int(milliseconds * MILLISECOND)
        return self.now

    # Asking

    def facts(self, order: random.Random | None = None, repeated: int = 1) -> MemoryFacts:
        """The facts, in a random order, and several times, if so wanted."""
        operations = list(self.operations.values()) * repeated
        messages = list(self.messages.values())
        spans = list(self.spans.values()) * repeated
        progress = list(self.progress)
        if order is not None:
            order.shuffle(operations)
            order.shuffle(messages)
            order.shuffle(spans)
            order.shuffle(progress)
        return MemoryFacts(operations, messages, spans, progress)

    def chain(
        self,
        *start: Sent | Operation | Span | Position | SpanContext,
        limits: Limits | None = None,
        clock: Callable[[], float] | None = None,
        facts: Facts | None = None,
        **options: Any,
    ) -> Chain:
        """The chain of these."""
        contexts, positions = [], []
        for one in start:
            if isinstance(one, Position):
                positions.append(one)
            elif isinstance(one, Sent) and one.position is not None:
                positions.append(one.position)
            else:
                contexts.append(_context(one))
        asked = Start(tuple(contexts), tuple(positions))
        return find(facts or self.facts(), asked, limits, clock, **options)

    def _placed(self, inside: Inside) -> tuple[SpanContext, str]:
        self._ids += 1
        span_id = f"{self._ids:016x}"
        if inside is None:
            return SpanContext(f"{self._ids:032x}", span_id), ""
        above = _context(inside)
        return SpanContext(above.trace_id, span_id), above.span_id


def _context(one: Any) -> SpanContext:
    context = one if isinstance(one, SpanContext) else one.context
    assert isinstance(context, SpanContext)
    return context
