"""Which event led to which: the joins in their order, the surest kept.

1. A link from the producing span to a consuming one, or to the creation of another event.
2. The nearest messaging ancestor of the producing span, through any number of plain spans and
   calls to other services; or a context in the message's headers that another event, or a span
   below its consumer, made.
3. The causation id in the message's headers.

The first way that is sure of something decides; what only one of several could be waits until
all are tried. What is left has only ids that others share: see `graph.chain.inference`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from graph.chain.consumption import Consumption
from graph.chain.known import handles, produces, relations_of
from graph.chain.matching import Match
from graph.chain.names import may_be_same, normal_id
from graph.chain.result import EventKey, Via
from graph.model import Evidence, Message, Operation, Span, SpanContext


@dataclass(frozen=True, slots=True)
class Lead:
    """A cause as it was found, before deliveries are put together."""

    key: EventKey
    evidence: Evidence
    via: Via
    service: str = ""
    """Who consumed the cause, as far as that is known."""
    consumer: SpanContext | None = None
    """The consuming operation."""
    way: tuple[Span, ...] = ()
    candidates: int = 1


class Tried(NamedTuple):
    """One way of looking for causes, and what it found."""

    via: Via
    leads: tuple[Lead, ...]


class Causes:
    """Causes and effects of events, one step each."""

    def __init__(self, consumption: Consumption) -> None:
        self.consumption = consumption
        self.identity = consumption.identity
        self.known = consumption.known
        self._of: dict[EventKey, tuple[Lead, ...]] = {}

    def of(self, key: EventKey) -> tuple[Lead, ...]:
        """What led to this event; several for a batch that fans in, or when several fit."""
        if key not in self._of:
            self._of[key] = _decided(self.tried(key))
        return self._of[key]

    def tried(self, key: EventKey) -> tuple[Tried, ...]:
        """The ways in their order, each with what it found; the rest is not tried once one of
        them is sure. The causation id always is: it can tell which of several is meant."""
        producers = [operation for operation, _ in self.identity.producers(key)]
        guessed = all(
            join.evidence is Evidence.INFERRED for _, join in self.identity.producers(key)
        )
        tried: list[Tried] = []
        ways: tuple[tuple[Via, Callable[[], Iterable[Lead]]], ...] = (
            (Via.LINK, lambda: self._by_links(key, producers)),
            (Via.PARENT, lambda: self._by_ancestors(key, producers)),
            (Via.HEADER, lambda: self._by_headers(key, producers)),
        )
        for via, way in ways:
            leads = _surest(lead for lead in way() if lead.key != key)
            if guessed and via is not Via.HEADER:
                # What led to a span says no more of an event than that span is its own.
                leads = tuple(replace(lead, evidence=Evidence.INFERRED) for lead in leads)
            tried.append(Tried(via, leads))
            if is_sure(tried[-1].leads):
                break
        return (*tried, Tried(Via.CAUSATION_ID, self._declared(key)))

    # By spans

    def _by_links(self, key: EventKey, producers: Iterable[Operation]) -> Iterable[Lead]:
        own = {operation.context for operation in producers}
        for operation in producers:
            for relation in relations_of(operation):
                if (
                    relation.kind != "link"
                    or relation.target in own
                    or self.identity.productions.sends(operation, relation.target)
                ):
                    continue
                pointed = self.known.operations.get(relation.target)
                if pointed is not None and handles(pointed):
                    for match in self.consumption.handled(pointed):
                        yield _lead(match, Via.LINK, pointed)
                    continue
                created = self.identity.created(relation.target)
                if key not in created:
                    yield from self._shared(relation.target, Via.LINK, operation.service)

    def _by_ancestors(self, key: EventKey, producers: Iterable[Operation]) -> Iterable[Lead]:
        for operation in producers:
            found = list(self._above(key, operation.context))
            if found:
                return found
        return ()

    def _above(self, key: EventKey, context: SpanContext, via: Via = Via.PARENT) -> Iterable[Lead]:
        """The events of the nearest messaging ancestor that is not of this event itself."""
        way: list[Span] = []
        below = context
        for above in self.known.ancestors(context):
            operation = self.known.operations.get(above)
            span = self.known.spans.get(above)
            if operation is not None and handles(operation):
                others = [m for m in self.consumption.handled(operation) if m.key != key]
                if others:
                    passed = tuple(reversed(way))
                    return [_lead(match, via, operation, passed) for match in others]
            elif operation is not None and produces(operation):
                created = self.identity.created(above)
                if key not in created and self._consumed_by(operation, created, below):
                    service = self.known.service(below)
                    return list(self._shared(above, via, service, tuple(reversed(way))))
            if span is not None and not (operation is not None and self._is_own(key, operation)):
                way.append(span)
            below = above
        return ()

    def _shared(
        self, context: SpanContext, via: Via, service: str, way: tuple[Span, ...] = ()
    ) -> Iterable[Lead]:
        """A creation context alone: certain when one event has it, else one of a batch."""
        keys = self.identity.created(context)
        count = len(keys) + self.identity.missing(context)
        evidence = Evidence.OBSERVED if count == 1 else Evidence.INFERRED
        for key in keys:
            yield Lead(key, evidence, via, service, None, way, count)

    def _is_own(self, key: EventKey, operation: Operation) -> bool:
        return produces(operation) and key in self.identity.created(operation.context)

    def _consumed_by(
        self, operation: Operation, created: Iterable[EventKey], below: SpanContext
    ) -> bool:
        """Whether a span right below a producing one took the context out of the message.

        Else it only runs inside of the producing span. In the same service that is so unless
        it began after the end, and the service is known to consume the event.
        """
        service = self.known.service(below)
        if service != operation.service:
            return True
        span = self.known.spans.get(below) or self.known.operations.get(below)
        if span is None or span.start <= operation.end:
            return False
        return any(
            handler.service == service
            for key in created
            for handler, _ in self.consumption.handlers(key)
        )

    # By the message

    def _by_headers(self, key: EventKey, producers: list[Operation]) -> Iterable[Lead]:
        """A context in the headers that is not of its own production: handed on by a consumer."""
        own = {operation.context for operation in producers}
        service = producers[0].service if producers else ""
        for context in self.identity.written(key):
            if context in own:
                continue
            operation = self.known.operations.get(context)
            if operation is not None and handles(operation):
                found = [
                    _lead(match, Via.HEADER, operation)
                    for match in self.consumption.handled(operation)
                    if match.key != key
                ]
                found = found or list(self._above(key, context, Via.HEADER))
            elif operation is not None and produces(operation):
                created = self.identity.created(context)
                found = [] if key in created else list(self._shared(context, Via.HEADER, service))
            elif context in self.known.spans:
                span = self.known.spans[context]
                found = [
                    replace(lead, way=(*lead.way, span))
                    for lead in self._above(key, context, Via.HEADER)
                ]
            else:
                found = []
            if found:
                return found
        return ()

    def _declared(self, key: EventKey) -> tuple[Lead, ...]:
        """By causation id; never across environments or clusters by the id alone."""
        ids = {normal_id(m.causation_id): m for m in self.identity.messages(key) if _is_caused(m)}
        environment, cluster = self.identity.realm(key)
        found: dict[EventKey, None] = {}
        for causation_id, message in ids.items():
            named = list(self.with_id(causation_id)) or self._called(causation_id, message)
            for cause in named:
                its_environment, its_cluster = self.identity.realm(cause)
                if cause == key or not may_be_same(environment, its_environment):
                    continue
                if may_be_same(cluster, its_cluster) or self._share_trace(message, cause):
                    found[cause] = None
        # An id that was sent twice names two events, and not which.
        evidence = Evidence.DECLARED if len(found) == 1 else Evidence.INFERRED
        return tuple(
            Lead(cause, evidence, Via.CAUSATION_ID, candidates=len(found)) for cause in found
        )

    def with_id(self, message_id: str) -> Iterable[EventKey]:
        """The events that have this message id, normalised."""
        for position in sorted(self.known.messages_by_id.get(message_id, ())):
            yield from self.identity.at(position)
        for source in sorted(self.known.operations_by_id.get(message_id, ())):
            operation = self.known.operations[source]
            if produces(operation):
                yield from self.identity.created(source)
            elif handles(operation) and normal_id(operation.message_id) == message_id:
                # Nobody saw it being produced, but its consumer says what it was called.
                matches = self.consumption.handled(operation)
                yield from (match.key for match in matches if len(matches) == 1)

    def _called(self, alias: str, message: Message) -> Iterable[EventKey]:
        """The events that are called so, though it is not their id, and came before: in a saga
        all are called the same."""
        for position in sorted(self.known.by_alias.get(alias, ())):
            if self.known.messages[position].time <= message.time:
                yield from self.identity.at(position)

    def _share_trace(self, message: Message, cause: EventKey) -> bool:
        traces = {context.trace_id for context in message.contexts}
        return any(context.trace_id in traces for context in self.identity.contexts(cause))


def _is_caused(message: Message) -> bool:
    """Whether it names another message as its cause: some call what nothing led to by itself."""
    return message.causation_id != "" and (
        normal_id(message.causation_id) != normal_id(message.message_id)
    )


def _lead(match: Match, via: Via, consumer: Operation, way: tuple[Span, ...] = ()) -> Lead:
    return Lead(
        match.key, match.evidence, via, consumer.service, consumer.context, way, match.candidates
    )


def is_sure(leads: Iterable[Lead]) -> bool:
    """Whether any of these is more than one of several that fit."""
    return any(lead.evidence is not Evidence.INFERRED for lead in leads)


def _decided(tried: Iterable[Tried]) -> tuple[Lead, ...]:
    *by_spans, (_, declared) = tried
    found = next(
        (leads for _, leads in by_spans if is_sure(leads)),
        next((leads for _, leads in by_spans if leads), ()),
    )
    # Out of several the producer itself may name one: one output for each of a batch.
    named = {lead.key for lead in declared}
    narrowed = tuple(lead for lead in found if lead.key in named)
    if narrowed and len(narrowed) < len(found):
        return narrowed if is_sure(narrowed) else declared
    if is_sure(found):
        return found
    return declared if is_sure(declared) else found or declared


def _surest(leads: Iterable[Lead]) -> tuple[Lead, ...]:
    best: dict[EventKey, Lead] = {}
    for lead in leads:
        before = best.get(lead.key)
        if before is None or (lead.evidence.rank, lead.candidates) < (
            before.evidence.rank,
            before.candidates,
        ):
            best[lead.key] = lead
    return tuple(best.values())
