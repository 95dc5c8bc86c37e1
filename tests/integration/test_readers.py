"""Exports read by what reads them elsewhere: parsers of each ecosystem, unmodified.

What needs Node, Java or Graphviz is skipped where these are away. Where they are there but their
packages cannot be had, only CI fails.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graph.applications import applications
from graph.edges import View
from graph.export import CHAIN_FORMATS, FORMATS
from graph.export.backstage import entities
from graph.topology import NodeKind, Role, Topology
from graph.views import seen_as
from samples.kafka.errors import BrokerError
from samples.kafka.java import find_java
from tests.tui import shop
from tests.unit.graph.test_export import NASTY_TOPOLOGY, TOPOLOGY, WITH_PAYLOADS, story

READERS = Path(__file__).parent / "readers"

TOPOLOGIES = {
    "small": TOPOLOGY,
    "shop": shop.topology(),
    "nasty": NASTY_TOPOLOGY,
    "nothing": Topology(),
}
SOME = pytest.mark.parametrize("topology", list(TOPOLOGIES.values()), ids=list(TOPOLOGIES))

JARS = (
    "net.sourceforge.plantuml:plantuml-mit:1.2025.4",
    "com.structurizr:structurizr-dsl:4.1.0",
    "com.structurizr:structurizr-core:4.1.0",
    "com.structurizr:structurizr-component:4.1.0",
    "com.structurizr:structurizr-import:4.1.0",
    "com.structurizr:structurizr-client:4.1.0",
    # What Structurizr's parser needs, and Groovy to call it.
    "com.fasterxml.jackson.core:jackson-databind:2.18.2",
    "com.fasterxml.jackson.core:jackson-core:2.18.2",
    "com.fasterxml.jackson.core:jackson-annotations:2.18.2",
    "commons-logging:commons-logging:1.3.5",
    "org.apache.httpcomponents.client5:httpclient5:5.4.4",
    "org.apache.httpcomponents.core5:httpcore5:5.3.4",
    "org.apache.groovy:groovy:4.0.27",
    "io.zipkin.zipkin2:zipkin:3.5.1",
)


def away(reason: str) -> None:
    """Skips, or fails where somebody counts on it."""
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


Reader = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def read() -> Reader:
    """Runs `read.mjs` on texts, with the packages that the lock file pins."""
    if shutil.which("npm") is None:
        pytest.skip("there is no Node here")
    if not (READERS / "node_modules" / ".package-lock.json").exists():
        options = ("--no-audit", "--no-fund", "--ignore-scripts")
        fetched = subprocess.run(["npm", "ci", *options], cwd=READERS, capture_output=True)
        if fetched.returncode:
            away(f"npm cannot fetch the readers: {fetched.stderr.decode()[-500:]}")
    return node


def node(kind: str, folder: Path, *texts: str) -> list[Any]:
    """What the reader of that kind finds in each text."""
    files = [folder / f"{number}.txt" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    ended = subprocess.run(
        ["node", str(READERS / "read.mjs"), kind, *map(str, files)],
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_the_asyncapi_parser_reads_each_applications_document(read: Reader, tmp_path: Path) -> None:
    files = FORMATS["asyncapi"].files
    assert files is not None
    topologies = [*TOPOLOGIES.values(), WITH_PAYLOADS]
    texts = [text for topology in topologies for text in files(topology).values()]
    meant = [
        one
        for topology in topologies
        for one in applications(topology)
        if one.sends or one.receives
    ]
    told = read("asyncapi", tmp_path, *texts)

    assert [one["errors"] for one in told] == [[] for _ in meant]
    for one, application in zip(told, meant, strict=True):
        assert one["title"] == application.node.label
        operations = [
            *(("send", edge.target.name, edge) for edge in application.sends),
            *(("receive", edge.source.name, edge) for edge in application.receives),
        ]
        assert [(found["action"], found["address"]) for found in one["operations"]] == [
            (action, name) for action, name, _ in operations
        ]
        for found, (_, _, edge) in zip(one["operations"], operations, strict=True):
            if edge.event_types:
                assert found["types"] == list(edge.event_types)


def test_backstage_takes_the_entities(read: Reader, tmp_path: Path) -> None:
    written = map(FORMATS["backstage"].function, TOPOLOGIES.values())
    for told, topology in zip(
        read("backstage", tmp_path, *written), TOPOLOGIES.values(), strict=True
    ):
        assert told["errors"] == []
        meant = [f"{one['kind']}:default/{one['metadata']['name']}" for one in entities(topology)]
        assert [one.lower() for one in told["entities"]] == [one.lower() for one in meant]
        assert len(set(told["entities"])) == len(meant)


def test_apis_of_backstage_are_asyncapi(read: Reader, tmp_path: Path) -> None:
    definitions = [
        one["spec"]["definition"]
        for topology in (TOPOLOGY, WITH_PAYLOADS, TOPOLOGIES["shop"])
        for one in entities(topology)
        if one["kind"] == "API"
    ]
    told = read("asyncapi", tmp_path, *definitions)
    assert [one["errors"] for one in told] == [[] for _ in definitions]


def test_cytoscape_takes_the_elements(read: Reader, tmp_path: Path) -> None:
    told = read("cytoscape", tmp_path, *map(FORMATS["cytoscape"].function, TOPOLOGIES.values()))
    assert told == [
        {"errors": [], "nodes": len(topology.nodes), "edges": len(topology.edges)}
        for topology in TOPOLOGIES.values()
    ]


def test_mermaid_parses_its_flowcharts(read: Reader, tmp_path: Path) -> None:
    views = [seen_as(topology, view) for topology in TOPOLOGIES.values() for view in View]
    told = read("mermaid", tmp_path, *map(FORMATS["mermaid"].function, views))
    assert told == [{"errors": [], "type": "flowchart-v2"}] * len(views)


def test_mermaid_parses_a_chain(read: Reader, tmp_path: Path) -> None:
    texts = (CHAIN_FORMATS[name].function(story()) for name in ("mermaid", "sequence"))
    told = read("mermaid", tmp_path, *texts)
    assert [one["type"] for one in told] == ["flowchart-v2", "sequence"]


@SOME
def test_eventcatalogs_linter_finds_what_points_nowhere(
    topology: Topology, read: Reader, tmp_path: Path
) -> None:
    files = FORMATS["eventcatalog"].files
    assert files is not None
    for path, text in files(topology).items():
        page = tmp_path / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    # Who owns what, and its schema, is not known here.
    rules = {"rules": {f"best-practices/{name}-required": "off" for name in ("owner", "schema")}}
    (tmp_path / ".eventcatalogrc.js").write_text(f"module.exports = {json.dumps(rules)};")

    def lint() -> subprocess.CompletedProcess[str]:
        command = READERS / "node_modules" / ".bin" / "eventcatalog-linter"
        return subprocess.run(
            [command, "--fail-on-warning", str(tmp_path)], capture_output=True, text=True
        )

    ended = lint()
    assert ended.returncode == 0, ended.stdout
    if topology.edges:
        (gone, *_) = sorted((tmp_path / "events").iterdir())
        shutil.rmtree(gone)
        assert gone.name in lint().stdout, "the linter would see it"


@pytest.fixture(scope="module")
def java() -> Callable[..., str]:
    """Runs a class of the readers' jars."""
    from jgo.maven import MavenContext

    try:
        program = find_java()
    except BrokerError as error:
        pytest.skip(str(error))
    maven = MavenContext(timeout=60)
    paths = []
    for coordinates in JARS:
        group, name, version = coordinates.split(":")
        try:
            paths.append(maven.project(group, name).at_version(version).artifact().resolve())
        except (OSError, RuntimeError, AssertionError) as error:
            away(f"{coordinates} cannot be fetched: {error}")

    def run(*arguments: str, given: str = "") -> str:
        ended = subprocess.run(
            [program, "-Djava.awt.headless=true", "-cp", ":".join(map(str, paths)), *arguments],
            input=given,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return run


@SOME
def test_plantuml_draws_every_name(topology: Topology, java: Callable[..., str]) -> None:
    text = FORMATS["plantuml"].function(topology)
    checked = java("net.sourceforge.plantuml.Run", "-syntax", given=text)
    if not topology.nodes:
        return
    assert checked.splitlines() == ["DESCRIPTION", f"({len(topology.nodes)} entities)"]
    # Its own layout needs no Graphviz.
    own = text.replace("@startuml", "@startuml\n!pragma layout smetana", 1)
    drawn = java("net.sourceforge.plantuml.Run", "-pipe", "-tsvg", given=own)
    for name in ("payment", "größe/日本語/🛒", "%%{init: {}}%% & more", "back\\slash\\N"):
        shown = "".join(f"&#{ord(char)};" if ord(char) > 127 else char for char in name)
        if any(node.title == name for node in topology.nodes):
            assert f">{shown.replace('& ', '&amp; ')}</text>" in drawn, name


READ_WORKSPACES = """
for (name in args) {
    def parser = new com.structurizr.dsl.StructurizrDslParser()
    parser.parse(new File(name))
    def model = parser.workspace.model
    println model.softwareSystems.size() + ' ' + model.relationships.size()
}
"""


def test_structurizr_reads_the_workspaces(java: Callable[..., str], tmp_path: Path) -> None:
    files = []
    for name, topology in TOPOLOGIES.items():
        files.append(tmp_path / f"{name}.dsl")
        files[-1].write_text(FORMATS["structurizr"].function(topology), encoding="utf-8")
    told = java("groovy.ui.GroovyMain", "-e", READ_WORKSPACES, *map(str, files))
    # The same two are related once for each description.
    assert told.splitlines() == [
        f"{len(topology.nodes)} {len(topology.edges)}" for topology in TOPOLOGIES.values()
    ]


READ_DEPENDENCIES = """
import static com.fasterxml.jackson.core.JsonGenerator.Feature.ESCAPE_NON_ASCII
import static zipkin2.codec.DependencyLinkBytesDecoder.JSON_V1
def json = new com.fasterxml.jackson.databind.ObjectMapper().configure(ESCAPE_NON_ASCII, true)
for (name in args) {
    for (link in JSON_V1.decodeList(new File(name).bytes)) {
        println json.writeValueAsString(
            [link.parent(), link.child(), link.callCount(), link.errorCount()])
    }
}
"""


@pytest.mark.parametrize("view", [View.DESTINATIONS, View.SERVICES])
def test_zipkin_reads_the_dependencies(
    view: View, java: Callable[..., str], tmp_path: Path
) -> None:
    texts = [FORMATS["zipkin"].function(seen_as(each, view)) for each in TOPOLOGIES.values()]
    files = [tmp_path / f"{number}.json" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    told = java("groovy.ui.GroovyMain", "-e", READ_DEPENDENCIES, *map(str, files))
    meant = [
        # Zipkin calls services in lower case.
        [one["parent"].lower(), one["child"].lower(), one["callCount"], one.get("errorCount", 0)]
        for text in texts
        for one in json.loads(text)
    ]
    assert list(map(json.loads, told.splitlines())) == meant


@pytest.mark.skipif(shutil.which("dot") is None, reason="there is no Graphviz here")
@SOME
def test_graphviz_reads_the_dot(topology: Topology) -> None:
    for view in View:
        seen = seen_as(topology, view)
        drawn = subprocess.run(
            ["dot", "-Tjson"],
            input=FORMATS["dot"].function(seen),
            check=True,
            capture_output=True,
            text=True,
        )
        told = json.loads(drawn.stdout)
        assert len(told.get("objects", ())) == len(seen.nodes)
        assert len(told.get("edges", ())) == len(seen.edges)


def test_the_fixtures_hold_what_is_hard() -> None:
    """Groups, unknown producers, peers and calls are all read above."""
    for topology in (TOPOLOGY, TOPOLOGIES["shop"]):
        assert {NodeKind.GROUP, NodeKind.UNKNOWN} <= {node.kind for node in topology.nodes}
        assert {Role.CALL, Role.PRODUCE, Role.CONSUME} == {edge.role for edge in topology.edges}
