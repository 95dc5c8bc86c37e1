"""The way to what ended last, and where its time went."""

from __future__ import annotations

from graph.chain.critical import Step, critical_path
from tests.builders import MILLISECOND as MS
from tests.tui.order import ChainBuilder


def test_the_way_to_what_ended_last_with_its_waiting_and_handling() -> None:
    shop = ChainBuilder()
    order = shop.event("order", 0, "shop")
    quick = shop.handled(order, "mail", 1, 2)
    slow = shop.handled(order, "payment", 5, 100)
    paid = shop.event("paid", 90, "payment")
    shop.led_to(slow, paid)
    packed = shop.handled(paid, "warehouse", 130, 20)
    assert quick.end < packed.end

    assert critical_path(shop.chain(order)) == (
        Step(order, slow.key, 5 * MS, 85 * MS),
        Step(paid, packed.key, 40 * MS, 20 * MS),
    )


def test_of_several_causes_the_last_was_waited_for() -> None:
    shop = ChainBuilder()
    first, second = shop.event("reserved", 0, "stock"), shop.event("paid", 40, "bank")
    early, late = shop.handled(first, "shipping", 1, 1), shop.handled(second, "shipping", 50, 5)
    shipped = shop.event("shipped", 53, "shipping")
    shop.led_to(early, shipped)
    shop.led_to(late, shipped)
    mail = shop.handled(shipped, "mail", 60, 1)

    way = critical_path(shop.chain(first))
    assert [step.event for step in way] == [second, shipped]
    assert way[0] == Step(second, late.key, 10 * MS, 3 * MS)
    assert way[1] == Step(shipped, mail.key, 7 * MS, 1 * MS)


def test_a_circle_ends() -> None:
    shop = ChainBuilder()
    ping, pong = shop.event("ping", 0, "a"), shop.event("pong", 10, "b")
    shop.led_to(shop.handled(ping, "b", 1, 1), pong)
    shop.led_to(shop.handled(pong, "a", 11, 1), ping)
    assert [step.event for step in critical_path(shop.chain(ping))] == [ping, pong]


def test_clocks_that_differ_show() -> None:
    shop = ChainBuilder()
    order = shop.event("order", 20, "shop")
    handled = shop.handled(order, "mail", 5, 40)
    (step,) = critical_path(shop.chain(order))
    assert step == Step(order, handled.key, -15 * MS, 40 * MS)
