"""Where ids alone are left, what recent flows have shown decides between candidates."""

from __future__ import annotations

from typing import Any

from graph.chain import Chain
from graph.chain.history import History, Order
from graph.facts import Kind, Succession
from graph.model import Evidence
from tests.builders import MILLISECOND, Flow, Sent

SECOND = 1000 * MILLISECOND


def pairs(chain: Chain) -> set[tuple[object, object]]:
    return {(cause.cause, cause.effect) for cause in chain.causes}


def earlier_flows(flow: Flow, *destinations: str, count: int = 8) -> None:
    """Flows in which events came in this order, told by messages alone."""
    for number in range(count):
        for destination in destinations:
            flow.message(destination, correlation_id=f"earlier-{destinations}-{number}")


def given(flow: Flow, service: str, sent: Sent, **fields: Any) -> None:
    flow.process(service, sent, lasts=1, **fields)


def two_candidates(flow: Flow) -> tuple[Sent, Sent, Sent]:
    """A service that was given an order, then a price, and then sends."""
    order = flow.send("shop", "orders", correlation_id="c")
    price = flow.send("pricing", "prices", correlation_id="c")
    given(flow, "payment", order)
    given(flow, "payment", price)
    return order, price, flow.send("payment", "payments", correlation_id="c")


def test_without_history_the_latest_before_is_taken() -> None:
    flow = Flow()
    _, price, paid = two_candidates(flow)

    assert pairs(flow.chain(paid)) == {(price.key, paid.key)}


def test_what_always_came_after_is_no_cause() -> None:
    flow = Flow()
    earlier_flows(flow, "orders", "payments", "prices")
    order, _, paid = two_candidates(flow)

    for start in (order, paid):
        chain = flow.chain(start)
        assert pairs(chain) == {(order.key, paid.key)}
        assert chain.causes[0].evidence is Evidence.INFERRED


def test_where_history_knows_one_and_time_another_both_are_shown() -> None:
    flow = Flow()
    earlier_flows(flow, "orders", "payments")
    order, price, paid = two_candidates(flow)

    chain = flow.chain(paid)

    assert pairs(chain) == {(order.key, paid.key), (price.key, paid.key)}
    assert {cause.candidates for cause in chain.causes} == {2}


def test_too_few_flows_show_nothing() -> None:
    flow = Flow()
    earlier_flows(flow, "orders", "payments", "prices", count=4)
    _, price, paid = two_candidates(flow)

    assert pairs(flow.chain(paid)) == {(price.key, paid.key)}


def test_a_clock_that_contradicts_every_flow_is_wrong_and_its_delay_is_shown() -> None:
    flow = Flow()
    earlier_flows(flow, "orders", "payments")
    order = flow.send("shop", "orders", correlation_id="c")
    given(flow, "payment", order, start=order.time + 5 * SECOND)
    paid = flow.send("payment", "payments", correlation_id="c")

    for start in (order, paid):
        (cause,) = flow.chain(start).causes
        assert (cause.cause, cause.effect) == (order.key, paid.key)
        assert cause.evidence is Evidence.INFERRED
        assert cause.delay == -5 * SECOND + MILLISECOND


def test_without_history_what_came_later_by_the_clocks_is_no_cause() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    given(flow, "payment", order, start=order.time + 5 * SECOND)
    paid = flow.send("payment", "payments", correlation_id="c")

    assert flow.chain(order).causes == ()
    assert flow.chain(order).related == (paid.key,)


def test_of_a_kind_that_comes_again_and_again_the_first_does_not_speak_for_the_rest() -> None:
    """Each order is confirmed at once, and again when it is paid."""
    flow = Flow()
    earlier_flows(flow, "orders", "confirmations", "payments")
    order = flow.send("shop", "orders", correlation_id="c")
    given(flow, "mail", order)
    first = flow.send("mail", "confirmations", correlation_id="c")
    paid = flow.send("payment", "payments", correlation_id="c")
    given(flow, "mail", paid)
    second = flow.send("mail", "confirmations", correlation_id="c")

    assert pairs(flow.chain(order)) == {(order.key, first.key), (paid.key, second.key)}


def test_neither_do_flows_in_which_it_came_late_or_early() -> None:
    """As above, where the payment is sometimes before the first confirmation."""
    flow = Flow()
    earlier_flows(flow, "orders", "confirmations", "payments")
    earlier_flows(flow, "orders", "payments", "confirmations", count=4)
    order = flow.send("shop", "orders", correlation_id="c")
    given(flow, "mail", order)
    flow.send("mail", "confirmations", correlation_id="c")
    paid = flow.send("payment", "payments", correlation_id="c")
    given(flow, "mail", paid)
    second = flow.send("mail", "confirmations", correlation_id="c")

    causes = flow.chain(order).causes_of(second.key)
    assert [(cause.cause, cause.candidates) for cause in causes] == [(paid.key, 1)]


def test_history_is_asked_once_and_only_where_it_can_decide() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    given(flow, "payment", order)
    paid = flow.send("payment", "payments", correlation_id="c")
    facts = flow.facts()

    flow.chain(order, facts=facts)
    assert "successions" not in facts.calls

    given(flow, "payment", paid)
    for _ in range(3):
        two_candidates(flow)
    facts = flow.facts()
    flow.chain(order, facts=facts)
    assert facts.calls.count("successions") == 1


def test_a_pair_is_known_whichever_way_round_it_was_asked_for() -> None:
    a, b = Kind("a"), Kind("b")
    asked: list[object] = []

    def ask(pairs: Any) -> list[Succession]:
        asked.append(pairs)
        return [Succession(before, after, 10, 9) for before, after in pairs]

    history = History(ask)
    history.learn([(a, b), (b, a)])
    history.learn([(b, a)])

    assert asked == [[(a, b)]]
    assert (history.order(a, b), history.order(b, a)) == (Order.BEFORE, Order.AFTER)
    assert history.order(a, Kind("c")) is Order.UNKNOWN
