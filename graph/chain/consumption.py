"""Which events a receive, process or settle span is about, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from graph.chain.identity import Identity
from graph.chain.known import (
    consumes,
    handles,
    link_place,
    place,
    processes,
    produces,
    relations_of,
)
from graph.chain.names import (
    ONE_NAME_SYSTEMS,
    may_be_same,
    normal_id,
    place_of,
    same_destination,
)
from graph.chain.narrowing import fitting, ids_of_event, lies_at, may_consume
from graph.chain.result import Creation, EventKey, Via
from graph.model import Evidence, Operation, OperationType, Position, Relation, SpanContext


@dataclass(frozen=True, slots=True)
class Match:
    """An event that an operation is about."""

    key: EventKey
    evidence: Evidence
    via: Via
    candidates: int = 1


class Consumption:
    """Events by the operations that handle them, and the other way round."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.known = identity.known
        self._handled: dict[SpanContext, tuple[Match, ...]] = {}
        self._filed: dict[EventKey, dict[SpanContext, Match]] = {}
        self._files: set[SpanContext] = set()
        self._handlers: dict[EventKey, tuple[tuple[Operation, Match], ...]] = {}

    def handled(self, operation: Operation) -> tuple[Match, ...]:
        """The events that a consuming or settling operation is about; several for a batch."""
        if operation.context not in self._handled:
            self._handled[operation.context] = ()  # for spans that point at each other
            self._handled[operation.context] = self._found(operation)
        return self._handled[operation.context]

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
        found: set[SpanContext] = set()
        todo = [operation]
        while todo:
            for relation in relations_of(todo.pop()):
                for context in (relation.target, *self.known.ancestors(relation.target)):
                    if context in found:
                        break
                    found.add(context)
                    at = self.known.operations.get(context)
                    if at is not None:
                        if handles(at):
                            todo.append(at)
                        break
                    if relation.kind == "link":
                        break
        return found

    # From an operation to its events

    def _found(self, operation: Operation) -> tuple[Match, ...]:
        if not handles(operation):
            return ()
        found = self._linked(operation)
        own = place_of(operation)
        relations = relations_of(operation)
        links = [relation for relation in relations if relation.kind == "link"]
        unseen = None
        parents = relations[len(links) :]
        if links and _may_lead(operation, len(links)):
            # Some make the first of a batch the parent, and link to the others.
            for relation in parents:
                pointed = self.known.operations.get(relation.target)
                if pointed is not None and produces(pointed):
                    _keep(found, self._meant(operation, relation, Via.PARENT, None)[0])
        if not found:
            for relation in parents:
                matches, unseen = self._pointed(operation, relation, Via.PARENT, own)
                _keep(found, matches)
        if not found and own:
            _keep(found, self._at(operation, own))
        if not found and operation.message_id:
            _keep(found, self._by_id(operation))
        if not found and operation.type is OperationType.RECEIVE:
            _keep(found, self._fetched(operation))
        if not found:
            _keep(found, self._headless(operation, unseen))
        return tuple(found.values())

    def _linked(self, operation: Operation) -> dict[EventKey, Match]:
        """The events that its links lead to."""
        own = place_of(operation)
        relations = relations_of(operation)
        links = [relation for relation in relations if relation.kind == "link"]
        alone = len({relation.target for relation in links}) == 1
        found: dict[EventKey, Match] = {}
        for relation in links:
            at = link_place(operation, relation) or (own if alone else None)
            matches, unseen = self._pointed(operation, relation, Via.LINK, at)
            if not matches and not alone and not relation.destination:
                # A batch of several destinations may name its first only.
                anywhere = replace(operation, destination="", partition="")
                matches, _ = self._pointed(anywhere, relation, Via.LINK, at)
            if not matches and unseen and consumes(operation):
                matches = (Match(unseen, Evidence.OBSERVED, Via.LINK),)
            _keep(found, matches)
        return found

    def _fetched(self, operation: Operation) -> tuple[Match, ...]:
        """What a poll that points nowhere has fetched: the links of the process spans in it.

        What runs in such a poll can be about any of them.
        """
        found: dict[EventKey, Match] = {}
        for below in self.identity.productions.below(operation.context)[0]:
            if processes(below) and below.service == operation.service:
                _keep(found, self._linked(below).values())
        if len(found) < 2:
            return tuple(replace(match, via=Via.PARENT) for match in found.values())
        return tuple(Match(key, Evidence.INFERRED, Via.PARENT, len(found)) for key in found)

    def _pointed(
        self, operation: Operation, relation: Relation, via: Via, at: Position | None
    ) -> tuple[tuple[Match, ...], Creation | None]:
        """What a context means to an operation: events, or the name of one never seen."""
        if via is Via.LINK:
            return self._meant(operation, relation, via, at)
        # The parent may only be where it runs: the message's context lies above then.
        for context in (relation.target, *self.known.ancestors(relation.target)):
            found = self._meant(operation, replace(relation, target=context), via, at)
            if found != ((), None) or context in self.known.operations:
                return found
            span = self.known.spans.get(context)
            if span is None or span.service != operation.service:
                return (), self._unseen(operation, context)
            if span.kind == "server":
                return (), None
        return (), None

    def _meant(
        self, operation: Operation, relation: Relation, via: Via, at: Position | None
    ) -> tuple[tuple[Match, ...], Creation | None]:
        target = relation.target
        pointed = self.known.operations.get(target)
        if pointed is not None and handles(pointed):
            return self._beside(operation, relation, pointed, via, at)
        keys: list[EventKey] = []
        if pointed is not None and produces(pointed):
            created = self.identity.created(target)
            keys = [key for key in created if may_consume(self.identity, operation, key)]
        keys = keys or self._carried(operation, target)
        if keys:
            return self._narrowed(operation, relation, keys, via, at), None
        if pointed is None:
            return (), self._unseen(operation, target) if via is Via.LINK else None
        if not produces(pointed) or pointed.service == operation.service:
            return (), None
        return (), self._unseen(operation, target)

    def _beside(
        self,
        operation: Operation,
        relation: Relation,
        pointed: Operation,
        via: Via,
        at: Position | None,
    ) -> tuple[tuple[Match, ...], Creation | None]:
        """An operation that points at another one that consumes."""
        carried = self._carried(operation, pointed.context)
        same_service = pointed.service == operation.service
        same_place = same_destination(
            pointed.destination, operation.destination, pointed.system, operation.system
        )
        # Its context may have been put into a new message, which is then consumed here.
        is_later = consumes(operation) and carried and operation.start > pointed.end
        if same_service and same_place and not is_later:
            return self._inherited(operation, relation, pointed, via, at), None
        if carried:
            return self._narrowed(operation, relation, carried, via, at), None
        if same_service:
            return (), None
        return (), self._unseen(operation, pointed.context)

    def _inherited(
        self,
        operation: Operation,
        relation: Relation,
        pointed: Operation,
        via: Via,
        at: Position | None,
    ) -> tuple[Match, ...]:
        """What a process or settle is about by the receive that it points at."""
        base = {match.key: match for match in self.handled(pointed)}
        keys = fitting(self.identity, operation, relation, list(base), at)
        if at and not any(lies_at(self.identity, key, at) for key in keys):
            return self._at(operation, at)
        whole = (
            operation.type is OperationType.SETTLE
            or len(keys) == 1
            or not consumes(operation)
            or self._handles_all(operation, pointed)
        )
        if whole:
            return tuple(replace(base[key], via=via) for key in keys)
        return tuple(Match(key, Evidence.INFERRED, via, len(keys)) for key in keys)

    def _handles_all(self, operation: Operation, pointed: Operation) -> bool:
        """Whether it is the only one that processes what was received together."""
        if operation.batch_count and operation.batch_count > 1:
            return True
        sources = set(self.known.pointing.get(pointed.context, ()))
        sources.update(
            below.context for below in self.identity.productions.below(pointed.context)[0]
        )
        others = [self.known.operations[source] for source in sources - {operation.context}]
        return not any(consumes(other) and other.service == operation.service for other in others)

    def _narrowed(
        self,
        operation: Operation,
        relation: Relation,
        keys: Sequence[EventKey],
        via: Via,
        at: Position | None,
    ) -> tuple[Match, ...]:
        """Of the events with one creation context, those that this operation is about."""
        keys = fitting(self.identity, operation, relation, keys, at)
        named = [one for one in operation.relations if one.target == relation.target]
        together = max(operation.batch_count or 0, len(named)) >= len(keys)
        if len(keys) > 1 and not together:
            return tuple(Match(key, Evidence.INFERRED, via, len(keys)) for key in keys)
        return tuple(self._said(key, relation.target, via) for key in keys)

    def _said(self, key: EventKey, target: SpanContext, via: Via) -> Match:
        """A tapped message that carries other contexts is joined by its position alone."""
        messages = self.identity.messages(key)
        if messages:
            written = {context for message in messages for context in message.contexts}
            operation = self.known.operations.get(target)
            same = {target}
            if operation and produces(operation):
                for root in self.identity.productions.roots(target):
                    same.update(self.identity.productions.members(root))
            if not written & same:
                return Match(key, Evidence.MATCHED, Via.POSITION)
        return Match(key, Evidence.OBSERVED, via)

    def _at(self, operation: Operation, at: Position) -> tuple[Match, ...]:
        found = [key for position in self.known.positions(at) for key in self.identity.at(position)]
        keys = [
            key
            for key in dict.fromkeys(found)
            if may_be_same(self.identity.realm(key)[0], operation.environment)
        ]
        evidence = Evidence.MATCHED if len(keys) == 1 else Evidence.INFERRED
        return tuple(Match(key, evidence, Via.POSITION, len(keys)) for key in keys)

    def _by_id(self, operation: Operation) -> tuple[Match, ...]:
        message_id = normal_id(operation.message_id)
        keys: dict[EventKey, None] = {}
        for position in sorted(self.known.messages_by_id.get(message_id, ())):
            message = self.known.messages[position]
            if (
                same_destination(
                    operation.destination, position.destination, operation.system, position.system
                )
                and may_be_same(operation.cluster, position.cluster)
                and may_be_same(operation.environment, message.environment)
            ):
                keys.update(dict.fromkeys(self.identity.at(position)))
        for source in sorted(self.known.operations_by_id.get(message_id, ())):
            sent = self.known.operations[source]
            if (
                produces(sent)
                and may_be_same(operation.system, sent.system)
                and may_be_same(operation.environment, sent.environment)
            ):
                created = self.identity.created(source)
                keys.update(
                    dict.fromkeys(k for k in created if may_consume(self.identity, operation, k))
                )
        evidence = Evidence.MATCHED if len(keys) == 1 else Evidence.INFERRED
        return tuple(Match(key, evidence, Via.MESSAGE_ID, len(keys)) for key in keys)

    def _headless(self, operation: Operation, unseen: Creation | None) -> tuple[Match, ...]:
        """An event that is known only because somebody consumed it."""
        if not consumes(operation) or not operation.destination:
            return ()
        if unseen is not None:
            return (Match(unseen, Evidence.OBSERVED, Via.PARENT),)
        if operation.type is OperationType.RECEIVE:
            return ()  # as likely a poll that returned nothing, or one around other spans
        key = Creation(operation.context, operation.destination)
        return (Match(key, Evidence.OBSERVED, Via.SPAN),)

    def _carried(self, operation: Operation, target: SpanContext) -> list[EventKey]:
        """Events at the operation's destination whose messages carry this context."""
        keys = (
            key
            for position in self.identity.carrying.carried(target)
            if same_destination(
                position.destination, operation.destination, position.system, operation.system
            )
            for key in self.identity.at(position)
        )
        return list(dict.fromkeys(keys))

    def _unseen(self, operation: Operation, context: SpanContext) -> Creation:
        # Consumers of other systems may each have their own name for one destination.
        strict = operation.system in ONE_NAME_SYSTEMS
        return Creation(context, operation.destination if strict else "")

    # From an event to its operations

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


def _may_lead(operation: Operation, links: int) -> bool:
    return links > 1 if operation.batch_count is None else operation.batch_count == links + 1


def _keep(found: dict[EventKey, Match], matches: Iterable[Match]) -> None:
    for match in matches:
        before = found.get(match.key)
        if before is None or (match.evidence.rank, match.candidates) < (
            before.evidence.rank,
            before.candidates,
        ):
            found[match.key] = match
