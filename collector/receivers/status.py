"""Errors in google.rpc's form, as OTLP wants them over gRPC and HTTP."""

from __future__ import annotations

import math
from http import HTTPStatus

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from collector.spool import SpoolFull

_INVALID_ARGUMENT = 3
_CODES = {
    HTTPStatus.NOT_FOUND: 5,
    HTTPStatus.METHOD_NOT_ALLOWED: 12,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: 8,
    HTTPStatus.TOO_MANY_REQUESTS: 8,
    HTTPStatus.INTERNAL_SERVER_ERROR: 13,
}


def status(code: HTTPStatus, message: str) -> Status:
    """The google.rpc.Status that goes with an HTTP answer."""
    return Status(code=_CODES.get(code, _INVALID_ARGUMENT), message=_utf8(message))


def retry_info(full: SpoolFull) -> RetryInfo:
    """When to come back."""
    nanos, seconds = math.modf(full.retry_after_seconds)
    return RetryInfo(retry_delay=Duration(seconds=int(seconds), nanos=int(nanos * 1e9)))


def retry_status(code: int, full: SpoolFull) -> Status:
    """Not now: a status of this google.rpc code that says when to come back."""
    detail = Any()
    detail.Pack(retry_info(full))
    return Status(code=code, message=_utf8(str(full)), details=[detail])


def _utf8(message: str) -> str:
    """Protobuf refuses lone surrogates, which a message may quote."""
    return message.encode("utf-8", "replace").decode()
