"""What others' tests say of traces, asked of our store: operations, event edges, call edges."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from collector.convert import otlp_json, zipkin
from collector.convert.files import read_file
from collector.store import queries
from collector.store.client import Store
from graph.edges import Role
from tests import stores, vectors
from tests.contract.unmet import UNMET

pytestmark = vectors.needs_vectors

ALL = (0, 2**62)
NOW = 1_700_000_000_000_000_000


def load(store: Store, path: Path) -> None:
    stores.put_spans(store, otlp_json.convert(path.read_bytes()).payload)
    stores.rolled_up(store)


def judge(case: str, expected: object, found: object) -> None:
    """Equal, or listed as not met, and then really not."""
    reason = UNMET.get(case)
    if reason is None:
        assert found == expected, case
    else:
        assert found != expected, f"{case} is met now: take it off the list ({reason})"


def event_edges(store: Store) -> list[list[str]]:
    return sorted(
        [edge.producer, edge.destination, edge.consumer]
        for edge in queries.event_edges(store, *ALL)
    )


def call_edges(store: Store) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (row.service, row.peer): (row.count, row.errors)
        for row in queries.edge_rows(store, *ALL).rows
        if row.role is Role.CALL
    }


@pytest.mark.parametrize("path", vectors.files("semconv/*.otlp.json"), ids=lambda p: p.name)
def test_examples_of_the_semantic_conventions(store: Store, path: Path) -> None:
    load(store, path)
    expected = vectors.read(path.with_name(path.name.replace(".otlp.", ".expected.")))
    case = f"semconv/{path.name}"
    judge(case, sorted(expected), event_edges(store))
    messaging = sum("messaging." in json.dumps(span) for span in _spans(vectors.read(path)))
    assert store.query("SELECT count() FROM operations") == [(messaging,)]


@pytest.mark.parametrize("case", vectors.files("skywalking/summary.json"), ids=lambda p: p.name)
def test_scenarios_of_skywalking(store: Store, case: Path) -> None:
    for summary in vectors.read(case):
        stores.empty(store)
        load(store, case.with_name(f"{summary['name']}.otlp.json"))
        name = f"skywalking/{summary['name']}"
        spans, producers, consumers, links = store.query(
            "SELECT (SELECT count() FROM otel_traces), countIf(kind = 'Producer'), "
            "countIf(kind = 'Consumer'), (SELECT sum(length(`Links.SpanId`)) FROM otel_traces) "
            "FROM operations"
        )[0]
        assert spans == summary["spans"], name
        assert producers == summary["producer"], name
        assert consumers == summary["consumer"], name
        assert links == summary["links"], name
        wanted: Counter[str] = Counter()
        for edge, count in summary["edges"].items():
            # What a call was made with is not kept apart: HTTP and RPC are both calls.
            pair, _, layer = edge.rpartition(" ")
            wanted[f"{pair} {layer if layer == '[MQ]' else '[call]'}"] += count
        found: Counter[str] = Counter()
        for reached in queries.event_edges(store, *ALL):
            found[f"{reached.producer}->{reached.consumer} [MQ]"] += reached.messages
        for (client, server), (count, _) in call_edges(store).items():
            found[f"{client}->{server} [call]"] += count
        judge(name, dict(wanted), dict(found))


@pytest.mark.parametrize("path", vectors.files("tempo/*.expected.json"), ids=lambda p: p.name)
def test_service_graph_of_tempo(store: Store, path: Path) -> None:
    load(store, path.with_name(path.name.replace(".expected.", ".otlp.")))
    found = {
        (edge.producer, edge.consumer): edge.messages for edge in queries.event_edges(store, *ALL)
    }
    calls = call_edges(store)
    expected = vectors.read(path)["edges"]
    messaging = {
        (e["client"], e["server"]): e["count"] for e in expected if e["type"] == "messaging_system"
    }
    others = {
        (e["client"], e["server"]): (e["count"], e["failed"])
        for e in expected
        if e["type"] != "messaging_system"
    }
    assert found == messaging
    assert calls == others


RECORDED = [
    *vectors.files("semconv/*.otlp.json"),
    *vectors.files("otlp/*.json"),
    *vectors.files("skywalking/*.otlp.json"),
    *vectors.files("tempo/*.otlp.json"),
    *vectors.files("tempo/*.tempo.json"),
    *(path for path in vectors.files("zipkin/*.json") if "linker" not in path.name),
]


def test_every_recorded_file_loads(store: Store) -> None:
    for path in RECORDED:
        spans = 0
        for converted in read_file(path, received_ns=NOW):
            assert not converted.rejected, f"{path.name}: {converted.reason}"
            stores.put_spans(store, converted.payload)
            spans += converted.spans
        assert spans == _spans_in(vectors.read(path)), path.name
    sent = sum(_spans_in(vectors.read(path)) for path in RECORDED)
    assert store.query("SELECT count() FROM otel_traces") == [(sent,)]


def _spans_in(document: Any) -> int:
    """Spans of any form: each has a name and an id, of whatever spelling."""
    if isinstance(document, list):
        return sum(map(_spans_in, document))
    if not isinstance(document, dict):
        return 0
    if "traceId" in document and ("id" in document or "name" in document):
        return 1
    return sum(map(_spans_in, document.values()))


def _linker_cases() -> Iterable[Any]:
    for path in vectors.files("zipkin/zipkin_dependency_linker.json"):
        for number, case in enumerate(vectors.read(path)):
            yield pytest.param(case, id=f"{number}-{case['name']}")


@pytest.mark.parametrize("case", _linker_cases())
def test_dependency_links_of_zipkin(store: Store, case: dict[str, Any]) -> None:
    for number, trace in enumerate(case["traces"]):
        # The cases are separate traces that all call themselves "a".
        spans = [{**span, "traceId": f"{number + 1:032x}"} for span in trace]
        stores.put_spans(store, zipkin.convert_spans(spans, NOW).payload)
    stores.rolled_up(store)
    found: Counter[tuple[str, str]] = Counter()
    errors: Counter[tuple[str, str]] = Counter()
    for row in queries.edge_rows(store, *ALL).rows:
        # Zipkin's node is the broker; ours is the destination, unnamed here.
        link = {
            Role.PRODUCE: (row.service, row.cluster),
            Role.CONSUME: (row.cluster, row.service),
            Role.CALL: (row.service, row.peer),
        }[row.role]
        found[link] += row.count
        errors[link] += row.errors
    shown = sorted(
        (
            {"parent": parent, "child": child, "callCount": count}
            | ({"errorCount": errors[parent, child]} if errors[parent, child] else {})
            for (parent, child), count in found.items()
        ),
        key=str,
    )
    judge(f"zipkin/{case['name']}", sorted(case["expected"], key=str), shown)


def test_every_unmet_case_exists() -> None:
    names = {f"semconv/{path.name}" for path in vectors.files("semconv/*.otlp.json")}
    for path in vectors.files("skywalking/summary.json"):
        names |= {f"skywalking/{summary['name']}" for summary in vectors.read(path)}
    for path in vectors.files("zipkin/zipkin_dependency_linker.json"):
        names |= {f"zipkin/{case['name']}" for case in vectors.read(path)}
    assert set(UNMET) <= names


def _spans(document: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]
