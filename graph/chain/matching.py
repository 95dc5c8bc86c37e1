"""Which events a receive, process or settle span is about, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from graph.chain.identity import Identity
from graph.chain.known import (
    consumes,
    handles,
    link_place,
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
from graph.chain.narrowing import fitting, is_named, may_consume
from graph.chain.result import Creation, EventKey, Via
from graph.model import Evidence, Operation, OperationType, Position, Relation, SpanContext


@dataclass(frozen=True, slots=True)
class Match:
    """An event that an operation is about."""

    key: EventKey
    evidence: Evidence
    via: Via
    candidates: int = 1


class Matching:
    """Events by the operations that handle them."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.known = identity.known
        self._handled: dict[SpanContext, tuple[Match, ...]] = {}
        self._received: dict[SpanContext, tuple[tuple[Match, ...], dict[EventKey, Match]]] = {}
        self._consuming: dict[SpanContext, frozenset[SpanContext]] = {}

    def handled(self, operation: Operation) -> tuple[Match, ...]:
        """The events that a consuming or settling operation is about; several for a batch."""
        if operation.context not in self._handled:
            self._handled[operation.context] = ()  # for spans that point at each other
            self._handled[operation.context] = self._found(operation)
        return self._handled[operation.context]

    def _found(self, operation: Operation) -> tuple[Match, ...]:
        tried = self.tried(operation)
        return tried[-1][1] if tried else ()

    def tried(self, operation: Operation) -> list[tuple[Via, tuple[Match, ...]]]:
        """The ways in their order, each with what it found, up to the first that found any."""
        tried: list[tuple[Via, tuple[Match, ...]]] = []
        if not handles(operation):
            return tried
        for via, way in (
            (Via.LINK, self._by_links),
            (Via.PARENT, self._by_parent),
            (Via.POSITION, self._by_position),
            (Via.MESSAGE_ID, self._by_id),
            (Via.PARENT, self._fetched),
            (Via.SPAN, self._headless),
        ):
            tried.append((via, way(operation)))
            if tried[-1][1]:
                break
        return tried

    def _by_links(self, operation: Operation) -> tuple[Match, ...]:
        own = place_of(operation)
        relations = relations_of(operation)
        links = [relation for relation in relations if relation.kind == "link"]
        alone = len({relation.target for relation in links}) == 1
        found: dict[EventKey, Match] = {}
        elsewhere: list[Match] = []
        is_here = False
        for relation in links:
            at = link_place(operation, relation) or (own if alone else None)
            there = operation
            if relation.destination and relation.destination != operation.destination:
                there = replace(operation, destination=relation.destination, partition="")
            matches, unseen = self._pointed(there, relation, Via.LINK, at)
            is_here = is_here or any(one.evidence is not Evidence.INFERRED for one in matches)
            if not matches and not alone and not relation.destination:
                # A batch of several destinations may name its first only.
                anywhere = replace(operation, destination="", partition="")
                matches, _ = self._pointed(anywhere, relation, Via.LINK, at)
                if matches:
                    elsewhere.extend(matches)
                    continue
            if not matches and unseen and consumes(operation):
                matches = (Match(unseen, Evidence.OBSERVED, Via.LINK),)
            _keep(found, matches)
        if links and _may_lead(operation, len(links)):
            # Some make the first of a batch the parent, and link to the others.
            for relation in relations[len(links) :]:
                pointed = self.known.operations.get(relation.target)
                if pointed is not None and produces(pointed):
                    matches, _ = self._meant(operation, relation, Via.PARENT, None)
                    is_here = is_here or bool(matches)
                    _keep(found, matches)
        if not is_here:
            # Nothing of it is known to have lain where it says, so that what did may carry the
            # context of something else that led to it.
            elsewhere = [replace(one, evidence=Evidence.INFERRED) for one in elsewhere]
        _keep(found, elsewhere)
        return tuple(found.values())

    def _by_parent(self, operation: Operation) -> tuple[Match, ...]:
        return self._parent(operation)[0]

    def _parent(self, operation: Operation) -> tuple[tuple[Match, ...], Creation | None]:
        found: dict[EventKey, Match] = {}
        unseen = None
        for relation in relations_of(operation):
            if relation.kind == "parent":
                matches, unseen = self._pointed(
                    operation, relation, Via.PARENT, place_of(operation)
                )
                _keep(found, matches)
        return tuple(found.values()), unseen

    def _by_position(self, operation: Operation) -> tuple[Match, ...]:
        own = place_of(operation)
        return self._at(operation, own) if own else ()

    def _fetched(self, operation: Operation) -> tuple[Match, ...]:
        """What a poll that points nowhere has fetched: the links of the process spans in it.

        What runs in such a poll can be about any of them.
        """
        found: dict[EventKey, Match] = {}
        if operation.type is not OperationType.RECEIVE:
            return ()
        for below in self.identity.productions.below(operation.context)[0]:
            if processes(below) and below.service == operation.service:
                _keep(found, self._by_links(below))
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
        for context in chain([relation.target], self.known.ancestors(relation.target)):
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
        keys = self._named(operation, relation, at, target)
        if not keys and pointed is not None and produces(pointed):
            created = self.identity.created(target)
            keys = [key for key in created if may_consume(self.identity, operation, key)]
        keys = keys or self._carried(operation, target)
        if keys:
            return self._narrowed(operation, relation, keys, via, at), None
        if handed := self._handed_on(operation, target, via):
            return handed, None
        if pointed is None:
            return (), self._unseen(operation, target) if via is Via.LINK else None
        if not produces(pointed) or pointed.service == operation.service:
            return (), None
        return (), self._unseen(operation, target)

    def _handed_on(self, operation: Operation, origin: SpanContext, via: Via) -> tuple[Match, ...]:
        """What was sent here in the handling of what has this context, and may carry it too."""
        roots = self.identity.origins.sent(origin, operation.destination)
        keys = dict.fromkeys(key for root in roots for key in self.identity.created(root))
        return tuple(Match(key, Evidence.INFERRED, via, len(keys)) for key in keys)

    def _named(
        self,
        operation: Operation,
        relation: Relation,
        at: Position | None,
        target: SpanContext,
    ) -> list[EventKey]:
        """Of the events with this context, those whose position or message id is named."""
        return [
            key
            for key in self._called(operation, relation, at)
            if self.identity.is_created(key, target) and may_consume(self.identity, operation, key)
        ]

    def _called(
        self, operation: Operation, relation: Relation, at: Position | None
    ) -> Iterable[EventKey]:
        """All events at that position, or else with that message id."""
        message_id = normal_id(relation.message_id or operation.message_id)
        if at is not None:
            positions: Iterable[Position] = self.known.positions(at)
        else:
            positions = sorted(self.known.messages_by_id.get(message_id, ())) if message_id else ()
        return dict.fromkeys(key for one in positions for key in self.identity.at(one))

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
        base = self._base(pointed)
        named = [key for key in self._called(operation, relation, at) if key in base]
        if at and not named:
            return self._at(operation, at)
        keys = fitting(self.identity, operation, relation, named or list(base), at)
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
        if pointed.context not in self._consuming:
            sources = set(self.known.pointing.get(pointed.context, ()))
            sources.update(
                below.context for below in self.identity.productions.below(pointed.context)[0]
            )
            others = [self.known.operations[source] for source in sources]
            self._consuming[pointed.context] = frozenset(
                other.context
                for other in others
                if consumes(other) and other.service == pointed.service
            )
        return self._consuming[pointed.context] <= {operation.context}

    def _base(self, pointed: Operation) -> Mapping[EventKey, Match]:
        matches = self.handled(pointed)
        before = self._received.get(pointed.context)
        if before is None or before[0] is not matches:
            before = (matches, {match.key: match for match in matches})
            self._received[pointed.context] = before
        return before[1]

    def _narrowed(
        self,
        operation: Operation,
        relation: Relation,
        keys: Sequence[EventKey],
        via: Via,
        at: Position | None,
    ) -> tuple[Match, ...]:
        """Of the events with one creation context, those that this operation is about."""
        fits = fitting(self.identity, operation, relation, keys, at)
        missing = self.identity.missing(relation.target)
        if (
            len(fits) == 1
            and (not missing or is_named(self.identity, operation, relation, fits[0], at))
        ) or self._takes_all(operation, relation, keys):
            return tuple(self._said(key, relation.target, via) for key in fits)
        return tuple(Match(key, Evidence.INFERRED, via, len(fits) + missing) for key in fits)

    def _takes_all(
        self, operation: Operation, relation: Relation, keys: Sequence[EventKey]
    ) -> bool:
        """Whether it can only be about all messages with this context."""
        count = len(keys) + self.identity.missing(relation.target)
        if sum(one.target == relation.target for one in operation.relations) >= count:
            return True
        batch = operation.batch_count or 0
        if batch < count:
            return False
        targets = {one.target for one in operation.relations if one.kind == "link"}
        for other in targets - {relation.target}:
            created = len(self.identity.created(other))
            count += created + self.identity.missing(other)
            if not created or batch < count:
                return False
        return True

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
        if not operation.message_id:
            return ()
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

    def _headless(self, operation: Operation) -> tuple[Match, ...]:
        """An event that is known only because somebody consumed it."""
        if not consumes(operation) or not operation.destination:
            return ()
        _, unseen = self._parent(operation)
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
