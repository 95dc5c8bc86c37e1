"""What is told over the wire is what was known, and means what it says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from graph.chain import Limits, NoEvent
from graph.topology import Topology
from graph.wire import (
    chain_from_dict,
    chain_to_dict,
    event_ids,
    topology_from_dict,
    topology_to_dict,
)
from graph.wire.fate import fates_from_dict, fates_to_dict
from tests.builders import Flow
from tests.tui.test_fate_lines import an_order
from tests.unit.graph.test_chain_properties import Step, stories, told
from tests.unit.graph.test_topology import SHOP, call, consume, produce


@given(stories())
@settings(max_examples=50, deadline=None)
def test_a_chain_survives_json(steps: list[Step]) -> None:
    flow, sent, _ = told(steps)
    chain = flow.chain(sent[-1], limits=Limits(events=6))

    assert chain_from_dict(json.loads(json.dumps(chain_to_dict(chain)))) == chain


@given(stories())
@settings(max_examples=20, deadline=None)
def test_so_does_why_it_is_joined_so(steps: list[Step]) -> None:
    flow, sent, _ = told(steps)
    chain = flow.chain(sent[-1], explained=True)

    assert len(chain.explanations) == len(chain.events)
    assert chain_from_dict(json.loads(json.dumps(chain_to_dict(chain)))) == chain


def test_a_chain_is_told_in_plain_names() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", event_type="order.created", message_id="o1", value="{}")
    handling = flow.process("payment", order, group="pay", error=True, error_message="refused")
    flow.send("payment", "payments", inside=flow.call("payment", "bank", inside=handling))

    told = chain_to_dict(flow.chain(order))

    assert (told["focus"], told["complete"], told["stopped_by"]) == ("orders/0/0", True, None)
    first, second = told["events"]
    assert (first["title"], first["service"], first["message_id"]) == (
        "order.created",
        "shop",
        "o1",
    )
    assert first["time"] == "2023-11-14T22:13:20.001000000Z"
    assert first["messages"][0]["value"] == "{}"
    assert first["operations"][0]["join"] == {
        "evidence": "observed",
        "via": "header",
        "candidates": 1,
    }
    (delivery,) = told["deliveries"]
    assert (delivery["event"], delivery["service"], delivery["error"]) == (
        "orders/0/0",
        "payment",
        True,
    )
    (cause,) = told["causes"]
    assert (cause["cause"], cause["effect"]) == (first["id"], second["id"])
    assert [span["service"] for span in cause["way"]] == ["payment", "bank"]
    assert cause["delay_ns"] == second["time_ns"] - delivery["start_ns"]


def test_bodies_can_be_left_out() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", value="secret", headers=(("a", "b"),))

    (message,) = chain_to_dict(flow.chain(order), bodies=False)["events"][0]["messages"]

    assert (message["value"], message["headers"]) == (None, None)
    assert message["value_size"] == 0


def test_ids_tell_namesakes_apart() -> None:
    flow = Flow()
    order = flow.send("shop", "orders", correlation_id="c")
    assert order.position
    other = order.position._replace(cluster="c2")
    message = flow.messages[order.position]
    flow.messages[other] = type(message)(other, message.time, correlation_id="c")
    unseen = flow.send("shop", "users", tapped=False, span={"conversation_id": "c"})

    ids = event_ids(flow.chain(order))

    assert ids[order.key] == "orders/0/0@kafka/c1/i1"
    assert ids[other] == "orders/0/0@kafka/c2/i1"
    assert unseen.context and ids[unseen.key] == "/".join(unseen.context)


@pytest.mark.parametrize(
    "topology",
    [
        SHOP,
        SHOP.filtered(services=["payment"]),
        Topology.build(
            [
                produce("", "orders", cluster="c1", last_seen=1, p50=0.5),
                produce("a", "orders", cluster="c2", event_type="x"),
                consume("orders", "", group="g", cluster="c1", wait_p99=2.0),
                consume("orders", "g", cluster="c1", group="h"),
                call("a", "db"),
            ],
            start=1,
            end=2,
        ),
        Topology(),
    ],
)
def test_a_topology_survives_json(topology: Topology) -> None:
    assert topology_from_dict(json.loads(json.dumps(topology_to_dict(topology)))) == topology


def test_what_is_no_chain_is_refused() -> None:
    with pytest.raises((KeyError, ValueError)):
        chain_from_dict({"events": []})
    with pytest.raises(NoEvent):
        Flow().chain()


def test_fates_come_back_as_they_were() -> None:
    told = an_order()
    full = replace(
        told.consumers[0], attempts=2, duration=5, error="x", copy=told.copies[0], ahead=3, rate=0.5
    )
    timed = replace(full, expected=7, passed_after=8, passed_by=9)
    fates = replace(told, consumers=(timed, *told.consumers))
    assert fates_from_dict(json.loads(json.dumps(fates_to_dict(fates)))) == fates
