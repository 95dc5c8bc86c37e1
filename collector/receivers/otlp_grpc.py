"""OTLP over gRPC: the bytes of a request, checked by parsing, go on as they came."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio

from collector.access import Access
from collector.convert.otlp_protobuf import count_spans
from collector.convert.result import Malformed
from collector.later import Later
from collector.metrics import Counters
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


class OtlpGrpcReceiver:
    """OTLP's TraceService; exporters of other signals are answered and their data ignored.

    Too large (also after decompression): RESOURCE_EXHAUSTED, malformed: INVALID_ARGUMENT, full or
    stopping: UNAVAILABLE with google.rpc.RetryInfo.
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
    ) -> None:
        self._admission = Admission(self.name, sink, counters, keep_malformed)
        self._host = f"[{host}]" if ":" in host else host
        self._port = port
        self._max_request_bytes = max_request_bytes
        self._access = access
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

    async def _export(self, request: bytes, context: Any) -> bytes:
        try:
            spans = count_spans(request)
        except Malformed as error:
            self._admission.malformed(request, str(error))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        try:
            await self._admission.admit(request, spans)
        except Later as later:
            await context.abort(
                grpc.StatusCode.UNAVAILABLE, str(later), trailing_metadata=_retry(later)
            )
        return b""

    async def _ignore(self, _request: bytes, _context: Any) -> bytes:
        self._admission.ignored()
        return b""


class _Doorkeeper(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Turns calls without the token away before they are read."""

    def __init__(self, access: Access, admission: Admission) -> None:
        self._access = access
        self._admission = admission
        self._refuse = grpc.unary_unary_rpc_method_handler(self._refused)

    async def intercept_service(self, continuation: Any, call: Any) -> Any:
        given = dict(call.invocation_metadata or ()).get("authorization", "")
        if isinstance(given, bytes) or not self._access.admits(given):
            return self._refuse
        return await continuation(call)

    async def _refused(self, _request: bytes, context: Any) -> None:
        reason = "this collector asks for a bearer token: send authorization: Bearer TOKEN"
        self._admission.malformed(b"", reason)
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, reason)


def _service(name: str, export: Any) -> Any:
    # Without serialisers gRPC gives and takes bytes.
    return grpc.method_handlers_generic_handler(
        name, {"Export": grpc.unary_unary_rpc_method_handler(export)}
    )


def _retry(later: Later) -> tuple[tuple[str, bytes], ...]:
    status = retry_status(grpc.StatusCode.UNAVAILABLE.value[0], later)
    return (
        ("grpc-status-details-bin", status.SerializeToString()),
        # The Python exporter looks here instead.
        ("google.rpc.retryinfo-bin", retry_info(later).SerializeToString()),
    )
