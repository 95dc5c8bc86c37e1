"""Exports as texts to read, and read back by what reads them elsewhere."""

from __future__ import annotations

import csv
import io
import json
import re

import networkx as nx
import pydot
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.chain import Chain
from graph.export import CHAIN_FORMATS, FORMATS
from graph.model import Evidence
from graph.topology import Topology
from graph.wire import chain_from_dict
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
        consume("orders", "payment", group="pay", count=120, errors=2, wait_p50=0.1, p50=0.3),
        produce("payment", "payments", event_type="payment.taken", cluster="c1", count=118),
        consume("payments", "", group="audit", evidence=Evidence.MATCHED, count=118),
        produce("", "legacy", cluster="c1", count=7, evidence=Evidence.MATCHED),
        consume("legacy", "payment", cluster="c1", evidence=Evidence.INFERRED, count=7),
        call("payment", "bank", count=118),
        call("bank", "postgres", count=236, evidence=Evidence.DECLARED),
    ]
)

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


@pytest.mark.parametrize("name", FORMATS)
def test_a_topology_reads_like_this(name: str) -> None:
    assert_golden(f"export/topology{FORMATS[name].suffix}", FORMATS[name].function(TOPOLOGY))


@pytest.mark.parametrize("name", CHAIN_FORMATS)
def test_a_chain_reads_like_this(name: str) -> None:
    assert_golden(
        f"export/chain{CHAIN_FORMATS[name].suffix}", CHAIN_FORMATS[name].function(story())
    )


@pytest.mark.parametrize("name", ["mermaid", "dot", "csv"])
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


def test_what_is_not_certain_is_dashed() -> None:
    dashed = FORMATS["dot"].function(TOPOLOGY).count("style=dashed")

    # The unknown producer and its edge, the group and its edge, the peer, the inferred edge.
    assert dashed == 6
    assert FORMATS["mermaid"].function(TOPOLOGY).count("-.->") == 3
