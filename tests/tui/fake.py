"""A source that answers from memory, and can go away, hold an answer back, and come again."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graph.chain.result import Chain, Event
from graph.direction import Direction
from graph.edges import EdgeRow, LeftOut, Role, View
from graph.fate import Fates
from graph.findings.model import Finding, Findings
from graph.findings.wanted import Wanted
from graph.gaps import Gap
from graph.listing import Activity, Candidate, Consumer, EventFilter, EventRow, Listing
from graph.model import Evidence
from graph.payloads import Payloads
from graph.series import MINUTE, MinuteCount
from graph.table import Table
from graph.topology import NodeKey, Topology
from graph.views import seen_as
from graph.wire.chain import event_ids
from tests.tui import shop
from tests.tui.fates import explanations, order_fates
from tests.tui.order import ChainBuilder, order
from tests.tui.shop import NOON
from tui.source import Address, Ambiguous, BadRequest, CollectorAway, NotFound, SourceFailed

RATE = 212
"""Spans that come in, a second."""


class FakeFollowing:
    """What the story says is stored, and fits."""

    def __init__(self, wanted: EventFilter) -> None:
        self.missed = 0
        self.wanted = wanted
        self.told: queue.SimpleQueue[Activity | None] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[Activity]:
        return iter(self.told.get, None)

    def close(self) -> None:
        self.told.put(None)


class FakeSource:
    """The shop, or whatever edges it is given; answers what the protocol asks."""

    def __init__(self, rows: Sequence[EdgeRow] | None = None, *, live: bool = True) -> None:
        self.rows = shop.edges() if rows is None else list(rows)
        self.chains = [order()]
        self.live = live
        self.away = False
        self.trouble = ""
        """Why nothing but its health can be told."""
        self.received = 48_211
        self.left = LeftOut()
        """What its graph has no room for."""
        self.covered_from = 0
        """What came before is pruned."""
        self.behind = 0.0
        """Seconds for which something is stored that its graph does not count."""
        self.seconds = 0
        """Since noon; traffic goes on meanwhile."""
        self.gate = threading.Event()
        """Answers wait until it is set."""
        self.gate.set()
        self.slow: set[str] = set()
        """Questions that wait for the gate; all, when none is named."""
        self.asked: list[str] = []
        self.fates_asked: list[str] = []
        """Events whose fate was asked for."""
        self.answered = 0
        """How many topologies were told."""
        self.meanings: dict[str, Sequence[Candidate]] = {}
        """What ids that mean several things could mean."""
        self.fates = order_fates()
        self.groups = shop.consumers()
        self.found: list[Finding] = []
        self.looked = (NOON - 240 * MINUTE, NOON - 2 * MINUTE)
        """From when, and up to when, minutes were looked at."""
        self.schemas: Payloads = {}
        """What bodies look like."""
        self.oldest = 0.2
        """Seconds that the oldest span waits in the spool."""
        self.unread = 0
        """Messages that its tap has not read yet."""
        self.tapped = False
        """Its health names a broker that it taps."""
        self.closed = False
        self.stored: list[EventRow] = []
        """Events besides those of the chains."""
        self.followings: list[FakeFollowing] = []

    @property
    def name(self) -> str:
        return "http://127.0.0.1:8411"

    @property
    def address(self) -> Address:
        return Address(url=self.name)

    def chain(
        self,
        text: str,
        *,
        direction: Direction = Direction.BOTH,
        depth: int | None = None,
        limit: int | None = None,
        seconds: float | None = None,
        explained: bool = False,
    ) -> Chain:
        self._answers("chain")
        if text in self.meanings:
            raise Ambiguous(f"{text} could mean several things", self.meanings[text])
        for chain in self.chains:
            for event in chain.events:
                names = {event.message_id, event_ids(chain)[event.key], event.correlation_id}
                if text in names - {""}:
                    return Chain(
                        event.key,
                        (event.key,),
                        chain.events,
                        chain.deliveries,
                        chain.causes,
                        chain.related,
                        explanations=explanations(chain) if explained else (),
                    )
        raise NotFound(f"nothing is known by {text}", "Is it perhaps older than what is kept?")

    def fate(self, text: str) -> Fates:
        self.fates_asked.append(text)
        self._answers("fate")
        if text in self.fates:
            return self.fates[text]
        return Fates(EventRow(text, NOON))

    def topology(
        self,
        *,
        start: int = 0,
        end: int = 0,
        services: Sequence[str] = (),
        destinations: Sequence[str] = (),
        event_types: Sequence[str] = (),
        environments: Sequence[str] = (),
        evidence: Sequence[Evidence] = (),
        view: View = View.DESTINATIONS,
        limit: int | None = None,
    ) -> Topology:
        self._answers("topology")
        seconds = self.seconds
        now = self.clock()
        grown = [
            replace(row, count=row.count + row.count * seconds // 600)
            for row in self.rows
            if start <= row.last_seen < (end or now + 1)
        ]
        self.answered += 1
        whole = seen_as(Topology.build(grown, start=start, end=end), view)
        return replace(whole, left=self.left, covered_from=self.covered_from)

    def minutes(self, node: NodeKey, *, start: int, end: int = 0) -> list[MinuteCount]:
        """Up and down around what it is on average, in the quarter of an hour before noon."""
        self._answers("minutes")
        return [
            MinuteCount(NOON + (minute - 15) * MINUTE, role, count // 15 * (4 + swing) // 6, 0)
            for minute, swing in enumerate((2, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5, 4, 3, 2, 2))
            for role, count in sorted(self.sums(node).items())
            if NOON + (minute - 15) * MINUTE >= start
        ]

    def sums(self, node: NodeKey) -> Mapping[Role, int]:
        """How much goes over a node's edges, by role."""
        sums: dict[Role, int] = {}
        for edge in Topology.build(self.rows).edges:
            if node in (edge.source, edge.target):
                sums[edge.role] = sums.get(edge.role, 0) + edge.count
        return sums

    def clock(self) -> int:
        """Noon, or as much later as the story says."""
        return NOON + self.seconds * 1_000_000_000

    def events(self, wanted: EventFilter) -> Listing:
        self._answers("events")
        rows = [self._row(chain, event) for chain in self.chains for event in chain.events]
        fitting = [row for row in (*rows, *self.stored) if wanted.accepts(row)]
        rows = sorted(fitting, key=lambda row: row.time, reverse=not wanted.oldest)
        return Listing(rows[: wanted.limit], more=len(rows) > wanted.limit)

    def _row(self, chain: Chain, event: Event) -> EventRow:
        return EventRow(
            event_ids(chain)[event.key],
            event.time,
            event.destination,
            event.system,
            event.cluster,
            event_type=event.event_type,
            key=event.record_key,
            message_id=event.message_id,
            correlation_id=event.correlation_id,
            service=event.service,
            tapped=bool(event.messages),
            received=event.time + 120_000_000,
            size=event.messages[0].value_size if event.messages else 0,
        )

    def consumers(self) -> list[Consumer]:
        self._answers("consumers")
        return list(self.groups)

    def findings(self, wanted: Wanted) -> Findings:
        self._answers("findings")
        fitting = [one for one in self.found if wanted.accepts(one)]
        return Findings(
            fitting[: wanted.limit], self.looked[1], len(fitting) > wanted.limit, self.looked[0]
        )

    def payloads(self, *, start: int, end: int = 0) -> Payloads:
        self._answers("payloads")
        return self.schemas

    def gaps(self) -> list[Gap]:
        return []

    def sql(self, text: str, limit: int) -> Table:
        raise BadRequest("no screen asks in SQL")

    def health(self) -> Mapping[str, Any]:
        self._answers("health")
        count = self.received + RATE * self.seconds
        spans = {"received": count, "stored": count, "rejected": 0, "dropped": 0}
        tap = {
            "name": "kafka shop:9092",
            "ok": True,
            "detail": "reading",
            "figures": {"bootstrap": "shop:9092", "lag": self.unread},
        }
        return {
            "status": "ok",
            "version": "0.1.0",
            "covered_from_ns": self.covered_from,
            "components": [
                {
                    "name": "otlp http",
                    "ok": True,
                    "detail": "listens on 127.0.0.1:4318",
                    "figures": {"spans": spans, "requests": {"received": 9, "stored": 9}},
                },
                {
                    "name": "spool",
                    "ok": True,
                    "detail": "spans on their way into the store",
                    "figures": {"bytes": 0, "oldest_seconds": self.oldest},
                },
                {
                    "name": "edges",
                    "ok": True,
                    "detail": "up to date",
                    "figures": {"behind_seconds": self.behind},
                },
                *([tap] if self.tapped else []),
            ],
        }

    def prune(self, *, days: int | None, most: int | None, dry_run: bool) -> Mapping[str, Any]:
        self._answers("prune")
        return {"dry_run": dry_run, "until_ns": 0, "weeks": [], "rows": 0, "bytes": 0}

    def add_event(self, destination: str, milliseconds: int, message_id: str) -> None:
        """Something happens, so long after noon."""
        builder = ChainBuilder()
        key = builder.event(destination, milliseconds, "storefront", offset=milliseconds)
        chain = builder.chain(key)
        renamed = replace(chain.events[0], message_id=message_id)
        self.chains.append(replace(chain, events=(renamed,)))
        self.tells(self._row(self.chains[-1], renamed))

    def stores(self, *rows: EventRow) -> None:
        """So many more are stored, and told to those who follow."""
        self.stored += rows
        self.tells(*rows)

    def tells(self, *rows: EventRow, missed: int = 0) -> None:
        """Who follows hears of these; so many others came too fast for it."""
        for following in self.followings:
            following.missed += missed
            for row in rows:
                if following.wanted.accepts(row):
                    following.told.put(Activity(row))

    def goes_away(self) -> None:
        """Nothing answers, and what was followed ends."""
        self.away = True
        for following in self.followings:
            following.close()
        self.followings.clear()

    def follow(self, wanted: EventFilter, *, listed: bool = False) -> FakeFollowing:
        self._answers("follow")
        assert listed, "the screens ask for events only"
        following = FakeFollowing(wanted)
        self.followings.append(following)
        return following

    def close(self) -> None:
        self.closed = True

    def _answers(self, question: str) -> None:
        self.asked.append(question)
        if not self.slow or question in self.slow:
            assert self.gate.wait(30), "the story never let the source answer"
        if self.trouble and question != "health":
            raise SourceFailed(self.trouble)
        if self.away:
            raise CollectorAway("nothing listens at 127.0.0.1:8411", "Is it running?")
