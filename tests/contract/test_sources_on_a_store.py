"""The same answers from a real store, over HTTP and in process, as the facts give in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collector.backend import StoreBackend
from collector.store.client import Store
from graph.chain import Chain
from graph.direction import Direction
from graph.edges import Role, View
from graph.listing import EventFilter
from graph.model import Evidence, IdKind
from graph.topology import NodeKey, NodeKind
from tests import stores
from tests.builders import Flow
from tests.flow_in_store import put_flow
from tests.memory_backend import MemoryBackend
from tests.serving import serving
from tui.client import Ambiguous, ApiClient, LocalSource, NotFound, Source

ODD = "ö der/7?x=1&y=2#z %2F+\"'"


def shop() -> Flow:
    """Orders that are paid and shipped, by spans, headers and correlation; a batch, a loner."""
    flow = Flow()
    for number in range(3):
        order = flow.send(
            "storefront",
            "orders",
            message_id=f"order-{number}",
            key="tea",
            event_type="Ordered",
            correlation_id=f"cart-{number}",
        )
        flow.process("analytics", order, by="position", group="analytics")
        paying = flow.process("payment", order, by="link", group="payment")
        flow.call("payment", "bank", inside=paying)
        paid = flow.send("payment", "payments", inside=paying, message_id=f"{ODD}{number}")
        shipping = flow.process("shipping", paid, group="shipping")
        flow.send("shipping", "parcels", inside=shipping, tapped=False)
        flow.send(
            "mailer",
            "mails",
            spanned=False,
            message_id=f"mail-{number}",
            causation_id=f"order-{number}",
            correlation_id=f"cart-{number}",
        )
    batch = flow.batch("storefront", "prices", 3, event_type="Priced")
    flow.process("shop-view", *batch, by="links with positions", group="view", batch_count=3)
    flow.send("audit", "secrets", tapped=False)
    return flow


def told(chain: Chain) -> object:
    """What a chain says, without what only one of the ways can know: bodies, times of receipt."""
    titles = {event.key: (event.title, event.message_id) for event in chain.events}
    return (
        sorted((str(key), *names) for key, names in titles.items()),
        sorted((titles[one.event], one.service, one.group) for one in chain.deliveries),
        sorted(
            (titles[one.cause], titles[one.effect], one.evidence, one.via, one.service)
            for one in chain.causes
        ),
        sorted((event.title, event.service, event.batch) for event in chain.events),
    )


@pytest.fixture(scope="module")
def backend(module_store: Store) -> StoreBackend:
    put_flow(module_store, shop())
    return StoreBackend(module_store, rollup=stores.rolled_up(module_store))


@pytest.fixture(params=["over http", "in process"])
def source(request: pytest.FixtureRequest, backend: StoreBackend) -> Iterator[Source]:
    if request.param == "in process":
        yield LocalSource(backend, "store")
        return
    with serving(backend) as url:
        yield ApiClient(url)


@pytest.mark.parametrize(
    "asked", ["order-1", "orders/0/1", f"{ODD}2", "mail-0", "cart-1", "prices/0/2", "payments/0/0"]
)
def test_chains_are_those_of_the_facts(source: Source, asked: str) -> None:
    expected = LocalSource(MemoryBackend.of(shop()), "memory").chain(asked)
    found = source.chain(asked)
    assert told(found) == told(expected)
    assert found.focus == expected.focus
    assert found.deliveries


def test_a_header_alone_is_declared(source: Source) -> None:
    chain = source.chain("mail-1", direction=Direction.CAUSES)
    assert [event.title for event in chain.events] == ["Ordered", "mails"]
    assert [cause.evidence for cause in chain.causes] == [Evidence.DECLARED]


def test_what_is_ambiguous_and_what_is_not_there(source: Source) -> None:
    with pytest.raises(Ambiguous) as error:
        source.chain("tea")
    assert [one.kind for one in error.value.candidates] == [IdKind.KEY] * 3
    for one in error.value.candidates:
        assert source.chain(one.ask).event(source.chain(one.ask).focus).record_key == "tea"
    with pytest.raises(NotFound):
        source.chain("coffee")


def test_every_row_of_the_list_leads_to_its_event(source: Source) -> None:
    rows = source.events(EventFilter(limit=1000)).rows
    assert len(rows) == 3 * 4 + 3 + 1
    assert [row.time for row in rows] == sorted((row.time for row in rows), reverse=True)
    for row in rows:
        event = source.chain(row.id, depth=0).event(source.chain(row.id, depth=0).focus)
        assert event.destination == row.destination
        assert event.service == row.service
        assert bool(event.messages) == row.tapped
    (secret,) = source.events(EventFilter(destination="secrets")).rows
    assert not secret.tapped
    priced = source.events(EventFilter(event_type="Priced")).rows
    assert [row.destination for row in priced] == ["prices"] * 3


def test_the_graph_counts_each_message_once(source: Source) -> None:
    topology = source.topology()
    counts = {
        (topology.node(edge.source).title, topology.node(edge.target).title): edge.count
        for edge in topology.edges
    }
    batch = counts.pop(("prices", "shop-view"))
    assert batch >= 1
    assert counts == {
        ("storefront", "orders"): 3,
        ("orders", "analytics"): 3,
        ("orders", "payment"): 3,
        ("payment", "bank"): 3,
        ("payment", "payments"): 3,
        ("payments", "shipping"): 3,
        ("shipping", "parcels"): 3,
        ("unknown producer", "mails"): 3,
        ("storefront", "prices"): 3,
        ("audit", "secrets"): 1,
    }
    one = source.topology(services=["analytics"])
    assert [edge.group for edge in one.edges] == ["analytics"]


def test_services_alone_are_counted_by_context(source: Source) -> None:
    alone = source.topology(view=View.SERVICES)
    counts = {
        (edge.source.kind.value, edge.source.name, edge.target.name): edge.count
        for edge in alone.edges
        if edge.role is Role.DELIVER
    }
    batch = counts.pop(("service", "storefront", "shop-view"))
    assert batch >= 1
    assert counts == {
        # It names what it handled by position, not by context.
        ("unknown", "orders", "analytics"): 3,
        ("service", "storefront", "payment"): 3,
        ("service", "payment", "shipping"): 3,
    }
    to_shipping = source.topology(view=View.SERVICES, services=["pay*"], destinations=["payments"])
    assert [edge.target.name for edge in to_shipping.edges] == ["shipping"]
    events = source.topology(view=View.EVENTS, evidence=[Evidence.OBSERVED])
    placed = {edge.target.name for edge in events.edges if edge.source.name == "Ordered"}
    assert placed == {"payment", "analytics"}


def test_minutes_of_a_node_sum_up_to_its_edges(source: Source) -> None:
    """Whatever its kind, and whatever its rows leave out."""
    topology = source.topology()
    kinds = set()
    for node in topology.nodes:
        kinds.add(node.kind)
        told = source.minutes(node.key, start=0)
        assert told == sorted(told)
        own = [
            edge
            for edge in topology.edges
            if node.key in (edge.source, edge.target)
            and (edge.target != node.key or edge.role is not Role.CALL or node.kind == "peer")
        ]
        for role in Role:
            counted = sum(edge.count for edge in own if edge.role is role)
            assert sum(one.count for one in told if one.role is role) == counted, (node.id, role)
        if not told:
            assert {edge.role for edge in topology.edges if edge.target == node.key} == {Role.CALL}
            continue
        late = told[-1].minute + 60 * 10**9
        assert source.minutes(node.key, start=late) == []
        assert source.minutes(node.key, start=0, end=late) == told
    assert {NodeKind.SERVICE, NodeKind.DESTINATION, NodeKind.UNKNOWN} <= kinds
    called = source.minutes(NodeKey(NodeKind.PEER, "bank"), start=0)
    assert sum(one.count for one in called) == 3


def test_a_batch_of_one_send_span_counts_each_message(backend: StoreBackend) -> None:
    topology = LocalSource(backend, "store").topology(destinations=["prices"], services=["shop-*"])
    assert [edge.count for edge in topology.edges] == [3]


def test_both_ways_say_the_same(backend: StoreBackend) -> None:
    local = LocalSource(backend, "store")
    with serving(backend) as url:
        remote = ApiClient(url)
        assert remote.chain("order-0") == local.chain("order-0")
        for view in View:
            assert remote.topology(view=view) == local.topology(view=view)
        assert remote.events(EventFilter()) == local.events(EventFilter())
        assert remote.consumers() == local.consumers()
        assert remote.fate("order-0") == local.fate("order-0")
        assert remote.health() == local.health()
