"""Where findings stand: on which nodes of the graph, on which lines of a chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from graph.chain.result import Chain, Delivery, DeliveryKey, Event, EventKey
from graph.findings.kinds import worst_first
from graph.findings.model import MINUTE, Finding, Kind, State, Subject
from graph.model import SpanContext
from graph.topology import NodeKey, NodeKind, Role, Topology
from tui.drawing.chain_findings import FoundInChain
from tui.drawing.finding_flags import Found

LASTING = frozenset(
    {
        Kind.STUCK,
        Kind.STORMING,
        Kind.STALE,
        Kind.UNCONSUMED,
        Kind.BROKEN_CONTEXT,
        Kind.CLOCK_SKEW,
    }
)
"""Kinds that hold for all that their subject does meanwhile; the others are of single events."""


def standing(findings: Iterable[Finding]) -> list[Finding]:
    """Those that anybody is to be bothered with now, the worst first."""
    return sorted(
        (one for one in findings if one.state is State.OPEN and not one.muted), key=worst_first
    )


def found_on(findings: Iterable[Finding], topology: Topology) -> Found:
    """The nodes that findings stand on, each with its own."""
    here = _Nodes(topology)
    found: dict[NodeKey, list[Finding]] = defaultdict(list)
    for one in sorted(findings, key=worst_first):
        for node in here.of(one):
            found[node].append(one)
    return found


def nodes_of(finding: Finding, topology: Topology) -> list[NodeKey]:
    """Who a finding is about; where it is about nobody who is in the graph, the destination."""
    return _Nodes(topology).of(finding)


class _Nodes:
    """A topology's nodes by their names and by the groups as which they consume."""

    def __init__(self, topology: Topology) -> None:
        self._named: dict[str, list[NodeKey]] = defaultdict(list)
        self._consuming: dict[str, dict[NodeKey, set[str]]] = defaultdict(dict)
        for node in topology.nodes:
            self._named[node.key.name].append(node.key)
        for edge in topology.edges:
            if edge.role is Role.CONSUME and edge.group:
                reads = self._consuming[edge.group].setdefault(edge.target, set())
                reads.add(edge.source.name)

    def of(self, finding: Finding) -> list[NodeKey]:
        subject, kind = finding.subject, finding.kind
        who = self._who(subject)
        if kind is Kind.CLOCK_SKEW:
            who += self._services(subject.peer, subject)
        if who and kind is not Kind.DEAD_LETTER:
            return list(dict.fromkeys(who))
        names = [subject.destination]
        if kind is Kind.DEAD_LETTER:
            # Where they were given up, and where they lie now.
            names = [subject.peer] if who else [subject.peer, subject.destination]
        places = [
            key
            for name in names
            for key in self._named.get(name, ())
            if key.kind is NodeKind.DESTINATION
            and _agree(key.environment, subject.environment)
            and _agree(key.system, subject.system)
            and _agree(key.cluster, subject.cluster)
        ]
        return list(dict.fromkeys((*who, *places)))

    def _who(self, subject: Subject) -> list[NodeKey]:
        if who := self._services(subject.service, subject):
            return who
        consuming = self._consuming.get(subject.group, {})
        reading = [key for key, reads in consuming.items() if subject.destination in reads]
        return reading or list(consuming) or self._services(subject.group, subject)

    def _services(self, name: str, subject: Subject) -> list[NodeKey]:
        return [
            key
            for key in (self._named.get(name, ()) if name else ())
            if key.kind in (NodeKind.SERVICE, NodeKind.GROUP, NodeKind.PEER)
            and _agree(key.environment, subject.environment)
        ]


def found_in(findings: Iterable[Finding], chain: Chain) -> FoundInChain:
    """What stands on a chain's lines: findings that name an event as proof, on the delivery that
    they are about, else on the event; and what held just then for a consumer, or a destination."""
    proving: dict[str, list[Finding]] = defaultdict(list)
    lasting: dict[str, list[Finding]] = defaultdict(list)
    for one in findings:
        if one.muted:
            continue
        for proof in one.proof:
            if proof.id:
                proving[proof.id].append(one)
        if one.kind in LASTING:
            for name in {one.subject.service, one.subject.group} - {""} or {""}:
                lasting[name].append(one)
    found: dict[EventKey | DeliveryKey, dict[str, Finding]] = defaultdict(dict)
    for event in chain.events:
        deliveries = chain.deliveries_of(event.key)
        names = {str(event.key), *map(str, event.positions), *map(_span, event.contexts)}
        names |= {_span(one.context) for each in deliveries for one in each.operations}
        for proved in (one for name in names for one in proving.get(name, ())):
            whose = [each.key for each in deliveries if _about(proved, each)]
            keys: Sequence[EventKey | DeliveryKey] = whose or (event.key,)
            for key in keys:
                found[key][proved.id] = proved
        for held in (*lasting.get(event.service, ()), *lasting.get("", ())):
            if held.subject.destination == event.destination and _meanwhile(held, event.time):
                found[event.key][held.id] = held
        for each in deliveries:
            for held in (*lasting.get(each.service, ()), *lasting.get(each.group, ())):
                if held.subject.service + held.subject.group and _holds(held, each, event):
                    found[each.key][held.id] = held
    return {key: sorted(some.values(), key=worst_first) for key, some in found.items() if some}


def _span(context: SpanContext) -> str:
    return f"{context.trace_id}/{context.span_id}"


def _about(finding: Finding, delivery: Delivery) -> bool:
    """Whether the consumer is who the finding is about."""
    names = {finding.subject.service, finding.subject.group} - {""}
    return bool(names & {delivery.service, delivery.group})


def _holds(finding: Finding, delivery: Delivery, event: Event) -> bool:
    """Whether a lasting finding held for a consumer when it handled, or should have handled."""
    places = {"", event.destination, *(one.destination for one in event.positions)}
    at = delivery.start or event.time
    if finding.kind is Kind.CLOCK_SKEW and finding.subject.peer != event.service:
        return False
    return finding.subject.destination in places and _meanwhile(finding, at)


def _meanwhile(finding: Finding, at: int) -> bool:
    return finding.first - MINUTE <= at < finding.last + MINUTE


def _agree(one: str, other: str) -> bool:
    return one == other or not one or not other
