"""One suite for every receiver, over real sockets: what is answered, when, and what is kept."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
import zlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import Parse
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector import impatient
from collector.metrics import Counters
from collector.receivers.in_flight import InFlight
from collector.receivers.otlp_grpc import OtlpGrpcReceiver
from collector.receivers.otlp_http import OtlpHttpReceiver
from collector.receivers.receiver import CannotListen, Receiver
from collector.receivers.zipkin import ZipkinReceiver
from collector.spool import SpoolFull

TRACE = "5b8efff798038103d269b633813fc60c"
MAX_BYTES = 20_000


class Sink:
    """Accepts what comes; holds it back or is full when a test says so."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.full: SpoolFull | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()

    async def accept(self, payload: bytes) -> None:
        self.asked.set()
        await self.open.wait()
        if self.full is not None:
            raise self.full
        self.payloads.append(payload)

    def names(self) -> list[str]:
        return [
            span.name
            for payload in self.payloads
            for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@dataclass(frozen=True)
class Answer:
    """What a client learns: accepted, later (with a delay) or never, and why."""

    outcome: str
    message: str = ""
    retry_after: float | None = None


@dataclass
class World:
    """A receiver that listens, and all that it touches."""

    receiver: Receiver
    sink: Sink
    counters: Counters
    in_flight: InFlight
    samples: list[tuple[str, bytes, str]] = field(default_factory=list)

    def counted(self, unit: str) -> dict[str, int]:
        found = self.counters.snapshot().get(unit, {}).get(self.receiver.name, {})
        return {outcome: count for outcome, count in found.items() if count}


def otlp(*names: str) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for index, name in enumerate(names):
        scope.spans.add(
            trace_id=bytes.fromhex(TRACE), span_id=(index + 1).to_bytes(8, "big"), name=name
        )
    return message


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


async def http_request(
    address: str,
    path: str,
    body: bytes | Callable[[], Iterator[bytes]] = b"",
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> Response:
    """One request as http.client makes it; a body that is made in parts is sent chunked."""

    def run() -> Response:
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            chunked = callable(body)
            connection.request(
                method,
                path,
                body() if callable(body) else body,
                {"Transfer-Encoding": "chunked"} | (headers or {}) if chunked else headers or {},
                encode_chunked=chunked,
            )
            response = connection.getresponse()
            content = response.read()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, names, content)
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def connected(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


class ReceiverContract(ABC):
    """What holds for every receiver; a subclass says how to speak to it."""

    malformed = b"\x0a\xff\xff"
    kind: Callable[..., Any]

    @abstractmethod
    def request(self, *names: str) -> bytes:
        """Spans of these names, as the protocol writes them."""

    @abstractmethod
    async def post(self, address: str, body: bytes, *, gzipped: bool = False) -> Answer:
        """Send a body and understand the answer; gzip it on the way if asked."""

    @abstractmethod
    async def hang_up(self, world: World) -> None:
        """Send a request, and leave before its answer."""

    def make(self, sink: Sink, counters: Counters, **settings: Any) -> Any:
        return type(self).kind(sink, counters, **({"port": 0} | settings))

    @pytest.fixture
    async def world(self) -> AsyncIterator[World]:
        sink, counters, in_flight = Sink(), Counters(), InFlight(4 << 20)
        samples: list[tuple[str, bytes, str]] = []
        receiver = self.make(
            sink,
            counters,
            max_request_bytes=MAX_BYTES,
            keep_malformed=lambda *sample: samples.append(sample),
            in_flight=in_flight,
        )
        await receiver.start()
        world = World(receiver, sink, counters, in_flight, samples)
        yield world
        sink.open.set()
        await receiver.stop()
        assert in_flight.bytes == 0
        for unit in ("requests", "spans"):
            assert counters.under_way(unit, receiver.name) == 0, world.counted(unit)

    async def send(self, world: World, *names: str, gzipped: bool = False) -> Answer:
        return await self.post(world.receiver.address, self.request(*names), gzipped=gzipped)

    @pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
    async def test_spans_are_handed_on_and_acknowledged(self, world: World, gzipped: bool) -> None:
        answer = await self.send(world, "send orders", "process orders", gzipped=gzipped)
        assert answer == Answer("accepted")
        assert world.sink.names() == ["send orders", "process orders"]
        assert world.counted("requests") == {"received": 1, "stored": 1}
        assert world.counted("spans") == {"received": 2, "stored": 2}

    async def test_nothing_is_acknowledged_before_the_sink_accepted_it(self, world: World) -> None:
        world.sink.open.clear()
        sending = asyncio.create_task(self.send(world, "a"))
        await world.sink.asked.wait()
        done, _ = await asyncio.wait({sending}, timeout=0.05)
        assert not done
        assert world.counters.under_way("spans", world.receiver.name) == 1
        world.sink.open.set()
        assert (await sending).outcome == "accepted"

    async def test_an_empty_request_is_accepted_and_leaves_nothing(self, world: World) -> None:
        assert (await self.send(world)).outcome == "accepted"
        assert world.sink.payloads == []

    async def test_a_full_sink_is_told_with_a_delay_and_then_takes(self, world: World) -> None:
        world.sink.full = SpoolFull(2.5)
        answer = await self.send(world, "a")
        assert answer.outcome == "later"
        assert answer.retry_after is not None
        assert 2.5 <= answer.retry_after <= 3.0
        assert "the spool is full" in answer.message
        assert world.counted("spans") == {"received": 1, "dropped": 1}
        world.sink.full = None
        assert (await self.send(world, "a")).outcome == "accepted"

    async def test_too_much_at_once_is_told_with_a_delay(self, world: World) -> None:
        with world.in_flight.hold() as others:
            others.take(world.in_flight.most)
            answer = await self.send(world, "a")
            assert answer.outcome == "later"
            assert answer.retry_after == 1.0
            assert "are under way" in answer.message
            assert world.counted("requests") == {"received": 1, "dropped": 1}
            assert world.in_flight.refused == 1
            assert "senders are told to come again" in world.in_flight.trouble
        assert (await self.send(world, "a")).outcome == "accepted"
        assert world.sink.names() == ["a"]

    async def test_what_waits_for_the_disk_counts_though_its_sender_left(
        self, world: World
    ) -> None:
        world.sink.open.clear()
        sending = asyncio.create_task(self.send(world, "a"))
        await world.sink.asked.wait()
        held = world.in_flight.bytes
        assert held >= len(self.request("a"))
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert world.in_flight.bytes == held

    async def test_one_that_is_alone_may_be_larger_than_all_together(self) -> None:
        sink, in_flight = Sink(), InFlight(1)
        receiver = self.make(sink, Counters(), in_flight=in_flight)
        await receiver.start()
        answer = await self.post(receiver.address, self.request("a"))
        await receiver.stop()
        assert answer.outcome == "accepted"
        assert in_flight.bytes == 0

    async def test_malformed_is_refused_counted_and_sampled_and_harms_nothing(
        self, world: World
    ) -> None:
        answer = await self.post(world.receiver.address, self.malformed)
        assert answer.outcome == "never"
        assert answer.message
        assert world.counted("requests") == {"received": 1, "rejected": 1}
        assert world.samples == [(world.receiver.name, self.malformed, answer.message)]
        assert (await self.send(world, "after")).outcome == "accepted"
        assert world.sink.names() == ["after"]

    @pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
    async def test_a_request_that_is_too_large_is_refused(
        self, world: World, gzipped: bool
    ) -> None:
        names = ["x" * 1000] * 100
        answer = await self.send(world, *names, gzipped=gzipped)
        assert answer.outcome == "never"
        assert "larger than" in answer.message
        assert world.sink.payloads == []
        assert (await self.send(world, "after")).outcome == "accepted"

    async def test_a_small_body_that_grows_without_end_is_stopped(self, world: World) -> None:
        answer = await self.post(world.receiver.address, bytes(50 << 20), gzipped=True)
        assert answer.outcome == "never"
        assert "larger than" in answer.message

    async def test_many_at_once(self, world: World) -> None:
        answers = await asyncio.gather(*(self.send(world, f"{n}") for n in range(40)))
        assert {answer.outcome for answer in answers} == {"accepted"}
        assert sorted(map(int, world.sink.names())) == list(range(40))

    async def test_a_client_that_hangs_up_harms_nobody(self, world: World) -> None:
        await self.hang_up(world)
        world.sink.open.set()
        assert (await self.send(world, "after")).outcome == "accepted"
        assert world.sink.names()[-1] == "after"

    async def test_stopping_answers_what_is_under_way(self, world: World) -> None:
        world.sink.open.clear()
        sending = asyncio.create_task(self.send(world, "a"))
        await world.sink.asked.wait()
        stopping = asyncio.create_task(world.receiver.stop())
        await asyncio.sleep(0)
        world.sink.open.set()
        assert (await sending).outcome == "accepted"
        await stopping
        with pytest.raises(OSError):
            connected(world.receiver.address).close()

    async def test_an_address_that_is_taken_is_told(self, world: World) -> None:
        port = int(world.receiver.address.rpartition(":")[2])
        second = self.make(Sink(), Counters(), port=port)
        with pytest.raises(CannotListen, match=f"{second.name} .*127.0.0.1:{port}"):
            await second.start()
        await second.stop()
        assert (await self.send(world, "still here")).outcome == "accepted"


class TestOtlpGrpc(ReceiverContract):
    kind = OtlpGrpcReceiver
    service = "opentelemetry.proto.collector.trace.v1.TraceService"

    def request(self, *names: str) -> bytes:
        return otlp(*names).SerializeToString()

    async def call(self, address: str, body: bytes, gzipped: bool, service: str) -> bytes:
        compression = grpc.Compression.Gzip if gzipped else None
        async with grpc.aio.insecure_channel(address, compression=compression) as channel:
            answer: bytes = await channel.unary_unary(f"/{service}/Export")(body)
            return answer

    async def post(self, address: str, body: bytes, *, gzipped: bool = False) -> Answer:
        try:
            raw = await self.call(address, body, gzipped, self.service)
        except grpc.aio.AioRpcError as error:
            message = error.details() or ""
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                expected = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
                assert error.code() in expected
                return Answer("never", message)
            metadata = dict(error.trailing_metadata() or ())
            status = Status.FromString(metadata["grpc-status-details-bin"])
            assert (status.code, status.message) == (14, message)
            retry = RetryInfo()
            assert status.details[0].Unpack(retry)
            delay = retry.retry_delay
            return Answer("later", message, delay.seconds + delay.nanos / 1e9)
        assert ExportTraceServiceResponse.FromString(raw) == ExportTraceServiceResponse()
        return Answer("accepted")

    async def hang_up(self, world: World) -> None:
        world.sink.open.clear()
        sending = asyncio.create_task(self.send(world, "gone"))
        await world.sink.asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    async def test_bytes_go_on_as_they_came(self, world: World) -> None:
        body = self.request("a") + b"\x92\x3f\x03new"  # a field of some later version
        assert (await self.post(world.receiver.address, body)).outcome == "accepted"
        assert world.sink.payloads == [body]

    async def test_malformed_is_an_invalid_argument(self, world: World) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await self.call(world.receiver.address, self.malformed, False, self.service)
        assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "not an ExportTraceServiceRequest" in (error.value.details() or "")

    @pytest.mark.parametrize("signal", ["metrics.v1.Metrics", "logs.v1.Logs"])
    async def test_other_signals_are_answered_and_ignored(self, world: World, signal: str) -> None:
        service = f"opentelemetry.proto.collector.{signal}Service"
        assert await self.call(world.receiver.address, b"\x0a\x00", False, service) == b""
        assert world.counted("requests") == {"ignored": 1}
        assert world.sink.payloads == []


class HttpContract(ReceiverContract):
    path = "/v1/traces"
    content_type = "application/x-protobuf"
    accepted = 200

    @abstractmethod
    def error(self, body: bytes) -> str:
        """The message in an answer that refuses."""

    async def send_body(
        self,
        address: str,
        body: bytes | Callable[[], Iterator[bytes]],
        *,
        method: str = "POST",
        path: str | None = None,
        **headers: str,
    ) -> Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http_request(
            address,
            path or self.path,
            body,
            method=method,
            headers={"Content-Type": self.content_type} | names,
        )

    async def post(self, address: str, body: bytes, *, gzipped: bool = False) -> Answer:
        if gzipped:
            response = await self.send_body(address, gzip.compress(body), Content_Encoding="gzip")
        else:
            response = await self.send_body(address, body)
        if response.status == self.accepted:
            self.check_accepted(response)
            return Answer("accepted")
        message = self.error(response.body)
        if response.status == 429:
            return Answer("later", message, float(response.headers["retry-after"]))
        assert response.status in (400, 413)
        return Answer("never", message)

    def check_accepted(self, response: Response) -> None:
        """What else an acknowledgement must be."""

    async def hang_up(self, world: World) -> None:
        connection = connected(world.receiver.address)
        connection.sendall(
            f"POST {self.path} HTTP/1.1\r\nHost: x\r\nContent-Type: {self.content_type}\r\n"
            "Content-Length: 100\r\n\r\nhalf".encode()
        )
        connection.close()

    async def test_a_body_in_chunks_without_a_length(self, world: World) -> None:
        body = self.request("a", "b")
        response = await self.send_body(
            world.receiver.address, lambda: (body[n : n + 7] for n in range(0, len(body), 7))
        )
        assert response.status == self.accepted
        assert world.sink.names() == ["a", "b"]

    async def test_more_connections_are_told_when_to_come_back(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(impatient, "CONNECTIONS", 1)
        with connected(world.receiver.address) as first:
            first.sendall(b"POST ")
            response = await self.send_body(world.receiver.address, self.request("a"))
            assert response.status == 503
            assert response.headers["retry-after"] == "5"
        assert world.sink.payloads == []

    async def test_chunks_that_do_not_end_are_stopped(self, world: World) -> None:
        response = await self.send_body(
            world.receiver.address, lambda: (b"x" * 1000 for _ in range(30))
        )
        assert response.status == 413

    @pytest.mark.parametrize(
        ("encoding", "encode"),
        [
            ("gzip", gzip.compress),
            ("x-gzip", gzip.compress),
            ("GZIP", lambda body: gzip.compress(body[:5]) + gzip.compress(body[5:])),
            ("deflate", zlib.compress),
            ("deflate", lambda body: zlib.compress(body, wbits=-15)),
            ("identity", lambda body: body),
        ],
    )
    async def test_encodings(
        self, world: World, encoding: str, encode: Callable[[bytes], bytes]
    ) -> None:
        body = encode(self.request("a"))
        for parts in (body, lambda: (body[n : n + 1] for n in range(len(body)))):
            response = await self.send_body(
                world.receiver.address, parts, Content_Encoding=encoding
            )
            assert response.status == self.accepted, response.body
        assert world.sink.names() == ["a", "a"]

    @pytest.mark.parametrize(
        ("encoding", "body", "status"),
        [
            # Without the time of packing: the test is called by it, and two processes that share
            # the tests out have to call it the same.
            ("gzip", gzip.compress(b"[]" * 50, mtime=0)[:-9], 400),
            ("gzip", b"not gzip", 400),
            ("gzip", b"\x1f", 400),
            ("deflate", b"\xff\xff\xff", 400),
            ("br", b"", 415),
            ("gzip, gzip", b"", 415),
        ],
    )
    async def test_an_encoding_that_cannot_be_undone(
        self, world: World, encoding: str, body: bytes, status: int
    ) -> None:
        response = await self.send_body(world.receiver.address, body, Content_Encoding=encoding)
        assert response.status == status
        assert self.error(response.body)
        assert world.counted("requests") == {"received": 1, "rejected": 1}

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    async def test_only_post(self, world: World, method: str) -> None:
        response = await self.send_body(world.receiver.address, b"", method=method)
        assert (response.status, response.headers["allow"]) == (405, "POST")
        assert method in self.error(response.body)

    async def test_another_type_is_not_supported(self, world: World) -> None:
        response = await self.send_body(
            world.receiver.address, b"<spans/>", Content_Type="application/xml"
        )
        assert response.status == 415
        assert b"application/xml" in response.body

    async def test_another_path_is_not_found(self, world: World) -> None:
        response = await self.send_body(world.receiver.address, b"", path="/v2/traces")
        assert response.status == 404
        assert self.path in self.error(response.body)

    async def test_one_connection_serves_request_after_request(self, world: World) -> None:
        def run() -> list[int]:
            connection = http.client.HTTPConnection(world.receiver.address, timeout=30)
            statuses = []
            for body in (self.request("a"), self.malformed, b"x" * 30_000, self.request("b")):
                connection.request("POST", self.path, body, {"Content-Type": self.content_type})
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)
            connection.close()
            return statuses

        assert await asyncio.to_thread(run) == [self.accepted, 400, 413, self.accepted]
        assert world.sink.names() == ["a", "b"]


class TestOtlpHttpProtobuf(HttpContract):
    kind = OtlpHttpReceiver

    def request(self, *names: str) -> bytes:
        return otlp(*names).SerializeToString()

    def error(self, body: bytes) -> str:
        return str(Status.FromString(body).message)

    def check_accepted(self, response: Response) -> None:
        assert response.headers["content-type"] == "application/x-protobuf"
        message = ExportTraceServiceResponse.FromString(response.body)
        assert not message.HasField("partial_success")

    async def test_malformed_is_a_status_of_the_same_type(self, world: World) -> None:
        response = await self.send_body(world.receiver.address, self.malformed)
        assert response.headers["content-type"] == "application/x-protobuf"
        assert Status.FromString(response.body).code == 3

    @pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs"])
    async def test_other_signals_are_answered_and_ignored(self, world: World, path: str) -> None:
        response = await self.send_body(world.receiver.address, b"\x0a\x00", path=path)
        assert (response.status, response.body) == (200, b"")
        assert world.counted("requests") == {"ignored": 1}
        assert world.sink.payloads == []


class JsonContract(HttpContract):
    content_type = "application/json"
    malformed = b'{"resourceSpans": ['

    async def test_a_type_with_parameters(self, world: World) -> None:
        response = await self.send_body(
            world.receiver.address,
            self.request("a"),
            Content_Type="Application/JSON; charset=utf-8",
        )
        assert response.status == self.accepted

    async def test_a_large_body_is_converted_too(self, world: World) -> None:
        big = self.request(*["x"] * 100).replace(b'"x"', b'"x"' + b" " * 2000)
        receiver = self.make(world.sink, world.counters)
        await receiver.start()
        assert (await self.post(receiver.address, big)).outcome == "accepted"
        await receiver.stop()
        assert len(world.sink.names()) == 100


class TestOtlpHttpJson(JsonContract):
    kind = OtlpHttpReceiver

    def request(self, *names: str) -> bytes:
        spans = [
            {"traceId": TRACE.upper(), "spanId": f"{index + 1:016x}", "name": name}
            for index, name in enumerate(names)
        ]
        return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()

    def error(self, body: bytes) -> str:
        return str(Parse(body, Status()).message)

    def check_accepted(self, response: Response) -> None:
        assert response.headers["content-type"] == "application/json"
        assert json.loads(response.body) == {}

    async def test_malformed_is_a_status_of_the_same_type(self, world: World) -> None:
        response = await self.send_body(world.receiver.address, self.malformed)
        assert response.headers["content-type"] == "application/json"
        assert json.loads(response.body)["code"] == 3

    async def test_spans_with_invalid_ids_are_a_partial_success(self, world: World) -> None:
        body = self.request("a", "b", "c").replace(b"0000000000000002", b"0000000000000000")
        response = await self.send_body(world.receiver.address, body)
        assert response.status == 200
        partial = json.loads(response.body)["partialSuccess"]
        assert partial["rejectedSpans"] == "1"
        assert "spans[1].spanId: all zero" in partial["errorMessage"]
        assert (
            Parse(response.body, ExportTraceServiceResponse()).partial_success.rejected_spans == 1
        )
        assert world.sink.names() == ["a", "c"]
        assert world.counted("spans") == {"received": 3, "stored": 2, "rejected": 1}
        assert [sample[1] for sample in world.samples] == [body]


class TestZipkin(JsonContract):
    kind = ZipkinReceiver
    path = "/api/v2/spans"
    malformed = b"[{]"
    accepted = 202

    def request(self, *names: str) -> bytes:
        spans = [{"traceId": "a", "id": f"{i + 1:x}", "name": name} for i, name in enumerate(names)]
        return json.dumps(spans).encode()

    def error(self, body: bytes) -> str:
        return body.decode()

    async def test_a_span_without_ids_is_left_out(self, world: World) -> None:
        body = self.request("a", "b").replace(b'"id": "2"', b'"id": "0"')
        assert (await self.post(world.receiver.address, body)).outcome == "accepted"
        assert world.sink.names() == ["a"]
        assert world.counted("spans") == {"received": 2, "stored": 1, "rejected": 1}
        assert [sample[1] for sample in world.samples] == [body]

    async def test_a_list_of_nothing_else_is_malformed(self, world: World) -> None:
        answer = await self.post(world.receiver.address, b'[{"name": "a"}]')
        assert answer.outcome == "never"
        assert "[0].id: '' is not up to 16 hexadecimal digits" in answer.message
        assert world.counted("requests") == {"received": 1, "rejected": 1}

    async def test_a_span_without_a_time_is_dated_by_its_receipt(self) -> None:
        sink = Sink()
        receiver = ZipkinReceiver(sink, Counters(), port=0, wall=lambda: 17_000)
        await receiver.start()
        await self.post(receiver.address, self.request("a"))
        await receiver.stop()
        (payload,) = sink.payloads
        (resource,) = ExportTraceServiceRequest.FromString(payload).resource_spans
        assert resource.scope_spans[0].spans[0].start_time_unix_nano == 17_000

    async def test_version_1_is_told_where_to_go(self, world: World) -> None:
        response = await self.send_body(world.receiver.address, b"[]", path="/api/v1/spans")
        assert response.status == 404
        assert b"send v2 JSON to /api/v2/spans" in response.body

    async def test_health(self, world: World) -> None:
        response = await http_request(world.receiver.address, "/health", method="GET")
        assert (response.status, json.loads(response.body)) == (200, {"status": "UP"})
