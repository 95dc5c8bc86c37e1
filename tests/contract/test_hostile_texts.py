"""No text of a user becomes SQL: what would break out of a statement finds nothing, and harms
nothing, wherever a text can be given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.backend import StoreBackend
from collector.config import Api
from collector.store import lists
from collector.store.client import Store
from graph.filter import quoted
from tests import stores
from tests.builders import Flow
from tests.contract.test_api import Answer
from tests.flow_in_store import put_flow
from tests.serving import serving

HOSTILE = (
    "'",
    "' OR 1=1 --",
    "'; DROP TABLE messages; --",
    "\\' OR 1=1 --",
    "\\",
    "') UNION ALL SELECT name FROM system.tables --",
    "{name:String}",
    "{message0:Identifier}",
    "${x}",
    "%s%d%(x)s",
    '`"/*',
    "x\0y",
    "\t\n\\N\\x27",
    "\ufeff\u202e'",
    "💥'",
    "%27%20OR%201",
)
EVERYTHING = "/api/v1/events?limit=1000"


class TestHostileTexts:
    places: ClassVar[dict[str, str]] = {
        name: f"/api/v1/events?{name}="
        for name in ("destination", "type", "key", "service", "environment")
    } | {
        "service of the graph": "/api/v1/topology?service=",
        "destination of the graph": "/api/v1/topology?destination=",
        "a node": "/api/v1/topology/series?kind=service&name=",
        "a node's cluster": "/api/v1/topology/series?kind=destination&name=a&cluster=",
    }
    fields = ("topic", "type", "key", "service", "environment", "id", "correlation", "")

    @pytest.fixture(autouse=True)
    def one_look(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A list says the same text to the store for each time that it looks back."""
        monkeypatch.setattr(lists, "LOOKS_BACK", ())

    @pytest.fixture
    def url(self, store: Store) -> Iterator[str]:
        flow = Flow()
        flow.process("points", flow.send("shop", "orders", key="k'1", event_type="t"))
        put_flow(store, flow)
        backend = StoreBackend(store, rollup=stores.rolled_up(store))
        with serving(backend, Api(requests_per_second=1e6)) as address:
            whole = Answer(address, EVERYTHING).json
            assert len(whole["events"]) == 1
            yield address
            assert Answer(address, EVERYTHING).json == whole

    def test_in_every_place(self, url: str) -> None:
        for text in HOSTILE:
            escaped = urlencode({"": text})[1:]
            for where, path in self.places.items():
                answer = Answer(url, path + escaped)
                assert answer.status == 200, (text, where, answer.json)
                found = answer.json.get("events" if "events" in path else "nodes")
                assert not (found or answer.json.get("minutes")), (text, where)
            for name in self.fields:
                term = f"{name}:{quoted(text)}" if name else quoted(text)
                answer = Answer(url, f"/api/v1/events?{urlencode({'q': term})}")
                assert answer.status == 200, (text, name, answer.json)
                assert answer.json["events"] == [], (text, name)
            for path in ("chain", "fate"):
                answer = Answer(url, f"/api/v1/{path}/{escaped}")
                assert answer.status in (404, 422), (text, path, answer.json)
            answer = Answer(url, f"/api/v1/destinations/{escaped}")
            assert answer.status in (200, 404, 422), (text, answer.json)

    def test_a_quote_finds_what_bears_it(self, url: str) -> None:
        answer = Answer(url, f"/api/v1/events?{urlencode({'key': chr(39).join('k1')})}")
        assert [row["key"] for row in answer.json["events"]] == ["k'1"]

    def test_any_text(self, store: Store) -> None:
        backend = StoreBackend(store)
        tables = store.query("SELECT name FROM system.tables WHERE database = currentDatabase()")

        @settings(suppress_health_check=list(HealthCheck), max_examples=40)
        @given(st.text(alphabet="'\"\\{}:;-()%_`\0\n$,aé💥", max_size=12))
        def same(text: str) -> None:
            from collector import questions
            from graph.filter import FilterError, parse
            from graph.lookup import SeveralMeanings, Unknown

            with suppress(FilterError):
                list(backend.recent(parse(text, 10**18)))
            for ask in (questions.chain, questions.fate):
                anything: Any = ask
                with suppress(Unknown, SeveralMeanings):
                    anything(backend, text)

        same()
        assert tables == store.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase()"
        )
