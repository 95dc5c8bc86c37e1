"""What every source of answers does alike: asked over HTTP, or in process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from graph.chain import Limits, Start, Stop, find
from graph.chain.result import Creation
from graph.direction import Direction
from graph.edges import Role
from graph.fate import Status
from graph.fate.consumers import Declared
from graph.findings.model import Finding, Kind, State
from graph.findings.wanted import Wanted
from graph.listing import Activity, Consumer, EventFilter, EventRow, Member
from graph.model import IdKind, Progress
from graph.series import MinuteCount
from graph.topology import NodeKey, NodeKind, Topology
from tests import found
from tests.builders import Flow
from tests.memory_backend import MemoryBackend
from tests.serving import serving
from tests.tui import shop
from tui.client import Ambiguous, ApiClient, LocalSource, NotFound, Source

ODD = "ö der/7?x=1&y=2#z %2F+\"'"


def orders() -> Flow:
    """Two orders with one key each; the first is paid and shipped, with an odd message id."""
    flow = Flow()
    first = flow.send("storefront", "orders", message_id="order-1", key="tea", event_type="Ordered")
    paying = flow.process("payment", first)
    paid = flow.send("payment", "payments", inside=paying, message_id=ODD, event_type="Paid")
    shipping = flow.process("shipping", paid)
    flow.send("shipping", "parcels", inside=shipping, message_id="parcel-1", event_type="Shipped")
    flow.send("storefront", "orders", message_id="order-2", key="tea", event_type="Ordered")
    flow.send("audit", "secrets", tapped=False)
    flow.message("effects", causation_id="order-8")
    return flow


@pytest.fixture
def backend() -> MemoryBackend:
    made = MemoryBackend.of(orders())
    made.edge_rows = shop.edges()
    made.groups = [
        Consumer(
            "payment",
            "c1",
            "Stable",
            members=(Member("m-1", "client-1", "/10.0.0.7", (("orders", "0"),)),),
            progress=(Progress("c1", "payment", "orders", "0", 1, 2, shop.NOON, "i1"),),
            services=("payment",),
            time=shop.NOON,
            oldest=shop.NOON - 3 * 10**9,
            rate=2.0,
            growth=1.5,
        )
    ]
    made.found = list(found.ALL)
    return made


@pytest.fixture(params=["over http", "in process"])
def source(request: pytest.FixtureRequest, backend: MemoryBackend) -> Iterator[Source]:
    if request.param == "in process":
        yield LocalSource(backend, "memory")
        return
    with serving(backend) as url:
        yield ApiClient(url)


def test_a_chain_is_the_one_that_is_there(source: Source, backend: MemoryBackend) -> None:
    (row,) = [row for row in backend.rows if row.message_id == "order-1"]
    (place,) = [one for one in backend.facts.resolve("order-1") if one.position]
    assert place.position is not None
    chain = source.chain("order-1")
    assert chain == find(backend.facts, Start(positions=(place.position,)))
    assert [event.event_type for event in chain.events] == ["Ordered", "Paid", "Shipped"]
    assert chain.services == ("payment", "shipping", "storefront")
    assert source.chain(row.id) == chain


def test_a_chain_says_why_when_it_is_asked(source: Source) -> None:
    plain, told = source.chain("order-1"), source.chain("order-1", explained=True)
    assert plain.explanations == ()
    assert replace(told, explanations=()) == plain
    assert [one.event for one in told.explanations] == [event.key for event in told.events]
    up = source.chain(ODD, explained=True, direction=Direction.CAUSES)
    assert [one.event for one in up.explanations] == [event.key for event in up.events]


def test_an_id_may_hold_any_character(source: Source) -> None:
    chain = source.chain(ODD)
    assert chain.event(chain.focus).message_id == ODD


def test_a_chain_goes_only_up_or_only_down(source: Source) -> None:
    up = source.chain(ODD, direction=Direction.CAUSES)
    down = source.chain(ODD, direction=Direction.EFFECTS)
    assert [event.event_type for event in up.events] == ["Ordered", "Paid"]
    assert [event.event_type for event in down.events] == ["Paid", "Shipped"]


def test_a_chain_says_which_limit_cut_it(source: Source) -> None:
    assert source.chain("order-1", limit=1).stopped is Stop.EVENTS
    with pytest.raises(NotFound):  # nothing was, by then
        source.chain("order-1", seconds=1e-9)
    cut = source.chain("order-1", depth=1)
    assert cut.stopped is Stop.DEPTH
    assert [event.event_type for event in cut.events] == ["Ordered", "Paid"]


def test_what_nobody_knows_is_not_found(source: Source) -> None:
    with pytest.raises(NotFound, match="nothing is known by order-9") as error:
        source.chain("order-9")
    assert "correlation id" in error.value.hint


def test_an_id_of_several_events_gives_a_choice(source: Source) -> None:
    with pytest.raises(Ambiguous) as error:
        source.chain("tea")
    chosen = error.value.candidates
    assert {one.kind for one in chosen} == {IdKind.KEY}
    assert {source.chain(one.ask).focus for one in chosen} == {
        event.key for event in (source.chain(f"order-{n}").events[0] for n in (1, 2))
    }


def test_fates_are_those_of_the_facts(source: Source, backend: MemoryBackend) -> None:
    backend.expected = [Declared("audit", destinations=("orders",))]
    told = source.fate("order-1")
    assert {one.name: one.status for one in told.consumers} == {
        "audit": Status.NO_EVIDENCE,
        "payment": Status.HANDLED,
    }
    assert told.event.message_id == "order-1"
    assert source.fate(told.event.id).consumers == told.consumers
    with pytest.raises(NotFound, match="nothing is known by order-9"):
        source.fate("order-9")
    assert len(source.chain("order-8").events) == 1, "what it caused was seen, and is shown"
    with pytest.raises(NotFound, match="nothing is known by order-8"):
        source.fate("order-8")
    with pytest.raises(Ambiguous) as error:
        source.fate("tea")
    assert {source.fate(one.ask).event.message_id for one in error.value.candidates} == {
        "order-1",
        "order-2",
    }


def test_an_event_that_no_tap_saw_goes_by_its_context(source: Source) -> None:
    assert source.events(EventFilter(destination="secrets")).rows == []
    (operation,) = [one for one in orders().operations.values() if one.service == "audit"]
    chain = source.chain(f"{operation.context.trace_id}/{operation.context.span_id}")
    assert chain.focus == Creation(operation.context, "secrets")


def test_the_topology_is_that_of_the_edges(source: Source, backend: MemoryBackend) -> None:
    members = backend.members()
    whole = Topology.build(backend.edge_rows, members, start=60 * 10**9, end=120 * 10**9)
    assert source.topology(start=60 * 10**9, end=120 * 10**9) == whole
    assert backend.windows == [(60 * 10**9, 120 * 10**9)]
    assert backend.refreshed == 1


def test_the_topology_is_filtered(source: Source, backend: MemoryBackend) -> None:
    whole = Topology.build(backend.edge_rows, backend.members())
    assert source.topology() == whole
    services, places, types = ["PAY*"], ["order.*", "stock.*"], ["stock.reserved"]
    assert source.topology(services=services) == whole.filtered(services=services)
    assert source.topology(destinations=places) == whole.filtered(destinations=places)
    assert source.topology(event_types=types) == whole.filtered(event_types=types)


def test_a_node_is_told_minute_by_minute(source: Source, backend: MemoryBackend) -> None:
    node = NodeKey(NodeKind.DESTINATION, ODD, system="kafka", cluster="eu 1")
    counts = [MinuteCount(60 * 10**9, Role.PRODUCE, 7, 1), MinuteCount(0, Role.CONSUME, 3, 0)]
    backend.minute_counts[node] = counts
    assert source.minutes(node, start=60 * 10**9, end=120 * 10**9) == counts
    assert backend.windows == [(60 * 10**9, 120 * 10**9)]
    assert source.minutes(node._replace(cluster=""), start=60 * 10**9) == []


def test_events_are_the_newest_that_fit(source: Source, backend: MemoryBackend) -> None:
    assert source.events(EventFilter())[:2] == (backend.rows, False)
    ordered = source.events(EventFilter(event_type="Ordered", key="tea", destination="orders"))
    assert [row.message_id for row in ordered.rows] == ["order-2", "order-1"]
    later = backend.rows[1].time
    assert source.events(EventFilter(since=later)).rows == backend.rows[:2]
    assert source.events(EventFilter(until=later)).rows == backend.rows[2:]


@pytest.mark.parametrize("oldest", [False, True])
def test_a_list_that_was_cut_says_so(source: Source, backend: MemoryBackend, oldest: bool) -> None:
    rows = backend.rows[::-1] if oldest else backend.rows
    assert source.events(EventFilter(limit=2, oldest=oldest))[:2] == (rows[:2], True)
    assert source.events(EventFilter(limit=len(rows), oldest=oldest))[:2] == (rows, False)


def test_consumers_are_told_whole(source: Source, backend: MemoryBackend) -> None:
    assert source.consumers() == backend.groups
    assert source.consumers()[0].lag == 1
    assert (source.consumers()[0].lag_seconds, source.consumers()[0].catch_up) == (3.0, 2.0)


def test_health_tells_each_part(source: Source, backend: MemoryBackend) -> None:
    assert source.health()["status"] == "ok"
    backend.parts[0] = replace(backend.parts[0], ok=False, detail="the disk is full")
    health = source.health()
    assert health["status"] == "degraded"
    assert health["components"][0]["detail"] == "the disk is full"


def activity(number: int, destination: str = "orders") -> Activity:
    row = EventRow(f"{destination}/0/{number}", shop.NOON, destination, received=shop.NOON)
    return Activity(row, "process" if number % 2 else "", "payment" if number % 2 else "", number)


def test_what_is_stored_is_followed(source: Source, backend: MemoryBackend) -> None:
    backend.activity += [activity(0)]
    wanted = EventFilter(destination="orders")
    following = source.follow(wanted)
    seen: list[Activity] = []
    enough = threading.Event()

    def read() -> None:
        for one in following:
            seen.append(one)
            if len(seen) >= 2:
                enough.set()

    reader = threading.Thread(target=read)
    reader.start()
    number = 1
    while not enough.wait(0.05):
        # Who follows over HTTP is there some time after it asked: it is told again until then.
        backend.activity += [activity(number), activity(number, "payments")]
        number += 1
    following.close()
    reader.join(10)
    assert not reader.is_alive()
    assert {one.event.destination for one in seen} == {"orders"}
    assert seen[0] in backend.activity
    assert seen[0] != activity(0)


def test_a_source_is_closed_without_a_word(source: Source) -> None:
    with closing(source):
        assert source.name


def test_a_whole_correlation_comes_back() -> None:
    """Asked in process: HTTP would only add its time."""
    flow = Flow()
    for number in range(1_000):
        flow.send("meter", "readings", message_id=f"r-{number}", correlation_id="day-1")
    chain = LocalSource(MemoryBackend.of(flow), "memory").chain("day-1")
    assert len(chain.events) == 1_000
    assert chain.stopped is None
    assert len(chain.events) <= Limits().events


def test_findings_are_told_whole_and_narrowed(source: Source) -> None:
    def asked(**wanted: Any) -> list[Finding]:
        return list(source.findings(Wanted(since=1, **wanted)).findings)

    assert asked(muted=True) == found.ALL
    assert asked() == [found.DEAD, found.SKEW]
    assert asked(kinds=(Kind.CLOCK_SKEW, Kind.STALE)) == [found.SKEW]
    assert asked(services=("payment",)) == [found.SKEW]
    assert asked(destinations=("orders*",), state=State.OPEN) == [found.DEAD]
    assert asked(until=found.DEAD.first) == [found.SKEW]
    cut = source.findings(Wanted(since=1, limit=1))
    assert (list(cut.findings), cut.more) == ([found.DEAD], True)
    assert source.findings(Wanted()).findings == [], "without a beginning, the last day is meant"
