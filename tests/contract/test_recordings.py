"""Recordings of real client libraries, in a real store: their chains, in both directions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from collector import questions
from collector.backend import StoreBackend
from collector.store.client import Store
from graph.chain import Cause, Chain, Delivery, Event
from graph.chain.result import Join
from graph.direction import Direction, directed
from graph.listing import EventFilter
from tests import recorded, stores
from tests.contract.recordings_expected import EXPECTED, Fact
from tests.contract.unmet import UNMET_RECORDED
from tests.recorded import COPY, Recording

LIBRARIES = sorted(EXPECTED)


@pytest.mark.parametrize("library", LIBRARIES)
def test_chains_and_graph_of_a_recording(store: Store, library: str) -> None:
    recording = recorded.read(library)
    recorded.put(store, recording)
    backend = StoreBackend(store, rollup=stores.rolled_up(store))
    facts = _as_it_stands(library, EXPECTED[library].facts)
    for position, name in recording.names.items():
        chain = questions.chain(backend, str(position))
        focus = recording.called(chain.focus)
        assert focus in (name, name.removesuffix(COPY))
        down = _told(recording, directed(chain, Direction.EFFECTS))
        _judge(f"{library}, down from {name}", down, _below(facts, focus))
        up = _told(recording, directed(chain, Direction.CAUSES))
        _judge(f"{library}, up from {name}", up, _above(facts, focus))
    _lists_and_graph_count_each_message_once(library, recording, backend)


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_messages_alone_tell(store: Store, library: str) -> None:
    recording = recorded.read(library)
    recorded.put(store, recording, spans=False)
    backend = StoreBackend(store)
    found: set[Fact] = set()
    for position in recording.names:
        chain = questions.chain(backend, str(position))
        for event in chain.events:
            found.add(Fact("event", (recording.called(event.key), *_spread(event))))
        for cause in chain.causes:
            found.add(Fact("cause", (*_pair(recording, cause), *_reason(cause))))
    expected = EXPECTED[library].declared_joins | {
        Fact("event", (name, *_several(recording.copies(name))))
        for name in recording.names.values()
        if not name.endswith(COPY)
    }
    case = f"{library}, messages alone"
    _judge(case, found, _as_it_stands(case, expected))


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_spans_alone_tell(store: Store, library: str) -> None:
    recording = replace(recorded.read(library), tapped=False)
    recorded.put(store, recording)
    backend = StoreBackend(store)
    case = f"{library}, spans alone"
    facts = _as_it_stands(case, EXPECTED[library].told_by_spans)
    for context in dict.fromkeys(recording.contexts.values()):
        chain = questions.chain(backend, f"{context.trace_id}/{context.span_id}")
        focus = recording.called(chain.focus)
        down = _told(recording, directed(chain, Direction.EFFECTS))
        _judge(f"{case}, down from {focus}", down, _below(facts, focus))
        up = _told(recording, directed(chain, Direction.CAUSES))
        _judge(f"{case}, up from {focus}", up, _above(facts, focus))


def test_every_recording_has_its_table() -> None:
    assert sorted(path.stem for path in recorded.DATA.glob("*.json")) == LIBRARIES
    cases = {
        f"{library}{part}"
        for library in LIBRARIES
        for part in ("", ", messages alone", ", spans alone", ", graph")
    }
    assert set(UNMET_RECORDED) <= cases


def _as_it_stands(case: str, expected: set[Fact]) -> set[Fact]:
    """What is expected, but for what is listed as not met: lines that begin with `-` are
    missing, lines that begin with `+` are there and wrong."""
    listed = {Fact.of(line[1:]): line[0] for line in UNMET_RECORDED.get(case, {})}
    missing = {fact for fact, sign in listed.items() if sign == "-"}
    wrong = {fact for fact, sign in listed.items() if sign == "+"}
    assert missing <= expected, "listed, but never expected"
    assert not wrong & expected, "listed as wrong, but expected"
    return (expected - missing) | wrong


def _judge(case: str, found: set[Fact], expected: set[Fact]) -> None:
    differences = [f"+ {fact}" for fact in found - expected]
    differences += [f"- {fact}" for fact in expected - found]
    hint = "what is met now is to be taken off the list in unmet.py"
    assert not differences, "\n".join([case, *sorted(differences), hint])


def _lists_and_graph_count_each_message_once(
    library: str, recording: Recording, backend: StoreBackend
) -> None:
    rows = backend.recent(EventFilter(limit=1000))
    assert sorted(row.id for row in rows) == sorted(map(str, recording.names))
    topology = questions.topology(backend)
    found = {
        Fact.of(
            f"edge {topology.node(edge.source).title} {topology.node(edge.target).title} "
            f"{edge.count}"
        )
        for edge in topology.edges
    }
    case = f"{library}, graph"
    _judge(case, found, _as_it_stands(case, EXPECTED[library].edge_facts))


# What is expected from one event on


def _below(facts: set[Fact], name: str) -> set[Fact]:
    kept = _reached(name, {(one.words[0], one.words[1]) for one in facts if one.is_cause})
    return {
        fact
        for fact in facts
        if fact.words[0] in kept and (not fact.is_cause or fact.words[1] in kept)
    }


def _above(facts: set[Fact], name: str) -> set[Fact]:
    """Deliveries are those that led on."""
    kept = _reached(name, {(one.words[1], one.words[0]) for one in facts if one.is_cause})
    causes = {one for one in facts if one.is_cause and kept.issuperset(one.words[:2])}
    led = {(cause.words[0], cause.words[2]) for cause in causes}
    return causes | {
        fact
        for fact in facts
        if (fact.kind == "event" and fact.words[0] in kept)
        or (fact.kind == "delivery" and fact.words[:2] in led)
    }


def _reached(name: str, steps: set[tuple[str, str]]) -> set[str]:
    reached = {name}
    while more := {there for here, there in steps if here in reached} - reached:
        reached |= more
    return reached


# What a chain says


def _told(recording: Recording, chain: Chain) -> set[Fact]:
    facts = {_event(recording, event) for event in chain.events}
    facts |= {_delivery(recording, delivery) for delivery in chain.deliveries}
    for cause in chain.causes:
        at = _consumer(cause.service, cause.group)
        facts.add(Fact("cause", (*_pair(recording, cause), at, *_reason(cause))))
    assert len(facts) == len(chain.events) + len(chain.deliveries) + len(chain.causes)
    return facts


def _event(recording: Recording, event: Event) -> Fact:
    name = recording.called(event.key)
    by = event.service or "somebody"
    return Fact("event", (name, by, *_how(event.joins), *_spread(event)))


def _delivery(recording: Recording, delivery: Delivery) -> Fact:
    tried = {context for attempt in delivery.attempts for context in attempt.operations}
    joins = [join for join in delivery.joins if join.operation in tried]
    ends = ["failed" if attempt.error else "ok" for attempt in delivery.attempts]
    at = _consumer(delivery.service, delivery.group)
    return Fact("delivery", (recording.called(delivery.event), at, *_how(joins), *ends))


def _pair(recording: Recording, cause: Cause) -> tuple[str, str]:
    return recording.called(cause.cause), recording.called(cause.effect)


def _reason(cause: Cause) -> tuple[str, ...]:
    fitting = f"1 of {cause.candidates}" if cause.candidates > 1 else ""
    return (cause.evidence.value, *cause.via.value.split(), *fitting.split())


def _how(joins: Iterable[Join]) -> tuple[str, ...]:
    """The surest evidence of several joins, and what those were read from."""
    joins = list(joins)
    if not joins:
        return ("unknown",)
    surest = min((join.evidence for join in joins), key=lambda evidence: evidence.rank)
    vias = {join.via.value for join in joins if join.evidence is surest}
    return (surest.value, *"/".join(sorted(vias)).split())


def _spread(event: Event) -> tuple[str, ...]:
    return _several(len(event.positions))


def _several(positions: int) -> tuple[str, ...]:
    return (str(positions), "positions") if positions > 1 else ()


def _consumer(service: str, group: str) -> str:
    return f"{service}/{group}" if group else service or "somebody"
