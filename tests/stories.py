"""Random stories whose truth is known: what is one event, who handled it, and what caused what.

Each event is sent once, alone or in a batch, perhaps retried, given up or mirrored, and handled
by any number of consumers, each in one of the ways that instrumentations have. Then some of what
would be seen of it can be taken away, as real systems do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from graph.chain import Chain, Creation, Event
from graph.model import (
    Copied,
    CopyKind,
    Evidence,
    Operation,
    OperationType,
    Position,
    SpanContext,
)
from tests.builders import Flow, Sent

KEPT = ("contexts", "message_id", "correlation_id", "causation_id", "key", "value")
"""What a copy has of its original."""

WAYS = ("parent", "link", "links with positions", "below a receive", "below a poll")


@dataclass
class Made:
    """One event as it really was."""

    number: int
    sent: list[Sent]
    """The original, then its copies."""
    causes: set[int] = field(default_factory=set)


class Story:
    """A flow with its truth. Services differ by their number, and so do destinations."""

    def __init__(
        self,
        chance: Random,
        *,
        services: int = 4,
        destinations: int = 4,
        counted: bool = False,
        vague: bool = False,
        ways: Sequence[str] = WAYS,
    ) -> None:
        """With `counted`, message ids are numbers that each destination counts on its own; with
        `vague`, consumers do not say which message of a batch they are about."""
        self.flow = Flow()
        self._counted = counted
        self._vague = vague
        self._ways = ways
        self.chance = chance
        self.events: list[Made] = []
        self.places: dict[str, int] = {}
        """Events by `destination/partition/offset`, which no two clusters share here."""
        self.contexts: dict[SpanContext, set[int]] = {}
        """Producing and consuming operations, by the events that they are about."""
        self._services = [f"s{number}" for number in range(services)]
        self._destinations = [f"t{number}" for number in range(destinations)]
        self._flows: dict[int, str] = {}
        self._handed_on: set[int] = set()

    # Telling

    def tell(self, count: int, odds: dict[str, float], near: int = 0) -> None:
        """As many events; causes are among the last `near` before, where that is given.

        `odds` of `root`, `batch`, `together` (fan-in), `call`, `retry`, `mirror`, `hand on`.
        """
        while len(self.events) < count:
            first = len(self.events)
            inside: Any = None
            service = self.chance.choice(self._services)
            causes: list[Made] = []
            if self.events and not self._happens(odds, "root"):
                earlier = self.events[-near:] if near else self.events
                causes = [self.chance.choice(earlier)]
                if self._happens(odds, "together"):
                    causes = list({id(one): one for one in [*causes, earlier[-1]]}.values())
                inside, service = self.handled(causes, service, odds)
            size = 3 if self._happens(odds, "batch") else 1
            self.send(service, inside, causes, min(size, count - first))

    def send(self, service: str, inside: Any, causes: list[Made], size: int) -> None:
        """New events by one span."""
        destination = self.chance.choice(self._destinations)
        made = self.flow.operation(
            service, destination, OperationType.SEND, inside=inside, batch_count=size
        )
        for _ in range(size):
            number = len(self.events)
            flow = self._flows.get(min((one.number for one in causes), default=-1), f"f{number}")
            self._flows[number] = flow
            sent = self.flow.send(
                service,
                destination,
                spanned=False,
                carries=[made.context],
                message_id=self._id(number, destination),
                correlation_id=flow,
                causation_id=self._cause_id(causes),
                key=f"k{number}",
                value=f"value {number}",
            )
            self.events.append(Made(number, [sent], {one.number for one in causes}))
            self._note(made, number)
            self._lies(sent, number)

    def handled(self, causes: list[Made], service: str, odds: dict[str, float]) -> tuple[Any, str]:
        """Consumed, perhaps at the second try; the innermost span, and whose it is."""
        if len(causes) == 1 and self._happens(odds, "retry"):
            self.retried(causes[0], service, CopyKind.RETRY)
        if self._happens(odds, "mirror"):
            self.mirrored(causes[0])
        if self._happens(odds, "hand on") and causes[0].number not in self._handed_on:
            self.handed_on(causes[0])
        inside: Any = self.consumed(causes, service)
        while self._happens(odds, "call"):
            callee = f"callee-{self.chance.randrange(3)}"
            inside = self.flow.span(callee, inside=self.flow.call(service, callee, inside=inside))
            service = callee
        return inside, service

    def consumed(self, causes: list[Made], service: str, failed: bool = False) -> Operation:
        sent = [one.sent[-1] for one in causes]
        numbers = [one.number for one in causes]
        fields: dict[str, Any] = {"group": f"{service}-group", "error": failed}
        if len(sent) > 1:
            alone = all(len(self._batch(one)) == 1 for one in sent)
            by = "links with positions"
            if self._vague or (alone and self.chance.random() < 0.5):
                by = "link"
            together = self.flow.process(service, *sent, by=by, batch_count=len(sent), **fields)
            return self._note(together, *numbers)
        way = self.chance.choice(self._ways)
        (one,) = sent
        assert one.position
        says: dict[str, Any] = {}
        if len(self._batch(one)) > 1 and not self._vague:
            says = {"partition": one.position.partition, "offset": one.position.offset}
        if way == "below a poll":
            poll = self.flow.receive(service, destination=one.destination, kind="client", **fields)
            self._note(poll, *numbers)
            handling = self.flow.process(service, one, by="link", inside=poll, **says, **fields)
        elif way == "below a receive":
            received = self.flow.receive(service, one, by="links with positions", **fields)
            self._note(received, *numbers)
            handling = self.flow.process(
                service, destination=one.destination, inside=received, **fields
            )
        else:
            handling = self.flow.process(service, one, by=way, **says, **fields)
        return self._note(handling, *numbers)

    def retried(self, event: Made, service: str, kind: CopyKind) -> None:
        """A consumer fails and puts it somewhere else, keeping its headers."""
        failed = self.consumed([event], service, failed=True)
        original = event.sent[self.chance.choice((0, -1))].position
        before = event.sent[-1].position
        assert original and before
        message = self.flow.messages[before]
        destination = f"{event.sent[0].destination}-retry-{len(event.sent) - 1}"
        given = self.flow.operation(service, destination, OperationType.SEND, inside=failed)
        self._note(given, event.number)
        kept = {name: getattr(message, name) for name in KEPT if name != "contexts"}
        again = self.flow.message(
            destination,
            **kept,
            contexts=(*message.contexts, given.context),
            copied=Copied(kind, original.destination, original.partition, original.offset),
        )
        self._copied(event, again.position, given.context)

    def mirrored(self, event: Made) -> None:
        """A second cluster gets it, a little later, with all that it has."""
        before = event.sent[0].position
        assert before
        message = self.flow.messages[before]
        position = before._replace(cluster="c2", incarnation="i9", offset=before.offset + 1_000)
        if position not in self.flow.messages:
            self.flow.messages[position] = replace(message, position=position)
            self.places[str(position)] = event.number

    def handed_on(self, event: Made) -> None:
        """Somebody writes it to another destination as it is, and says nothing of that."""
        before = event.sent[0].position
        assert before
        message = self.flow.messages[before]
        kept = {name: getattr(message, name) for name in KEPT}
        self._handed_on.add(event.number)
        again = self.flow.message(f"audit-{before.destination}", **kept)
        self.places[str(again.position)] = event.number

    def _id(self, number: int, destination: str) -> str:
        if self._counted:
            return str(sum(one.sent[0].destination == destination for one in self.events))
        return f"message-{number:08}"

    def _cause_id(self, causes: list[Made]) -> str:
        return self._id(causes[0].number, "") if len(causes) == 1 and not self._counted else ""

    def _copied(self, event: Made, position: Position, context: SpanContext) -> None:
        sent = Sent(position.destination, context, position, self.flow.now)
        event.sent.append(sent)
        self._lies(sent, event.number)

    def _happens(self, odds: dict[str, float], name: str) -> bool:
        return name in odds and self.chance.random() < odds[name]

    def _note(self, operation: Operation, *numbers: int) -> Operation:
        self.contexts.setdefault(operation.context, set()).update(numbers)
        return operation

    def _lies(self, sent: Sent, number: int) -> None:
        assert sent.position
        self.places[str(sent.position)] = number

    def _batch(self, sent: Sent) -> set[int]:
        return self.contexts[sent.context] if sent.context else set()

    # Losing

    def lose(self, odds: float) -> None:
        """Services that drop contexts, export nothing or only a part, or write no ids; topics
        that nobody taps; copies that do not say that they are."""
        flow, chance = self.flow, self.chance

        def some(names: list[str]) -> set[str]:
            return {name for name in names if chance.random() < odds}

        dropping, silent = some(self._services), some(self._services)
        untapped, mute = some(self._destinations), some(["ids", "correlation", "causation"])
        plain = chance.random() < odds
        lost: set[SpanContext] = set()
        for position, message in list(flow.messages.items()):
            senders = [flow.operations[one].service for one in message.contexts]
            if dropping.intersection(senders) or chance.random() < odds / 4:
                message = replace(message, contexts=())
                lost.update(one for one in flow.messages[position].contexts)
            flow.messages[position] = replace(
                message,
                message_id="" if "ids" in mute else message.message_id,
                correlation_id="" if "correlation" in mute else message.correlation_id,
                causation_id="" if {"ids", "causation"} & mute else message.causation_id,
                copied=None if plain else message.copied,
            )
            if position.destination in untapped:
                del flow.messages[position]
        for operation in list(flow.operations.values()):
            if operation.service in silent or chance.random() < odds / 4:
                flow.forget(operation)
                continue
            kept = tuple(one for one in operation.relations if one.target not in lost)
            if len(kept) < len(operation.relations):
                parent = operation.parent
                if SpanContext(operation.context.trace_id, parent) in lost:
                    parent = ""
                flow.operations[operation.context] = replace(
                    operation, relations=kept, parent=parent
                )
                span = flow.spans[operation.context]
                flow.spans[operation.context] = replace(span, parent=parent)
        for span in list(flow.spans.values()):
            if span.context not in flow.operations and chance.random() < odds / 4:
                flow.forget(span)

    # Judging

    def truth(self) -> set[tuple[int, int]]:
        return {(cause, one.number) for one in self.events for cause in one.causes}

    def numbers(self, event: Event) -> set[int]:
        """The events that are in one event of a chain: more than one is a mistake."""
        found = {self.places[str(position)] for position in event.positions}
        if isinstance(event.key, Creation) and not found:
            found |= self.contexts.get(event.key.context, set())
        return found

    def wrong(self, chain: Chain) -> list[object]:
        """All that a chain says above `inferred` and is not so."""
        found: list[object] = []
        numbers = {event.key: self.numbers(event) for event in chain.events}
        for event in chain.events:
            mine = numbers[event.key]
            if event.positions and len(mine) > 1:
                found.append(("one event of", mine, event.positions))
            found += [
                ("an operation of", mine, operation)
                for operation, join in zip(event.operations, event.joins, strict=True)
                if join.evidence is not Evidence.INFERRED
                and not mine & self.contexts[operation.context]
            ]
        for delivery in chain.deliveries:
            mine = numbers[delivery.event]
            found += [
                ("a delivery of", mine, operation)
                for operation, join in zip(delivery.operations, delivery.joins, strict=True)
                if join.evidence is not Evidence.INFERRED
                and not mine & self.contexts[operation.context]
            ]
        # A copy that nothing shows to be one is at least caused by handling its original.
        truth = self.truth() | {(one.number, one.number) for one in self.events}
        for cause in chain.causes:
            ends = [(one, other) for one in numbers[cause.cause] for other in numbers[cause.effect]]
            if cause.evidence is not Evidence.INFERRED and not truth.intersection(ends):
                found.append(("a cause", ends, cause))
        return found
