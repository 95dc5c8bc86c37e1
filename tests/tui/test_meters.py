"""Rates, lags and the state of the collector, out of answers that come one after another."""

from __future__ import annotations

from typing import Any

import pytest

from graph.topology import Topology
from tests.tui import shop
from tests.tui.shop import NOON
from tui.drawing.rates import FlowMeter, lags_of
from tui.drawing.segments import text_of, width_of
from tui.drawing.status import Connection, Lag, Totals, draw_status

SECOND = 1_000_000_000


def seen(count: int, start: int = NOON - 60 * SECOND, last: int = NOON) -> Topology:
    rows = [shop.produce("a", "t", count, last_seen=last)]
    return Topology.build(rows, start=start, end=NOON)


def only(rates: dict[Any, float]) -> float:
    (rate,) = rates.values()
    return rate


def test_growth_belongs_to_the_time_since_counts_grew_before() -> None:
    """Counts are computed every few seconds, and asked for each second."""
    meter = FlowMeter()
    for second in range(21):
        assert (second > 10) == bool(meter.rates), "known from the second time on that they grew"
        meter.observe(seen(100 + second // 5 * 10), NOON + second * SECOND)
    assert only(meter.rates) == pytest.approx(2.0)


def test_the_first_growth_is_measured_by_the_messages_own_times() -> None:
    """Nobody saw when it was counted before; the newest message of each count tells."""
    meter = FlowMeter()
    meter.observe(seen(100, last=NOON - 9 * SECOND), NOON)
    meter.observe(seen(120, last=NOON + SECOND), NOON + 2 * SECOND)
    assert only(meter.rates) == pytest.approx(2.0)
    wrong = FlowMeter()
    wrong.observe(seen(100, last=NOON), NOON)
    wrong.observe(seen(120, last=NOON + 10**18), NOON + 2 * SECOND)
    assert wrong.rates == {}, "a clock that is years ahead tells nothing"


def test_a_window_that_moves_on_is_no_burst_and_no_pause() -> None:
    meter = FlowMeter()
    for second in range(5):
        meter.observe(seen(100 + 10 * second), NOON + second * SECOND)
    for second in range(5, 10):
        meter.observe(seen(10 * second, start=NOON), NOON + second * SECOND)
        assert only(meter.rates) == pytest.approx(10.0)


def test_one_that_stops_while_others_go_on_is_idle_after_a_while() -> None:
    meter = FlowMeter()
    for second in range(60):
        stops, goes = shop.produce("a", "t", min(second, 10)), shop.produce("b", "t", second)
        meter.observe(Topology.build([stops, goes], start=1), NOON + second * SECOND)
    rates = {key.source.name: rate for key, rate in meter.rates.items()}
    assert rates == {"a": 0.0, "b": pytest.approx(1.0)}


def test_when_nothing_was_seen_for_long_all_is_idle() -> None:
    quiet = FlowMeter()
    quiet.observe(seen(100, last=NOON - 80 * SECOND), NOON)
    assert only(quiet.rates) == 0, "at once: the last message is old"
    stopped = FlowMeter()
    for second in range(10):
        stopped.observe(seen(100 + second), NOON + second * SECOND)
    stopped.observe(seen(109), NOON + 60 * SECOND)
    assert only(stopped.rates) == pytest.approx(1.0), "a collector may take a minute to count"
    stopped.observe(seen(109), NOON + 90 * SECOND)
    assert only(stopped.rates) == 0
    stopped.observe(seen(140), NOON + 91 * SECOND)
    assert stopped.rates == {}, "one growth says nothing of its time"


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


def test_its_own_lag_is_the_spools_age_what_the_taps_have_before_them_and_the_graphs() -> None:
    assert Lag.of({}) == Lag()
    told = [{"oldest_seconds": 0.21}, {"bootstrap": "a", "lag": 5}, {"bootstrap": "b", "lag": 7}]
    others = [None, {"lag": 99}, {"behind_seconds": 4.5}]
    components = [{"figures": one} for one in (*told, *others)]
    assert Lag.of({"components": components}) == Lag(0.21, 12, 4.5)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "  in "),
        ({"oldest_seconds": 0.0}, "lag 0.0 s   in "),
        ({"oldest_seconds": 0.249}, "lag 0.2 s   in "),
        ({"oldest_seconds": 0.2, "bootstrap": "a", "lag": 48_211}, "lag 0.2 s, 48k messages   in "),
        ({"bootstrap": "a", "lag": 3}, "lag 3 messages   in "),
        ({"oldest_seconds": 75.0}, "lag 1m 15s   in "),
    ],
)
@pytest.mark.parametrize("width", [80, 140])
def test_the_status_line_says_how_late_the_collector_is(
    told: dict[str, Any], said: str, width: int
) -> None:
    connection = Connection("http://127.0.0.1:8411")
    connection.answered({"components": [{"figures": told}]}, NOON)
    drawn = status(connection, width=width)
    assert said in drawn
    assert drawn.startswith(" ● 127.0.0.1:8411 ")
    assert drawn.rstrip().endswith("dropped 0")
    assert ("lag" in drawn) == bool(told)


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
    connection.back(NOON)
    assert not connection.away
