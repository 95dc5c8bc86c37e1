"""Exports as texts to read, and read back by what reads them elsewhere."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import networkx as nx
import pydot
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.chain import Chain
from graph.edges import LeftOut, View
from graph.export import CHAIN_FORMATS, CONSUMER_FORMATS, EVENT_FORMATS, FORMATS
from graph.export.asyncapi import documents as asyncapi_documents
from graph.export.backstage import entities
from graph.export.yaml_text import yaml_text
from graph.listing import Consumer, EventRow
from graph.model import Evidence
from graph.payloads import PayloadKey
from graph.topology import Topology
from graph.views import seen_as
from graph.wire import chain_from_dict
from graph.wire.listing import consumer_from_dict, event_row_from_dict
from graph.wire.saved import topology_from_saved
from tests.builders import EPOCH, Flow
from tests.goldens import assert_golden
from tests.unit.graph.test_topology import call, consume, produce, shape

TOPOLOGY = Topology.build(
    [
        produce(
            *("storefront", "orders"),
            event_type="order.created",
            cluster="c1",
            count=120,
            last_seen=EPOCH,
            p50=0.002,
            p95=0.01,
            p99=0.05,
        ),
        produce("storefront", "orders", event_type="order.cancelled", cluster="c1", count=3),
        consume(
            *("orders", "payment"),
            group="pay",
            event_type="order.created",
            peer="storefront",
            count=120,
            errors=2,
            wait_p50=0.1,
            p50=0.3,
        ),
        produce("payment", "payments", event_type="payment.taken", cluster="c1", count=118),
        consume("payments", "", group="audit", evidence=Evidence.MATCHED, count=118),
        produce("", "legacy", cluster="c1", count=7, evidence=Evidence.MATCHED),
        consume("legacy", "payment", cluster="c1", evidence=Evidence.INFERRED, count=7),
        call("payment", "bank", count=118),
        call("bank", "postgres", count=236, evidence=Evidence.DECLARED),
    ]
)

WITH_PAYLOADS = replace(
    TOPOLOGY,
    payloads={
        PayloadKey("kafka", "c1", "orders", "order.created"): {
            "type": "object",
            "properties": {"id": {"type": "string", "format": "uuid"}, "note": {}},
            "required": ["id"],
        },
        PayloadKey("kafka", "c1", "legacy", ""): {"type": ["array", "null"]},
        PayloadKey("kafka", "c1", "elsewhere", ""): {"type": "null"},
    },
)
"""Of messages that say a type, and of some that say none."""

NASTY = [
    'a "quoted" name',
    "end",
    "graph",
    "subgraph x",
    "größe/日本語/🛒",
    "[a](b){c}<d>|e|",
    "`**bold**`",
    "back\\slash\\N",
    "two\nlines\tand a tab",
    "#quot; style:x#35;",
    "%%{init: {}}%% & more",
    "=1+1",
    "@SUM(A1)",
    "-n0 --> n1",
    "+",
    "--- title",
    "nul\x00 and \x1b[31m escape",
    " ",
    "click n0 href",
]

NASTY_TOPOLOGY = Topology.build(
    [
        row
        for number, name in enumerate(NASTY)
        for row in (
            produce(name, NASTY[number - 1], event_type=name, count=number),
            consume(NASTY[number - 1], "", group=name, count=1, evidence=Evidence.INFERRED),
            call(name, NASTY[number - 2]),
        )
    ]
)


def story() -> Chain:
    flow = Flow()
    order = flow.send("storefront", "orders", event_type="order.created", correlation_id="c")
    refused = flow.process("payment", order, group="pay", error=True, scope="s")
    handling = flow.process("payment", order, group="pay", scope="s")
    assert refused.context != handling.context
    server = flow.call("payment", "bank", inside=handling)
    flow.send("bank", "payments", event_type="payment.taken", inside=server)
    flow.process("points", order, lasts=1, error=True, error_message='no "account"')
    flow.send("points", "points", tapped=False, span={"conversation_id": "c"})
    return flow.chain(order)


def written(name: str, topology: Topology) -> str:
    """The topology in this format, in the first view that it has."""
    return FORMATS[name].function(seen_as(topology, FORMATS[name].views[0]))


@pytest.mark.parametrize("name", FORMATS)
def test_a_topology_reads_like_this(name: str) -> None:
    assert_golden(f"export/topology{FORMATS[name].suffix}", written(name, TOPOLOGY))


@pytest.mark.parametrize("view", [View.EVENTS, View.SERVICES])
def test_other_views_read_like_this(view: View) -> None:
    shown = FORMATS["mermaid"].function(seen_as(TOPOLOGY, view))
    assert_golden(f"export/topology-{view}.mmd", shown)


@pytest.mark.parametrize("name", ["asyncapi", "backstage"])
def test_what_bodies_look_like_is_told(name: str) -> None:
    assert FORMATS[name].payloads
    assert_golden(f"export/payloads{FORMATS[name].suffix}", written(name, WITH_PAYLOADS))


@pytest.mark.parametrize("name", ["asyncapi", "eventcatalog"])
def test_files_hold_what_the_one_text_holds(name: str) -> None:
    files = FORMATS[name].files
    assert files is not None
    texts = files(TOPOLOGY)
    if name == "eventcatalog":
        assert json.loads(FORMATS[name].function(TOPOLOGY)) == texts
    else:
        assert "---\n".join(texts.values()) == FORMATS[name].function(TOPOLOGY)
    for path in files(NASTY_TOPOLOGY):
        assert re.fullmatch(r"(?:[\w.-]+/)*[\w-][\w.-]*", path, re.ASCII), path


@pytest.mark.parametrize("name", CHAIN_FORMATS)
def test_a_chain_reads_like_this(name: str) -> None:
    assert_golden(
        f"export/chain{'-sequence' if name == 'sequence' else ''}{CHAIN_FORMATS[name].suffix}",
        CHAIN_FORMATS[name].function(story()),
    )


@pytest.mark.parametrize("name", ["mermaid", "dot", "csv", "plantuml", "structurizr", "backstage"])
def test_nasty_names_read_like_this(name: str) -> None:
    assert_golden(f"export/nasty{FORMATS[name].suffix}", FORMATS[name].function(NASTY_TOPOLOGY))


# Read back


def titles(topology: Topology) -> dict[str, str]:
    return {node.id: node.title for node in topology.nodes}


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
def test_networkx_reads_the_json(topology: Topology) -> None:
    graph = nx.node_link_graph(json.loads(FORMATS["json"].function(topology)), edges="edges")

    assert graph.is_directed() and graph.is_multigraph()
    assert nx.get_node_attributes(graph, "label") == titles(topology)
    assert set(graph.edges()) == shape(topology)
    counts = sorted(nx.get_edge_attributes(graph, "count").values())
    assert counts == sorted(edge.count for edge in topology.edges)


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
def test_networkx_reads_the_graphml(topology: Topology) -> None:
    graph = nx.parse_graphml(FORMATS["graphml"].function(topology), force_multigraph=True)

    assert len(graph) == len(topology.nodes)
    assert graph.number_of_edges() == len(topology.edges)
    if topology is TOPOLOGY:
        assert nx.get_node_attributes(graph, "label") == titles(topology)
        edge = graph["service:storefront"]["destination:orders"]["produce"]
        assert (edge["count"], edge["p95"]) == (123, 0.01)


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
def test_csv_rows_are_edges_and_no_cell_is_a_formula(topology: Topology) -> None:
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"].function(topology))))

    assert len(rows) == len(topology.edges)
    assert not [cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@"]
    assert [int(row["count"]) for row in rows] == [edge.count for edge in topology.edges]


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
def test_pydot_reads_the_dot(topology: Topology) -> None:
    (graph,) = pydot.graph_from_dot_data(FORMATS["dot"].function(topology))

    nodes = [node for node in graph.get_nodes() if node.get_name().startswith("n")]
    nodes = [node for node in nodes if node.get_name() != "node"]
    assert len(nodes) == len(topology.nodes)
    assert len(graph.get_edges()) == len(topology.edges)
    if topology is TOPOLOGY:
        labels = {node.get_label().strip('"') for node in nodes}
        assert labels == set(titles(topology).values())


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
def test_networkx_reads_the_gexf(topology: Topology) -> None:
    graph = nx.read_gexf(io.BytesIO(FORMATS["gexf"].function(topology).encode()))

    assert len(graph) == len(topology.nodes)
    assert graph.number_of_edges() == len(topology.edges)
    assert "<meta" not in FORMATS["gexf"].function(topology)
    if topology is TOPOLOGY:
        assert nx.get_node_attributes(graph, "label") == titles(topology)
        edge = graph.get_edge_data("service:storefront", "destination:orders")
        assert (edge["weight"], edge["count"], edge["p95"]) == (123, 123, 0.01)


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
def test_networkx_reads_the_cytoscape_json(topology: Topology) -> None:
    told = json.loads(FORMATS["cytoscape"].function(topology))
    graph = nx.cytoscape_graph(told)

    assert graph.is_directed() and graph.is_multigraph()
    assert nx.get_node_attributes(graph, "label") == titles(topology)
    assert set(graph.edges()) == shape(topology)
    ids = [edge["data"]["id"] for edge in told["elements"]["edges"]]
    assert len(set(ids)) == len(ids) == len(topology.edges)


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
@pytest.mark.parametrize("view", View)
def test_what_was_saved_is_the_same_again(topology: Topology, view: View) -> None:
    seen = replace(seen_as(topology, view), start=3, end=9, covered_from=5, left=LeftOut(1, 2))
    assert topology_from_saved(json.loads(FORMATS["json"].function(seen))) == seen


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
@pytest.mark.parametrize("name", ["asyncapi", "backstage"])
def test_yaml_is_what_was_meant(topology: Topology, name: str) -> None:
    meant = (
        list(asyncapi_documents(topology).values()) if name == "asyncapi" else entities(topology)
    )
    read = list(yaml.safe_load_all(FORMATS[name].function(topology)))
    assert read == meant


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3).filter(
                lambda items: not any(isinstance(item, list) for item in items)
            )
            | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
@example("a: b\nc\n")
@example("two\nlines\n")
@example("\x85\u2028\ufeff")
@example("1e3")
@example("0o7")
@example("2026-01-31")
def test_any_data_is_the_same_in_yaml(value: object) -> None:
    assert yaml.safe_load(yaml_text({"value": value})) == {"value": value}


def test_dependencies_are_of_known_ends_and_summed() -> None:
    zipkin = json.loads(FORMATS["zipkin"].function(TOPOLOGY))
    assert {"parent": "storefront", "child": "orders", "callCount": 123} in zipkin
    orders = {"parent": "orders", "child": "payment", "callCount": 120, "errorCount": 2}
    assert orders in zipkin
    assert not [link for link in zipkin if link["parent"] == "unknown producer"]
    jaeger = json.loads(written("jaeger", TOPOLOGY))["data"]
    assert {"parent": "storefront", "child": "payment", "callCount": 120} in jaeger
    assert not [link for link in jaeger if "orders" in link.values()]


def test_a_page_asks_no_network_and_takes_names_for_text() -> None:
    page = FORMATS["html"].function(NASTY_TOPOLOGY)
    root = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    shown = [element.text for element in root.iter("title")]
    assert len(shown) == len(NASTY_TOPOLOGY.nodes)
    assert "destination [a](b){c}<d>|e|" in shown
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|src=|@import|url\((?!#)", page)
    data = page[page.index('id="data">') + 10 :]
    told = json.loads(data[: data.index("</script>")])
    assert [node["title"] for node in told["nodes"]] == [
        node.title for node in NASTY_TOPOLOGY.nodes
    ]


def test_a_page_ends_no_script_early() -> None:
    name = "</script><script>alert(1)</script><!--"
    page = FORMATS["html"].function(Topology.build([produce(name, name, event_type=name)]))
    assert page.count("<script") == page.count("</script>") == 2
    assert "<!--" not in page


# Mermaid has no parser in Python: this is the part of its grammar that is used.
QUOTED = r'"(?:[^"#<>|`%\\:;&]|#\d+;|<br/>)*"'
MERMAID_LINES = [
    re.compile(pattern)
    for pattern in (
        r"flowchart LR",
        rf"  n\d+(?:\[{QUOTED}\]|\[\({QUOTED}\)\]|\(\[{QUOTED}\]\)|\[\[{QUOTED}\]\]"
        rf"|\{{\{{{QUOTED}\}}\}}|\({QUOTED}\))",
        rf"  n\d+ (?:-->|-\.->)(?:\|{QUOTED}\|)? n\d+",
        r"  classDef \w+ [\w-]+: [\w# ]+",
        r"  class n\d+(?:,n\d+)* \w+",
        r"  linkStyle \d+(?:,\d+)* stroke: #[0-9a-f]{6}",
    )
]


def assert_mermaid(text: str) -> None:
    lines = text.removesuffix("\n").split("\n")
    assert lines[0] == "flowchart LR"
    for line in lines:
        assert any(pattern.fullmatch(line) for pattern in MERMAID_LINES), line
    defined = {match[1] for line in lines if (match := re.match(r"  (n\d+)[\[({]", line))}
    used = {name for line in lines for name in re.findall(r"\bn\d+\b", re.sub(QUOTED, "", line))}
    assert used == defined


@pytest.mark.parametrize("topology", [TOPOLOGY, NASTY_TOPOLOGY, Topology()])
def test_mermaid_is_within_its_grammar(topology: Topology) -> None:
    assert_mermaid(FORMATS["mermaid"].function(topology))


def test_a_chain_as_mermaid_and_dot_is_within_the_grammar() -> None:
    assert_mermaid(CHAIN_FORMATS["mermaid"].function(story()))
    (graph,) = pydot.graph_from_dot_data(CHAIN_FORMATS["dot"].function(story()))
    assert len(graph.get_edges()) == len(story().deliveries) + len(story().causes)


SEQUENCE_LINES = [
    re.compile(pattern)
    for pattern in (
        r"sequenceDiagram",
        r"  participant p\d+ as (?:[^#;]|#\d+;)+",
        r"  p\d+--?(?:>>|x)p\d+: (?:[^#;]|#\d+;)+",
        r"  Note over p\d+: (?:[^#;]|#\d+;)+",
    )
]


def test_a_chain_as_a_sequence_is_within_the_grammar() -> None:
    lines = CHAIN_FORMATS["sequence"].function(story()).splitlines()
    for line in lines:
        assert any(pattern.fullmatch(line) for pattern in SEQUENCE_LINES), line
    named = {line.split()[1] for line in lines if line.startswith("  participant")}
    used = {name for line in lines for name in re.findall(r"\bp\d+\b", line.partition(": ")[0])}
    assert used == named
    arrows = [line for line in lines if re.match(r"  p\d", line)]
    assert len(arrows) == len(story().deliveries)


def test_a_chain_as_json_is_the_whole_chain() -> None:
    assert chain_from_dict(json.loads(CHAIN_FORMATS["json"].function(story()))) == story()


@given(st.text(min_size=1, max_size=12))
@example("style:a#b;")
@settings(max_examples=100, deadline=None)
def test_any_name_can_be_written(name: str) -> None:
    topology = Topology.build([produce(name, name, event_type=name), consume(name, "", group=name)])

    assert_mermaid(FORMATS["mermaid"].function(topology))
    (graph,) = pydot.graph_from_dot_data(FORMATS["dot"].function(topology))
    assert len(graph.get_edges()) == 2
    assert len(nx.parse_graphml(FORMATS["graphml"].function(topology))) == 3
    rows = list(csv.reader(io.StringIO(FORMATS["csv"].function(topology), newline="")))
    assert len(rows) == 3
    for format in FORMATS.values():
        assert format.function(seen_as(topology, format.views[0])).encode("utf-8", "replace")
    assert len(nx.read_gexf(io.BytesIO(FORMATS["gexf"].function(topology).encode()))) == 3
    for document in asyncapi_documents(topology).values():
        assert yaml.safe_load(yaml_text(document)) == document


def test_what_is_not_certain_is_dashed() -> None:
    dashed = FORMATS["dot"].function(TOPOLOGY).count("style=dashed")

    # The unknown producer and its edge, the group and its edge, the peer, the inferred edge.
    assert dashed == 6
    assert FORMATS["mermaid"].function(TOPOLOGY).count("-.->") == 3


EVENTS = [
    EventRow("orders/0/7", 1_790_856_000_000_000_000, "orders", key="=1+1", message_id="m-7"),
    EventRow("ab/cd", 0, "orders", event_type="order\npaid", tapped=False, error=True),
]


def test_events_as_json_lines_are_those_of_the_api() -> None:
    lines = EVENT_FORMATS["json lines"].function(EVENTS).splitlines()
    assert [event_row_from_dict(json.loads(line)) for line in lines] == EVENTS


def test_events_as_csv_say_all_and_compute_nothing() -> None:
    first, second = csv.DictReader(io.StringIO(EVENT_FORMATS["csv"].function(EVENTS)))
    assert (first["time"], first["key"]) == ("2026-10-01T12:00:00.000000000Z", "'=1+1")
    assert (second["time"], second["event_type"], second["error"]) == ("", "order paid", "True")


def test_groups_are_written_with_what_is_known_of_them() -> None:
    known = Consumer("view", "shop", "stable", services=("view", "search"), rate=2.5)
    told = json.loads(CONSUMER_FORMATS["json"].function([known]))
    assert [consumer_from_dict(one) for one in told["consumers"]] == [known]
    (row,) = csv.DictReader(io.StringIO(CONSUMER_FORMATS["csv"].function([known])))
    assert (row["group"], row["services"], row["rate"]) == ("view", "view search", "2.5")
    assert (row["lag"], row["oldest"], row["growth"], row["members"]) == ("0", "", "", "0")
