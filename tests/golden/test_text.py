"""What `flowtap trace` and `flowtap graph` print, as text to read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.chain.result import Chain, Stop, Via
from graph.model import Evidence
from graph.topology import Topology
from tests.builders import Flow
from tests.goldens import assert_golden
from tests.tui.order import ChainBuilder, order
from tests.tui.shop import topology
from tui.drawing.chain_lines import chain_lines
from tui.drawing.explain_lines import explain_lines
from tui.drawing.graph_lines import graph_lines
from tui.drawing.segments import Line, text_of, width_of


def text(lines: list[Line]) -> str:
    return "\n".join(text_of(line) for line in lines)


def looping() -> Chain:
    """Two services that answer each other, and a third that a clock ahead of time misleads."""
    flow = ChainBuilder()
    asked = flow.event("price.requested", 0, "shop", tapped=False)
    first = flow.handled(asked, "pricing", 5, 10)
    told = flow.event("price.calculated", 12, "pricing")
    flow.led_to(first, told)
    back = flow.handled(told, "shop", 20, 3)
    flow.led_to(back, asked, via=Via.CAUSATION_ID, evidence=Evidence.DECLARED)
    early = flow.event("price.audited", -3, "audit")
    flow.led_to(flow.handled(told, "audit", -5, 1), early)
    flow.event("cart.opened", 1, "web", related=True)
    chain = flow.chain(asked)
    skewed = [
        replace(cause, delay=-15_000_000) if cause.effect == early else cause
        for cause in chain.causes
    ]
    return replace(chain, causes=tuple(skewed), stopped=Stop.DEPTH)


def deep(generations: int) -> Chain:
    """One event leads to the next, many times."""
    flow = ChainBuilder()
    event = flow.event("step.000", 0, "worker")
    for number in range(1, generations):
        handled = flow.handled(event, "worker", number * 10, 2)
        event = flow.event(f"step.{number:03}", number * 10 + 1, "worker")
        flow.led_to(handled, event)
    return flow.chain(flow.events[0].key)


def wide() -> Chain:
    """An order of three hundred items, each packed; some twice, and a few never well."""
    builder = ChainBuilder()
    order = builder.event("order.placed", 0, service="shop")
    split = builder.handled(order, "splitter", 1, 40)
    for number in range(300):
        item = builder.event("item.wanted", 2 + number, service="splitter")
        builder.led_to(split, item)
        failed = ("no such shelf",) if number % 100 == 7 else ()
        packing = builder.handled(item, "warehouse", 4 + number, 3, failed=failed)
        if number % 3 == 0:
            builder.led_to(packing, builder.event("item.packed", 6 + number, service="warehouse"))
    return builder.chain(order)


@pytest.mark.parametrize(
    ("name", "chain", "width"),
    [
        ("order", order(), 80),
        ("order-120", order(), 120),
        ("loop", looping(), 80),
        ("deep", deep(14), 80),
        ("wide", wide(), 100),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_chain(name: str, chain: Chain, width: int) -> None:
    lines = chain_lines(chain, width)
    assert max(width_of(line) for line in lines) <= width
    assert_golden(f"cli/chain-{name}.txt", text(lines))


def explained() -> Chain:
    """A chain with joins of every evidence, one that is missing, and one between two."""
    flow = Flow()
    for number in range(8):
        for destination in ("orders", "points", "prices"):
            flow.message(destination, correlation_id=f"earlier-{number}")
    request = flow.span("storefront", "POST /orders", kind="server")
    order = flow.send(
        "storefront",
        "orders",
        inside=request,
        key="order-1",
        message_id="O-1",
        event_type="order.created",
        correlation_id="cart-88",
    )
    handling = flow.process("payment", order, by="link", group="pay")
    paid = flow.send("payment", "payments", inside=handling, message_id="P-1", causation_id="O-1")
    flow.receive("points", order, lasts=1)
    flow.send("points", "points", key="order-1")
    flow.process("shipping", paid, by="position")
    flow.send("", "audits", spanned=False, causation_id="P-1")
    lost = flow.span("mail")
    flow.send("mail", "mails", inside=lost, causation_id="gone", correlation_id="cart-88")
    flow.forget(lost)
    return flow.chain(order, explained=True, subscribers={"payments": ["ledger"]})


@pytest.mark.parametrize("width", [80, 120])
def test_explanations(width: int) -> None:
    lines = explain_lines(explained(), width)
    assert max(width_of(line) for line in lines) <= width
    assert_golden(f"cli/explain-{width}.txt", text(lines))


def test_a_chain_of_a_thousand_generations_stays_in_its_columns() -> None:
    lines = chain_lines(deep(1000), 80)
    assert max(width_of(line) for line in lines) <= 80
    shown = text(lines)
    assert all(f"step.{number:03}" in shown for number in range(1000))


@pytest.mark.parametrize("width", [80, 100])
def test_graph(width: int) -> None:
    lines = graph_lines(topology(), width)
    assert max(width_of(line) for line in lines) <= width
    assert_golden(f"cli/graph-{width}.txt", text(lines))


def test_an_empty_graph_says_so() -> None:
    assert "0 destinations" in text(graph_lines(Topology()))


def test_control_characters_do_not_reach_the_terminal() -> None:
    flow = ChainBuilder()
    event = flow.event("evil\x1b[2Jtype\n", 0, "serv\rice")
    flow.handled(event, "a\x07b", 1, 2, failed=("line one\nline two\x1b]0;title\x07",))
    shown = "".join(segment.text for line in chain_lines(flow.chain(event)) for segment in line)
    assert shown.isprintable()
