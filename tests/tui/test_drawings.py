"""What the drawings of the graph, of lists and of details look like, and how they move."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from graph.layers import destinations_in_order
from graph.topology import Topology
from tests.goldens import assert_golden
from tests.tui import shop
from tests.tui.order import order
from tui.drawing.bars import draw_way
from tui.drawing.chain_details import row_details
from tui.drawing.chain_tree import tree
from tui.drawing.facts import body, wrap
from tui.drawing.flow import Flow, Spot
from tui.drawing.flow_drawing import FlowDrawing
from tui.drawing.node_details import spot_details
from tui.drawing.segments import Segment, text_of, width_of


def flow(width: int) -> FlowDrawing:
    return FlowDrawing(Flow(shop.topology(), shop.rates(), shop.lags()), width)


def text(drawing: FlowDrawing, selected: Hashable = None) -> str:
    lines = [drawing.heading, *(drawing.line(y, selected) for y in range(drawing.height))]
    return "\n".join(map(text_of, lines))


def name(target: Hashable) -> str:
    assert isinstance(target, Spot)
    return target.node.name


@pytest.mark.parametrize("width", [79, 148])
def test_the_whole_flow_looks_so(width: int) -> None:
    drawing = flow(width)
    assert_golden(f"tui/flow-{width}.txt", text(drawing, drawing.first()))


@pytest.mark.parametrize("width", range(60, 210, 7))
def test_every_line_of_the_flow_has_exactly_the_width(width: int) -> None:
    drawing = flow(width)
    lines = [drawing.heading, *(drawing.line(y, drawing.first()) for y in range(drawing.height))]
    assert {width_of(line) for line in lines} == {width}


def test_names_of_any_length_and_script_keep_the_columns() -> None:
    rows = [
        shop.produce("a-service-with-a-very-long-name-indeed", "注文.作成", 5),
        shop.consume("決済サービス", "注文.作成", 5),
        shop.consume("x\x1b[31m", "t" * 200, 5),
    ]
    drawing = FlowDrawing(Flow(Topology.build(rows)), 80)
    lines = [drawing.line(y, None) for y in range(drawing.height)]
    assert {width_of(line) for line in lines} == {80}
    assert "\x1b" not in "".join(map(text_of, lines)), "a name cannot move the cursor"


def test_causes_stand_above_effects_and_loops_end() -> None:
    names = [key.name for key in destinations_in_order(shop.topology())]
    assert names.index("order.created") < names.index("payment.captured")
    assert names.index("payment.captured") < names.index("sms.dead-letter")
    looped = [
        shop.produce("a", "ping", 1),
        shop.consume("b", "ping", 1),
        shop.produce("b", "pong", 1),
        shop.consume("a", "pong", 1),
    ]
    assert [key.name for key in destinations_in_order(Topology.build(looped))] == ["ping", "pong"]


def test_arrows_move_between_columns_and_blocks() -> None:
    drawing = flow(80)
    start = drawing.first()
    assert name(start) == "order.created"
    right = drawing.step(start, 1, 0)
    assert name(right) == "analytics"
    assert right is not None
    below = drawing.step(right, 0, 5)
    assert below is not None
    assert name(below) == "crm-sync", "down goes on in the next block"
    assert name(drawing.step(below, -1, 0)) == "user.registered"
    left = drawing.step(start, -1, 0)
    assert left is not None
    assert name(left) == "storefront"
    assert drawing.step(left, -1, 0) is None
    assert drawing.step(start, 0, -1) is None


def test_a_selected_service_lights_up_wherever_it_is() -> None:
    drawing = flow(80)
    start = drawing.first()
    assert isinstance(start, Spot)
    payment = next(edge.target for edge in shop.topology().edges if edge.target.name == "payment")
    lit = drawing.lit(start._replace(node=payment, column=2))
    names = {getattr(key, "name", "") for key in lit}
    assert {"payment", "order.created", "payment.captured", "bank-gateway"} <= names
    assert "points" not in names


def test_details_look_so() -> None:
    chain = order()
    rows = tree(chain)
    graph = flow(80)
    start = graph.first()
    assert isinstance(start, Spot)
    parts = [
        row_details(rows[0], chain, 46),
        row_details(next(row for row in rows if row.delivery and row.delivery.error), chain, 46),
        row_details(next(row for row in rows if row.others), chain, 46),
        spot_details(graph.flow, start, 46),
        spot_details(graph.flow, _consumer(graph, start, "recommendation"), 46),
    ]
    assert all(width_of(line) <= 46 for part in parts for line in part)
    texts = ["\n".join(map(text_of, part)) for part in parts]
    assert_golden("tui/details.txt", f"\n{'=' * 46}\n".join(texts))


def _consumer(drawing: FlowDrawing, block: Spot, service: str) -> Spot:
    edge = next(one for one in drawing.flow.topology.edges if one.target.name == service)
    return Spot(block.block, edge.target, 2, edge.key)


def test_bodies_show_their_structure_whatever_they_are() -> None:
    assert [text_of(line) for line in body('{"a": [1, "two"], "b": null}', 40)] == [
        "{",
        '  "a": [',
        "    1,",
        '    "two"',
        "  ],",
        '  "b": null',
        "}",
    ]
    assert [text_of(line) for line in body("no json\nat all", 4)] == ["no", "json", "at", "all"]
    assert [text_of(line) for line in body(None, 40)] == ["no value: a tombstone"]
    assert text_of(body("[" * 5_000, 400)[0]).startswith("[[[")
    roles = {segment.text: segment.role for line in body('{"k": "v"}', 40) for segment in line}
    assert (roles['"k"'], roles['"v"']) == ("key", "string")


def test_a_long_body_says_how_much_is_left_out() -> None:
    lines = body("\n".join(map(str, range(1_000))), 40)
    assert text_of(lines[-1]) == "… 600 more lines"


def test_text_breaks_at_spaces_and_ids_anywhere() -> None:
    wrapped = wrap([Segment("nothing listens there"), Segment(" x" * 3)], 12)
    assert ["".join(part.text for part in row) for row in wrapped] == [
        "nothing ",
        "listens ",
        "there x x x",
    ]
    assert [len(row[0].text) for row in wrap([Segment("f" * 32)], 20)] == [20, 12]


def test_a_word_late_in_a_line_goes_to_the_next_as_a_whole() -> None:
    parts = [Segment("9 wait, the oldest for 1h 10m"), Segment(", since 2026-10-01 10:49:50")]
    wrapped = ["".join(part.text for part in row) for row in wrap(parts, 34)]
    assert wrapped == ["9 wait, the oldest for 1h 10m, ", "since 2026-10-01 10:49:50"]


def test_what_stands_at_the_right_of_a_way_keeps_its_distance() -> None:
    way = draw_way(["order.created"], "order.created/0/1042", (Segment("critical path"),), 44)
    assert text_of(way) == " order.created  order.creat…  critical path"
