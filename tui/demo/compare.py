"""What flowtap found, held against what the shop's services wrote down. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields

from graph.chain.result import Chain, Event, EventKey
from graph.edges import Role
from graph.model import Evidence
from graph.topology import NodeKind, Topology
from samples.shop.flow import Known
from samples.shop.truth import Chain as TrueChain
from samples.shop.truth import Truth, Unknowable


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the ledgers say."""

    kind: str
    """`missing`, `wrong`, `invented`."""
    what: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many facts of one sort were to be found, and how many were."""

    expected: int = 0
    found: int = 0
    wrong: int = 0
    """Missing, of another count, or invented."""


@dataclass(frozen=True, slots=True)
class Grade:
    """Causes of one evidence: how many of those that it makes knowable were found, and how many
    of those that are shown with it are right."""

    knowable: int = 0
    """Causes that the ledgers say can be known by this evidence, and by no surer one."""
    found: int = 0
    """Of these, found with this evidence or a surer one."""
    shown: int = 0
    """Joins shown with it; one of several that fit counts like any other."""
    right: int = 0

    @property
    def recall(self) -> float:
        return self.found / self.knowable if self.knowable else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.shown if self.shown else 1.0


INFERRED_LEAST = 0.95
"""Precision and recall of what is only inferred. Everything surer has to be right and complete."""


@dataclass(frozen=True, slots=True)
class Report:
    """The comparison. It agrees when nothing is wrong and there was something to find."""

    edges: Tally
    messages: Tally
    """Messages and calls that the edges count."""
    chains: Tally
    events: Tally
    causes: Tally
    deliveries: Tally
    differences: tuple[Difference, ...] = ()
    unknowable: tuple[Unknowable, ...] = ()
    passed_only: int = 0
    """Deliveries that only a group's progress tells: counted on the edges, in no chain."""
    grades: Mapping[Evidence, Grade] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        inferred = self.grades.get(Evidence.INFERRED, Grade())
        return (
            not self.differences
            and self.edges.found > 0
            and self.chains.found > 0
            and min(inferred.recall, inferred.precision) >= INFERRED_LEAST
        )


def compare(truth: Truth, topology: Topology, chain_of: Callable[[str], Chain | None]) -> Report:
    """Hold the graph and every chain against the truth; `chain_of` finds one by its first id."""
    edges, messages, differences = _compare_edges(truth, topology)
    found: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    grades: Counter[tuple[Evidence, str]] = Counter()
    passed_only = 0
    for true in truth.chains:
        told = _compare_chain(true, chain_of(true.root))
        found.update(told.found)
        expected.update(told.expected)
        grades.update(told.grades)
        passed_only += told.passed_only
        differences += told.differences
        expected["chains"] += 1
        found["chains"] += not told.differences
    wrong: Counter[str] = Counter(difference.what.split(" ", 1)[0] for difference in differences)
    tallies = {
        name: Tally(expected[name], found[name], wrong[singular])
        for name, singular in (("events", "event"), ("causes", "cause"), ("deliveries", "delivery"))
    }
    return Report(
        edges=edges,
        messages=messages,
        chains=Tally(expected["chains"], found["chains"], expected["chains"] - found["chains"]),
        **tallies,
        differences=tuple(differences),
        unknowable=truth.unknowable,
        passed_only=passed_only,
        grades={
            evidence: Grade(**{each.name: grades[evidence, each.name] for each in fields(Grade)})
            for evidence in Evidence
        },
    )


EdgeName = tuple[str, str, str]
"""Role, source, target."""


def _compare_edges(truth: Truth, topology: Topology) -> tuple[Tally, Tally, list[Difference]]:
    expected: dict[EdgeName, tuple[int, int]] = {}
    for true in truth.edges:
        source = true.source if true.kind == "consume" else true.seen_as
        target = true.seen_as if true.kind == "consume" else true.target
        expected[true.kind, source, target] = (true.count, true.errors)
    found: Counter[EdgeName] = Counter()
    errors: Counter[EdgeName] = Counter()
    for edge in topology.edges:
        if edge.source.kind is NodeKind.UNKNOWN:
            continue
        name = (str(edge.role), edge.source.name, edge.target.name)
        found[name] += edge.count
        errors[name] += edge.errors
    differences = []
    right = counted = 0
    for name, (count, failed) in expected.items():
        if name not in found:
            differences.append(Difference("missing", _edge(name), str(count)))
        elif (found[name], errors[name]) != (count, failed):
            differences.append(
                Difference(
                    "wrong",
                    _edge(name),
                    f"{count} ({failed} failed)",
                    f"{found[name]} ({errors[name]} failed)",
                )
            )
        else:
            right += 1
            counted += count
    for name in found.keys() - expected.keys():
        differences.append(Difference("invented", _edge(name), found=str(found[name])))
    differences += _unclaimed(truth, topology)
    total = sum(count for count, _ in expected.values())
    return (
        Tally(len(expected), right, len(differences)),
        Tally(total, counted, total - counted),
        differences,
    )


def _unclaimed(truth: Truth, topology: Topology) -> Iterable[Difference]:
    """Messages without a producer are right just where the ledgers say that nobody can know."""
    allowed: Counter[str] = Counter()
    for unknown in truth.unknowable:
        if unknown.fact == "producer":
            allowed[unknown.topic] += unknown.count
    for edge in topology.edges:
        if edge.role is Role.PRODUCE and edge.source.kind is NodeKind.UNKNOWN:
            topic = edge.target.name
            if edge.count != allowed[topic]:
                yield Difference(
                    "wrong",
                    f"edge unknown producer -> {topic}",
                    str(allowed[topic]),
                    str(edge.count),
                )


def _edge(name: EdgeName) -> str:
    role, source, target = name
    return f"edge {source} -> {target} ({role})"


@dataclass(frozen=True, slots=True)
class _Told:
    found: Counter[str]
    expected: Counter[str]
    grades: Counter[tuple[Evidence, str]]
    """Counts of `Grade`, by evidence and field."""
    differences: list[Difference]
    passed_only: int = 0


def _compare_chain(true: TrueChain, chain: Chain | None) -> _Told:
    told = _Told(Counter(), Counter(), Counter(), [])
    if chain is None:
        told.differences.append(Difference("missing", f"chain of {true.root}"))
        return told
    by_id = {event.message_id: event for event in chain.events if event.message_id}
    names = {event.key: event.message_id or str(event.key) for event in chain.events}
    for true_event in true.events:
        told.expected["events"] += 1
        event = by_id.get(true_event.ce_id)
        what = f"event {true_event.type} {true_event.ce_id}"
        if event is None:
            told.differences.append(Difference("missing", what))
        elif event.service != true_event.service and true_event.service_known:
            told.differences.append(
                Difference("wrong", f"{what}: producer", true_event.service, event.service)
            )
        else:
            told.found["events"] += 1
    true_ids = {event.ce_id for event in true.events}
    for event in chain.events:
        if event.message_id not in true_ids:
            told.differences.append(Difference("invented", f"event {event.title} {event.key}"))
    for copy in true.copies:
        held = by_id.get(copy.ce_id)
        places = {str(position) for position in held.positions} if held else set()
        place = f"{copy.topic}/{copy.partition}/{copy.offset}"
        if place not in places:
            told.differences.append(Difference("missing", f"event {copy.ce_id}: copy at {place}"))
    _compare_causes(true, chain, by_id, names, told)
    return _compare_deliveries(true, chain, by_id, told)


def _compare_causes(
    true: TrueChain,
    chain: Chain,
    by_id: Mapping[str, Event],
    names: Mapping[EventKey, str],
    told: _Told,
) -> None:
    wanted = {event.ce_id: event for event in true.events if event.cause_known}
    for ce_id, true_event in wanted.items():
        told.expected["causes"] += 1
        event = by_id.get(ce_id)
        joins = chain.causes_of(event.key) if event else ()
        right = [join for join in joins if names[join.cause] == true_event.cause]
        what = f"cause of {true_event.type} {ce_id}"
        ways = [_EVIDENCE[known] for known in true_event.cause_known]
        surest = min(ways, key=lambda way: way.rank)
        told.grades[surest, "knowable"] += 1
        if not right:
            if surest is not Evidence.INFERRED:
                told.differences.append(Difference("missing", what, true_event.cause))
            continue
        if right[0].evidence.rank > max(way.rank for way in ways):
            told.differences.append(
                Difference(
                    "wrong", f"{what}: evidence", str(true_event.cause_known), right[0].evidence
                )
            )
            continue
        told.found["causes"] += 1
        told.grades[surest, "found"] += 1
    for join in chain.causes:
        effect = wanted.get(names[join.effect])
        told.grades[join.evidence, "shown"] += 1
        if effect is not None and names[join.cause] == effect.cause:
            told.grades[join.evidence, "right"] += 1
        elif join.evidence is not Evidence.INFERRED:
            told.differences.append(
                Difference(
                    "invented",
                    f"cause of {names[join.effect]}",
                    effect.cause if effect else "",
                    f"{names[join.cause]} ({join.evidence} by {join.via})",
                )
            )


_EVIDENCE = {
    Known.SPAN: Evidence.OBSERVED,
    Known.CAUSATION: Evidence.DECLARED,
    Known.SOURCE: Evidence.DECLARED,
    Known.CORRELATION: Evidence.INFERRED,
}
"""The weakest evidence that a fact known in this way may have."""


def _compare_deliveries(
    true: TrueChain, chain: Chain, by_id: Mapping[str, Event], told: _Told
) -> _Told:
    passed_only = 0
    true_services: set[tuple[str, str]] = set()
    for delivery in true.deliveries:
        true_services.add((delivery.ce_id, delivery.seen_as))
        if Known.SPAN not in delivery.known:
            passed_only += 1
            continue
        told.expected["deliveries"] += 1
        event = by_id.get(delivery.ce_id)
        found = [
            each
            for each in (chain.deliveries_of(event.key) if event else ())
            if each.service == delivery.seen_as
        ]
        what = f"delivery of {delivery.ce_id} at {delivery.seen_as}"
        if not found:
            told.differences.append(Difference("missing", what))
        elif len(found) > 1:
            told.differences.append(Difference("wrong", what, "1", str(len(found))))
        else:
            told.found["deliveries"] += 1
    for each in chain.deliveries:
        name = chain.event(each.event).message_id
        if (name, each.service) not in true_services:
            told.differences.append(
                Difference("invented", f"delivery of {name} at {each.service or each.group}")
            )
    return _Told(told.found, told.expected, told.grades, told.differences, passed_only)
