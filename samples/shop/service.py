"""What every service needs around its own work: settings, ledger, deliveries, an orderly end."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from samples.shop.entries import (
    Committed,
    Consumed,
    Entry,
    Journal,
    Left,
    Lost,
    Outcome,
    Position,
    Produced,
    Ready,
)
from samples.shop.events import Outgoing, Record, cloud_event
from samples.shop.faults import Faults, strikes
from samples.shop.flow import INVENTORY, Role

PATIENCE = 15.0
"""Seconds an orphaned service gets to end in order."""
SESSION_SECONDS = 15
"""After how long the broker gives up a consumer that was killed."""
REMEMBERED = 10_000
"""Handled events that a service knows again."""

log = logging.getLogger("shop")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a service's process is told by its environment."""

    bootstrap: str
    ledger: Path
    seed: int
    rate: float
    """Orders a second, for the customer."""
    storefront: str
    """The storefront's address, for the customer."""
    leashed: bool
    """Standard input is a pipe from the owner: its end means that the owner is gone."""
    faults: Faults

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        return cls(
            bootstrap=environment["SHOP_BOOTSTRAP"],
            ledger=Path(environment["SHOP_LEDGER"]),
            seed=int(environment.get("SHOP_SEED", "0")),
            rate=float(environment.get("SHOP_RATE", "2")),
            storefront=environment.get("SHOP_STOREFRONT", ""),
            leashed=bool(environment.get("SHOP_LEASH")),
            faults=Faults.from_environment(environment),
        )


class Delivery:
    """One handling of one message; whoever handles sets the outcome."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.outcome = Outcome.HANDLED


class Service:
    """One running service: writes its ledger, and knows when to stop."""

    def __init__(self, role: Role, settings: Settings) -> None:
        self.role = role
        self.settings = settings
        self.stopping = threading.Event()
        self.delay = settings.faults.slow.get(role.name, 0.0)
        """Seconds that handling takes longer: the fault `slow`."""
        self.is_stuck = settings.faults.stuck == role.name
        self.stays = settings.faults.restless.get(role.name, math.inf)
        """Seconds for which it stays in its group: the fault `restless`."""
        self.drops_context = settings.faults.contextless == role.name
        self._aside: dict[tuple[str, int, bytes | None], Record] = {}
        self._journal = Journal(settings.ledger, role.name)
        self._attempts: dict[Position, int] = {}
        self._known: deque[str] = deque(maxlen=REMEMBERED)
        self._is_ready = False

    def ready(self, address: str = "") -> None:
        """Says once that messages (and calls) are taken from now on."""
        if not self._is_ready:
            self._is_ready = True
            self.write(Ready(self.role.name, os.getpid(), address))

    @contextmanager
    def delivery(self, record: Record) -> Iterator[Delivery]:
        """Around one handling of one message: counts attempts and writes the ledger."""
        attempt = self._attempts[record.position] = self._attempts.get(record.position, 0) + 1
        delivery = Delivery(attempt)
        try:
            yield delivery
        except BaseException:
            delivery.outcome = Outcome.FAILED
            raise
        finally:
            self.write(
                Consumed(
                    self.role.name,
                    self.role.group,
                    *record.position,
                    ce_id=record.ce_id,
                    outcome=delivery.outcome,
                    attempt=attempt,
                )
            )

    def first_time(self, record: Record) -> bool:
        """Whether this event is new to this service; makes a handler idempotent."""
        if record.ce_id in self._known:
            return False
        self._known.append(record.ce_id)
        return True

    def loses_place(self, record: Record) -> bool:
        """The fault `redelivery`: whether the service now forgets to commit this message."""
        rate = self.settings.faults.redelivery.get(self.role.name, 0.0)
        number = record.data.get("number") if rate else None
        return (
            isinstance(number, int)
            and self._attempts.get(record.position) == 1
            and strikes(self.settings.seed, f"redelivery {self.role.name}", rate, number)
        )

    def in_order(self, record: Record) -> list[Record]:
        """What to handle now that this message has come. The fault `overtaken`: the first order of
        a basket is put aside, until the second one was handled."""
        topic, partition, _ = record.position
        place = (topic, partition, record.key)
        if place in self._aside:
            return [record, self._aside.pop(place)]
        swaps = self.settings.faults.overtaken and self.role is INVENTORY
        if swaps and topic == "order.created" and "basket" in record.data:
            self._aside[place] = record
            return []
        return [record]

    def may_commit(self, record: Record) -> bool:
        """Whether nothing that lies before this message was put aside."""
        return not any(place[:2] == record.position[:2] for place in self._aside)

    def skipped(self, position: Position) -> None:
        """The service goes past this message and will never read it."""
        self.write(Consumed(self.role.name, self.role.group, *position, outcome=Outcome.SKIPPED))

    def left(self) -> None:
        """The service is no member of its group any more."""
        self.write(Left(self.role.name, self.role.group))

    def lost(self, message: Outgoing, context: str) -> None:
        """This message was sent, and no broker will ever have it."""
        self.write(Lost(self.role.name, message.topic, message.ce_id, context))

    def struck(self, fault: str, record: Record) -> bool:
        """Whether a fault that is a share of the orders hits this record's."""
        rate: float = getattr(self.settings.faults, fault)
        number = record.data.get("number") if rate else None
        return isinstance(number, int) and strikes(self.settings.seed, fault, rate, number)

    def committed(self, records: Sequence[Record]) -> None:
        """The broker took the commit of these records, which are in order of their offsets."""
        last: dict[tuple[str, int], int] = {}
        for record in records:
            topic, partition, offset = record.position
            last[topic, partition] = offset + 1
            self._attempts.pop(record.position, None)
        for (topic, partition), offset in last.items():
            self.write(Committed(self.role.name, self.role.group, topic, partition, offset))

    def event(
        self, type: str, data: Mapping[str, object], correlation: str, cause: Record | None = None
    ) -> Outgoing:
        """A new CloudEvent of this service; it names its cause if this service does so at all."""
        return cloud_event(type, self.role.name, data, correlation, cause, self.role.declares_cause)

    def sent(self, message: Outgoing, partition: int, offset: int) -> None:
        """The broker acknowledged this message."""
        self.write(
            Produced(
                self.role.name,
                message.topic,
                partition,
                offset,
                ce_id=message.ce_id,
                type=message.topic if message.ce_id and not message.copy_of else "",
                cause=message.cause,
                correlation=message.correlation,
                copy_of=message.copy_of,
            )
        )

    def write(self, entry: Entry) -> None:
        """Puts a line into this service's ledger."""
        self._journal.write(entry)

    def close(self) -> None:
        self._journal.close()


def run(role: Role, main: Callable[[Service], None]) -> None:
    """A service's process, start to end: SIGTERM ends it in order, so does its owner's death."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s"
    )
    service = Service(role, Settings.from_environment())
    signal.signal(signal.SIGTERM, lambda *_: service.stopping.set())
    if service.settings.leashed:
        threading.Thread(target=_hold_leash, args=(service.stopping,), daemon=True).start()
    try:
        main(service)
    finally:
        service.close()


def _hold_leash(stopping: threading.Event) -> None:
    """Ends this process when its owner has gone, however it went.

    A parent-death signal (Linux) would not do: it fires when the *thread* that started us ends.
    """
    while os.read(0, 1024):
        pass
    stopping.set()
    threading.Event().wait(PATIENCE)
    os._exit(1)
