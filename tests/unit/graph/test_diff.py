"""What is different between two graphs, and how it is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from graph import diff_text
from graph.diff_report import How, Report, Side, What, report
from graph.edges import EdgeRow, LeftOut, View
from graph.topology import Topology
from graph.views import by_event_type
from tests.goldens import assert_golden
from tests.tui import shop
from tests.unit.graph.test_export import NASTY_TOPOLOGY
from tests.unit.graph.test_topology import consume, produce

MINUTE = 60 * 10**9


def window(rows: list[EdgeRow], start: int = 0, minutes: int = 10) -> Topology:
    begin = shop.NOON + start * MINUTE
    return Topology.build(rows, start=begin, end=begin + minutes * MINUTE)


def two_windows() -> Report:
    """An hour apart: somebody new, somebody gone, one slower, one failing, one that was mended."""
    later = []
    for row in shop.edges():
        match (row.service, row.destination):
            case ("points", "payment.captured"):
                continue
            case ("inventory", "order.created"):
                row = replace(row, count=300)
            case ("payment", "order.created"):
                row = replace(row, errors=0)
            case ("order-view", "stock.reserved"):
                row = replace(row, errors=12)
            case ("storefront", "order.cancelled"):
                row = replace(row, count=240)
        later.append(row)
    later += [
        shop.consume("fraud-check", "order.created", 1204, group="fraud"),
        shop.produce("storefront", "order.created", 30, event_type="order.amended"),
    ]
    before, after = window(shop.edges()), window(later, start=60)
    return report(Side("2h..1h", before), Side("1h", after))


def told(found: Report) -> list[tuple[str, str, str, str]]:
    return [(one.how.value, one.what.value, one.application, one.place) for one in found.items]


def test_each_kind_of_change_is_told_once() -> None:
    assert told(two_windows()) == [
        ("new", "consumer", "fraud-check", "order.created"),
        ("new", "event type", "storefront", "order.created"),
        ("gone", "consumer", "points", "payment.captured"),
        ("more", "producer", "storefront", "order.cancelled"),
        ("less", "consumer", "inventory", "order.created"),
        ("fails", "consumer", "order-view", "stock.reserved"),
        ("recovered", "consumer", "payment", "order.created"),
    ]


@pytest.mark.parametrize(("name", "write"), [("txt", diff_text.text), ("md", diff_text.markdown)])
def test_it_reads_like_this(name: str, write: object) -> None:
    assert callable(write)
    assert_golden(f"diff/windows.{name}", write(two_windows()))
    documents = Side("catalogue", Topology.build(shop.edges()[:5]), declared=True)
    seen = Side("now", window([*shop.edges()[1:6], shop.produce("", "order.created", 3)]))
    assert_golden(f"diff/declared.{name}", write(report(documents, seen, ["API rest is openapi"])))


def test_as_data_it_has_counts_and_rates() -> None:
    found = json.loads(json.dumps(diff_text.data(two_windows())))
    assert (found["rated"], found["a"]["name"]) == (True, "2h..1h")
    (slower,) = [one for one in found["changes"] if one["how"] == "less"]
    assert slower["a"] == {"count": 1204, "errors": 0, "rate": 120.4}
    assert slower["b"] == {"count": 300, "errors": 0, "rate": 30}


def test_windows_of_other_lengths_are_compared_by_the_minute() -> None:
    rows = [produce("shop", "orders", count=1000)]
    more = [produce("shop", "orders", count=6000)]
    hour = Side("b", window(more, minutes=60))
    assert report(Side("a", window(rows)), hour).items == ()
    (item,) = report(Side("a", window(rows)), Side("b", window(more))).items
    assert item.how is How.MORE


def test_without_a_length_only_what_begins_or_ends_is_told() -> None:
    rows = [produce("shop", "orders", count=1000), consume("orders", "old", count=9)]
    open_window = Side("all", replace(window(rows), start=0))
    later = [produce("shop", "orders", count=5, errors=2), consume("orders", "new", count=9)]
    found = report(open_window, Side("1h", window(later)))
    assert told(found) == [
        ("new", "consumer", "new", "orders"),
        ("gone", "consumer", "old", "orders"),
        ("fails", "producer", "shop", "orders"),
    ]
    assert found.notes == ("Of one window the length is not known, so rates are not compared.",)


def test_the_same_is_no_difference() -> None:
    same = report(Side("a", window(shop.edges())), Side("b", window(shop.edges())))
    assert same.items == ()
    assert "No difference." in diff_text.text(same)
    assert "No difference." in diff_text.markdown(same)


def test_what_a_side_lacks_is_said() -> None:
    cut = replace(window(shop.edges()), covered_from=shop.NOON + 1, left=LeftOut(3, 9))
    found = report(Side("a", cut), Side("b", window(shop.edges())))
    assert found.notes == ("a begins before what is still kept.", "a had no room for 3 edges.")


def test_only_destinations_can_be_compared() -> None:
    events = by_event_type(window(shop.edges()))
    assert events.view is View.EVENTS
    with pytest.raises(ValueError, match="of the view events"):
        report(Side("a", events), Side("b", window(shop.edges())))


def test_types_are_compared_only_where_both_sides_tell_any() -> None:
    untyped = Side("a", window([produce("shop", "orders", count=10)]))
    typed = Side("b", window([produce("shop", "orders", event_type="placed", count=10)]))
    assert report(untyped, typed).items == ()
    both = Side("c", window([produce("shop", "orders", event_type="closed", count=10)]))
    found = report(typed, both)
    assert [(one.what, one.how, one.event_types) for one in found.items] == [
        (What.EVENT_TYPE, How.NEW, ("closed",)),
        (What.EVENT_TYPE, How.GONE, ("placed",)),
    ]


def test_names_are_no_markup() -> None:
    found = report(Side("a", window([])), Side("b", replace(NASTY_TOPOLOGY, start=1, end=2)))
    for row in diff_text.markdown(found).splitlines():
        if row.startswith("| ") and "---" not in row:
            assert len(row.replace("\\|", "").split("|")) == 8, row
        assert "<" not in row.replace("\\<", "")
    assert "\x1b" not in diff_text.text(found)
