"""Where a chain may be cut because what came before was pruned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from graph.chain import Chain
from graph.chain.coverage import NEAR, cut_events, missed_by
from graph.gaps import Gap, missed
from graph.model import Position
from graph.wire.chain import chain_from_dict, chain_to_dict
from tests.builders import EPOCH, Flow
from tui.drawing.chain_details import event_details
from tui.drawing.chain_lines import chain_lines
from tui.drawing.segments import text_of


def a_chain(covered_from: int, **message: Any) -> Chain:
    flow = Flow()
    order = flow.send("shop", "orders", **message)
    handled = flow.process("payment", order)
    flow.send("payment", "payments", inside=handled)
    return replace(flow.chain(order), covered_from=covered_from)


def test_where_nothing_was_pruned_nothing_is_cut() -> None:
    assert cut_events(a_chain(0, causation_id="gone")) == ()


def test_what_happened_soon_after_the_beginning_may_have_a_cause_before_it() -> None:
    chain = a_chain(EPOCH - NEAR + 10**9)
    assert cut_events(chain) == (chain.focus,), "what its cause is known of is not cut"
    assert cut_events(a_chain(EPOCH - NEAR)) == ()


def test_a_cause_that_is_named_and_unknown_may_have_been_pruned() -> None:
    chain = a_chain(EPOCH - 100 * NEAR, causation_id="gone")
    assert cut_events(chain) == (chain.focus,)


def test_the_chain_says_so_beside_the_event() -> None:
    text = "\n".join(text_of(line) for line in chain_lines(a_chain(EPOCH)))
    assert text.count("may have causes before 2023-11-14 22:13 UTC, which was pruned") == 1
    assert "pruned" not in "\n".join(text_of(line) for line in chain_lines(a_chain(0)))


def test_an_event_whose_message_a_tap_missed_says_so() -> None:
    flow = Flow()
    span = {"partition": "0", "offset": 6, "cluster": "c1"}
    order = flow.send("shop", "orders", tapped=False, span=span)
    flow.process("payment", order)
    gap = Gap("kafka", "c1", "orders", "i1", "0", 5, 7, "retention", EPOCH)
    chain = replace(flow.chain(order), gaps=(gap,))
    (event,) = chain.events
    assert missed_by(chain, event) == gap
    assert chain_from_dict(chain_to_dict(chain)) == chain
    text = "\n".join(text_of(line) for line in chain_lines(chain))
    assert "the tap missed its message: retention (orders/0/5..7)" in text
    details = "\n".join(text_of(line) for line in event_details(event, chain, 120))
    assert "the tap missed its message" in details
    assert "No tap saw" not in details


@pytest.mark.parametrize(
    ("other", "held"),
    [({}, True), ({"offset": 8}, False), ({"partition": "1"}, False), ({"cluster": "c2"}, False)],
)
def test_a_gap_holds_what_lies_in_it(other: dict[str, Any], held: bool) -> None:
    gap = Gap("kafka", "c1", "orders", "i1", "0", 5, 7, "retention", EPOCH)
    position = Position("kafka", "", "orders", "", "0", 7)._replace(**other)
    assert gap.holds(position) is held
    assert missed([gap], [position]) == ((gap,) if held else ())
