"""A real store tells the same stories as facts in memory do."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from collector.store.client import Store, StoreError
from collector.store.facts import RESOLVED, StoreFacts
from collector.store.lives import AGE, Lives
from graph.chain import Chain
from graph.chain.resolve import resolve
from graph.facts import Facts, Kind, Succession, Window
from graph.model import (
    Copied,
    CopyKind,
    IdKind,
    OperationType,
    Passage,
    Position,
)
from graph.remembered import Remembered
from tests import stores
from tests.builders import MILLISECOND, Flow, Sent
from tests.flow_in_store import put_flow
from tests.memory_facts import MemoryFacts
from tests.poured import pour


def an_order(flow: Flow) -> Sent:
    request = flow.span("storefront", "POST /orders", kind="server")
    order = flow.send(
        "storefront", "Orders", inside=request, message_id="O-1", correlation_id="C", key="k"
    )
    refused = flow.process("payment", order, by="link", group="pay", error=True)
    handling = flow.process("payment", order, by="link", group="pay", offset=0, partition="0")
    assert refused.context != handling.context
    server = flow.call("payment", "bank", inside=handling)
    flow.send("bank", "payments", inside=server, message_id="P-1", correlation_id="C")
    flow.process("points", order, lasts=1, instance="points-1")
    flow.send("points", "points", correlation_id="c", span={"instance": "points-1"})
    flow.send("", "audits", spanned=False, message_id="A-1", causation_id="p-1")
    return order


def only_positions(flow: Flow) -> Sent:
    order = flow.send("", "Orders", spanned=False, source="/shop/legacy")
    handling = flow.process("payment", order, by="position", group="pay")
    flow.send("payment", "payments", inside=handling)
    return order


def a_batch(flow: Flow) -> Sent:
    sent = flow.batch("shop", "orders", 3)
    for one in sent:
        handling = flow.process("payment", one, by="links with positions")
        flow.send("payment", "payments", inside=handling)
    return sent[1]


def a_fan_in(flow: Flow) -> Sent:
    clicks = [flow.send("web", "clicks") for _ in range(3)]
    together = flow.process("analytics", *clicks, by="link", batch_count=3)
    return flow.send("analytics", "reports", inside=together)


def a_dead_letter(flow: Flow) -> Sent:
    order = flow.send("shop", "orders", message_id="m1")
    assert order.context
    flow.process("payment", order, error=True, error_message="refused")
    return flow.send("", "dead", spanned=False, message_id="m1", carries=[order.context])


def retried_and_given_up(flow: Flow) -> Sent:
    """Copies without ids and contexts: only their headers say what they are."""
    order = flow.send("shop", "Orders")
    assert order.position
    at = order.position
    for kind, name in ((CopyKind.RETRY, "Orders-retry-0"), (CopyKind.DEAD_LETTER, "Orders-dlt")):
        failed = flow.process("payment", order, error=True)
        copied = Copied(kind, at.destination, at.partition, at.offset)
        flow.send("payment", name, inside=failed, copied=copied)
    return order


def given_up_unseen(flow: Flow) -> Sent:
    """No tap saw the original: it is asked for by what lies in the dead letter topic."""
    order = retried_and_given_up(flow)
    assert order.position
    del flow.messages[order.position]
    (position,) = (one for one in flow.messages if one.destination == "Orders-dlt")
    return Sent("Orders-dlt", None, position, 0)


def handed_on(flow: Flow) -> Sent:
    order = flow.send("shop", "orders")
    work = flow.span("payment", inside=flow.process("payment", order))
    return flow.send("payment", "payments", spanned=False, carries=[work.context])


def unseen(flow: Flow) -> Sent:
    order = flow.send("shop", "orders", tapped=False)
    paid = flow.send("payment", "payments", inside=flow.process("payment", order))
    flow.forget(order)
    return paid


def by_key(flow: Flow) -> Sent:
    order = flow.send("shop", "orders", key="k")
    flow.receive("payment", order, lasts=1)
    flow.send("shipping", "parcels", key="k")
    return flow.send("payment", "payments", key="k")


def linked_in_one_trace(flow: Flow) -> Sent:
    """Consumers that link to what they handle, in the producer's trace and in one of their own."""
    order = flow.send("shop", "orders")
    paying = flow.process("payment", order, by="link", inside=order)
    flow.send("payment", "payments", inside=paying)
    flow.process("points", order, by="link")
    return order


def initiated(flow: Flow) -> Sent:
    """MassTransit without spans: the next message calls what led to it by its correlation id."""
    order = flow.send(
        *("", "Orders"),
        spanned=False,
        message_id="O-1",
        correlation_id="C",
        alias="order-1",
        profile="masstransit",
    )
    flow.send(
        *("", "payments"),
        spanned=False,
        message_id="P-1",
        correlation_id="C",
        alias="pay-1",
        causation_id="order-1",
        profile="masstransit",
    )
    return order


STORIES = [an_order, only_positions, a_batch, a_fan_in, a_dead_letter, handed_on, unseen, by_key]
STORIES += [retried_and_given_up, given_up_unseen, linked_in_one_trace, initiated]


def told(chain: Chain) -> dict[str, Any]:
    """A chain without what only one of the two kinds of facts keeps: headers, bodies, receipt."""
    return {
        "focus": chain.focus,
        "events": [
            (event.key, event.time, event.service, event.positions, event.contexts, event.joins)
            for event in chain.events
        ],
        "operations": [(event.key, event.operations) for event in chain.events],
        "deliveries": chain.deliveries,
        "causes": chain.causes,
        "related": chain.related,
        "stopped": chain.stopped,
    }


@pytest.mark.parametrize("story", STORIES)
def test_a_chain_is_the_same_from_a_store(store: Store, story: Callable[[Flow], Sent]) -> None:
    flow = Flow()
    start = story(flow)
    pour(flow, store)

    from_store = flow.chain(start, facts=StoreFacts(store))

    assert told(from_store) == told(flow.chain(start))
    assert told(flow.chain(start, facts=Remembered(StoreFacts(store)))) == told(from_store)

    stores.relate_within(store)
    assert told(flow.chain(start, facts=StoreFacts(store))) == told(from_store)


def test_what_points_from_the_same_trace_is_told_by_its_operations_alone(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders")
    below = flow.process("payment", order)
    beside = flow.process("mail", order, by="link", inside=flow.span("mail", inside=order))
    elsewhere = flow.process("points", order, by="link")
    pour(flow, store)
    assert order.context
    stored = store.query("SELECT kind, span_id FROM relations ORDER BY kind")
    assert stored == [("header", ""), ("link", elsewhere.context.span_id)]

    for older in (False, True):
        if older:
            stores.relate_within(store)
        for facts in (StoreFacts(store), flow.facts()):
            found = [
                (one.kind, one.source) for one in facts.pointing_into([order.context.trace_id])
            ]
            assert sorted(found) == [("header", order.position), ("link", elsewhere.context)]
            here = [
                one.context
                for one in facts.operations([order.context.trace_id])
                if order.context in {relation.target for relation in one.relations}
            ]
            assert sorted(here) == sorted([below.context, beside.context])


@pytest.mark.parametrize("story", [retried_and_given_up, given_up_unseen])
def test_an_original_is_found_by_its_position_whether_a_tap_saw_it(
    store: Store, story: Callable[[Flow], Sent]
) -> None:
    flow = Flow()
    story(flow)
    pour(flow, store)

    for facts in (StoreFacts(store), flow.facts()):
        (choice,) = resolve(facts, "Orders/0/0")
        event = flow.chain(*choice.start.positions, facts=facts).event(choice.events[0])
        assert [str(position) for position in event.positions] == [
            "Orders/0/0",
            "Orders-retry-0/0/0",
            "Orders-dlt/0/0",
        ]


@pytest.mark.parametrize("text", ["o-1", "C", "Orders/0/0", "k", "P-1", "pay-1", "unknown"])
def test_a_text_means_the_same_to_a_store(store: Store, text: str) -> None:
    flow = Flow()
    an_order(flow)
    initiated(flow)
    pour(flow, store)

    meant = resolve(StoreFacts(store), text)

    assert [(one.kind, one.events) for one in meant] == [
        (one.kind, one.events) for one in resolve(flow.facts(), text)
    ]


def test_an_open_position_stands_for_every_life_that_was_tapped(store: Store) -> None:
    """A topic that is deleted and made anew, and one that another cluster has too."""
    asked = Position("kafka", "", "orders", "", "0", 7)
    lives = [("c1", "i1"), ("c1", "i2"), ("c2", "i1")]
    facts = StoreFacts(store)
    assert facts.whole([asked]) == []
    for cluster, incarnation in lives:
        flow = Flow(cluster=cluster)
        flow.message("orders", incarnation=incarnation)
        pour(flow, store)

    facts = StoreFacts(store)
    in_memory = MemoryFacts(messages=facts.messages([asked._replace(offset=0)]))
    for known in (facts, in_memory):
        assert set(known.whole([asked])) == {
            asked._replace(cluster=cluster, incarnation=incarnation)
            for cluster, incarnation in lives
        }
        in_one = asked._replace(cluster="c1", incarnation="i2")
        assert known.whole([asked._replace(incarnation="i2"), in_one]) == [in_one]
        assert known.whole([asked._replace(destination="nobody's")]) == []


def test_a_new_topic_is_noticed_at_once_and_a_new_life_soon(store: Store) -> None:
    now = 0.0
    lives = Lives(store, clock=lambda: now)
    assert lives.of(["orders"]) == {"orders": []}
    flow = Flow()
    flow.message("orders")
    pour(flow, store)
    first = ("kafka", "c1", "orders", "i1")
    assert lives.of(["orders"]) == {"orders": [first]}

    again = Flow()
    again.message("orders", incarnation="i2")
    pour(again, store)
    assert lives.of(["orders"]) == {"orders": [first]}
    now = AGE + 0.1
    assert sorted(lives.of(["orders"])["orders"]) == [first, ("kafka", "c1", "orders", "i2")]


def test_an_error_of_one_question_reaches_who_asked(store: Store) -> None:
    done: list[int] = []

    def broken() -> None:
        raise StoreError("away")

    works = partial(done.append, 1)
    orders: list[list[Callable[[], object]]] = [[broken, works], [works, broken]]
    for questions in orders:
        with pytest.raises(StoreError):
            StoreFacts(store).together(questions)
    assert done == [1, 1]


def asked(facts: Facts) -> list[object]:
    """Every question about things that nobody has seen."""
    nowhere = Position("kafka", "c1", "none", "i1", "0", 7)
    return [
        facts.operations(["f" * 32]),
        facts.spans(["f" * 32]),
        facts.pointing_into(["f" * 32]),
        facts.passages([nowhere, nowhere._replace(cluster="", incarnation="")]),
        facts.messages([nowhere, nowhere._replace(cluster="", incarnation="")]),
        facts.located([(kind, "none/0/7") for kind in IdKind]),
        facts.naming(["none/0/7"]),
        facts.resolve("none/0/7"),
        facts.seen([Window(kind, "none/0/7", 0, 2**63 - 1) for kind in IdKind], 10),
        facts.successions([(Kind("none"), Kind("nowhere"))]),
    ]


def test_what_nobody_has_seen_is_missing_from_every_answer(store: Store) -> None:
    flow = Flow()
    an_order(flow)
    pour(flow, store)

    assert asked(StoreFacts(store)) == [[]] * 10
    assert asked(flow.facts()) == [[]] * 10


def test_who_names_a_position_is_located_by_it_only_if_nothing_else_tells(store: Store) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", carries=[])
    elsewhere = flow.send("shop", "other")
    assert order.position and elsewhere.context
    plain = flow.process("points", order, by="position")
    linked = flow.operation(
        "mail",
        "orders",
        OperationType.PROCESS,
        links=[elsewhere.context],
        partition=order.position.partition,
        offset=order.position.offset,
    )
    pour(flow, store)
    text = str(order.position)

    for facts in (StoreFacts(store), flow.facts()):
        located = facts.located([(IdKind.POSITION, text)])
        assert plain.context in {one.context for one in located}
        assert linked.context not in {one.context for one in located}
        named = {(one.id, one.context) for one in facts.naming([text, "orders/0/99"])}
        assert named == {(text, plain.context), (text, linked.context)}


def test_an_id_is_seen_in_its_windows_and_the_earliest_of_many(store: Store) -> None:
    flow = Flow()
    sent = [flow.send("shop", "orders", key="K", message_id=f"m{n}") for n in range(6)]
    other = flow.send("shop", "orders", key="other")
    pour(flow, store)
    times = [flow.messages[one.position].time for one in sent if one.position]
    early = Window(IdKind.KEY, "k", times[0], times[2])
    late = Window(IdKind.KEY, "k", times[1], times[5] + MILLISECOND)
    elsewhere = Window(IdKind.KEY, "other", times[0], times[5])
    message = Window(IdKind.MESSAGE, "m3", 0, 2**63 - 1)

    for facts in (StoreFacts(store), flow.facts()):

        def offsets(*windows: Window, limit: int = 10, facts: Facts = facts) -> list[int]:
            found = facts.seen(windows, limit)
            assert len(set(found)) == len(found)
            return sorted(one.position.offset for one in found if one.position)

        assert offsets(early) == [0, 1, 2]
        assert offsets(late, limit=3) == [1, 2, 3]
        assert offsets(early, late, limit=3) == [0, 1, 2, 3]
        assert offsets(elsewhere) == []
        assert offsets(elsewhere, message) == [3]
        assert other.time > times[5]


def test_an_id_that_a_trace_shares_is_there_once_and_means_its_own_event_alone(
    store: Store,
) -> None:
    flow = Flow()
    order = flow.send("shop", "orders", tapped=False, span={"message_id": "M-1", "key": "k"})
    handling = flow.process("payment", order, message_id="M-1", key="k")
    flow.process("mail", order, message_id="M-1", key="k")
    paid = flow.send(
        "payment", "payments", inside=handling, tapped=False, span={"message_id": "M-2", "key": "k"}
    )
    pour(flow, store)
    assert order.context and paid.context
    assert store.query("SELECT id, kind, span_id FROM ids ORDER BY ALL") == [
        ("k", "key", ""),
        ("m-1", "message", ""),
        ("m-2", "message", ""),
    ]

    for facts in (StoreFacts(store), Remembered(StoreFacts(store)), flow.facts()):
        (choice,) = resolve(facts, "m-1")
        assert choice.start.contexts == (order.context,)
        by_key = resolve(facts, "k")
        assert {one.start.contexts for one in by_key} == {(order.context,), (paid.context,)}


def test_an_id_in_a_trace_is_seen_in_each_of_its_minutes(store: Store) -> None:
    flow = Flow()
    minute = 60_000 * MILLISECOND
    flow.now = flow.now // minute * minute
    first = flow.send("shop", "orders", tapped=False, span={"key": "k"})
    flow.tick(60_000)
    handling = flow.process("payment", first, key="k")
    pour(flow, store)
    assert store.query("SELECT uniqExact(minute), count() FROM ids WHERE kind = 'key'") == [(2, 2)]

    def seen(facts: Facts, start: int, end: int) -> list[int]:
        found = facts.seen([Window(IdKind.KEY, "k", start, end)], 10)
        return sorted(one.time // minute * minute for one in found)

    one, two = (at // minute * minute for at in (first.time, handling.start))
    for facts in (StoreFacts(store), flow.facts()):
        assert seen(facts, one, two - 1) == [one]
        assert seen(facts, one + minute - 1, two) == [one, two]
        assert seen(facts, two + minute - 1, two + minute) == [two]
        assert seen(facts, two + minute, two + 2 * minute) == []


def test_a_business_id_is_seen_by_its_name_and_value(store: Store) -> None:
    flow = Flow()
    flow.message("orders", business=(("order_id", "A-1"),))
    flow.message("orders", business=(("customer_id", "A-1"),))
    for offset, name in enumerate(("Order_ID", "customer_id")):
        store.command(
            "INSERT INTO ids (received, id, kind, written, system, cluster, destination, "
            "incarnation, partition, offset, time) VALUES (now64(9), 'a-1', 'business', "
            f"'{name}=A-1', 'kafka', 'c1', 'orders', 'i1', '0', {offset}, now64(9))"
        )
    window = Window(IdKind.BUSINESS, "order_id=a-1", 0, 2**63 - 1)

    for facts in (StoreFacts(store), flow.facts()):
        found = facts.seen([window], 10)
        assert [one.position.offset for one in found if one.position] == [0]


def test_the_order_of_kinds_is_counted_by_flows(store: Store) -> None:
    flow = Flow()
    for number in range(5):
        order = ["Orders", "payments"] if number else ["payments", "Orders"]
        for destination in (*order, "parcels"):
            flow.message(destination, event_type="made", correlation_id=f"C-{number}")
    at = flow.tick()
    for destination in ("Orders", "payments"):
        flow.message(destination, event_type="made", correlation_id="at once", time=at)
    flow.message("Orders", event_type="made", correlation_id="alone")
    flow.message("Orders", event_type="made")
    put_flow(store, flow)
    orders, payments, parcels = (Kind(name, "made") for name in ("Orders", "payments", "parcels"))
    asked = [(orders, payments), (parcels, orders), (orders, Kind("payments")), (orders, orders)]

    for facts in (StoreFacts(store), flow.facts()):
        assert sorted(facts.successions(asked)) == [
            Succession(orders, payments, flows=5, first=4),
            Succession(parcels, orders, flows=5, first=0),
        ]


def test_of_many_flows_a_sample_of_the_newest_is_enough(store: Store) -> None:
    flow = Flow()
    for number in range(300):
        order = ["orders", "payments"] if number >= 200 else ["payments", "orders"]
        for destination in order:
            flow.message(destination, correlation_id=f"c{number}")
    put_flow(store, flow)

    (found,) = StoreFacts(store).successions([(Kind("orders"), Kind("payments"))])

    assert 10 <= found.flows <= 40
    assert found.first == found.flows


def test_a_correlation_larger_than_what_one_look_up_finds_is_still_one_choice(store: Store) -> None:
    flow = Flow()
    first = flow.send("shop", "orders", message_id="C-1", correlation_id="C-1")
    for number in range(RESOLVED + 5):
        flow.message("items", correlation_id="c-1", message_id=f"i{number}")
    pour(flow, store)

    (choice,) = resolve(StoreFacts(store), "C-1")
    assert (choice.kind, choice.events) == (IdKind.MESSAGE, (first.key,))


MINUTE = 60 * 10**9


def groups_at_work(flow: Flow) -> list[Position]:
    """Ten orders, and groups in every situation that their progress can tell of."""
    for _ in range(10):
        flow.send("shop", "Orders")
    start = flow.now
    for minute, done in enumerate([0, 2, 2, 5, 9, 9, 9, 10]):
        flow.commit("steady", "Orders", done, time=start + minute * MINUTE)
    flow.commit("idle", "Orders", 3, time=start)
    flow.commit("none", "Orders", -1, time=start)
    flow.commit("set back", "Orders", 8, time=start)
    flow.commit("set back", "Orders", 1, time=start + MINUTE)
    flow.commit("late", "Orders", 0, time=start + 2 * MINUTE, assumed=True)
    flow.commit("late", "Orders", 10, time=start + 3 * MINUTE)
    flow.commit("only assumed", "Orders", 0, time=start, assumed=True)
    flow.commit("past", "Orders", 4, time=start, incarnation="i0")
    flow.commit("elsewhere", "Orders", 4, time=start, partition="1")
    flow.commit("other", "Others", 4, time=start)
    flow.commit("Steady", "Orders", 4, time=start)
    orders = [message.position for message in flow.messages.values()]
    anywhere = orders[4]._replace(cluster="", incarnation="")
    return [orders[0], orders[4], orders[9], anywhere, orders[4]._replace(cluster="c2")]


def test_how_groups_came_by_a_position_is_the_same_from_a_store(store: Store) -> None:
    flow = Flow()
    asked = groups_at_work(flow)
    pour(flow, store)

    told = flow.facts(random.Random(1)).passages(asked)

    def by_name(passages: list[Passage]) -> list[Passage]:
        return sorted(passages, key=lambda one: (one.position, one.group, one.latest.incarnation))

    assert by_name(StoreFacts(store).passages(asked)) == by_name(told)
    assert by_name(Remembered(StoreFacts(store)).passages(asked)) == by_name(told)
    there = {one.group: one for one in told if one.position == asked[1]}
    assert there.keys() == {"steady", "idle", "none", "set back", "late", "Steady"}
    start = there["idle"].latest.time
    steady = there["steady"]
    assert steady.before and steady.after
    assert (steady.before.time, steady.after.time) == (start + 2 * MINUTE, start + 3 * MINUTE)
    assert steady.rate == round((10 - 2) / 300, 3)
    assert (there["idle"].rate, there["none"].rate) == (0.0, None)
    assert [there[name].moved - start for name in ("steady", "idle")] == [7 * MINUTE, 0]
    assert there["set back"].moved == 0
    assert [there[name].waits for name in ("steady", "idle", "none")] == [False, True, True]
    assert (there["idle"].ahead, there["none"].ahead) == (2, 5)
    back = there["set back"]
    assert back.before and back.after and back.before.time > back.after.time
    assert back.waits
    assert (there["late"].absent, there["late"].began.committed) == (start + 2 * MINUTE, 10)
    fitting = {(one.group, one.latest.incarnation) for one in told if one.position == asked[3]}
    assert ("past", "i0") in fitting
