"""A backend in memory, for tests of everything above the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from collector.api.backend import Component, Stored
from collector.store.following import Mark
from collector.store.prune import Leaving, Piece
from collector.store.statements import Refused
from graph.edges import ALL_EDGES, MOST_EDGES, EdgeRow, Edges, LeftOut, Patterns
from graph.fate.consumers import Declared
from graph.findings.model import Finding, Findings, Kind
from graph.gaps import Gap
from graph.listing import ANY_EVENT, Activity, Consumer, EventFilter, EventRow
from graph.payloads import Body
from graph.producers import BrokerProducer
from graph.series import MinuteCount
from graph.table import Table
from graph.topology import NodeKey
from tests.builders import Flow
from tests.memory_facts import MemoryFacts


@dataclass
class MemoryBackend:
    """Implements `collector.api.backend.Backend`; its lists may be changed at any time."""

    facts: MemoryFacts = field(default_factory=MemoryFacts)
    rows: list[EventRow] = field(default_factory=list)
    edge_rows: list[EdgeRow] = field(default_factory=list)
    minute_counts: dict[NodeKey, list[MinuteCount]] = field(default_factory=dict)
    groups: list[Consumer] = field(default_factory=list)
    broker_producers: list[BrokerProducer] = field(default_factory=list)
    activity: list[Activity] = field(default_factory=list)
    expected: list[Declared] = field(default_factory=list)
    parts: list[Component] = field(default_factory=lambda: [Component("store", True, "open")])
    windows: list[tuple[int, int]] = field(default_factory=list)
    table: Table = field(default_factory=lambda: Table(("n",), ("UInt8",), ((1,), (2,)), True))
    pruned: int = 0
    missed: list[Gap] = field(default_factory=list)
    stored_bodies: list[Body] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    refreshed: int = 0

    @classmethod
    def of(cls, flow: Flow) -> MemoryBackend:
        """What a flow left behind: its facts, and a row for each message."""
        rows = [
            EventRow(
                id=str(message.position),
                time=message.time,
                destination=message.position.destination,
                system=message.position.system,
                cluster=message.position.cluster,
                event_type=message.event_type,
                key=message.key,
                message_id=message.message_id,
                correlation_id=message.correlation_id,
                service=message.source,
            )
            for message in flow.messages.values()
        ]
        return cls(flow.facts(), sorted(rows, key=lambda row: -row.time))

    def edges(
        self,
        start: int,
        end: int,
        limit: int = MOST_EDGES,
        wanted: Patterns = ALL_EDGES,
        *,
        by_producer: bool = False,
    ) -> Edges:
        self.windows.append((start, end))
        busiest = sorted(self.edge_rows, key=lambda row: -row.count)
        left = busiest[limit:]
        return Edges(busiest[:limit], LeftOut(len(left), sum(row.count for row in left)))

    def minutes(self, node: NodeKey, start: int, end: int) -> Sequence[MinuteCount]:
        self.windows.append((start, end))
        return list(self.minute_counts.get(node, ()))

    def members(self) -> Mapping[str, Collection[str]]:
        return {one.group: {member.client_id for member in one.members} for one in self.groups}

    def producers(self, since: int) -> Collection[BrokerProducer]:
        return [one for one in self.broker_producers if one.last >= since]

    def recent(self, wanted: EventFilter) -> Sequence[EventRow]:
        fitting = [row for row in self.rows if wanted.accepts(row)]
        return (fitting[::-1] if wanted.oldest else fitting)[: wanted.limit]

    def stored(
        self,
        mark: Mark | None,
        limit: int,
        wanted: EventFilter = ANY_EVENT,
        *,
        listed: bool = False,
    ) -> Stored:
        begin = len(self.activity) if mark is None else mark.messages
        found = self.activity[begin : begin + limit]
        after = begin + len(found)
        fitting = [one for one in found if (one.listed or not listed) and wanted.accepts(one.event)]
        return Stored(fitting, Mark(after, 0), after < len(self.activity))

    def attend(self) -> None:
        pass

    def catch_up(self, seconds: float) -> bool:
        return False

    def consumers(self, *, paces: bool = True) -> Sequence[Consumer]:
        return list(self.groups)

    def declared(self) -> Sequence[Declared]:
        return list(self.expected)

    def bodies(self, start: int, end: int) -> Sequence[Body]:
        self.windows.append((start, end))
        return list(self.stored_bodies)

    def gaps(self, destinations: Collection[str] = ()) -> Sequence[Gap]:
        return [one for one in self.missed if not destinations or one.destination in destinations]

    def findings(self, since: int, kinds: Collection[Kind] = ()) -> Findings:
        fitting = [one for one in self.found if one.last >= since]
        return Findings([one for one in fitting if not kinds or one.kind in kinds], self.pruned)

    def sql(self, text: str, limit: int) -> Table:
        if not text.startswith("SELECT"):
            raise Refused("only SELECT may be asked")
        return replace(self.table, rows=self.table.rows[:limit])

    def covered_from(self) -> int:
        return self.pruned

    def prune(self, *, days: int | None, most: int | None, dry_run: bool) -> Leaving:
        pieces = (Piece("messages", "20260601", "20260601_1_1_0", 5_000_000, 700, self.pruned - 1),)
        return Leaving(self.pruned, pieces if self.pruned else ())

    def health(self) -> Sequence[Component]:
        return list(self.parts)

    def metrics_text(self) -> str:
        return "# TYPE flowtap_spans_stored_total counter\nflowtap_spans_stored_total 7.0\n"

    def refresh(self) -> None:
        self.refreshed += 1
