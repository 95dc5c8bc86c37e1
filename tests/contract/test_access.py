"""Who may come in: tokens, TLS, pages in browsers, and senders that do not go on."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import SecretStr

from collector import impatient
from collector.access import Access
from collector.config import Api
from collector.metrics import Counters
from collector.receivers import http_request
from collector.receivers.in_flight import InFlight
from collector.receivers.otlp_grpc import OtlpGrpcReceiver
from collector.receivers.otlp_http import OtlpHttpReceiver
from collector.receivers.zipkin import ZipkinReceiver
from tests.certificates import AUTHORITY, CERTIFICATE, KEY
from tests.memory_backend import MemoryBackend
from tests.serving import serving
from tui.remote import ApiClient
from tui.source import BadRequest, CollectorAway

TOKEN = "s3cret"
SPAN = {"traceId": "5b8efff798038103d269b633813fc60c", "id": "00000000000000a1", "name": "a"}
TLS = Access(certificate=CERTIFICATE, key=KEY)


class Sink:
    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    async def accept(self, payload: bytes) -> None:
        self.payloads.append(payload)


class Door:
    """A receiver that listens, and how to send one span there."""

    def __init__(self, kind: Any, access: Access) -> None:
        self.sink, self.counters = Sink(), Counters()
        self.receiver = kind(self.sink, self.counters, port=0, access=access)
        self.encrypted = access.encrypted

    async def send(self, **headers: str) -> str:
        """`stored`, or the code of the refusal."""
        if isinstance(self.receiver, OtlpGrpcReceiver):
            return await self._call(headers)
        return await asyncio.to_thread(self._post, headers)

    async def _call(self, headers: dict[str, str]) -> str:
        request = ExportTraceServiceRequest()
        request.resource_spans.add().scope_spans.add().spans.add(name="a")
        metadata = tuple((name.lower(), value) for name, value in headers.items())
        address = self.receiver.address
        if self.encrypted:
            trusted = grpc.ssl_channel_credentials(AUTHORITY.read_bytes())
            channel = grpc.aio.secure_channel(address, trusted)
        else:
            channel = grpc.aio.insecure_channel(address)
        path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        async with channel:
            try:
                await channel.unary_unary(path)(request.SerializeToString(), metadata=metadata)
            except grpc.aio.AioRpcError as error:
                return str(error.code().name)
        return "stored"

    def _post(self, headers: dict[str, str]) -> str:
        host, _, port = self.receiver.address.rpartition(":")
        connection = (
            http.client.HTTPSConnection(
                host, int(port), context=ssl.create_default_context(cafile=str(AUTHORITY))
            )
            if self.encrypted
            else http.client.HTTPConnection(host, int(port))
        )
        path, body = "/api/v2/spans", json.dumps([SPAN])
        if isinstance(self.receiver, OtlpHttpReceiver):
            span = {"traceId": SPAN["traceId"], "spanId": SPAN["id"], "name": "a"}
            path = "/v1/traces"
            body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"} | headers)
            answer = connection.getresponse()
            if answer.status == 401:
                assert answer.headers["www-authenticate"] == "Bearer"
            return "stored" if answer.status in (200, 202) else str(answer.status)
        finally:
            connection.close()


@asynccontextmanager
async def door(kind: Any, access: Access) -> AsyncIterator[Door]:
    opened = Door(kind, access)
    await opened.receiver.start()
    try:
        yield opened
    finally:
        await opened.receiver.stop()


KINDS = (OtlpGrpcReceiver, OtlpHttpReceiver, ZipkinReceiver)
WEB = (OtlpHttpReceiver, ZipkinReceiver)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_receiver_with_a_token_takes_nothing_without_it(kind: Any) -> None:
    async with door(kind, Access(TOKEN)) as opened:
        for wrong in ({}, {"Authorization": "Bearer s3cre"}, {"Authorization": f"Basic {TOKEN}"}):
            assert await opened.send(**wrong) in ("401", "UNAUTHENTICATED")
        assert opened.sink.payloads == []
        assert await opened.send(Authorization=f"Bearer {TOKEN}") == "stored"
        assert len(opened.sink.payloads) == 1
        counted = opened.counters.snapshot()["requests"][opened.receiver.name]
        assert (counted["received"], counted["rejected"], counted["stored"]) == (4, 3, 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_receiver_speaks_tls(kind: Any) -> None:
    async with door(kind, Access(TOKEN, CERTIFICATE, KEY)) as opened:
        assert await opened.send(Authorization=f"Bearer {TOKEN}") == "stored"
        opened.encrypted = False
        with pytest.raises((OSError, http.client.HTTPException, AssertionError)):
            assert await opened.send(Authorization=f"Bearer {TOKEN}") == "stored"
        assert len(opened.sink.payloads) == 1


@pytest.mark.parametrize("kind", WEB)
async def test_without_a_token_pages_of_other_machines_send_nothing(kind: Any) -> None:
    async with door(kind, Access()) as opened:
        for origin in ("https://evil.example", "http://10.0.0.1:80", "null", "http://[bad"):
            assert await opened.send(Origin=origin) == "403", origin
        assert await opened.send(Origin="http://localhost:3000") == "stored"
        assert await opened.send() == "stored"


@pytest.mark.parametrize("kind", WEB)
async def test_who_does_not_go_on_is_hung_up_on(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impatient, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(http_request, "BODY_SECONDS", 0.2)
    path = "/v1/traces" if kind is OtlpHttpReceiver else "/api/v2/spans"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    whole = f"{head}Content-Length: 2\r\n\r\n[]"
    async with door(kind, Access()) as opened:
        host, _, port = opened.receiver.address.rpartition(":")
        for sent, told in (
            ("", b""),
            (head, b""),
            (whole + head, b"HTTP/1.1"),
            (f"{head}Content-Length: 100\r\n\r\nhalf", b"HTTP/1.1 408"),
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(sent.encode())
            async with asyncio.timeout(20):
                answer = await reader.read()
            assert answer.startswith(told) and bool(answer) == bool(told), sent
            writer.close()
        assert await opened.send() == "stored"


@pytest.mark.parametrize("kind", WEB)
async def test_thousands_of_headers_are_refused(kind: Any) -> None:
    async with door(kind, Access()) as opened:
        host, _, port = opened.receiver.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        many = "".join(f"x-{number}: {'v' * 50}\r\n" for number in range(5_000))
        writer.write(f"POST / HTTP/1.1\r\nHost: x\r\n{many}\r\n".encode())
        async with asyncio.timeout(20):
            answer = b""
            with suppress(ConnectionResetError):
                answer = await reader.read()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
        writer.close()
        assert await opened.send() == "stored"


class TestTlsOfTheApi:
    @pytest.fixture(scope="class")
    def url(self) -> Iterator[str]:
        api = Api(token=SecretStr(TOKEN), tls_certificate_file=CERTIFICATE, tls_key_file=KEY)
        with serving(MemoryBackend(), api) as address:
            yield address

    def test_with_its_authority(self, url: str) -> None:
        assert url.startswith("https://")
        assert ApiClient(url, TOKEN, ca_file=str(AUTHORITY)).health()["status"] == "ok"

    def test_with_its_certificate_alone(self, url: str) -> None:
        assert ApiClient(url, TOKEN, certificate=str(CERTIFICATE)).health()["status"] == "ok"

    def test_an_unknown_authority_is_refused(self, url: str) -> None:
        with pytest.raises(CollectorAway, match="certificate verify failed"):
            ApiClient(url, TOKEN).health()

    def test_a_file_that_is_none(self, url: str) -> None:
        with pytest.raises(BadRequest, match="cannot use the certificates"):
            ApiClient(url, TOKEN, ca_file=str(KEY))


def test_too_many_questions_are_told_to_wait() -> None:
    with serving(MemoryBackend(), Api(requests_per_second=0.01)) as url:
        port = int(url.rpartition(":")[2])
        answers = []
        for _ in range(3):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/api/v1/health")
            answer = connection.getresponse()
            answers.append((answer.status, answer.headers["retry-after"]))
            connection.close()
    assert answers[0] == (200, None)
    assert [status for status, _ in answers[1:]] == [429, 429]
    assert 0 < int(answers[1][1] or 0) <= 100


def test_a_bomb_is_stopped_before_it_grows() -> None:
    """What is inflated at most is one byte more than the bound, however small the request is."""
    body = http_request._Body("gzip", 1_000, InFlight().hold())
    with pytest.raises(http_request.HttpError) as error:
        body.feed(gzip.compress(bytes(100 << 20)))
    assert error.value.status == 413
    assert body._size == 1_001
