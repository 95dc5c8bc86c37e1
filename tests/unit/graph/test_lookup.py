"""What a pasted text names, and what to choose from when it names several things."""

from __future__ import annotations

import pytest

from graph.chain import Start, find
from graph.chain.result import Chain, Creation
from graph.direction import Direction, directed
from graph.lookup import SeveralMeanings, Unknown, event_id, focused, look_up
from graph.model import IdKind
from graph.remembered import Remembered
from tests.builders import Flow
from tests.memory_facts import MemoryFacts


def facts(flow: Flow) -> MemoryFacts:
    return MemoryFacts(flow.operations.values(), flow.messages.values(), flow.spans.values())


def test_a_span_in_its_trace_needs_no_resolving() -> None:
    flow = Flow()
    sent = flow.send("shop", "orders", tapped=False)
    assert sent.context
    known = facts(flow)
    text = f"{sent.context.trace_id.upper()}/{sent.context.span_id}"
    assert look_up(known, f" {text} ").start == Start(contexts=(sent.context,))
    assert look_up(known, f"{text}@orders").focus == Creation(sent.context, "orders")
    assert known.calls == []


def test_what_a_look_up_reads_is_read_once_and_is_the_event() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", message_id="M-1", span={"message_id": "M-1"})
    flow.process("payment", order, by="parent", message_id="M-1")
    assert order.context
    for text in ("M-1", "orders/0/0", order.context.trace_id, order.context.span_id):
        known = facts(flow)
        named = look_up(Remembered(known), text)
        assert named.found == find(facts(flow), named.start, follow=False)
        for name in ("operations", "spans", "pointing_into", "messages"):
            assert known.calls.count(name) == 1, text


def test_a_place_in_full_tells_one_life_of_a_topic_from_another() -> None:
    flow = Flow()
    old = flow.send("shop", "orders")
    assert old.position
    new = old.position._replace(incarnation="i2")
    flow.messages[new] = flow.message("other", contexts=())
    flow.messages[new] = type(flow.messages[new])(new, flow.tick())
    known = facts(flow)
    with pytest.raises(SeveralMeanings) as error:
        look_up(known, "orders/0/0")
    asks = {one.ask for one in error.value.candidates}
    assert asks == {"orders/0/0@kafka/c1/i1", "orders/0/0@kafka/c1/i2"}
    assert look_up(known, "orders/0/0@kafka/c1/i2").focus == new


def test_a_kind_before_the_id_decides() -> None:
    flow = Flow()
    flow.send("shop", "orders", message_id="42")
    other = flow.send("shop", "stock", key="42")
    known = facts(flow)
    with pytest.raises(SeveralMeanings) as error:
        look_up(known, "42")
    assert [one.kind for one in error.value.candidates] == [IdKind.MESSAGE, IdKind.KEY]
    assert look_up(known, "key:42").start == Start(positions=(other.position,))  # type: ignore[arg-type]
    assert look_up(known, "message:42") != look_up(known, "key:42")


def test_an_id_that_begins_like_a_kind_is_still_an_id() -> None:
    flow = Flow()
    sent = flow.send("shop", "orders", message_id="key:1")
    assert look_up(facts(flow), "key:1").start.positions == (sent.position,)


def test_a_set_is_asked_for_by_its_kind() -> None:
    flow = Flow()
    for _ in range(3):
        flow.send("shop", "orders", correlation_id="cart")
    flow.send("shop", "stock", message_id="cart")
    known = facts(flow)
    with pytest.raises(SeveralMeanings) as error:
        look_up(known, "cart")
    (several,) = [one for one in error.value.candidates if one.events > 1]
    assert (several.ask, several.events) == ("correlation:cart", 3)
    assert len(look_up(known, several.ask).start.positions) == 3


def test_what_nobody_knows() -> None:
    for text in ("nothing", "key:nothing", "orders/0/9@kafka/c1/i1", ""):
        with pytest.raises(Unknown):
            look_up(facts(Flow()), text)


def test_ids_of_events_in_short_and_in_full() -> None:
    flow = Flow()
    seen = flow.send("shop", "orders").key
    unseen = flow.send("shop", "stock", tapped=False).key
    assert event_id(seen) == "orders/0/0"
    assert event_id(seen, full=True) == "orders/0/0@kafka/c1/i1"
    assert event_id(unseen, full=True) == f"{unseen}@stock"


class TestDirection:
    """order -> paid -> shipped, and order -> reserved -> shipped."""

    @pytest.fixture
    def chain(self) -> Chain:
        flow = Flow()
        order = flow.send("shop", "order")
        paid = flow.send("payment", "paid", inside=flow.process("payment", order))
        reserved = flow.send("stock", "reserved", inside=flow.process("stock", order))
        both = flow.process("shipping", paid, reserved, by="link")
        flow.send("shipping", "shipped", inside=both)
        flow.process("mail", paid)
        return flow.chain(paid)

    def names(self, chain: Chain) -> list[str]:
        return [event.destination for event in chain.events]

    def test_both_is_the_chain_itself(self, chain: Chain) -> None:
        assert directed(chain, Direction.BOTH) is chain

    def test_causes_keep_the_deliveries_that_led_on(self, chain: Chain) -> None:
        up = directed(chain, Direction.CAUSES)
        assert self.names(up) == ["order", "paid"]
        assert [one.service for one in up.deliveries] == ["payment"]
        assert len(up.causes) == 1
        assert up.focus == chain.focus

    def test_effects_keep_all_deliveries(self, chain: Chain) -> None:
        down = directed(chain, Direction.EFFECTS)
        assert self.names(down) == ["paid", "shipped"]
        assert {one.service for one in down.deliveries} == {"shipping", "mail"}

    def test_a_loop_ends(self) -> None:
        flow = Flow()
        ask = flow.send("a", "ask")
        answer = flow.send("b", "answer", inside=flow.process("b", ask))
        back = flow.process("a", answer)
        chain = flow.chain(ask)
        assert back.service in chain.services
        assert self.names(directed(chain, Direction.EFFECTS)) == ["ask", "answer"]

    def test_the_focus_is_one_of_the_starts(self, chain: Chain) -> None:
        other = next(event.key for event in chain.events if event.key not in chain.starts)
        assert focused(chain, other) is chain
        assert focused(chain, None) is chain
        assert focused(chain, chain.focus).starts == (chain.focus,)
