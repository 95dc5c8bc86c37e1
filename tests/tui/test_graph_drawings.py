"""How the graph's other drawings look and move: one node in the middle, a map, a table."""

from __future__ import annotations

import pytest

from graph.topology import NodeKey, Topology
from graph.topology_diff import Change, EdgeChange
from tests.tui import large, shop
from tui.drawing.edge_table import BUSIEST, EdgeTable
from tui.drawing.flow import Flow, Spot, changed
from tui.drawing.focus import side
from tui.drawing.focus_drawing import FocusDrawing
from tui.drawing.graph_view import GraphDrawing, Shape, View
from tui.drawing.map_drawing import FAR, NEAR, MapDrawing, too_large
from tui.drawing.segments import cells, text_of, width_of
from tui.drawing.segments import window as columns
from tui.drawing.sorting import Sort
from tui.drawing.sparkline import sparkline
from tui.drawing.windows import MINUTE, USUAL, WINDOWS, Bounds, typed

SHOP = Flow(shop.topology(), shop.rates(), shop.lags())
NOW = shop.NOON + 50 * 1_000_000_000


def node(name: str, flow: Flow = SHOP) -> NodeKey:
    return next(one.key for one in flow.topology.nodes if one.key.name == name)


def drawings(flow: Flow, middle: NodeKey, width: int) -> list[GraphDrawing]:
    return [
        *(FocusDrawing(flow, middle, hops, width) for hops in (1, 2, 4)),
        *(MapDrawing(flow, zoom, width) for zoom in (NEAR, FAR)),
        *(EdgeTable(flow, Sort(name, True), width) for name in ("count", "p99", "from")),
    ]


@pytest.mark.parametrize("width", range(70, 220, 24))
def test_every_line_has_exactly_the_width_of_its_drawing(width: int) -> None:
    odd = [
        shop.produce("a-service-with-a-very-long-name-indeed", "注文.作成", 5),
        shop.consume("決済サービス", "注文.作成", 5),
        shop.consume("x\x1b[31m", "t" * 200, 5),
    ]
    flows = [(SHOP, node("payment"))]
    odd_flow = Flow(Topology.build([*odd, *shop.edges()]))
    flows.append((odd_flow, node("注文.作成", odd_flow)))
    for flow, middle in flows:
        for drawing in drawings(flow, middle, width):
            wide = getattr(drawing, "width", width)
            assert wide >= width
            selected = drawing.first()
            lines = [drawing.line(y, selected) for y in range(drawing.height)]
            assert {width_of(line) for line in lines} == {wide}, type(drawing)
            assert width_of(drawing.heading) == wide
            assert "\x1b" not in "".join(map(text_of, lines))


@pytest.mark.parametrize("number", range(8))
def test_whatever_can_be_reached_is_where_it_says(number: int) -> None:
    """From the first, in all directions: each target is drawn in its rows, and can be found."""
    drawing = drawings(SHOP, node("order.created"), 100)[number]
    seen, waiting = {drawing.first()}, [drawing.first()]
    while waiting:
        target = waiting.pop()
        assert isinstance(target, Spot)
        rows = drawing.rows_of(target)
        assert rows is not None
        assert any(part.target == target for y in rows for part in drawing.line(y, target))
        assert drawing.spot_of(target.node) is not None
        for way in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            beside = drawing.step(target, *way)
            if beside is not None and beside not in seen:
                seen.add(beside)
                waiting.append(beside)
    assert len(seen) > 5


def test_each_edge_beside_the_middle_is_drawn_once() -> None:
    for forward in (True, False):
        for key in (one.key for one in SHOP.topology.nodes):
            for hops in (1, 2, 3):
                half = side(SHOP, key, hops, forward=forward)
                edges = [step.edge.key for step in half.steps]
                assert len(edges) == len(set(edges))
                assert {step.depth for step in half.steps} <= set(range(1, hops + 1))
                places = [(step.row, step.depth) for step in half.steps]
                assert len(places) == len(set(places))


def test_a_loop_ends_and_what_is_not_drawn_is_counted() -> None:
    half = side(SHOP, node("order.created"), 1, forward=True)
    told = {step.node.name: (step.more, step.again) for step in half.steps}
    assert told["payment"] == (3, False)
    assert told["analytics"] == (0, False)
    deep = side(SHOP, node("storefront"), 6, forward=True)
    assert any(step.node.name == "storefront" and step.again for step in deep.steps)


def test_a_hub_with_hundreds_of_neighbours_is_drawn_where_it_shows() -> None:
    topology = large.LargeSource().topology()
    flow = Flow(topology)
    drawing = FocusDrawing(flow, node("audit.log", flow), 2, 120)
    assert drawing.height > 300
    assert width_of(drawing.line(drawing.height // 2, None)) == drawing.width
    assert too_large(flow)
    assert not too_large(SHOP)


def test_a_map_runs_from_causes_to_effects() -> None:
    drawing = MapDrawing(SHOP, NEAR, 100)
    spots = {
        name: drawing.spot_of(node(name)) for name in ("storefront", "order.created", "payment")
    }
    layers = [spot.column for spot in spots.values() if spot is not None]
    assert layers == sorted(set(layers)), "where things begin is at the left"
    texts = [text_of(drawing.line(y, None)) for y in range(drawing.height)]
    assert any("↺ storefront" in text for text in texts), "a loop ends at the name of its beginning"
    assert any("┄▷│● points │" in text for text in texts), "what is inferred is dashed"
    assert any("║▪ order.created ║" in text for text in texts), "destinations are no boxes"


def test_a_table_sorts_by_every_column_and_keeps_what_is_unknown_last() -> None:
    ends = EdgeTable(SHOP, Sort("from", False), 140)
    names = [edge.source.name or "unknown producer" for edge in ends.edges]
    assert names == sorted(names)
    lags = EdgeTable(SHOP, Sort("lag", True), 140)
    assert [SHOP.lags.get(edge.key) for edge in lags.edges[:2]] == [312, 9]
    slow = EdgeTable(SHOP, Sort("p95", False), 140)
    known = [edge.p95 for edge in slow.edges if edge.p95 is not None]
    assert known == sorted(known)
    assert [edge.p95 for edge in slow.edges[: len(known)]] == known
    assert "change" not in text_of(EdgeTable(SHOP, Sort("change", True), 140).heading)


def test_columns_that_do_not_fit_go_but_the_one_that_is_sorted_by_stays() -> None:
    narrow = EdgeTable(SHOP, BUSIEST, 79)
    assert "p50" not in narrow.figures
    assert "p50" in EdgeTable(SHOP, Sort("p50", True), 79).figures
    assert "p50" in EdgeTable(SHOP, BUSIEST, 140).figures


def test_a_long_name_in_the_table_takes_what_the_other_leaves_over() -> None:
    name = "a-service-with-long-name"
    flow = Flow(Topology.build([shop.produce(name, "orders", 1)]))
    table = EdgeTable(flow, BUSIEST, 79)
    assert sum(table.names) // 2 < cells(name), "half of the room would not do"
    drawn = text_of(table.line(0, None))
    assert name in drawn and "orders" in drawn


def test_a_view_goes_along_a_way_and_back() -> None:
    a, b, c = (node(name) for name in ("storefront", "order.created", "payment"))
    view = View().moved_to(a).moved_to(b).moved_to(c)
    assert view.way == (a, b, c)
    assert view.moved_to(b).way == (a, b), "one that is on the way is gone back to"
    assert view.shaped(Shape.TABLE).way == ()
    assert view.shaped(Shape.TABLE).shaped(Shape.TABLE).shape is Shape.FLOW
    assert view.hopping(99).hops == 6
    assert view.hopping(-99).hops == 1
    assert view.sorted_by("count").sort == Sort("count", False), "again: the other way round"
    assert view.sorted_by("from").sort == Sort("from", False), "names from A to Z"


def test_a_change_says_what_by_sign_and_word() -> None:
    edge = SHOP.topology.edges[0]

    def told(traffic: Change, factor: float) -> str:
        return changed(EdgeChange(edge, edge, traffic, Change.SAME, factor)).text

    assert told(Change.NEW, 0) == "+ new"
    assert told(Change.GONE, 0) == "- gone"
    assert told(Change.MORE, 3.21) == "▲ ×3.2"
    assert told(Change.LESS, 1 / 12) == "▼ ÷12"
    assert told(Change.SAME, 1.1) == "="
    assert max(cells(told(Change.MORE, factor)) for factor in (2.0, 99.6, 12_345.0)) <= 7


def test_a_sparkline_keeps_the_newest_at_its_right() -> None:
    assert sparkline([1, 2, 4, 8], 10) == "▂▃▅█"
    assert sparkline([0, 0, 5], 10) == "··█"
    assert sparkline([0, 0], 10) == "··"
    assert sparkline([9, 1, 1, 2, 2], 3) == "▅█", "what fills no column at its left is left out"
    assert sparkline([], 10) == sparkline([1], 0) == ""


def test_windows_are_whole_minutes_and_what_was_before_is_as_long() -> None:
    assert USUAL.bounds(NOW) == Bounds(shop.NOON - 15 * MINUTE, 0)
    assert USUAL.earlier(NOW) == Bounds(shop.NOON - 30 * MINUTE, shop.NOON - 15 * MINUTE)
    assert WINDOWS[-1].earlier(NOW) is None
    past = typed("2h..1h", NOW)
    assert not past.follows
    assert past.name == "10:00-11:01"
    assert past.bounds(NOW) == Bounds(shop.NOON - 120 * MINUTE, shop.NOON - 59 * MINUTE)
    before = past.earlier(NOW)
    assert before is not None
    assert before.end == past.start
    assert before.end - before.start == past.end - past.start
    assert typed("90m", NOW).name == "last 90 min"
    assert typed("2d", NOW)[:2] == ("last 2 d", 2880)
    since = typed("2026-09-30T22:00", NOW)
    assert since.name == "since 09-30 22:00"
    assert since.follows


def test_columns_of_a_line_are_cut_out_of_it() -> None:
    drawing = FocusDrawing(SHOP, node("order.created"), 3, 80)
    whole = drawing.line(4, None)
    text = "".join(part.text for part in whole)
    for start in (0, 1, 30, 75, 500):
        shown = columns(whole, start, 40)
        assert width_of(shown) == 40
        assert text_of(shown) == text[start : start + 40].rstrip()
