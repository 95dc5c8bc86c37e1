"""A chain as rows: every event once, whatever its shape."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graph.chain.result import Chain, Delivery, EventKey
from graph.model import Evidence
from tests.goldens import assert_golden
from tests.tui.order import ChainBuilder, order
from tui.drawing.chain_bundles import ALIKE, bundled, members_of
from tui.drawing.chain_drawing import ChainDrawing
from tui.drawing.chain_tree import (
    Row,
    RowKey,
    RowKind,
    parent_of,
    sibling_of,
    tree,
    way_to,
    without_folded,
)
from tui.drawing.segments import text_of, width_of

STRENGTHS = list(Evidence)


def drawn(chain: Chain, width: int = 80) -> str:
    drawing = ChainDrawing(chain, width)
    lines = [drawing.heading, *(drawing.line(y, None) for y in range(drawing.height))]
    assert {width_of(line) for line in lines} == {width}
    return "\n".join(map(text_of, lines))


def kinds(rows: list[Row]) -> list[str]:
    return [f"{row.key.kind} {row.event.title if row.event else ''}" for row in rows]


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """Any graph: several roots, fan-in, loops, events that cause themselves."""
    builder = ChainBuilder()
    count = draw(st.integers(1, 9))
    keys = [builder.event(f"e{number}", number) for number in range(count)]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    handled: dict[tuple[EventKey, str], Delivery] = {}
    for cause, effect in draw(st.lists(pairs, max_size=18, unique=True)):
        service = draw(st.sampled_from(["a", "b"]))
        name = keys[cause], service
        if name not in handled:
            handled[name] = builder.handled(keys[cause], service, cause + 1, 1)
        evidence = draw(st.sampled_from(STRENGTHS))
        builder.led_to(handled[name], keys[effect], evidence=evidence)
    builder.related = draw(st.lists(st.sampled_from(keys), unique=True, max_size=2))
    return builder.chain(keys[0])


@given(chains())
def test_every_event_and_delivery_is_drawn_once_and_every_join_shows(chain: Chain) -> None:
    rows = tree(chain)
    assert len({row.key for row in rows}) == len(rows), "rows can be told apart"
    events = [row.key.event for row in rows if row.key.kind is RowKind.EVENT]
    assert sorted(map(str, events)) == sorted(str(event.key) for event in chain.events)
    deliveries = [row.delivery for row in rows if row.delivery is not None]
    assert len(deliveries) == len(chain.deliveries)
    joins = [row.cause for row in rows if row.cause is not None]
    assert len(joins) == len(chain.causes)
    assert {(one.cause, one.effect) for one in joins} == {
        (one.cause, one.effect) for one in chain.causes
    }


@given(chains())
def test_rows_inside_are_counted_and_depths_never_jump(chain: Chain) -> None:
    rows = tree(chain)
    for index, row in enumerate(rows):
        inside = rows[index + 1 : index + 1 + row.inside]
        assert all(one.depth > row.depth for one in inside)
        after = rows[index + 1 + row.inside : index + 2 + row.inside]
        assert all(one.depth <= row.depth for one in after)
        parent = parent_of(rows, index)
        assert (parent is None) == (row.depth == 0)
        assert parent is None or rows[parent].depth == row.depth - 1


@given(chains(), st.data())
def test_folding_hides_what_is_inside_and_nothing_else(chain: Chain, data: st.DataObject) -> None:
    rows = tree(chain)
    row = data.draw(st.sampled_from(rows))
    folded = without_folded(rows, {row.key})
    index = rows.index(row)
    hidden = rows[index + 1 : index + 1 + row.inside]
    assert [one.key for one in folded] == [one.key for one in rows if one not in hidden]


@given(chains(), st.integers(40, 200))
def test_every_line_has_exactly_the_width(chain: Chain, width: int) -> None:
    drawn(chain, width)


def test_a_fan_in_is_drawn_once_and_referred_to() -> None:
    rows = tree(order())
    shipped = [row for row in rows if row.event and row.event.title == "parcel.shipped"]
    home, *_ = [row for row in shipped if row.key.kind is RowKind.EVENT]
    reference, *_ = [row for row in shipped if row.key.kind is RowKind.REFERENCE]
    assert home.others == 1
    assert reference.above and not reference.loop
    titles = [event.title for event in way_to(rows, rows.index(reference))]
    assert titles == ["order.created", "payment.captured", "parcel.shipped"]


def test_siblings_are_those_below_the_same_cause() -> None:
    rows = tree(order())
    first = next(i for i, row in enumerate(rows) if row.delivery)
    names = []
    at: int | None = first
    while at is not None:
        delivery = rows[at].delivery
        assert delivery is not None
        names.append(delivery.service)
        at = sibling_of(rows, at, 1)
    assert names == ["inventory", "payment", "order-view", "analytics", "recommendation"]


def test_shapes_look_so() -> None:
    """A loop, several roots, a weaker way in, related events, and a long line of causes."""
    loop = ChainBuilder()
    ping, pong = loop.event("ping", 0, "a"), loop.event("pong", 5, "b")
    loop.led_to(loop.handled(ping, "b", 1, 3), pong)
    loop.led_to(loop.handled(pong, "a", 6, 3), ping)

    roots = ChainBuilder()
    one, two = roots.event("cart.paid", 0, "shop"), roots.event("cart.packed", 2, "hall")
    sent = roots.event("cart.sent", 9, "van")
    lone = roots.event("cart.viewed", 4, "web", related=True)
    roots.handled(lone, "stats", 5, 1)
    roots.led_to(roots.handled(one, "van", 3, 5), sent, evidence=Evidence.INFERRED)
    roots.led_to(roots.handled(two, "van", 4, 5), sent)

    deep = ChainBuilder()
    above = deep.event("step", 0, "s0", offset=1)
    for number in range(1, 30):
        below = deep.event("step", number * 10, f"s{number}", offset=number + 1)
        deep.led_to(deep.handled(above, f"s{number}", number * 10 - 5, 4), below)
        above = below

    parts = [drawn(built.chain(start)) for built, start in ((loop, ping), (roots, one))]
    parts.append(drawn(deep.chain(above)))
    assert_golden("tui/chain-shapes.txt", "\n\n".join(parts))


def test_a_thousand_steps_deep_is_no_trouble() -> None:
    deep = ChainBuilder()
    above = deep.event("step", 0, offset=1)
    for number in range(1, 1_000):
        below = deep.event("step", number, offset=number + 1)
        deep.led_to(deep.handled(above, "s", number - 0.5, 0.1), below)
        above = below
    rows = tree(deep.chain(above))
    assert rows[-1].depth == 2 * 999
    assert rows[0].inside == len(rows) - 1


def test_a_hidden_event_says_what_hides_it() -> None:
    chain = order()
    inventory = next(row.key for row in tree(chain) if row.delivery)
    drawing = ChainDrawing(chain, 80, {inventory})
    shipped = next(event.key for event in chain.events if event.title == "parcel.shipped")
    assert drawing.place_of(shipped) is None
    assert drawing.hiding(shipped) == {inventory}
    assert drawing.row(RowKey(RowKind.EVENT, shipped)) is None


def fan(effects: int, each: int = 1) -> Chain:
    """One delivery that led to many events alike, each handled by one service, some not."""
    builder = ChainBuilder()
    order = builder.event("order.created", 0, service="shop")
    split = builder.handled(order, "splitter", 1, 5)
    for number in range(effects):
        item = builder.event("item.wanted", 2 + number, service="splitter")
        builder.led_to(split, item)
        for consumer in range(each):
            builder.handled(item, f"warehouse-{consumer}", 3 + number, 1)
    return builder.chain(order)


def test_what_is_many_and_alike_is_one_row_with_all_that_it_stands_for() -> None:
    chain = fan(ALIKE + 1, each=2)
    rows = bundled(tree(chain))
    assert [(row.key.kind, len(row.alike)) for row in rows] == [
        (RowKind.EVENT, 0),
        (RowKind.DELIVERY, 0),
        (RowKind.BUNDLE, ALIKE + 1),
        (RowKind.BUNDLE, ALIKE + 1),
        (RowKind.BUNDLE, ALIKE + 1),
    ]
    assert [row.depth for row in rows] == [0, 1, 2, 3, 3]
    assert rows[1].inside == 3


def test_few_that_are_alike_stay_apart() -> None:
    rows = tree(fan(ALIKE))
    assert bundled(rows) == rows


def test_an_opened_bundle_shows_each_of_its_members() -> None:
    whole = tree(fan(ALIKE + 3))
    shut = bundled(whole)
    bundle = next(row for row in shut if row.alike)
    rows = bundled(whole, {bundle.key})
    assert [row.alike for row in rows if row.key == bundle.key] == [bundle.alike]
    shown = [row.key for row in rows if row.key != bundle.key]
    assert sorted(map(str, shown)) == sorted(str(row.key) for row in whole)


@given(chains(), st.integers(0, 4))
def test_bundles_lose_nothing_whatever_the_chain(chain: Chain, most: int) -> None:
    whole = tree(chain)
    rows = bundled(whole, most=most)
    members = [one.key for row in rows for one in members_of(row)]
    assert sorted(map(str, members)) == sorted(str(row.key) for row in whole)
    assert len({row.key for row in rows}) == len(rows)
    for index, row in enumerate(rows):
        parent = parent_of(rows, index)
        assert (parent is None) == (row.depth == 0)
        assert parent is None or rows[parent].depth == row.depth - 1


def test_a_row_in_a_bundle_is_found_by_opening_it() -> None:
    chain = fan(ALIKE + 1)
    drawing = ChainDrawing(chain, 100)
    last = chain.events[-1].key
    assert drawing.place_of(last) is None
    hiding = drawing.hiding(last)
    assert len(hiding) == 1
    assert ChainDrawing(chain, 100, opened=hiding).place_of(last) is not None
    assert not drawing.hiding(chain.focus)
