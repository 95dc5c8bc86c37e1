"""Histories of consumer groups by a seed: healthy ones, with all that is usual, and with one fault.

Usual are: groups that lag by seconds, one that is slow by habit, one that nobody is in and that has
read all, a deployment, a topic where nothing comes any more, topics that nobody is to read.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from collector.store.client import Store
from graph.findings.model import Kind
from tests import stores
from tests.builders import Flow
from tests.histories import BEGIN, MILLISECOND, MINUTE, SECOND, NamedFlow

FAULTS = {
    "stands still": Kind.STUCK,
    "nobody runs": Kind.STUCK,
    "keeps leaving": Kind.STORMING,
    "behind": Kind.STALE,
    "unread": Kind.UNCONSUMED,
    "unread type": Kind.UNCONSUMED,
    "overtaken by retention": Kind.UNCONSUMED,
}

EVERY = 10 * SECOND
"""Between two commits, and between two messages, on average."""


@dataclass
class GroupHistory:
    """Twenty minutes; all is told as of their end."""

    seed: int
    fault: str = ""
    minutes: int = 20
    flow: NamedFlow = field(init=False)
    subject: str = field(init=False, default="")
    """The group, destination or type that a finding of the fault is about."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.flow = NamedFlow(self.seed)
        self.end = BEGIN + self.minutes * MINUTE
        self._members: list[tuple[int, str, str, str]] = []
        self._gaps: list[tuple[str, int, int]] = []
        draw = self._random
        for partition in ("0", "1"):
            self._written("orders", partition)
        self._written("idle", until=BEGIN + 4 * MINUTE)
        for name in ("orders.retry", "counts-changelog", "__internal"):
            self._written(name)
        late = 20 * SECOND
        self._read("readers", "orders", draw.randrange(late), members=draw.randint(1, 3))
        self._read("idlers", "idle", 0)
        self._read("deserted", "orders", 0, members=0)
        self._deployed()
        self._slow_by_habit()
        self._typed()
        self._break(draw)

    def _break(self, draw: random.Random) -> None:
        since = BEGIN + draw.randint(5 * 60, 15 * 60) * SECOND
        group, destination = "broken", "orders"
        if self.fault == "stands still":
            self._read(group, destination, 0, until=since, members=draw.randint(1, 3))
        elif self.fault == "nobody runs":
            self._read(group, destination, 0, until=since, members=0)
        elif self.fault == "keeps leaving":
            members = draw.randint(1, 3)
            self._read(group, destination, 0, members=members)
            for number in range(max(4, 2 * members + 1) + draw.randrange(3)):
                at = self.end - draw.randint(60, 500) * SECOND
                self._members.append((at, self.flow.named(group), f"gone-{number}", "Stable"))
        elif self.fault == "behind":
            self._read(group, destination, draw.randint(6 * 60, 12 * 60) * SECOND)
        elif self.fault == "unread":
            destination = "unread"
            self._written(destination)
        elif self.fault == "overtaken by retention":
            self._read(group, destination, 4 * MINUTE)
            newest = {one.partition: one.committed for one in self.flow.progress}
            self._gaps.append((self.flow.named(destination), 0, newest["0"] + draw.randrange(5)))
        if self.fault == "unread type":
            self.subject = "order.viewed"
        elif self.fault == "unread":
            self.subject = self.flow.named(destination)
        elif self.fault:
            self.subject = self.flow.named(group)

    def _written(self, destination: str, partition: str = "0", until: int = 0) -> None:
        """Messages of somebody without spans."""
        at = BEGIN + self._random.randrange(EVERY)
        while at < (until or self.end - SECOND):
            self.flow.message(destination, partition=partition, time=at, source="/shop")
            at += round(self._random.uniform(0.5, 1.5) * EVERY)

    def _read(
        self, group: str, destination: str, delay: int, *, until: int = 0, members: int = 1
    ) -> None:
        """A group commits what is older than the delay, until a time; its members are as they are
        at the end."""
        name = self.flow.named(destination)
        times: dict[str, list[int]] = {}
        for at, one in sorted(self.flow.messages.items()):
            if at.destination == name:
                times.setdefault(at.partition, []).append(one.time)
        for now in range(BEGIN, self.end, EVERY):
            for partition, sent in times.items():
                read = min(now, until or now) - delay
                committed = sum(one < read for one in sent)
                end = sum(one < now for one in sent)
                if end:
                    self.flow.commit(
                        *(self.flow.named(group), name, committed),
                        partition=partition,
                        end=end,
                        time=now,
                    )
        state = "Stable" if members else "Empty"
        for number in range(max(1, members)):
            member = f"{group}-{number}" if members else ""
            self._members.append((self.end, self.flow.named(group), member, state))

    def _deployed(self) -> None:
        """Each member was replaced once."""
        many = self._random.randint(2, 5)
        self._read("workers", "orders", 0, members=many)
        for number in range(many):
            at = self.end - 3 * MINUTE
            self._members.append((at, self.flow.named("workers"), f"old-{number}", "Stable"))

    def _slow_by_habit(self) -> None:
        delay = 6 * MINUTE
        for at in range(BEGIN, self.end - SECOND, EVERY):
            sent = self.flow.send("shop", "reports", time=at)
            if at + delay < self.end:
                self.flow.process("reports", sent, by="link", start=at + delay, group="reports")
        self._read("reports", "reports", delay)

    def _typed(self) -> None:
        """Two types of events; one consumer, whose spans tell of which each is."""
        for number, at in enumerate(range(BEGIN, self.end - SECOND, EVERY)):
            kind = "order.created" if number % 3 else "order.viewed"
            sent = self.flow.send("shop", "stock", time=at, event_type=kind)
            if kind == "order.created" or self.fault != "unread type":
                self.flow.process(
                    "mail", sent, by="link", start=at + SECOND, group="mail", event_type=kind
                )
        self._read("mail", "stock", 2 * SECOND)

    def told(self, store: Store) -> None:
        """Store what the broker told of members, and what the tap missed."""
        stores.put_members(store, self._members)
        for destination, first, last in self._gaps:
            store.insert(
                "gaps",
                {
                    "system": ["kafka"],
                    "cluster": ["c1"],
                    "destination": [destination],
                    "incarnation": ["i1"],
                    "partition": ["0"],
                    "first_offset": [first],
                    "last_offset": [last],
                    "reason": ["retention"],
                    "noticed": [(self.end - 5 * MINUTE) // MILLISECOND],
                },
            )


def joined(histories: Sequence[Flow]) -> Flow:
    """Stories beside each other as one, to be stored at once."""
    whole = Flow()
    for one in histories:
        whole.operations |= one.operations
        whole.messages |= one.messages
        whole.spans |= one.spans
        whole.progress += one.progress
    return whole
