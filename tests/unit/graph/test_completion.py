"""What a filter's input offers, wherever somebody writes in it."""

from __future__ import annotations

import pytest

from graph.completion import complete, seen_in
from graph.filter import NAMES, parse
from graph.listing import EventRow
from graph.terms import Field
from graph.topology import Topology
from tests.tui import shop

SEEN = {
    Field.TOPIC: ["order.created", "payment.captured"],
    Field.TYPE: ["Order Placed", "order.created"],
    Field.SERVICE: ["payment"],
}


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("", [f"{name}:" for name in NAMES]),
        ("key:1 ", [f"{name}:" for name in NAMES]),
        ("ty", ["type:"]),
        ("-ty", ["-type:"]),
        ("pay", ["topic:payment.captured", "service:payment"]),
        ("type:", ['"Order Placed"', "order.created"]),
        ("type:placed", ['"Order Placed"']),
        ("type:x,order.", ["order.created"]),
        ("type:order*", ['"Order Placed"', "order.created"]),
        ("destination:pay", ["payment.captured"]),
        ("error:", ["yes", "no"]),
        ("since:1", ["15m", "1h"]),
        ("or", ["order:"]),
        ("order:", ["newest", "oldest"]),
        ("key:1 order:o", ["oldest"]),
        ("colour:r", []),
        ("key:1", []),
    ],
)
def test_what_is_offered(text: str, offered: list[str]) -> None:
    found = [option.text for option in complete(text, len(text), SEEN).options]
    assert found[: len(offered)] == offered
    assert bool(found) is bool(offered)


@pytest.mark.parametrize(
    ("text", "cursor", "becomes", "then"),
    [
        ("ty", 2, "type:", 5),
        ("type:pla", 8, 'type:"Order Placed" ', 20),
        ("type:or key:1", 7, 'type:"Order Placed" key:1', 19),
        ("key:1 pay type:x", 9, "key:1 topic:payment.captured type:x", 28),
        ("service:p", 9, "service:payment ", 16),
    ],
)
def test_what_is_chosen_takes_the_words_place(
    text: str, cursor: int, becomes: str, then: int
) -> None:
    found = complete(text, cursor, SEEN)
    applied = found.applied(text, found.options[0])
    assert applied == (becomes, then)


def test_every_value_that_is_offered_is_a_filter() -> None:
    for text in ("o", "p", "type:", "topic:", "service:", "error:", "since:", "order:"):
        found = complete(text, len(text), SEEN)
        for option in found.options:
            made, _ = found.applied(text, option)
            if not made.endswith(":"):
                parse(made, 10**18)


def test_values_come_from_events_and_from_the_graph() -> None:
    rows = [
        EventRow("refunds/0/1", 1, "refunds", event_type="Refunded", key="r-1", service="payment"),
        EventRow("refunds/0/2", 2, "refunds", environment="test"),
    ]
    seen = seen_in(rows, None)
    assert (seen[Field.TOPIC], seen[Field.TYPE]) == (["refunds"], ["Refunded"])
    assert (seen[Field.KEY], seen[Field.ENVIRONMENT]) == (["r-1"], ["test"])
    both = seen_in(rows, Topology.build(shop.edges()))
    assert {"refunds", "order.created"} < set(both[Field.TOPIC])
    assert {"payment", "inventory"} < set(both[Field.SERVICE])
