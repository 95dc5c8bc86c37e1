"""Commands of the graph as a shell sees them: graph, diff, check, export."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from graph.topology import Topology
from graph.wire import topology_from_dict
from tests.builders import Flow
from tests.goldens import assert_golden
from tests.memory_backend import MemoryBackend
from tests.serving import serving
from tests.tui import shop
from tests.tui.groups import groups
from tests.unit.tui.conftest import Shell


class TestGraph:
    def test_text(self, shell: Shell, url: str) -> None:
        ended = shell("graph", "--url", url)
        assert ended.code == 0
        assert "order.created  kafka" in ended.out

    def test_what_it_cannot_show_is_said(self, shell: Shell) -> None:
        made = MemoryBackend(edge_rows=shop.edges(), pruned=time.time_ns() - 3600 * 10**9)
        with serving(made) as address:
            text = shell("graph", "--limit", 2, "--url", address).out
            more = len(made.edge_rows) - 2
            assert f"\nand {more} more edges, which carried " in text
            assert "\nwhat was received before 20" in text
            dot = shell("graph", "--limit", 2, "--format", "dot", "--url", address)
            assert dot.err.startswith(f"and {more} more edges, which carried ")
            assert "more edges" not in dot.out
            assert "pruned" not in shell("graph", "--since", "10m", "--url", address).out

    @pytest.mark.parametrize(
        ("format", "begin"),
        [
            *(("mermaid", "flowchart"), ("dot", "digraph"), ("csv", "source,")),
            *(
                ("graphml", "<graphml"),
                ("asyncapi", "asyncapi: "),
                ("jaeger", "{"),
                ("zipkin", "["),
            ),
        ],
    )
    def test_formats(self, shell: Shell, url: str, format: str, begin: str) -> None:
        assert shell("graph", "--format", format, "--url", url).out.startswith(begin)

    @pytest.mark.parametrize("view", ["events", "services"])
    def test_views(self, shell: Shell, view: str) -> None:
        joined = {
            **{("payment.captured", name): "payment" for name in ("notification", "order-view")},
            **{("order.created", name): "storefront" for name in ("inventory", "payment")},
        }
        rows = [
            replace(row, peer=row.peer or joined.get((row.destination, row.service), ""))
            for row in shop.edges()
        ]
        with serving(MemoryBackend(edge_rows=rows)) as address:
            assert_golden(f"cli/graph-{view}.txt", shell("graph", "-v", view, "--url", address).out)
            sure = shell("graph", "-v", view, "--evidence", "inferred", "--url", address, "--json")
            told = topology_from_dict(sure.json)
            assert {edge.evidence.value for edge in told.edges} == {"inferred"}

    def test_a_format_of_one_view_is_of_that_view(self, shell: Shell, url: str) -> None:
        told = shell("graph", "-f", "jaeger", "--url", url).json
        assert {"parent": "payment", "child": "bank-gateway", "callCount": 1204} in told["data"]
        ended = shell("graph", "-f", "asyncapi", "-v", "services", "--url", url)
        assert ended.code == 2
        assert "asyncapi is written of the view destinations, not of services" in ended.err

    def test_a_document_for_each_application_goes_to_a_folder(
        self, shell: Shell, url: str, tmp_path: Path
    ) -> None:
        folder = tmp_path / "apis"
        assert shell("graph", "-f", "asyncapi", "-o", folder, "--url", url).code == 0
        names = {file.name for file in folder.iterdir()}
        assert {"payment.asyncapi.yaml", "crm-sync.asyncapi.yaml"} <= names
        ended = shell("export", tmp_path / "all", "-f", "eventcatalog", "--url", url, "--json")
        assert ended.json["files"] == len(list((tmp_path / "all").glob("*/*/index.mdx")))
        assert "order_id:" in (folder / "payment.asyncapi.yaml").read_text()
        one = shell("export", tmp_path / "all.asyncapi.yaml", "--url", url)
        assert (one.code, one.err) == (0, f"wrote {tmp_path / 'all.asyncapi.yaml'}\n")
        assert "order_id:" in (tmp_path / "all.asyncapi.yaml").read_text()
        assert shell("graph", "-f", "asyncapi", "-o", folder / "payment.asyncapi.yaml/x").code != 0

    def test_what_is_kept_says_until_when_it_is(self, shell: Shell, url: str) -> None:
        before = time.time_ns()
        about = shell("graph", "-f", "json", "--since", "1h", "--url", url).json["graph"]
        assert before <= about["end_ns"] <= time.time_ns()
        assert about["end_ns"] - about["start_ns"] - 3600 * 10**9 < 60 * 10**9

    def test_json_reads_back(self, shell: Shell, url: str) -> None:
        told = shell("graph", "--json", "--service", "pay*", "--type", "order.*", "--url", url)
        whole = Topology.build(shop.edges())
        wanted = whole.filtered(services=["pay*"], event_types=["order.*"])
        assert topology_from_dict(told.json) == wanted
        assert [edge.target.name for edge in wanted.edges] == ["payment"]

    def test_a_window_is_asked_for(self, shell: Shell, url: str) -> None:
        told = shell("graph", "--json", "--since", "2026-01-31", "--url", url).json
        assert told["start"] == "2026-01-31T00:00:00.000000000Z"

    def test_into_a_file(self, shell: Shell, url: str, tmp_path: Path) -> None:
        file = tmp_path / "graph.txt"
        ended = shell("graph", "--output", file, "--url", url)
        assert (ended.code, ended.out) == (0, "")
        assert "order.created" in file.read_text()
        assert shell("graph", "-o", tmp_path, "--url", url).code == 1

    def test_wrong_usage(self, shell: Shell) -> None:
        for wrong in (
            *(["--format", "jpeg"], ["--since", "yesterday"], ["--view", "topics"]),
            *(["--evidence", "sure"], ["--since", "1h", "--until", "2h"]),
        ):
            ended = shell("graph", *wrong, "--url", "http://127.0.0.1:1")
            assert ended.code == 2, "found out before anybody is asked"


class TestDiff:
    def test_a_saved_graph_and_now(self, shell: Shell, url: str, tmp_path: Path) -> None:
        file = tmp_path / "then.json"
        assert shell("graph", "-f", "json", "--since", "1h", "-o", file, "--url", url).code == 0
        same = shell("diff", file, "now", "--url", url, "--exit-code")
        assert (same.code, "No difference." in same.out) == (0, True)
        rows = [*shop.edges(), shop.consume("fraud", "order.created", 9)]
        with serving(MemoryBackend(edge_rows=rows)) as address:
            ended = shell("diff", file, "now", "--url", address, "--exit-code")
            assert ended.code == 1
            assert "+ fraud consumes order.created" in ended.out
            told = shell("diff", file, "1h", "--url", address, "--json")
            assert [one["application"] for one in told.json["changes"]] == ["fraud"]
            some = shell("diff", file, "now", "--url", address, "--service", "pay*")
            assert "No difference." in some.out

    def test_the_api_form_is_a_graph_too(self, shell: Shell, url: str, tmp_path: Path) -> None:
        file = tmp_path / "then.json"
        file.write_text(shell("graph", "--json", "--url", url).out)
        assert "No difference." in shell("diff", file, file).out

    def test_documents_and_a_folder_of_them(self, shell: Shell, url: str, tmp_path: Path) -> None:
        shell("graph", "-f", "asyncapi", "-o", tmp_path / "apis", "--url", url)
        (tmp_path / "apis" / "notes.yaml").write_text("some: notes")
        ended = shell("diff", tmp_path / "apis", "all", "--url", url, "--exit-code")
        assert (ended.code, "nobody knows who produces it" in ended.out) == (0, True)
        (tmp_path / "apis" / "payment.asyncapi.yaml").unlink()
        ended = shell("diff", tmp_path / "apis", "all", "--url", url, "-f", "markdown")
        assert "### Seen but not documented" in ended.out

    def test_two_windows_are_asked_for(self, shell: Shell) -> None:
        made = MemoryBackend(edge_rows=shop.edges())
        with serving(made) as address:
            shell("diff", "2h..1h", "1h", "--url", address)
        (a, b) = made.windows
        assert b[1] == 0 and a[1] - a[0] == 3600 * 10**9
        assert abs(b[0] - a[1]) < 10**9

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("gone.json", "now"), "there is no file gone.json"),
            (("yesterday", "now"), "'yesterday' is no time"),
            (("1h..2h", "now"), "ends before it begins"),
            (("now", "now", "-f", "jpeg"), "jpeg is no format"),
        ],
    )
    def test_wrong_usage(self, shell: Shell, arguments: tuple[str, ...], says: str) -> None:
        ended = shell("diff", *arguments, "--url", "http://127.0.0.1:1")
        assert (ended.code, says in ended.err) == (2, True), ended.err

    @pytest.mark.parametrize(
        ("name", "text", "says"),
        [
            ("a.yaml", "a: [", "cannot be read: while parsing"),
            ("a.json", "{", "cannot be read: Expecting property name"),
            ("a.json", '{"nodes": [], "edges": [{}], "graph": {}}', "a graph without"),
            ("a.yaml", "openapi: 3.1.0", "is neither an AsyncAPI document nor one of Backstage"),
            ("a.yaml", "", "holds no document"),
        ],
    )
    def test_a_file_that_is_none_of_it(
        self, shell: Shell, tmp_path: Path, name: str, text: str, says: str
    ) -> None:
        file = tmp_path / name
        file.write_text(text)
        ended = shell("diff", file, file)
        assert (ended.code, says in ended.err) == (2, True), ended.err


class TestCheck:
    @pytest.fixture
    def rules(self, tmp_path: Path) -> Path:
        file = tmp_path / "rules.toml"
        file.write_text(
            """
            [[rules]]
            name = "orders pay"
            kind = "successors"
            type = "Ordered"
            then = "payments"
            within = "1m"
            [[rules]]
            kind = "lag"
            max_messages = 1000000000
            [[rules]]
            kind = "producers"
            destination = "parcels"
            allow = "shipping"
            """
        )
        return file

    @pytest.fixture
    def seen(self) -> Iterator[str]:
        """Two orders, one of them paid."""
        flow = Flow()
        first = flow.send("shop", "orders", message_id="order-1", event_type="Ordered")
        flow.send("payment", "payments", inside=flow.process("payment", first))
        flow.send("shop", "orders", message_id="order-2", event_type="Ordered")
        backend = MemoryBackend.of(flow)
        backend.groups = groups()
        backend.edge_rows = [
            shop.produce("shop", "orders", 2, event_type="Ordered"),
            shop.consume("payment", "orders", 1, event_type="Ordered"),
            shop.produce("payment", "payments", 1, event_type=""),
        ]
        with serving(backend) as address:
            yield address

    def test_events_that_happened_are_held_against_it(
        self, shell: Shell, seen: str, rules: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "junit.xml"
        ended = shell("check", rules, "--url", seen, "--junit", file)
        assert ended.code == 1
        assert "order-2 was followed by no payments" in ended.out
        assert "order-1" not in ended.out
        assert "(1 event type, 2 events)" in ended.out
        assert "3 rules: 1 holds, 1 broken, 1 matches nothing" in ended.out
        assert 'failures="1" errors="0" skipped="1"' in file.read_text()

    def test_only_strict_fails_on_what_matches_nothing(
        self, shell: Shell, seen: str, rules: Path, tmp_path: Path
    ) -> None:
        saved = tmp_path / "graph.json"
        shell("graph", "-f", "json", "-o", saved, "--url", seen)
        rules.write_text(rules.read_text().replace('within = "1m"', ""))
        ended = shell("check", rules, "--graph", saved, "--json")
        assert [one["status"] for one in ended.json["rules"]] == [
            *("holds", "not checked", "matches nothing")
        ]
        assert ended.code == 0
        assert shell("check", rules, "--graph", saved, "--strict").code == 1

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("[[rules", "rules.toml: Expected"),
            ("[[rules]]\nkind='lagg'", "rules.toml: rule 1: kind: 'lagg' is none: did you mean"),
            ("[[rules]]\nkind='lag'\nmax_messages='5'", "rule 1: max_messages: wants a whole"),
        ],
    )
    def test_a_bad_file_is_told_before_anybody_is_asked(
        self, shell: Shell, rules: Path, text: str, says: str
    ) -> None:
        rules.write_text(text)
        ended = shell("check", rules, "--url", "http://127.0.0.1:1")
        assert (ended.code, ended.out) == (2, "")
        assert says in ended.err
        assert shell("check", rules.with_name("none.toml")).code == 2


class TestExport:
    def test_the_ending_says_the_format(self, shell: Shell, url: str, tmp_path: Path) -> None:
        file = tmp_path / "shop.dot"
        ended = shell("export", file, "--url", url)
        assert (ended.code, ended.out) == (0, "")
        assert file.read_text() == shell("graph", "-f", "dot", "--url", url).out

    def test_a_chain(self, shell: Shell, url: str, tmp_path: Path) -> None:
        file = tmp_path / "chain.out"
        told = shell(
            *("export", file, "--chain", "order-1", "-f", "mermaid", "--url", url, "--json")
        )
        assert told.json == {"file": str(file), "bytes": file.stat().st_size}
        assert file.read_text().startswith("flowchart")
        assert shell("export", file, "--chain", "tea", "-f", "dot", "--url", url).code == 3

    def test_wrong_usage(self, shell: Shell, tmp_path: Path) -> None:
        assert shell("export", tmp_path / "shop.jpeg").code == 2
        assert shell("export", tmp_path / "shop.dot", "--format", "jpeg").code == 2
        assert shell("export", tmp_path / "c.csv", "--chain", "x").code == 2
