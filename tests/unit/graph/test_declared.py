"""Declared topologies: AsyncAPI 2 and 3 and Backstage, and that what was exported reads back."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from graph.declared import DeclarationError, declared
from graph.diff_report import How, Side, What, report
from graph.export import FORMATS
from graph.model import Evidence
from graph.topology import NodeKind, Role, Topology
from tests.tui import shop
from tests.unit.graph.test_export import NASTY_TOPOLOGY, TOPOLOGY

ORDERS_3 = """
asyncapi: 3.0.0
info: {title: payment, version: 1.4.2}
servers:
  production: {host: broker:9092, protocol: kafka}
channels:
  orders:
    address: shop.orders
    messages:
      created: {$ref: '#/components/messages/OrderCreated'}
      cancelled: {name: order.cancelled}
  payments~1all: {address: shop/payments, messages: {taken: {}}}
operations:
  onOrder:
    action: receive
    channel: {$ref: '#/channels/orders'}
    messages: [{$ref: '#/channels/orders/messages/created'}]
    bindings: {kafka: {groupId: {type: string, enum: [pay]}}}
  sendPayment:
    action: send
    channel: {$ref: '#/channels/payments~01all'}
components:
  messages:
    OrderCreated: {name: order.created}
"""

ORDERS_2 = """
asyncapi: '2.6.0'
info: {title: payment, version: '1'}
channels:
  shop.orders:
    publish:
      message:
        oneOf: [{$ref: '#/components/messages/OrderCreated'}, {messageId: order.cancelled}]
  shop.payments:
    subscribe:
      message: {$ref: '#/components/messages/taken'}
    bindings: {kafka: {}}
components:
  messages:
    OrderCreated: {name: order.created}
    taken: {}
"""


def topology(*texts: str) -> Topology:
    documents = [("doc", one) for text in texts for one in yaml.safe_load_all(text)]
    return declared(documents, yaml.safe_load).topology


def told(topology: Topology) -> set[tuple[str, str, str, str, tuple[str, ...], str]]:
    return {
        (
            edge.role.value,
            (edge.target if edge.role is Role.CONSUME else edge.source).name,
            (edge.source if edge.role is Role.CONSUME else edge.target).name,
            (edge.source if edge.role is Role.CONSUME else edge.target).system,
            edge.event_types,
            edge.group,
        )
        for edge in topology.edges
    }


def test_asyncapi_3() -> None:
    found = topology(ORDERS_3)
    assert told(found) == {
        ("consume", "payment", "shop.orders", "kafka", ("order.created",), "pay"),
        ("produce", "payment", "shop/payments", "kafka", ("taken",), ""),
    }
    assert {edge.evidence for edge in found.edges} == {Evidence.DECLARED}


def test_asyncapi_2_tells_from_the_other_side() -> None:
    assert told(topology(ORDERS_2)) == {
        ("consume", "payment", "shop.orders", "", ("order.cancelled", "order.created"), ""),
        ("produce", "payment", "shop.payments", "kafka", ("taken",), ""),
    }


def test_a_service_can_be_named_apart_from_its_title() -> None:
    named = ORDERS_3.replace("title: payment", "title: The Payments!, x-flowtap-service: payment")
    assert told(topology(named)) == told(topology(ORDERS_3))


def test_consumers_of_a_backstage_api_do_the_opposite_of_its_provider() -> None:
    catalogue = f"""
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {{name: orders}}
spec:
  type: asyncapi
  definition: |
{"".join(f"    {line}" for line in ORDERS_3.lstrip().splitlines(keepends=True))}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: payment}}
spec: {{providesApis: [orders]}}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: ledger, title: books}}
spec: {{consumesApis: ['api:default/Orders', rest]}}
"""
    documents = [("catalog.yaml", one) for one in yaml.safe_load_all(catalogue)]
    found = declared(documents, yaml.safe_load)
    assert {(role, service, place) for role, service, place, *_ in told(found.topology)} == {
        ("consume", "payment", "shop.orders"),
        ("produce", "payment", "shop/payments"),
        ("produce", "books", "shop.orders"),
        ("consume", "books", "shop/payments"),
    }
    assert found.notes == ("books names the API rest, which cannot be read here",)


@pytest.mark.parametrize("name", ["asyncapi", "backstage"])
@pytest.mark.parametrize("shown", [TOPOLOGY, NASTY_TOPOLOGY, shop.topology()])
def test_what_was_exported_says_what_was_seen(name: str, shown: Topology) -> None:
    """A catalogue tells no more than which types a destination has."""
    text = FORMATS[name].function(shown)
    again = topology(text)
    found = report(Side("docs", again, declared=True), Side("seen", shown))
    items = [one for one in found.items if name != "backstage" or one.what is not What.EVENT_TYPE]
    assert items == []
    unknown = [node for node in shown.nodes if node.kind is NodeKind.UNKNOWN]
    assert len(found.notes) == len(unknown)
    assert report(Side("a", again, declared=True), Side("b", again, declared=True)).items == ()


def test_documented_but_never_seen_and_the_other_way_round() -> None:
    seen = Topology.build(
        [row for row in shop.edges() if row.service != "points"]
        + [shop.consume("fraud", "order.created", 5)]
    )
    documents = topology(FORMATS["asyncapi"].function(shop.topology()))
    found = report(Side("docs", documents, declared=True), Side("seen", seen))
    assert [(one.how, one.application, one.place) for one in found.items] == [
        (How.NEW, "fraud", "order.created"),
        (How.GONE, "points", "payment.captured"),
        (How.GONE, "points", "user.registered"),
    ]
    assert not found.counted


WRONG: list[tuple[Any, str]] = [
    ("text", "doc is neither an AsyncAPI document nor one of Backstage"),
    ({"openapi": "3.1.0"}, "doc is neither an AsyncAPI document nor one of Backstage"),
    ({"asyncapi": "1.2.0", "info": {"title": "x"}}, "doc is AsyncAPI 1.2.0: 2 and 3 can be read"),
    ({"asyncapi": "3.0.0"}, "doc: info.title is missing, which names the application"),
    (
        {"asyncapi": "3.0.0", "info": {"title": "x"}, "operations": ["a"]},
        "doc: operations is no mapping",
    ),
    (
        {"asyncapi": "3.0.0", "info": {"title": "x"}, "operations": {"a": {"action": "publish"}}},
        "doc: operations.a.action is 'publish': it is send or receive",
    ),
    (
        {"asyncapi": "3.0.0", "info": {"title": "x"}, "operations": {"a": {"action": "send"}}},
        "doc: operations.a.channel is missing",
    ),
    (
        {
            "asyncapi": "3.0.0",
            "info": {"title": "x"},
            "operations": {"a": {"action": "send", "channel": {"$ref": "other.yaml#/channels/b"}}},
        },
        "doc: operations.a.channel refers to other.yaml#/channels/b: only `#/...` can be followed",
    ),
    (
        {
            "asyncapi": "3.0.0",
            "info": {"title": "x"},
            "channels": {"b": {"$ref": "#/channels/b"}},
            "operations": {"a": {"action": "send", "channel": {"$ref": "#/channels/b"}}},
        },
        "doc: operations.a.channel: references lead round in a circle",
    ),
    (
        {"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": {}},
        "doc: metadata.name is missing",
    ),
    (
        {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "API",
            "metadata": {"name": "a"},
            "spec": {"type": "asyncapi", "definition": "asyncapi: ["},
        },
        "doc: definition of a: while parsing",
    ),
]


@pytest.mark.parametrize(("document", "says"), WRONG)
def test_what_cannot_be_read_says_where(document: Any, says: str) -> None:
    def parse(text: str) -> Any:
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None

    with pytest.raises(DeclarationError) as error:
        declared([("doc", document)], parse)
    assert str(error.value).startswith(says)
