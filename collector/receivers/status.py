"""Errors in google.rpc's form, as OTLP wants them over gRPC and HTTP."""

from __future__ import annotations

import math
from http import HTTPStatus

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # has no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # has no types

from collector.later import Later, Stopping

_INVALID_ARGUMENT = 3
_CODES = {
    HTTPStatus.NOT_FOUND: 5,
    HTTPStatus.METHOD_NOT_ALLOWED: 12,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: 8,
    HTTPStatus.TOO_MANY_REQUESTS: 8,
    HTTPStatus.INTERNAL_SERVER_ERROR: 13,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,
}


def status(code: HTTPStatus, message: str) -> Status:
    """The google.rpc.Status that goes with an HTTP answer."""
    return Status(code=_CODES.get(code, _INVALID_ARGUMENT), message=_utf8(message))


def later_code(later: Later) -> HTTPStatus:
    """The HTTP status of one that may come again; OTLP's exporters know both."""
    if isinstance(later, Stopping):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.TOO_MANY_REQUESTS


def retry_after(later: Later) -> tuple[str, str]:
    """When to come back, as a header of HTTP."""
    return "retry-after", str(max(1, math.ceil(later.retry_after_seconds)))


def retry_info(later: Later) -> RetryInfo:
    """When to come back."""
    nanos, seconds = math.modf(later.retry_after_seconds)
    return RetryInfo(retry_delay=Duration(seconds=int(seconds), nanos=int(nanos * 1e9)))


def retry_status(code: int, later: Later) -> Status:
    """Not now: a status of this google.rpc code that says when to come back."""
    detail = Any()
    detail.Pack(retry_info(later))
    return Status(code=code, message=_utf8(str(later)), details=[detail])


def _utf8(message: str) -> str:
    """Protobuf refuses lone surrogates, which a message may quote."""
    return message.encode("utf-8", "replace").decode()
