"""The HTTP API as any client sees it: shapes, errors, who may ask, and what happens under load."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel, SecretStr

from collector.api import schemas, tail
from collector.api.app import create_app
from collector.api.backend import Stored
from collector.config import Api, Limits
from collector.store.client import StoreBusy, StoreError
from collector.store.following import Mark
from graph.gaps import Gap
from graph.listing import ANY_EVENT, Activity, EventFilter, EventRow
from tests import found
from tests.builders import Flow
from tests.memory_backend import MemoryBackend
from tests.serving import serving
from tests.tui import shop
from tui.client import ApiClient, CollectorAway, SourceFailed, Unauthorised

TOKEN = "correct-horse"
MISSED = Gap("kafka", "c1", "orders", "i1", "0", 5, 7, "retention", 1_780_272_000_000_000_000)


def backend() -> MemoryBackend:
    flow = Flow()
    order = flow.send("storefront", "orders", message_id="order-1", key="tea", event_type="Ordered")
    flow.process("payment", order)
    flow.send("storefront", "orders", message_id="order-2", key="tea")
    made = MemoryBackend.of(flow)
    made.edge_rows = shop.edges()
    made.groups = shop.consumers()
    made.missed = [MISSED]
    made.found = list(found.ALL)
    return made


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(backend(), owner_token="owner") as address:
        yield address


class Answer:
    """One answer, read to its end."""

    def __init__(self, url: str, path: str, method: str = "GET", **headers: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()
        connection.close()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/events", schemas.Events),
        ("/events/order-1", schemas.Event),
        ("/chain/order-1", schemas.Chain),
        ("/chain/order-1?explain=true", schemas.Chain),
        ("/fate/order-1", schemas.Fates),
        ("/topology", schemas.Topology),
        ("/topology?since=15m&service=pay*", schemas.Topology),
        ("/topology/series?kind=service&name=payment&since=15m", schemas.Series),
        ("/destinations", schemas.Destinations),
        ("/consumers", schemas.Consumers),
        ("/gaps", schemas.Gaps),
        ("/payloads?since=1h", schemas.Payloads),
        ("/findings?since=2000-01-01", schemas.Findings),
        ("/health", schemas.Health),
    ],
)
def test_answers_have_the_shape_that_is_described(
    url: str, path: str, shape: type[BaseModel]
) -> None:
    answer = Answer(url, f"/api/v1{path}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/json"
    shape.model_validate_json(answer.body)


def test_a_choice_has_the_shape_that_is_described(url: str) -> None:
    answer = Answer(url, "/api/v1/chain/tea")
    assert answer.status == 300
    assert len(schemas.Ambiguous.model_validate_json(answer.body).candidates) == 2


def test_an_event_comes_with_messages_operations_and_deliveries(url: str) -> None:
    told = Answer(url, "/api/v1/events/order-1").json
    assert told["event"]["messages"][0]["message_id"] == "order-1"
    assert told["event"]["operations"][0]["service"] == "storefront"
    assert [one["service"] for one in told["deliveries"]] == ["payment"]


def test_bodies_can_be_left_out(url: str) -> None:
    told = Answer(url, "/api/v1/chain/order-1?bodies=false").json
    assert told["events"][0]["messages"][0]["headers"] is None


def test_destinations_name_both_ends(url: str) -> None:
    told = {one["name"]: one for one in Answer(url, "/api/v1/destinations").json["destinations"]}
    failed = told["payment.failed"]
    assert [one["name"] for one in failed["producers"]] == ["payment"]
    assert [one["name"] for one in failed["consumers"]] == ["inventory", "storefront"]
    assert (failed["produced"], failed["consumed"]) == (37, 72)
    assert told["user.registered"]["producers"][0]["kind"] == "unknown"


def test_findings_are_narrowed(url: str) -> None:
    def kinds(asked: str) -> list[str]:
        told = Answer(url, f"/api/v1/findings?since=2000-01-01&{asked}").json
        return [one["kind"] for one in told["findings"]]

    assert kinds("") == ["dead-letter", "clock-skew"]
    assert kinds("muted=true") == ["dead-letter", "clock-skew", "stale"]
    assert kinds("kind=clock-skew&kind=stale") == ["clock-skew"]
    assert kinds("service=INVENT*") == ["dead-letter", "clock-skew"]
    assert kinds("destination=orders.dlt") == ["dead-letter"]
    assert kinds("state=open") == ["dead-letter"]
    assert kinds("limit=1") == ["dead-letter"]


def test_metrics_are_prometheus_text(url: str) -> None:
    answer = Answer(url, "/api/v1/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"flowtap_spans_stored_total 7.0" in answer.body


@pytest.mark.parametrize(
    ("path", "status", "error", "says"),
    [
        ("/chain/order-9", 404, "not_found", "order-9"),
        ("/nothing", 404, "not_found", "Not Found"),
        ("/events?limit=0", 422, "invalid", "limit"),
        ("/events?q=key:1+colour:red", 422, "invalid", "q, character 7: colour: is no field"),
        ("/tail?q=since:yesterday", 422, "invalid", "q, character 1: 'yesterday' is no time"),
        ("/chain/order-1?direction=sideways", 422, "invalid", "direction"),
        ("/chain/order-1?seconds=0", 422, "invalid", "seconds"),
        ("/findings?kind=bad-luck", 422, "invalid", "kind"),
        ("/findings?state=half-open", 422, "invalid", "state"),
        ("/topology?since=yesterday-ish", 422, "invalid", "is no time"),
        ("/topology/series?kind=planet&name=mars", 422, "invalid", "kind"),
        ("/topology?since=1h&to=now", 422, "invalid", "exclude"),
        ("/topology?from=2026-01-02&to=2026-01-01", 422, "invalid", "ends before"),
    ],
)
def test_errors_are_json(url: str, path: str, status: int, error: str, says: str) -> None:
    answer = Answer(url, f"/api/v1{path}")
    assert answer.status == status
    told = schemas.Problem.model_validate_json(answer.body)
    assert told.error == error
    assert says in told.detail


def test_a_wrong_method_is_an_error_too(url: str) -> None:
    answer = Answer(url, "/api/v1/events", "POST", Authorization="Bearer owner")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET"
    assert answer.json["error"] == "method_not_allowed"


def test_a_list_is_asked_for_in_the_filter_language(url: str) -> None:
    told = Answer(url, "/api/v1/events?q=type:order*+key:TEA").json
    assert [row["message_id"] for row in told["events"]] == ["order-1"]
    told = Answer(url, "/api/v1/events?q=-type:Ordered&destination=orders").json
    assert [row["message_id"] for row in told["events"]] == ["order-2"]
    assert Answer(url, "/api/v1/events?q=until:1m&since=30s").json["events"] == []


def test_a_list_is_cut_at_the_cap_and_says_so() -> None:
    with serving(backend(), limits=Limits(rows=1)) as url:
        told = Answer(url, "/api/v1/events?limit=100").json
        assert len(told["events"]) == 1
        assert told["more"] is True
        none = Answer(url, "/api/v1/events?destination=none").json
        assert (none["events"], none["more"]) == ([], False)


def test_a_format_is_of_a_view_that_it_has(url: str) -> None:
    told = Answer(url, "/api/v1/topology?format=jaeger").json
    assert {"parent": "payment", "child": "bank-gateway", "callCount": 1204} in told["data"]
    told = Answer(url, "/api/v1/topology?format=asyncapi&view=events")
    assert (told.status, told.json["error"]) == (422, "invalid")
    assert Answer(url, "/api/v1/topology?view=topics").status == 422
    assert Answer(url, "/api/v1/topology?evidence=sure").status == 422
    services = Answer(url, "/api/v1/topology?view=services&evidence=inferred").json
    assert services["view"] == "services"
    assert {edge["evidence"] for edge in services["edges"]} == {"inferred"}


def test_a_graph_is_cut_at_the_cap_and_says_so() -> None:
    with serving(backend(), limits=Limits(edges=2)) as url:
        told = Answer(url, "/api/v1/topology?limit=100").json
        assert len(told["edges"]) == 2
        assert told["left"]["edges"] == len(shop.edges()) - 2
        assert Answer(url, "/api/v1/destinations").json["left"]["edges"] > 0
        assert Answer(url, "/api/v1/topology?limit=0").status == 422


def test_the_description_is_valid_openapi(url: str) -> None:
    told = Answer(url, "/openapi.json").json
    OpenAPI.model_validate(told)
    paths = told["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    assert {path.removeprefix("/api/v1") for path in paths} == {
        *("/events", "/events/{id}", "/chain/{id}", "/fate/{id}", "/topology", "/topology/series"),
        *("/destinations", "/consumers", "/findings", "/gaps", "/payloads", "/sql", "/tail"),
        *("/health", "/metrics", "/prune"),
    }
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["description"] for one in operations)
    references = set(_references(told))
    assert references
    for reference in references:
        place = told
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def _references(told: Any) -> Iterator[str]:
    if isinstance(told, dict):
        if isinstance(told.get("$ref"), str):
            yield told["$ref"]
        for value in told.values():
            yield from _references(value)
    elif isinstance(told, list):
        for value in told:
            yield from _references(value)


class TestWhoMayAsk:
    @pytest.fixture(scope="class")
    def guarded(self) -> Iterator[str]:
        with serving(backend(), Api(token=SecretStr(TOKEN))) as address:
            yield address

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": TOKEN},
            {"Authorization": f"Bearer {TOKEN}x"},
        ],
    )
    @pytest.mark.parametrize("path", ["/api/v1/events", "/openapi.json", "/api/v1/nothing"])
    def test_without_the_token_nothing(
        self, guarded: str, path: str, headers: dict[str, str]
    ) -> None:
        answer = Answer(guarded, path, **headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json["error"] == "unauthorised"

    def test_with_the_token_everything(self, guarded: str) -> None:
        assert Answer(guarded, "/api/v1/events", Authorization=f"Bearer {TOKEN}").status == 200
        assert ApiClient(guarded, TOKEN).health()["status"] == "ok"
        with pytest.raises(Unauthorised) as error:
            ApiClient(guarded, "wrong").health()
        assert "FLOWTAP_API_TOKEN" in error.value.hint

    def test_with_a_token_any_name_will_do(self, guarded: str) -> None:
        headers = {"Host": "flowtap.example", "Authorization": f"Bearer {TOKEN}"}
        assert Answer(guarded, "/api/v1/events", **headers).status == 200

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:8411", "10.1.2.3", "[bad", ""])
    def test_without_a_token_only_by_this_machines_names(self, url: str, host: str) -> None:
        assert Answer(url, "/api/v1/events", Host=host).status in (400, 403)

    @pytest.mark.parametrize("token", ["", "wrong"])
    def test_changes_want_a_token_in_any_case(self, url: str, guarded: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for address in (url, guarded):
            assert Answer(address, "/api/v1/prune", "POST", **headers).status == 401

    def test_the_owner_s_token_is_for_changes_where_there_is_no_other(self) -> None:
        with serving(backend(), owner_token="owner") as address:
            client = ApiClient(address, "owner")
            assert client.prune(days=1, most=None, dry_run=True)["until"] is None
            assert client.health()["status"] == "ok"
            assert Answer(address, "/api/v1/health").status == 200

    @pytest.mark.parametrize("host", ["localhost:8411", "127.0.0.1", "[::1]:8411"])
    def test_this_machines_names_will_do(self, url: str, host: str) -> None:
        assert Answer(url, "/api/v1/events", Host=host).status == 200


class Troubled(MemoryBackend):
    """Its lists fail, or wait until they are told to go on."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.go_on = threading.Event()
        self.waiting = threading.Semaphore(0)

    def recent(self, wanted: EventFilter) -> list[EventRow]:
        if self.error:
            raise self.error
        self.waiting.release()
        assert self.go_on.wait(30)
        return []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreError("the server is away"), 503, "store"),
        (StoreBusy("open in process 7"), 503, "store_busy"),
        (RuntimeError("a mistake of ours"), 500, "internal"),
    ],
)
def test_a_store_in_trouble_is_told(error: Exception, status: int, code: str) -> None:
    with serving(Troubled(error)) as url:
        answer = Answer(url, "/api/v1/events")
        assert (answer.status, answer.json["error"]) == (status, code)
        assert answer.headers["flowtap-version"]
        with pytest.raises(SourceFailed):
            ApiClient(url).events(EventFilter())


def test_a_slow_question_ends_at_its_deadline() -> None:
    slow = Troubled()
    with serving(slow, Api(deadline=0.2)) as url:
        answer = Answer(url, "/api/v1/events")
        slow.go_on.set()
    assert (answer.status, answer.json["error"]) == (503, "deadline")
    assert answer.headers["retry-after"] == "5"


def test_health_answers_while_all_workers_are_busy() -> None:
    slow = Troubled()
    with serving(slow, Api(workers=2)) as url:
        asking = [threading.Thread(target=Answer, args=(url, "/api/v1/events")) for _ in range(3)]
        for thread in asking:
            thread.start()
        for _ in range(2):
            assert slow.waiting.acquire(timeout=10)
        assert Answer(url, "/api/v1/health").status == 200
        assert not slow.waiting.acquire(blocking=False), "a third question was asked beside two"
        slow.go_on.set()
        for thread in asking:
            thread.join(10)


def test_a_tail_outlives_a_store_that_is_away() -> None:
    class Away(MemoryBackend):
        failures = 2

        def stored(
            self,
            mark: Mark | None,
            limit: int,
            wanted: EventFilter = ANY_EVENT,
            *,
            listed: bool = False,
        ) -> Stored:
            if mark is not None and self.failures:
                self.failures -= 1
                raise StoreError("away")
            if mark is not None:
                return Stored([Activity(EventRow("orders/0/1", 1))], mark)
            return super().stored(mark, limit, wanted, listed=listed)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tail, "AWAY_SECONDS", 0.01)
        with serving(Away()) as url:
            following = ApiClient(url).follow(EventFilter())
            assert next(iter(following)).event.id == "orders/0/1"
            following.close()


def test_the_server_stops_while_somebody_follows() -> None:
    with serving(MemoryBackend()) as url:
        following = ApiClient(url).follow(EventFilter())
    assert list(following) == []


def test_only_a_collector_is_taken_for_one() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        client = ApiClient(f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(CollectorAway, match="no flowtap collector"):
            client.health()
        server.shutdown()
        thread.join()
    with pytest.raises(CollectorAway, match="no collector answers"):
        client.health()


PRUNED = 1_780_272_000_000_000_000


def test_what_is_pruned_is_told_wherever_it_may_be_missed() -> None:
    made = backend()
    made.pruned = PRUNED
    with serving(made, owner_token="owner") as url:
        client = ApiClient(url, "owner")
        told = client.prune(days=14, most=None, dry_run=False)
        assert schemas.Pruned.model_validate(told)
        assert (told["until_ns"], told["bytes"], told["rows"]) == (PRUNED, 5_000_000, 700)
        assert told["weeks"] == []
        assert Answer(url, "/api/v1/health").json["covered_from"].startswith("2026-06-01")
        chain = Answer(url, "/api/v1/chain/order-1").json
        assert chain["covered_from_ns"] == PRUNED
        assert chain["cut"] == ["orders/0/0"]
        for path in ("topology", "events"):
            assert Answer(url, f"/api/v1/{path}").json["covered_from_ns"] == PRUNED
        assert client.chain("order-1").covered_from == PRUNED
        notes = Answer(url, "/api/v1/fate/order-1").json["notes"]
        assert notes[-1] == "What was received before 2026-06-01 00:00 UTC was pruned."
        assert "2026-06-01 00:00 UTC was pruned" in Answer(url, "/api/v1/chain/gone").json["hint"]


def test_what_taps_missed_is_told_wherever_it_may_be_missed() -> None:
    flow = Flow()
    span = {"partition": "0", "offset": 6}
    order = flow.send("storefront", "orders", tapped=False, span=span)
    flow.process("payment", order)
    made = MemoryBackend.of(flow)
    made.missed = [MISSED, replace(MISSED, partition="1"), replace(MISSED, destination="stock")]
    with serving(made) as url:
        client = ApiClient(url)
        assert client.gaps() == made.missed
        assert order.context
        assert client.chain(order.context.trace_id).gaps == (MISSED,)
        hint = Answer(url, "/api/v1/chain/stock/0/5").json["hint"]
        assert hint.endswith("A tap missed stock/0/5..7: retention.")
        assert "A tap missed" not in Answer(url, "/api/v1/chain/stock/0/8").json["hint"]


@pytest.mark.parametrize(
    "body", ['{"older_than_days": -1}', '{"days": 3}', "[", '{"to_bytes": "many"}']
)
def test_a_prune_that_is_not_understood_prunes_nothing(body: str) -> None:
    made = backend()
    made.pruned = PRUNED
    with serving(made, owner_token="owner") as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        headers = {"Authorization": "Bearer owner", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/prune", body, headers)
        assert connection.getresponse().status == 422
        connection.close()


def test_the_token_is_needed_beyond_this_machine() -> None:
    with pytest.raises(ValueError, match=r"0\.0\.0\.0 is reachable"):
        Api(host="0.0.0.0")
    create_app(MemoryBackend(), Api(host="0.0.0.0", token=SecretStr(TOKEN)))


def test_an_edge_without_figures_is_null_not_nan(url: str) -> None:
    rows = [row for edge in Answer(url, "/api/v1/topology").json["edges"] for row in edge["rows"]]
    assert any(row["p95"] is None for row in rows)
    assert {row["role"] for row in rows} == {"produce", "consume", "call"}
