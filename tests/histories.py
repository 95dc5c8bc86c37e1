"""Histories of a small shop by a seed: healthy ones, with all that is usual, and with one fault.

    orders -> inventory -> stock -> payment -> payments (completed, or failed) -> shop

Usual are: attempts that fail and are made again, a consumer that is sampled, one without spans,
one that takes batches, a producer without spans, handlings in parallel, retry topics that help.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graph.findings.model import Kind
from graph.model import Copied, CopyKind, Message, Operation, OperationType
from tests.builders import EPOCH, Flow, Sent

SECOND = 10**9
MILLISECOND = 10**6
MINUTE = 60 * SECOND
BEGIN = EPOCH // MINUTE * MINUTE + MINUTE

FAULTS = {
    "dead letter": Kind.DEAD_LETTER,
    "duplicate handled": Kind.DUPLICATE,
    "duplicate produced": Kind.DUPLICATE,
    "vanished": Kind.LOST,
    "passed": Kind.LOST,
    "retry loop": Kind.RETRY_LOOP,
    "out of order": Kind.OUT_OF_ORDER,
    "broken consumer": Kind.BROKEN_CONTEXT,
    "broken producer": Kind.BROKEN_CONTEXT,
    "clock-skew": Kind.CLOCK_SKEW,
}
"""Faults that a history can have, and as what each is found."""

SLOW_FAULTS = {"overdue": Kind.OVERDUE}
"""What has to be learned first, from longer histories."""


class NamedFlow(Flow):
    """A story of its own beside others in one store: its services, groups and destinations bear
    its name, and no id of it is one of another's."""

    def __init__(self, number: int) -> None:
        super().__init__(first_id=number * 1_000_000)
        self.name = f"h{number}."

    def named(self, what: str) -> str:
        """A name of its own; what clients keep for themselves still begins as such."""
        kept = len(what) - len(what.lstrip("_"))
        return what[:kept] + self.name + what[kept:]

    def message(self, destination: str, **fields: Any) -> Message:
        return super().message(self.named(destination), **fields)

    def operation(
        self, service: str, destination: str, type: OperationType, **fields: Any
    ) -> Operation:
        if group := fields.get("group"):
            fields["group"] = self.named(group)
        return super().operation(self.named(service), self.named(destination), type, **fields)


@dataclass
class History:
    """What happened, and what a finding of its fault should prove."""

    seed: int
    fault: str = ""
    minutes: int = 3
    orders: int = 60
    """A minute."""
    faults: int = 3
    flow: Flow = field(default_factory=Flow)
    proofs: set[str] = field(default_factory=set)
    """Of which each has to be named."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._flow_ids = 0
        self._moves: list[tuple[int, Iterator[int]]] = []
        self._committed: dict[tuple[str, str, str], int] = {}
        total = self.minutes * self.orders
        self.faulty = set(self._random.sample(range(total // 3, 2 * total // 3), self.faults))
        step = self.minutes * MINUTE // total
        for number in range(total):
            at = BEGIN + number * step + self._random.randrange(step)
            self._moves.append((at, self._order(number, at)))
        self._run()
        self._told()

    @property
    def end(self) -> int:
        return BEGIN + self.minutes * MINUTE

    def _run(self) -> None:
        """All flows beside each other, so that offsets are in the order of time."""
        while self._moves:
            self._moves.sort(key=lambda move: -move[0])
            _, flow = self._moves.pop()
            at = next(flow, None)
            if at is not None:
                self._moves.append((at, flow))

    def _later(self, at: int, least: float = 2, most: float = 40) -> int:
        return at + round(self._random.uniform(least, most) * MILLISECOND)

    def _order(self, number: int, at: int) -> Iterator[int]:
        """One order's way; yields when it goes on."""
        draw = self._random
        bad = number in self.faulty
        key = f"customer-{draw.randrange(20)}"
        flow = f"flow-{self.seed}-{number}"
        yield at
        skew = 3 * SECOND if self.fault == "clock-skew" else 0
        created = self._send("shop", "orders", "order.created", key, flow, at, number)
        if self.fault == "duplicate produced" and bad:
            position = created.position
            assert position is not None
            original = self.flow.messages[position]
            again = self.flow.message(
                "orders",
                partition=position.partition,
                time=at + SECOND,
                **_same(original),
            )
            self.proofs.add(str(again.position))
        if number % 10 == 0:
            self.flow.send(
                "",
                "legacy",
                spanned=False,
                source="/legacy-system",
                message_id=f"legacy-{number}",
                event_type="stock.counted",
                time=at,
            )
        # Sampled: a tenth of its spans comes.
        if draw.random() < 0.1:
            self._handle("analytics", "analytics", created, self._later(at))
        if self.fault == "vanished" and bad:
            lost = self.flow.send(
                "shop",
                "audit",
                tapped=False,
                time=self._later(at, 0.1, 0.2),
                event_type="audit.written",
            )
            assert lost.context is not None
            self.proofs.add(f"{lost.context.trace_id}/{lost.context.span_id}")
        else:
            self._send("shop", "audit", "audit.written", key, "", self._later(at, 0.1, 0.2), number)
        at = self._later(at)
        yield at
        if self.fault == "dead letter" and bad:
            self._failed("inventory", "inventory", created, at)
            dead = self._copy(created, "orders.DLT", CopyKind.DEAD_LETTER, at + MILLISECOND)
            self.proofs.add(str(dead.position))
            return
        if self.fault == "overdue" and bad:
            self._handle("inventory", "inventory", created, at)
            self.proofs.add(str(created.position))
            return
        if self.fault == "retry loop" and bad:
            for attempt in range(6):
                failed = self._failed("inventory", "inventory", created, at)
                if not attempt:
                    self.proofs.add(f"{failed.context.trace_id}/{failed.context.span_id}")
                at += SECOND
                yield at
        if self.fault == "passed" and bad:
            self.proofs.add(str(created.position))
        elif self.fault == "passed":
            self._handle("mailer", "", created, at)
        if draw.random() < 0.1:
            self._failed("inventory", "inventory", created, at)
            at += 200 * MILLISECOND
            yield at
        if draw.random() < 0.05:
            self._failed("inventory", "inventory", created, at)
            retried = self._copy(created, "orders.retry", CopyKind.RETRY, at + MILLISECOND)
            at += 500 * MILLISECOND
            yield at
            self._handle("inventory", "inventory", retried, at, destination="orders.retry")
            inside = self._handle("inventory", "inventory", created, at)
        else:
            inside = self._handle("inventory", "inventory", created, at)
        if self.fault == "duplicate handled" and bad:
            again_at = at + 2 * SECOND
            yield again_at
            again_ = self._handle("inventory", "inventory", created, again_at)
            self.proofs.add(f"{again_.context.trace_id}/{again_.context.span_id}")
        at = self._later(at)
        yield at
        reserved = self._send(
            "inventory", "stock", "stock.reserved", key, flow, at, number, inside=inside
        )
        if self.fault == "broken consumer":
            self.flow.operation(
                "mirror",
                "stock",
                OperationType.PROCESS,
                start=at + 5 * MILLISECOND,
                scope="acme-kafka",
            )
        if self.fault == "broken producer":
            self.flow.operation("inventory", "levels", OperationType.SEND, start=at)
            self.flow.message("levels", time=at + MILLISECOND, event_type="level.changed")
        at = self._later(at)
        yield at
        if self.fault == "out of order" and bad:
            # Nobody else takes one of this key meanwhile.
            first, second = (
                self._send(
                    "inventory",
                    "parcels",
                    "parcel.packed",
                    f"parcel-{number}",
                    "",
                    at + n * MILLISECOND,
                    f"{number}-{n}",
                )
                for n in (1, 2)
            )
            self._handle("carrier", "carrier", second, at + 5 * MILLISECOND, placed=True)
            self._handle("carrier", "carrier", first, at + 9 * MILLISECOND, placed=True)
            self.proofs.add(str(first.position))
        else:
            parcel = self._send(
                "inventory", "parcels", "parcel.packed", f"parcel-{number}", "", at, number
            )
            # In parallel over keys: the order of others does not matter.
            slow = draw.choice((5, 400)) * MILLISECOND
            self._handle("carrier", "carrier", parcel, at + slow, placed=True)
        paying = self._handle("payment", "payment", reserved, at - skew)
        at = self._later(at)
        yield at
        outcome = "payment.completed" if draw.random() < 0.8 else "payment.failed"
        paid = self._send(
            "payment", "payments", outcome, key, flow, at - skew, number, inside=paying
        )
        at = self._later(at)
        yield at
        self._handle("shop", "shop", paid, at)

    def _send(
        self,
        service: str,
        destination: str,
        event_type: str,
        key: str,
        flow: str,
        at: int,
        number: object,
        inside: Operation | None = None,
    ) -> Sent:
        return self.flow.send(
            service,
            destination,
            inside=inside,
            time=at,
            partition=str(hash_of(key) % 3),
            event_type=event_type,
            key=key,
            message_id=f"{event_type}-{self.seed}-{number}",
            correlation_id=flow,
            span={"event_type": event_type, "lasts": MILLISECOND // 4},
        )

    def _handle(self, service: str, group: str, sent: Sent, at: int, **fields: Any) -> Operation:
        assert sent.position is not None
        kind = self.flow.messages[sent.position].event_type
        if fields.pop("placed", False):
            fields |= {"partition": sent.position.partition, "offset": sent.position.offset}
        return self.flow.process(
            service,
            sent,
            by="link",
            start=at,
            group=group,
            event_type=kind,
            instance=f"{service}-1",
            **fields,
        )

    def _failed(self, service: str, group: str, sent: Sent, at: int) -> Operation:
        return self._handle(service, group, sent, at, error=True, error_message="no stock level")

    def _copy(self, sent: Sent, destination: str, kind: CopyKind, at: int) -> Sent:
        assert sent.position is not None
        at_ = sent.position
        original = self.flow.messages[at_]
        copied = Copied(kind, at_.destination, at_.partition, at_.offset, consumer="inventory")
        message = self.flow.message(destination, time=at, copied=copied, **_same(original))
        return Sent(destination, sent.context, message.position, message.time)

    def _told(self) -> None:
        """The broker tells all groups' ends, once all was read."""
        ends: dict[tuple[str, str], int] = {}
        for position in self.flow.messages:
            place = position.destination, position.partition
            ends[place] = max(ends.get(place, 0), position.offset + 1)
        for (destination, partition), end in ends.items():
            self.flow.commit(
                f"{destination}-readers",
                destination,
                end,
                end=end,
                partition=partition,
                time=self.end + 2 * MINUTE,
            )


def _same(message: Message) -> dict[str, Any]:
    kept = ("key", "event_type", "message_id", "correlation_id", "contexts", "source")
    return {name: getattr(message, name) for name in kept}


def hash_of(key: str) -> int:
    """The same in each process."""
    return sum(key.encode())


def thin(history: History, how: str) -> None:
    """What happened stays the same; less of it is seen."""
    flow, draw = history.flow, random.Random(history.seed)
    if how == "spans lost":
        lost = [one for one in flow.operations.values() if draw.random() < 0.1]
    elif how == "sampled":
        lost = [one for one in flow.operations.values() if draw.random() < 0.7]
    elif how == "without spans":
        service = draw.choice(sorted({one.service for one in flow.operations.values()}))
        lost = [one for one in flow.operations.values() if one.service == service]
    else:
        assert how == "tapped later"
        lost = []
        began = BEGIN + draw.randrange(history.minutes * MINUTE // 2)
        for position, message in list(flow.messages.items()):
            if message.time < began:
                del flow.messages[position]
    flow.forget(*lost)


THINNED = ("spans lost", "sampled", "without spans", "tapped later")
