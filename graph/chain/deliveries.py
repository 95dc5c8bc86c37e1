"""One event at one consumer: which operations belong together, and how often it was tried.

What a consumer does with retry copies are more attempts of its delivery. What it does with a
dead letter is not: the delivery has failed by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from graph.chain.known import consumes, places_of, produces, relations_of
from graph.chain.names import fits
from graph.chain.result import Attempt, Delivery, EventKey, Join
from graph.chain.view import View
from graph.model import Copied, CopyKind, Evidence, Operation, OperationType, Position, SpanContext


def deliveries_of(view: View, key: EventKey) -> list[Delivery]:
    """The deliveries of an event that spans speak of, by start."""
    handlers = view.consumption.handlers(key)
    by_service: dict[str, list[Operation]] = defaultdict(list)
    joins = {}
    for operation, match in handlers:
        by_service[operation.service].append(operation)
        joins[operation.context] = Join(
            operation.context, match.evidence, match.via, match.candidates
        )
    found = []
    at = _Where(view, key)
    for service, operations in by_service.items():
        for group, together in _by_group(view, at, operations).items():
            own = tuple(joins[operation.context] for operation in together)
            found.append(
                Delivery(
                    event=key,
                    service=service,
                    group=group,
                    start=min(map(_begin, together)),
                    end=max(operation.end for operation in together),
                    operations=tuple(together),
                    joins=own,
                    attempts=_attempts(view, at, together),
                    evidence=min((join.evidence for join in own), key=_rank),
                )
            )
    return sorted(found, key=lambda one: (one.start, one.service, one.group))


def _rank(evidence: Evidence) -> int:
    return evidence.rank


def _begin(operation: Operation) -> int:
    """When it had the event: a call that fetches may have waited for it since long before."""
    fetches = operation.type is OperationType.RECEIVE and operation.kind == "client"
    return operation.end if fetches else operation.start


class _Where:
    """At which of an event's positions its operations were."""

    def __init__(self, view: View, key: EventKey) -> None:
        self._messages = view.known.messages
        self._positions = view.identity.positions(key)

    def position(self, operation: Operation) -> Position | None:
        """By what the operation names, else by the context that it points at; None if unsure."""
        left = list(self._positions)
        if len(left) < 2:
            return left[0] if left else None
        places = places_of(operation)
        targets = {relation.target for relation in relations_of(operation)}
        for agrees in (
            lambda one: any(fits(place, one) for place in places),
            lambda one: one.destination == operation.destination,
            lambda one: one in self._messages and targets & set(self._messages[one].contexts),
        ):
            left = [one for one in left if agrees(one)] or left
        return left[0] if len(left) == 1 else None

    def copied(self, operation: Operation) -> Copied | None:
        """What the copy says that the operation handled; None for the original."""
        position = self.position(operation) if len(self._positions) > 1 else None
        message = self._messages.get(position) if position else None
        return message.copied if message else None

    def after(self, operation: Operation) -> bool:
        """Whether the event had been given up by then: what was handled is the dead letter."""
        copied = self.copied(operation)
        return copied is not None and copied.kind is CopyKind.DEAD_LETTER


def _by_group(
    view: View, at: _Where, operations: Sequence[Operation]
) -> dict[str, list[Operation]]:
    """Operations of one service by consumer group; those that name none go with their kin."""
    names = _first_groups(at, operations)
    groups = set(names.values())
    if len(groups) < 2:
        return {next(iter(groups), ""): list(operations)}
    by_group: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        group = names.get(operation.group, "")
        if not group:
            group = _kin(view, operation, operations)
            group = names.get(group, group)
        by_group[group].append(operation)
    return by_group


def _first_groups(at: _Where, operations: Sequence[Operation]) -> dict[str, str]:
    """For each group the one whose delivery it goes on with: consumers of retry topics are
    often groups of their own, called as the first one with something behind it."""
    found = {operation.group: operation.group for operation in operations if operation.group}
    for operation in operations:
        copied = at.copied(operation) if operation.group else None
        if copied is None or copied.kind is not CopyKind.RETRY:
            continue
        if copied.consumer and operation.group.startswith(copied.consumer):
            found[operation.group] = copied.consumer
            continue
        firsts = [
            group
            for group in found
            if group != operation.group
            and (group == copied.consumer or operation.group.startswith(group))
        ]
        if firsts:
            found[operation.group] = min(firsts, key=len)
    return found


def _kin(view: View, operation: Operation, others: Sequence[Operation]) -> str:
    """The group of the operation that it points at or runs in, else of its own client."""
    group_of = {other.context: other.group for other in others if other.group}
    above = view.consumption.references(operation) | set(_inside_of(view, operation))
    near = {group_of[context] for context in above if context in group_of}
    if not near:
        near = {
            other.group
            for other in others
            if other.group
            and (
                (operation.client_id and other.client_id == operation.client_id)
                or (operation.instance and other.instance == operation.instance)
            )
        }
    return next(iter(near)) if len(near) == 1 else ""


class _Try:
    """An attempt in the making."""

    def __init__(self) -> None:
        self.kinds: set[tuple[str, OperationType]] = set()
        self.operations: list[Operation] = []
        self.position: Position | None = None

    def add(self, operation: Operation, position: Position | None) -> None:
        self.kinds.add((operation.scope, operation.type))
        self.operations.append(operation)
        self.position = self.position or position

    def goes_on(self, operation: Operation, position: Position | None) -> bool:
        """Whether a layer speaks of this attempt that has not spoken of it before."""
        same_place = not (self.position and position) or self.position == position
        return same_place and (operation.scope, operation.type) not in self.kinds

    def done(self) -> Attempt:
        processing = [op for op in self.operations if op.type is not OperationType.RECEIVE]
        named = processing or self.operations
        failed = [operation for operation in named if operation.error]
        return Attempt(
            start=min(map(_begin, named)),
            end=max(operation.end for operation in named),
            error=bool(failed),
            error_message=next((op.error_message for op in failed if op.error_message), ""),
            operations=tuple(operation.context for operation in named),
            position=self.position,
        )


def _attempts(view: View, at: _Where, operations: Sequence[Operation]) -> tuple[Attempt, ...]:
    """Each layer (client library, framework, own code) tells every attempt once.

    So another attempt begins where a layer speaks again, or at another position. A process span
    inside of another belongs to that one's attempt, whatever its layer.
    """
    tries: list[_Try] = []
    inside: dict[SpanContext, _Try] = {}
    before = [one for one in operations if consumes(one) and not at.after(one)]
    for operation in before or [one for one in operations if consumes(one)]:
        position = at.position(operation)
        around = _around(view, operation, inside)
        if around is not None:
            attempt = around
        elif tries and tries[-1].goes_on(operation, position):
            attempt = tries[-1]
        else:
            attempt = _Try()
            tries.append(attempt)
        attempt.add(operation, position)
        inside[operation.context] = attempt
    return tuple(attempt.done() for attempt in tries)


def _around(view: View, operation: Operation, inside: dict[SpanContext, _Try]) -> _Try | None:
    """The attempt that an earlier operation has begun and this one runs in."""
    if not inside:
        return None
    above = set(_inside_of(view, operation))
    for context, attempt in inside.items():
        other = view.known.operations[context]
        is_receive = other.type is OperationType.RECEIVE
        if is_receive and operation.type is not OperationType.RECEIVE:
            continue  # a receive may be followed by several attempts to process
        lies_in = (
            other.start <= operation.start
            and operation.end <= other.end
            and other.instance == operation.instance
        )
        if context in above or lies_in:
            return attempt
    return None


def _inside_of(view: View, operation: Operation) -> Iterator[SpanContext]:
    """The spans that it runs in; what lies above a send only led to the message."""
    for context in view.known.ancestors(operation.context):
        around = view.known.operations.get(context)
        if around is not None and produces(around):
            return
        yield context
