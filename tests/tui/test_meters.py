"""Rates, lags and the state of the collector, out of answers that come one after another."""

from __future__ import annotations

from typing import Any

import pytest

from graph.topology import Topology
from tests.tui import shop
from tests.tui.shop import NOON
from tui.drawing.rates import FlowMeter, lags_of
from tui.drawing.segments import text_of, width_of
from tui.drawing.status import Connection, Totals, draw_status

SECOND = 1_000_000_000


def seen(count: int, start: int = NOON - 60 * SECOND) -> Topology:
    return Topology.build([shop.produce("a", "t", count)], start=start, end=NOON)


def only(rates: dict[Any, float]) -> float:
    (rate,) = rates.values()
    return rate


def test_rates_come_from_what_was_added_between_answers() -> None:
    meter = FlowMeter()
    meter.observe(seen(60), NOON)
    assert meter.rates == {}, "nothing to compare with yet"
    meter.observe(seen(65), NOON + SECOND)
    assert only(meter.rates) == pytest.approx(5.0)
    meter.observe(seen(65), NOON + 2 * SECOND)
    assert only(meter.rates) == pytest.approx(2.5)


def test_a_window_that_moves_on_is_no_burst() -> None:
    meter = FlowMeter()
    meter.observe(seen(100), NOON)
    meter.observe(seen(110), NOON + SECOND)
    meter.observe(seen(40, start=NOON), NOON + 2 * SECOND)
    meter.observe(seen(50, start=NOON), NOON + 3 * SECOND)
    assert only(meter.rates) == pytest.approx(10.0)


def test_counts_that_do_not_grow_at_first_say_nothing() -> None:
    meter = FlowMeter()
    for second in range(9):
        meter.observe(seen(100), NOON + second * SECOND)
    assert meter.rates == {}
    meter.observe(seen(118), NOON + 9 * SECOND)
    assert only(meter.rates) == pytest.approx(2.0)
    silent = FlowMeter()
    for second in range(11):
        silent.observe(seen(100), NOON + second * SECOND)
    assert only(silent.rates) == 0


def test_what_stopped_is_idle_after_a_while() -> None:
    meter = FlowMeter()
    for second in range(60):
        meter.observe(seen(100 + min(second, 10)), NOON + second * SECOND)
    assert only(meter.rates) == 0


def test_lags_belong_to_the_edge_of_their_group() -> None:
    found = {
        key.target.name: lag for key, lag in lags_of(shop.topology(), shop.consumers()).items()
    }
    assert found == {"recommendation": 312, "crm-sync": 9}


def health(received: int, *, stored: int = 0, dropped: int = 0, ok: bool = True) -> dict[str, Any]:
    counted = {"received": received, "stored": stored, "dropped": dropped, "rejected": 0}
    return {
        "components": [
            {"name": "otlp http", "ok": True, "figures": {"spans": counted, "requests": counted}},
            {"name": "intake", "ok": True, "figures": {"kafka": counted, "cut_values": 3}},
            {"name": "kafka x:9092", "ok": ok, "detail": "no broker there"},
        ]
    }


def test_totals_count_spans_and_messages_but_no_requests() -> None:
    assert Totals.of(health(10, stored=7, dropped=3)) == Totals(20, 14, 6, 0)
    assert Totals.of({}) == Totals()


def test_the_rate_in_starts_anew_with_the_collector() -> None:
    connection = Connection("c")
    connection.answered(health(100), NOON)
    assert connection.rate is None
    connection.answered(health(150), NOON + 10 * SECOND)
    assert connection.rate == pytest.approx(10.0)
    connection.answered(health(5), NOON + 11 * SECOND)
    assert connection.rate is None


def status(connection: Connection, now: int = NOON, width: int = 80) -> str:
    drawn = draw_status(connection, now, width)
    assert width_of(drawn) == width
    return text_of(drawn)


def test_the_status_line_says_how_it_is() -> None:
    connection = Connection("http://127.0.0.1:8411")
    assert status(connection).startswith(" ◌ asking 127.0.0.1:8411")
    connection.answered(health(100, stored=90, dropped=2), NOON)
    connection.answered(health(600, stored=590, dropped=2), NOON + 10 * SECOND)
    assert "in 100/s   stored 1,180   dropped 4" in status(connection)
    connection.answered(health(600, ok=False), NOON + 11 * SECOND)
    assert " ▲ 127.0.0.1:8411  kafka x:9092: no" in status(connection)
    connection.failed("refused", "", NOON)
    connection.failed("refused", "", NOON + 5 * SECOND)
    said = status(connection, NOON + 65 * SECOND)
    assert said.startswith(" ○ away 127.0.0.1:8411  since 12:00:00 UTC, for 1m 05s")
    connection.back()
    assert not connection.away
