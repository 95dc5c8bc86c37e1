"""One consumer and one event: what is known of the two, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from graph import figures
from graph.chain.result import Attempt, Delivery, Event
from graph.fate.consumers import Subscriber
from graph.fate.copies import Made
from graph.fate.result import Fate, Status
from graph.model import CopyKind, Evidence, OperationType, Passage, Position

DAY = 86_400 * figures.SECOND


@dataclass(frozen=True)
class Tried:
    """One attempt, and what is known of it."""

    attempt: Attempt
    evidence: Evidence
    processed: bool
    """A span tells of the handling; otherwise only of the reception."""

    @property
    def error(self) -> str:
        """Why it failed."""
        return self.attempt.error_message or "its span gives no reason"

    @property
    def took(self) -> int:
        return self.attempt.end - self.attempt.start


@dataclass(frozen=True)
class Case:
    """What speaks for one fate or another."""

    event: Event
    consumer: Subscriber
    made: Sequence[Made]
    """Copies that this consumer made, in the order of the event's positions."""
    everybody: Sequence[Passage]
    """Passages of all groups."""
    now: int

    @cached_property
    def tried(self) -> tuple[Tried, ...]:
        """All attempts, by start."""
        found = [
            Tried(attempt, delivery.evidence, _processed(delivery, attempt))
            for delivery in self.consumer.deliveries
            for attempt in delivery.attempts
        ]
        return tuple(sorted(found, key=lambda one: one.attempt.start))

    @property
    def succeeded(self) -> tuple[Tried, ...]:
        return tuple(one for one in self.tried if not one.attempt.error)

    @property
    def failed(self) -> tuple[Tried, ...]:
        return tuple(one for one in self.tried if one.attempt.error)

    @property
    def being_handled(self) -> bool:
        """Whether it was only received, and the group has not committed it."""
        waits = self.passage is not None and self.passage.waits
        return waits and not any(one.processed for one in self.succeeded)

    @property
    def passage(self) -> Passage | None:
        """The group's at the original, else at the first copy that it reads."""
        return next(iter(self.consumer.passages), None)

    @property
    def by_position(self) -> Evidence:
        """How sure it is that the group's progress is about this very message."""
        passage = self.passage
        if passage is None:
            return Evidence.INFERRED
        at, seen = passage.position, passage.latest
        whole = (at.cluster, at.incarnation) == (seen.cluster, seen.incarnation)
        return Evidence.MATCHED if whole else Evidence.INFERRED

    def last_made(self, kind: CopyKind) -> Made | None:
        """The last copy of this kind that the consumer made."""
        return next((one for one in reversed(self.made) if one.copy.kind is kind), None)

    def waits_at(self, position: Position) -> bool | None:
        """Whether everybody who reads there has it still to read; None: nobody is known to."""
        there = [one for one in self.everybody if one.position == position]
        return all(one.waits for one in there) if there else None

    # How it is told

    @property
    def who(self) -> str:
        return self.consumer.name

    @property
    def group(self) -> str:
        """The group, said beside the service."""
        return f"group {self.consumer.group}" if self.consumer.group else self.who

    def clock(self, time: int) -> str:
        """A time of day; with its date where it is another than the event's."""
        if time // DAY == self.event.time // DAY:
            return figures.clock(time)
        return figures.date(time)

    def span_needed(self) -> str:
        """What would tell how the consumer handled what its group passed."""
        consumer = self.consumer
        if not consumer.services:
            return (
                f"which service group {consumer.group} is: instrument it, or name it in the "
                "configuration"
            )
        if consumer.seen:
            return f"the spans of {self.who}: it exports some, but none about this event came"
        return f"consumer {self.who} exports no spans: instrument it"

    def told(
        self,
        status: Status,
        evidence: Evidence | None,
        time: int,
        explanation: str,
        *,
        needed: str = "",
        notes: Iterable[str] = (),
        error: str = "",
        duration: int | None = None,
        copy: Position | None = None,
        ahead: int | None = None,
        rate: float | None = None,
        expected: int = 0,
    ) -> Fate:
        """The fate; what progress says of it is added."""
        passage = self.passage
        place = []
        if passage is not None and passage.position != self.event.positions[0]:
            place = [f"It reads the copy at {passage.position}."]
        return Fate(
            services=self.consumer.services,
            group=self.consumer.group,
            group_known=self.consumer.group_known,
            status=status,
            evidence=evidence,
            time=time,
            explanation=explanation,
            needed=needed,
            notes=(*notes, *place),
            attempts=len(self.tried),
            duration=duration,
            error=error,
            copy=copy,
            ahead=ahead,
            rate=rate,
            expected=expected,
            passed_after=passage.before.time if passage and passage.before else 0,
            passed_by=passage.after.time if passage and passage.after else 0,
        )


def _processed(delivery: Delivery, attempt: Attempt) -> bool:
    inside = set(attempt.operations)
    return any(
        operation.type is not OperationType.RECEIVE
        for operation in delivery.operations
        if operation.context in inside
    )


def begun(sentence: str) -> str:
    """A sentence with a capital letter."""
    return sentence[:1].upper() + sentence[1:]
