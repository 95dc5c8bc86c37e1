"""One event at one consumer: which operations belong together, and how often it was tried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from graph.chain.known import consumes
from graph.chain.result import Attempt, Delivery, EventKey, Join
from graph.chain.view import View
from graph.model import Evidence, Operation, OperationType, SpanContext


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
    for service, operations in by_service.items():
        for group, together in _by_group(view, operations).items():
            own = tuple(joins[operation.context] for operation in together)
            found.append(
                Delivery(
                    event=key,
                    service=service,
                    group=group,
                    start=min(operation.start for operation in together),
                    end=max(operation.end for operation in together),
                    operations=tuple(together),
                    joins=own,
                    attempts=_attempts(view, together),
                    evidence=min((join.evidence for join in own), key=_rank),
                )
            )
    return sorted(found, key=lambda one: (one.start, one.service, one.group))


def _rank(evidence: Evidence) -> int:
    return evidence.rank


def _by_group(view: View, operations: Sequence[Operation]) -> dict[str, list[Operation]]:
    """Operations of one service by consumer group; those that name none go with their kin."""
    groups = {operation.group for operation in operations} - {""}
    by_group: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        group = operation.group
        if not group:
            group = next(iter(groups)) if len(groups) == 1 else _kin(view, operation, operations)
        by_group[group].append(operation)
    return by_group


def _kin(view: View, operation: Operation, others: Sequence[Operation]) -> str:
    """The group of the operation that it points at or runs in, else of its own client."""
    group_of = {other.context: other.group for other in others if other.group}
    above = view.consumption.references(operation) | set(view.known.ancestors(operation.context))
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

    def add(self, operation: Operation) -> None:
        self.kinds.add((operation.scope, operation.type))
        self.operations.append(operation)

    def done(self) -> Attempt:
        processing = [op for op in self.operations if op.type is not OperationType.RECEIVE]
        named = processing or self.operations
        failed = [operation for operation in named if operation.error]
        return Attempt(
            start=min(operation.start for operation in named),
            end=max(operation.end for operation in named),
            error=bool(failed),
            error_message=next((op.error_message for op in failed if op.error_message), ""),
            operations=tuple(operation.context for operation in named),
        )


def _attempts(view: View, operations: Sequence[Operation]) -> tuple[Attempt, ...]:
    """Each layer (client library, framework, own code) tells every attempt once.

    So another attempt begins where a layer speaks again. A process span inside of another
    belongs to that one's attempt, whatever its layer.
    """
    tries: list[_Try] = []
    inside: dict[SpanContext, _Try] = {}
    for operation in operations:
        if not consumes(operation):
            continue
        around = _around(view, operation, inside)
        if around is not None:
            attempt = around
        elif tries and (operation.scope, operation.type) not in tries[-1].kinds:
            attempt = tries[-1]
        else:
            attempt = _Try()
            tries.append(attempt)
        attempt.add(operation)
        inside[operation.context] = attempt
    return tuple(attempt.done() for attempt in tries)


def _around(view: View, operation: Operation, inside: dict[SpanContext, _Try]) -> _Try | None:
    """The attempt that an earlier operation has begun and this one runs in."""
    if not inside:
        return None
    above = set(view.known.ancestors(operation.context))
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
