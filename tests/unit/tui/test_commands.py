"""Commands as a shell sees them: what is data, what is said beside it, and how they end."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from collector import runtime
from collector.api.backend import Component
from collector.runtime import Runtime
from graph.fate import Status
from graph.figures import date
from graph.gaps import Gap
from graph.listing import Activity, EventRow
from graph.table import Table
from graph.wire import chain_from_dict
from graph.wire.fate import fates_from_dict
from graph.wire.findings import findings_from_dict
from graph.wire.listing import consumer_from_dict
from tests import found
from tests.builders import Flow
from tests.goldens import assert_golden
from tests.memory_backend import MemoryBackend
from tests.serving import serving
from tests.tui import shop
from tests.tui.groups import groups
from tests.unit.tui.conftest import Shell
from tui.cli import TABLE, load
from tui.commands.import_files import Sender
from tui.source import CollectorAway, SourceFailed


class TestTrace:
    def test_the_tree_is_data(self, shell: Shell, url: str) -> None:
        ended = shell("trace", "order-1", "--url", url)
        assert (ended.code, ended.err) == (0, "")
        assert_golden("cli/trace.txt", ended.out)

    def test_json_is_the_chain(self, shell: Shell, url: str) -> None:
        chain = chain_from_dict(shell("trace", "order-1", "--url", url, "--json").json)
        assert chain.services == ("payment", "storefront")

    def test_halves(self, shell: Shell, url: str) -> None:
        up = chain_from_dict(shell("trace", "paid-1", "--causes", "--url", url, "--json").json)
        down = chain_from_dict(shell("trace", "paid-1", "--effects", "--url", url, "--json").json)
        both = shell("trace", "paid-1", "--effects", "--causes", "--url", url, "--json").json
        assert (len(up.events), len(down.events), len(both["events"])) == (2, 1, 2)

    def test_explain_adds_how_each_join_was_found(self, shell: Shell, url: str) -> None:
        plain = shell("trace", "order-1", "--url", url).out
        ended = shell("trace", "order-1", "--explain", "--url", url)
        assert ended.out.startswith(plain.rstrip("\n"))
        assert_golden("cli/trace-explain.txt", ended.out)
        told = shell("trace", "order-1", "--explain", "--url", url, "--json").json
        assert [one["event"] for one in told["explanations"]] == [
            event["id"] for event in told["events"]
        ]

    def test_limits_reach_the_source(self, shell: Shell, url: str) -> None:
        ended = shell("trace", "order-1", "--limit", 1, "--url", url)
        assert "This is not all" in ended.out
        told = shell("trace", "order-1", "--depth", 0, "--url", url, "--json").json
        assert told["stopped_by"] == "depth"

    def test_a_choice_is_code_3(self, shell: Shell, url: str) -> None:
        ended = shell("trace", "tea", "--url", url)
        assert ended.code == 3
        assert "tea could mean 2 things" in ended.err
        assert_golden("cli/trace-choice.txt", ended.out)
        told = shell("trace", "tea", "--url", url, "--json")
        assert told.code == 3
        assert told.json["error"] == "ambiguous"
        asks = [one["ask"] for one in told.json["candidates"]]
        assert all(shell("trace", ask, "--url", url).code == 0 for ask in asks)

    def test_not_found_is_code_1_and_says_what_was_tried(self, shell: Shell, url: str) -> None:
        ended = shell("trace", "order-9", "--url", url)
        assert (ended.code, ended.out) == (1, "")
        assert "nothing is known by order-9" in ended.err
        assert "trace id" in ended.err
        told = shell("trace", "order-9", "--url", url, "--json")
        assert (told.code, told.json["error"]) == (1, "not_found")

    def test_nobody_there_is_code_4(self, shell: Shell, tmp_path: Path) -> None:
        ended = shell("trace", "x", "--url", "http://127.0.0.1:1")
        assert ended.code == 4
        assert "no collector answers at http://127.0.0.1:1" in ended.err
        ended = shell("trace", "x", "--store", tmp_path / "none")
        assert ended.code == 4
        assert "there is no store" in ended.err
        assert "flowtap up" in ended.err

    def test_wrong_usage_is_code_2(self, shell: Shell, url: str, tmp_path: Path) -> None:
        assert shell("trace").code == 2
        assert shell("trace", "x", "--limit", 0).code == 2
        assert shell("trace", "x", "--limit", "many").code == 2
        assert shell("trace", "x", "--config", tmp_path / "none.toml").code == 2
        assert shell("nothing").code == 2


class TestWeb:
    """`flowtap tui --web`, up to where it serves; `tests/integration/test_web*.py` go on there."""

    @pytest.fixture(autouse=True)
    def own_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The command tells its sessions the URL by it."""
        monkeypatch.setenv("FLOWTAP_URL", "")

    def test_what_serves_it_is_missing(
        self, shell: Shell, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "textual_serve", None)
        monkeypatch.delitem(sys.modules, "tui.web.server", raising=False)
        ended = shell("tui", "--web", "--url", url)
        assert (ended.code, ended.out) == (1, "")
        assert "--web needs textual_serve, which is missing" in ended.err
        assert "pip install textual-serve" in ended.err

    def test_each_session_is_asked_for_the_same(
        self, shell: Shell, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Names that look like options stay names; where the collector is goes by the
        environment, which others on this machine cannot read."""
        from tui.web import server

        served: list[list[str]] = []
        monkeypatch.setattr(server, "serve", lambda session, port, told: served.append(session))
        options = ("--theme", "light", "--find=--all", "--store", tmp_path)
        assert shell("tui", "--web", *options, "--url", url).code == 0
        (session,) = served
        assert session[1:] == [
            *("-m", "tui", "tui"),
            *("--find=--all", "--theme=light", f"--store={tmp_path}", "--"),
        ]
        assert os.environ["FLOWTAP_URL"] == url

    def test_a_file_that_is_not_there_is_told_before_anything_is_served(
        self, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "textual_serve", None)
        ended = shell("tui", "--web", "--", tmp_path / "none.json")
        assert ended.code != 0
        assert "none.json" in ended.err and "textual_serve" not in ended.err


class TestEvents:
    def test_the_newest_stand_at_the_bottom(self, shell: Shell, url: str) -> None:
        ended = shell("events", "--url", url)
        assert (ended.code, ended.err) == (0, "")
        assert_golden("cli/events.txt", ended.out)

    def test_a_list_that_begins_before_what_is_kept_says_so(self, shell: Shell) -> None:
        covered = MemoryBackend.of(Flow())
        covered.pruned = time.time_ns() - 3600 * 10**9
        with serving(covered) as address:
            said = "what was received before 20"
            assert said in shell("events", "since:2h", "--url", address).err
            assert said in shell("events", "--oldest", "--url", address).err
            assert said not in shell("events", "since:10m", "--url", address).err
            assert said not in shell("events", "--url", address).err

    def test_a_filter_in_one_word_or_several(self, shell: Shell, url: str) -> None:
        several = shell("events", "type:ordered", "key:tea", "--limit", 1, "--url", url)
        assert "order-2" in several.out
        assert "order-1" not in several.out
        assert shell("events", "type:ordered key:tea", "-n", 1, "--url", url) == several

    @pytest.mark.parametrize("asked", [("--oldest",), ("order:oldest",)], ids=["option", "filter"])
    def test_the_oldest_stand_at_the_top(
        self, shell: Shell, url: str, asked: tuple[str, ...]
    ) -> None:
        """The same events as without, where all are listed; else the first of them."""
        whole = shell("events", "--url", url)
        assert shell("events", *asked, "--url", url) == whole
        cut = shell("events", *asked, "-n", 1, "--url", url)
        heading, first = [line.split() for line in whole.out.splitlines()[:2]]
        assert [line.split() for line in cut.out.splitlines()] == [heading, first]
        assert cut.err == "later ones fit too: --limit shows more\n"
        told = shell("events", *asked, "--json", "--url", url).json
        times = [row["time_ns"] for row in told["events"]]
        assert times == sorted(times) and len(times) > 1

    def test_the_oldest_cannot_be_followed(self, shell: Shell) -> None:
        ended = shell("events", "--oldest", "--follow", "--url", "http://127.0.0.1:1")
        assert ended.code == 2, "found out before anybody is asked"
        assert "--follow goes on with the newest" in ended.err

    def test_what_was_cut_is_told(self, shell: Shell, url: str) -> None:
        ended = shell("events", "-n", 1, "--url", url)
        assert ended.err == "earlier ones fit too: --limit shows more\n"
        assert shell("events", "-n", 1, "--json", "--url", url).json["more"] is True
        assert shell("events", "--json", "--url", url).json["more"] is False

    def test_what_is_left_out_comes_behind_a_dash(self, shell: Shell, url: str) -> None:
        ended = shell("events", "--url", url, "--", "-type:ordered")
        assert "paid-1" in ended.out
        assert "order-1" not in ended.out

    def test_json_is_what_the_api_says(self, shell: Shell, url: str) -> None:
        told = shell("events", "order-1", "--json", "--url", url).json
        assert [row["message_id"] for row in told["events"]] == ["order-1"]

    def test_nothing_fits(self, shell: Shell, url: str) -> None:
        assert shell("events", "key:coffee", "--url", url) == (0, "", "no event fits\n")

    def test_a_mistake_is_code_2_and_shows_its_place(self, shell: Shell) -> None:
        ended = shell("events", "key:tea", "colour:red", "--url", "http://127.0.0.1:1")
        assert ended.code == 2, "found out before anybody is asked"
        assert "  key:tea colour:red\n          ^^^^^^^\n  colour: is no field" in ended.err
        told = shell("events", "colour:red", "--json", "--url", "http://127.0.0.1:1")
        assert (told.code, told.json["error"]) == (2, "usage")

    def test_nobody_there_is_code_4(self, shell: Shell) -> None:
        assert shell("events", "--url", "http://127.0.0.1:1").code == 4
        assert shell("events", "--follow", "--url", "http://127.0.0.1:1").code == 4

    @pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
    def test_it_follows_until_it_is_interrupted(self, form: list[str]) -> None:
        """As a person does it: another process, and Ctrl-C."""
        backend = MemoryBackend()
        with serving(backend) as address:
            command = [sys.executable, "-m", "tui", "events", "topic:orders", "--follow", *form]
            with subprocess.Popen(
                [*command, "--url", address], stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as process:
                assert process.stdout is not None and process.stderr is not None
                told: list[bytes] = []
                reader = threading.Thread(target=lambda: told.extend(process.stdout or ()))
                reader.start()
                number = 0
                while not any(b"message-" in line for line in told):
                    # It is there some time after it was started: it is told again until then.
                    row = EventRow(f"orders/0/{number}", shop.NOON + number, "orders")
                    backend.activity += [
                        Activity(replace(row, message_id=f"message-{number}")),
                        Activity(replace(row, destination="payments")),
                    ]
                    number += 1
                    assert number < 2_000, told
                    assert process.poll() is None, process.stderr.read()
                    reader.join(0.05)
                process.send_signal(signal.SIGINT)
                assert process.wait(20) == 0
                reader.join(20)
                assert process.stderr.read() == b""
        assert not any(b"payments" in line for line in told)
        if form:
            assert json.loads(told[0])["destination"] == "orders"

    def test_what_fails_later_is_followed_too(self) -> None:
        backend = MemoryBackend()
        failed = [EventRow(f"orders/0/{n}", shop.NOON + n, "orders", error=True) for n in range(2)]
        backend.rows = [failed[0]]
        with serving(backend) as address:
            command = [sys.executable, "-m", "tui", "events", "error:yes", "--follow", "--json"]
            with subprocess.Popen([*command, "--url", address], stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                assert json.loads(process.stdout.readline())["id"] == "orders/0/0"
                backend.rows = [failed[1], failed[0]]
                assert json.loads(process.stdout.readline())["id"] == "orders/0/1"
                process.send_signal(signal.SIGINT)
                assert process.wait(20) == 0

    def test_a_collector_that_goes_away_ends_it_with_code_4(self) -> None:
        with serving(MemoryBackend()) as address:
            command = [sys.executable, "-m", "tui", "events", "--follow", "--url", address]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert process.stdout is not None
            assert b"producer" in process.stdout.readline(), "it has begun"
        _, said = process.communicate(timeout=20)
        assert process.returncode == 4
        assert b"has gone away" in said


class TestWhy:
    def test_each_consumer_is_told(self, shell: Shell, url: str) -> None:
        ended = shell("why", "order-1", "--url", url)
        assert (ended.code, ended.err) == (0, "")
        assert "1 consumer: 1 handled" in ended.out
        assert "payment handled it in 0.5 ms." in ended.out

    def test_json_is_the_fates(self, shell: Shell, url: str) -> None:
        told = fates_from_dict(shell("why", "order-1", "--url", url, "--json").json)
        assert [(one.name, one.status) for one in told.consumers] == [("payment", Status.HANDLED)]

    def test_it_ends_as_trace_does(self, shell: Shell, url: str, tmp_path: Path) -> None:
        choice = shell("why", "tea", "--url", url)
        assert choice == shell("trace", "tea", "--url", url)
        assert choice.code == 3
        assert shell("why", "tea", "--url", url, "--json").json["error"] == "ambiguous"
        assert shell("why", "order-9", "--url", url).code == 1
        assert shell("why", "x", "--store", tmp_path / "none").code == 4
        assert shell("why").code == 2


class TestFindings:
    @pytest.fixture(scope="class")
    def address(self) -> Iterator[str]:
        with serving(MemoryBackend(found=list(found.ALL), pruned=shop.NOON)) as address:
            yield address

    def test_the_open_and_worst_come_first_with_their_proof(
        self, shell: Shell, address: str
    ) -> None:
        ended = shell("findings", "--since", "2000-01-01", "--muted", "--url", address)
        assert (ended.code, ended.err) == (
            0,
            f"3 findings, 2 open; looked until {date(shop.NOON)[:16]} UTC\n",
        )
        assert_golden("cli/findings.txt", ended.out)

    def test_json_is_what_the_api_says(self, shell: Shell, address: str) -> None:
        ended = shell("findings", "--since", "2000-01-01", "--json", "--url", address)
        assert list(findings_from_dict(ended.json).findings) == [found.DEAD, found.SKEW]

    def test_they_are_narrowed(self, shell: Shell, address: str) -> None:
        since = ("--since", "2000-01-01", "--url", address)
        assert "dead-letter" not in shell("findings", "--kind", "clock-skew", *since).out
        assert "clock-skew" not in shell("findings", "--open", *since).out
        assert "clock-skew" not in shell("findings", "--destination", "orders*", *since).out
        assert "dead-letter" not in shell("findings", "--service", "pay*", *since).out

    def test_nothing_found_is_said_beside(self, shell: Shell, address: str) -> None:
        ended = shell("findings", "--url", address)
        assert (ended.code, ended.out) == (0, "")
        assert ended.err.startswith("nothing found; looked until ")
        with serving(MemoryBackend()) as empty:
            assert "nothing was looked at yet" in shell("findings", "--url", empty).err

    def test_a_kind_that_is_none_is_wrong_usage(self, shell: Shell) -> None:
        ended = shell("findings", "--kind", "bad-luck", "--url", "http://127.0.0.1:1")
        assert ended.code == 2
        assert "bad-luck is no kind of finding: choose one of lost, dead-letter" in ended.err

    def test_nobody_there_is_code_4(self, shell: Shell) -> None:
        assert shell("findings", "--url", "http://127.0.0.1:1").code == 4


class TestConsumers:
    def test_who_is_behind_comes_first(self, shell: Shell, url: str) -> None:
        ended = shell("consumers", "--url", url)
        assert (ended.code, ended.err) == (0, "")
        assert_golden("cli/consumers.txt", ended.out)

    def test_one_group_with_its_partitions(self, shell: Shell, url: str) -> None:
        ended = shell("consumers", "recommendation", "--url", url)
        assert ended.code == 0
        assert "312 wait, the oldest for 2m 36s" in ended.out
        assert "recommendation-1 at 10.0.3.12" in ended.out

    def test_json_reads_back(self, shell: Shell, url: str) -> None:
        told = shell("consumers", "--url", url, "--json").json["consumers"]
        assert [consumer_from_dict(one) for one in told] == groups()
        (one,) = shell("consumers", "mailer", "--url", url, "--json").json["consumers"]
        assert (one["group"], one["lag"]) == ("mailer", 5)

    def test_nobody_of_that_name_is_code_1(self, shell: Shell, url: str) -> None:
        ended = shell("consumers", "nobody", "--url", url)
        assert (ended.code, ended.out) == (1, "")
        assert "flowtap consumers lists them" in ended.err
        assert shell("consumers", "x", "--url", url, "--json").json["error"] == "not_found"

    def test_without_groups_it_says_so(self, shell: Shell, tmp_path: Path) -> None:
        with serving(MemoryBackend()) as empty:
            ended = shell("consumers", "--url", empty)
        assert (ended.code, ended.out) == (0, "")
        assert "no broker has told of a consumer group" in ended.err
        assert shell("consumers", "--store", tmp_path / "none").code == 4


class Receiver(BaseHTTPRequestHandler):
    """Answers what the test has laid ready, and keeps what it was sent."""

    answers: ClassVar[list[tuple[int, dict[str, str]]]] = []
    seen: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        if status == 200:
            self.seen.append(body)
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


SPANS = {
    "resourceSpans": [
        {
            "resource": {"attributes": []},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "5b8efff798038103d269b633813fc60c",
                            "spanId": "eee19b7ec3c1b174",
                            "name": "send orders",
                            "startTimeUnixNano": "1790856000000000000",
                            "endTimeUnixNano": "1790856000001000000",
                        }
                    ]
                }
            ],
        }
    ]
}


class TestImport:
    @pytest.fixture
    def otlp(self) -> Iterator[str]:
        Receiver.answers, Receiver.seen = [], []
        with HTTPServer(("127.0.0.1", 0), Receiver) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()

    @pytest.fixture
    def spans(self, tmp_path: Path) -> Path:
        file = tmp_path / "spans.json"
        file.write_text(json.dumps(SPANS))
        return file

    def test_a_running_collector_gets_the_spans(
        self, shell: Shell, otlp: str, spans: Path, tmp_path: Path
    ) -> None:
        port = int(otlp.rpartition(":")[2])
        store = tmp_path / "store"
        runtime.write(store, Runtime(os.getpid(), otlp, ports={"otlp_http": port}))
        ended = shell("import", spans, spans, "--store", store)
        assert ended == (0, f"2 spans of 2 files are in {otlp}\n", "")
        assert len(Receiver.seen) == 2
        assert b"send orders" in Receiver.seen[0]

    def test_a_file_that_cannot_be_read_does_not_stop_the_others(
        self, shell: Shell, otlp: str, spans: Path, tmp_path: Path
    ) -> None:
        bad = tmp_path / "bad.json"
        bad.write_text("{")
        told = shell("import", bad, spans, tmp_path / "gone", "--otlp", otlp, "--json")
        assert told.code == 1
        assert told.json["spans"] == 1
        assert set(told.json["failed"]) == {str(bad), str(tmp_path / "gone")}
        assert str(bad) in told.err

    def test_busy_means_wait_and_again(self, otlp: str) -> None:
        Receiver.answers = [(429, {"Retry-After": "3"}), (503, {}), (200, {})]
        waited: list[float] = []
        Sender(otlp, wait=waited.append).send(b"x")
        assert waited == [3.0, 1.0]
        assert Receiver.seen == [b"x"]

    def test_refused_is_not_sent_again(self, otlp: str) -> None:
        Receiver.answers = [(400, {})]
        with pytest.raises(SourceFailed, match="refuses the spans: 400"):
            Sender(otlp).send(b"x")
        assert Receiver.seen == []

    def test_busy_for_ever_is_given_up(self, otlp: str) -> None:
        Receiver.answers = [(429, {"Retry-After": "9999"})] * 100
        waited: list[float] = []
        with pytest.raises(SourceFailed, match="stays busy"):
            Sender(otlp, wait=waited.append).send(b"x")
        assert max(waited) == 30.0

    def test_nobody_there(self) -> None:
        with pytest.raises(CollectorAway):
            Sender("http://127.0.0.1:1").send(b"x")


class TestDoctor:
    def test_it_looks_at_the_running_collector(
        self, shell: Shell, url: str, tmp_path: Path
    ) -> None:
        runtime.write(tmp_path, Runtime(os.getpid(), url, ports={"api": 1, "otlp_grpc": 2}))
        told = shell("doctor", "--store", tmp_path, "--json").json
        found = {check["name"]: check for check in told["checks"]}
        assert found["collector"]["ok"]
        assert found["  store"]["detail"] == "open"
        assert found["port otlp grpc"]["detail"] == "2, our collector listens"
        assert found["port zipkin"]["detail"] == "off"
        assert not found["versions"]["ok"], "that collector says no version"

    def test_a_transaction_that_stays_open_is_something_to_look_at(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        held = 'transaction "app-1" of producer 7 is open since 12:00'
        tap = Component("kafka b:9092", True, "reading", {"open_transactions": [held]})
        with serving(MemoryBackend(parts=[tap])) as address:
            runtime.write(tmp_path, Runtime(os.getpid(), address))
            ended = shell("doctor", "--store", tmp_path, "--json")
        (found,) = [one for one in ended.json["checks"] if one["name"].strip() == "transaction"]
        assert (ended.code, found["ok"], found["detail"]) == (1, False, held)
        assert "commit" in found["remedy"]

    @pytest.mark.parametrize(("ago", "fine"), [(60, False), (7200, True)])
    def test_what_taps_missed_is_something_to_look_at_while_it_is_new(
        self, shell: Shell, tmp_path: Path, ago: int, fine: bool
    ) -> None:
        gap = Gap("kafka", "c", "orders", "i", "0", 5, 7, "retention", time.time_ns() - ago * 10**9)
        with serving(MemoryBackend(missed=[gap])) as address:
            runtime.write(tmp_path, Runtime(os.getpid(), address))
            told = shell("doctor", "--store", tmp_path, "--json").json
        (found,) = [one for one in told["checks"] if one["name"] == "gaps"]
        assert found["ok"] is fine
        sentence = "3 offsets were missed; the newest: orders/0/5..7 (retention), "
        assert found["detail"].startswith(sentence)
        assert bool(found["remedy"]) is not fine

    def test_a_broker_that_is_away_and_a_port_that_is_taken(self, tmp_path: Path) -> None:
        """In a process of its own, where it may open a store."""
        with HTTPServer(("127.0.0.1", 0), Receiver) as other:
            config = tmp_path / "flowtap.toml"
            config.write_text(
                f'store = "none"\n[api]\nport = {other.server_port}\n'
                "[receivers]\notlp_grpc = 0\notlp_http = 0\nzipkin = false\n"
                '[[kafka]]\nbootstrap = "127.0.0.1:1"\n'
                '[[kafka]]\nbootstrap = "127.0.0.1:2"\nsasl_password = { env = "NOT_SET" }\n'
            )
            command = [sys.executable, "-m", "tui", "doctor", "--config", str(config), "--json"]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 1
        told = json.loads(ended.stdout)
        found = {check["name"]: check for check in told["checks"]}
        assert "the engine works" in found["store"]["detail"]
        assert "in use" in found["port api"]["detail"]
        assert "--api-port" in found["port api"]["remedy"]
        assert found["port zipkin"]["detail"] == "off"
        assert not found["kafka 127.0.0.1:1"]["ok"]
        assert "NOT_SET" in found["kafka 127.0.0.1:2"]["detail"]
        assert all(check["remedy"] for check in told["checks"] if not check["ok"])
        assert not any(check["remedy"] for check in told["checks"] if check["ok"])

    def test_a_mistake_in_the_configuration_is_wrong_usage(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        config = tmp_path / "flowtap.toml"
        config.write_text("[api]\nport = 'x'\n")
        ended = shell("doctor", "--config", config)
        assert ended.code == 2
        assert f"{config}: api.port: " in ended.err


class TestSql:
    @pytest.fixture
    def url(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        names = ("name", "count", "seen", "names")
        rows: tuple[tuple[Any, ...], ...] = (
            ("orders", 12, None, ["a"]),
            ("=evil\n\x1b[31m" + "x" * 80, 3456, None, []),
        )
        backend = MemoryBackend(table=Table(names, ("String",) * 4, rows, more=True))
        with serving(backend, owner_token="owner") as address:
            monkeypatch.setenv("FLOWTAP_API_TOKEN", "owner")
            yield address

    def test_rows_are_a_table(self, shell: Shell, url: str) -> None:
        ended = shell("sql", "SELECT 1", "--url", url)
        assert ended.code == 0
        assert_golden("cli/sql.txt", ended.out)
        assert ended.err == "the first 2 rows, there are more: --limit asks for up to 10,000\n"

    def test_csv_and_json(self, shell: Shell, url: str) -> None:
        header, first, second = shell(
            "sql", "SELECT 1", "--format", "csv", "--url", url
        ).out.splitlines()
        assert (header, first) == ("name,count,seen,names", 'orders,12,,"[""a""]"')
        assert second.startswith("'=evil  [31mxxx"), "no formula"
        told = shell("sql", "SELECT 1", "--json", "--limit", 1, "--url", url).json
        assert told["rows"] == [["orders", 12, None, ["a"]]]
        assert told["columns"][1] == {"name": "count", "type": "String"}
        assert told["more"]

    def test_what_is_refused_is_told(
        self, shell: Shell, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended = shell("sql", "DROP TABLE messages", "--url", url)
        assert ended.code == 1
        assert "only SELECT may be asked" in ended.err
        assert shell("sql", "SELECT 1", "--format", "xml", "--url", url).code == 2
        monkeypatch.delenv("FLOWTAP_API_TOKEN")
        assert shell("sql", "SELECT 1", "--url", url).code == 4, "the door wants a token"

    def test_a_statement_comes_from_stdin(
        self, shell: Shell, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 1"))
        assert "orders" in shell("sql", "-", "--url", url).out


def test_every_command_of_the_table_can_be_called_for_help(shell: Shell) -> None:
    for entry in TABLE:
        assert load(entry).name == entry.name
        ended = shell(entry.name, "--help")
        assert ended.code == 0
        assert "Exit codes: 0 done" in ended.out


def test_help_lists_the_table(shell: Shell) -> None:
    ended = shell("--help")
    assert [line for entry in TABLE for line in ended.out.splitlines() if entry.help in line]
    assert shell().code == 2


def test_reindex_is_refused_while_a_collector_runs(shell: Shell, url: str, tmp_path: Path) -> None:
    runtime.write(tmp_path, Runtime(os.getpid(), url))
    ended = shell("reindex", "--store", tmp_path)
    assert ended.code == 4
    assert f"process {os.getpid()}" in ended.err
