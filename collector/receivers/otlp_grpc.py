"""OTLP over gRPC: the bytes of a request, checked by parsing, go on as they came."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio

from collector.access import Access
from collector.convert.otlp_protobuf import count_spans
from collector.convert.result import Malformed
from collector.later import Later
from collector.metrics import Counters
from collector.receivers.http_request import BODY_SECONDS
from collector.receivers.in_flight import Busy, Held, InFlight
from collector.receivers.receiver import (
    MAX_REQUEST_BYTES,
    OPEN,
    Admission,
    CannotListen,
    KeepMalformed,
    SpanSink,
    forget_malformed,
)
from collector.receivers.status import retry_info, retry_status

_TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"
_IGNORED = (
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "opentelemetry.proto.collector.logs.v1.LogsService",
    "opentelemetry.proto.collector.profiles.v1development.ProfilesService",
)
_GRACE_SECONDS = 1.0

STREAMS = 100
"""Calls of one connection at a time."""

READING = 32
"""Calls whose message is being read; more wait with theirs unread. How large a message is, gRPC
tells only once it is there."""

UNREAD_BYTES = 64 << 10
"""What comes of a message before it is asked for."""


class OtlpGrpcReceiver:
    """OTLP's TraceService; exporters of other signals are answered and their data ignored.

    Too large (also after decompression): RESOURCE_EXHAUSTED, malformed: INVALID_ARGUMENT, full,
    busy or stopping: UNAVAILABLE with google.rpc.RetryInfo. A call that comes while the server
    closes is cancelled by gRPC itself: CANCELLED, which OTLP has exporters send again as well.
    """

    name = "otlp_grpc"

    def __init__(
        self,
        sink: SpanSink,
        counters: Counters,
        *,
        host: str = "127.0.0.1",
        port: int = 4317,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        keep_malformed: KeepMalformed = forget_malformed,
        access: Access = OPEN,
        in_flight: InFlight | None = None,
    ) -> None:
        self._admission = Admission(self.name, sink, counters, keep_malformed, in_flight)
        self._host = f"[{host}]" if ":" in host else host
        self._port = port
        self._max_request_bytes = max_request_bytes
        self._access = access
        self._reading = asyncio.Semaphore(READING)
        self._server: Any = None

    @property
    def address(self) -> str:
        """host:port."""
        return f"{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises CannotListen."""
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self._max_request_bytes),
                # Two collectors on one port would each get a part of the spans.
                ("grpc.so_reuseport", 0),
                # More of one connection wait at its sender.
                ("grpc.max_concurrent_streams", STREAMS),
            ],
            interceptors=[_Doorkeeper(self._access, self._admission)] if self._access.token else [],
        )
        handlers = [_service(_TRACES, self._export)]
        handlers += [_service(service, self._ignore) for service in _IGNORED]
        server.add_generic_rpc_handlers(tuple(handlers))
        try:
            self._port = self._take_port(server)
        except RuntimeError as error:
            raise CannotListen(f"{self.name} cannot listen on {self.address}: {error}") from None
        await server.start()
        self._server = server

    def _take_port(self, server: Any) -> int:
        certificate, key = self._access.certificate, self._access.key
        if certificate is None or key is None:
            return int(server.add_insecure_port(self.address))
        pair = (key.read_bytes(), certificate.read_bytes())
        return int(server.add_secure_port(self.address, grpc.ssl_server_credentials([pair])))

    async def stop(self) -> None:
        """Take no new requests and answer those under way."""
        if self._server is not None:
            await self._server.stop(_GRACE_SECONDS)
            self._server = None

    async def _export(self, _requests: Any, context: Any) -> bytes:
        try:
            with self._admission.hold() as held:
                await self._admit(held, await self._read(held, context), context)
        except Later as later:
            await context.abort(
                grpc.StatusCode.UNAVAILABLE, str(later), trailing_metadata=_retry(later)
            )
        return b""

    async def _admit(self, held: Held, request: bytes, context: Any) -> None:
        try:
            spans = count_spans(request)
        except Malformed as error:
            self._admission.malformed(request, str(error))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        await self._admission.admit(held, request, spans)

    async def _read(self, held: Held, context: Any) -> bytes:
        """The message of a call. Raises Busy."""
        try:
            held.take(UNREAD_BYTES)
            async with asyncio.timeout(BODY_SECONDS), self._reading:
                request = await context.read()
            if request is grpc.aio.EOF:
                request = b""
            held.take(len(request))
        except Busy:
            self._admission.turned_away()
            raise
        except TimeoutError:
            reason = f"the request was not whole after {BODY_SECONDS:g} seconds"
            self._admission.malformed(b"", reason)
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, reason)
        return request  # type: ignore[no-any-return]  # gRPC has no types

    async def _ignore(self, _requests: Any, context: Any) -> bytes:
        async with self._reading:
            await context.read()
        self._admission.ignored()
        return b""


class _Doorkeeper(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # gRPC has no types
    """Turns calls without the token away before they are read."""

    def __init__(self, access: Access, admission: Admission) -> None:
        self._access = access
        self._admission = admission
        self._refuse = grpc.stream_unary_rpc_method_handler(self._refused)

    async def intercept_service(self, continuation: Any, call: Any) -> Any:
        given = dict(call.invocation_metadata or ()).get("authorization", "")
        if isinstance(given, bytes) or not self._access.admits(given):
            return self._refuse
        return await continuation(call)

    async def _refused(self, _requests: Any, context: Any) -> None:
        reason = "this collector asks for a bearer token: send authorization: Bearer TOKEN"
        self._admission.malformed(b"", reason)
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, reason)


def _service(name: str, export: Any) -> Any:
    # Without serialisers gRPC gives and takes bytes. A stream of one message is on the wire what a
    # single one is, but is read only when we ask for it.
    return grpc.method_handlers_generic_handler(
        name, {"Export": grpc.stream_unary_rpc_method_handler(export)}
    )


def _retry(later: Later) -> tuple[tuple[str, bytes], ...]:
    status = retry_status(grpc.StatusCode.UNAVAILABLE.value[0], later)
    return (
        ("grpc-status-details-bin", status.SerializeToString()),
        # The Python exporter looks here instead.
        ("google.rpc.retryinfo-bin", retry_info(later).SerializeToString()),
    )
