"""What goes wrong, as JSON: `error` (a code), `detail` (a sentence), `hint` (what to do)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.store.client import StoreBusy, StoreError
from collector.store.console import Busy
from collector.store.statements import Refused
from graph.filter import FilterError
from graph.moments import MomentError

log = logging.getLogger(__name__)

_CODES = {404: "not_found", 405: "method_not_allowed"}


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        error: str,
        detail: str,
        hint: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail
        self.hint = hint
        self.headers = headers


def problem(
    status: int,
    error: str,
    detail: str,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response that tells an error."""
    body = {"error": error, "detail": detail, "hint": hint}
    return JSONResponse(body, status, dict(headers) if headers else None)


def handle_errors(app: FastAPI) -> None:
    """Gives every error its shape."""

    @app.exception_handler(ApiError)
    async def ours(request: Request, error: ApiError) -> JSONResponse:
        return problem(error.status, error.error, error.detail, error.hint, error.headers)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        hint = "The resources are described at /openapi.json." if error.status_code == 404 else ""
        code = _CODES.get(error.status_code, "error")
        return problem(error.status_code, code, str(error.detail), hint, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # Of a list, which one it is does not matter: what it is called does.
        mistakes = [
            f"{[part for part in one['loc'] if isinstance(part, str)][-1]}: {one['msg']}"
            for one in error.errors()
        ]
        return problem(422, "invalid", "; ".join(mistakes), "See /openapi.json.")

    @app.exception_handler(MomentError)
    async def moment(request: Request, error: MomentError) -> JSONResponse:
        return problem(422, "invalid", str(error), "See /openapi.json.")

    @app.exception_handler(FilterError)
    async def filter(request: Request, error: FilterError) -> JSONResponse:
        detail = f"q, character {error.start + 1}: {error.detail}"
        return problem(422, "invalid", detail, "See q of /events in /openapi.json.")

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return problem(422, "refused", str(error), "docs/security.md says what may be asked.")

    @app.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> JSONResponse:
        return problem(429, "busy", str(error), "One runs at a time.", {"Retry-After": "1"})

    @app.exception_handler(StoreError)
    async def store(request: Request, error: StoreError) -> JSONResponse:
        code = "store_busy" if isinstance(error, StoreBusy) else "store"
        return problem(503, code, str(error), "flowtap doctor says more.", {"Retry-After": "2"})


class LastResort:
    """ASGI middleware: a mistake of ours is logged, and answered like other errors."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            log.exception("%s failed", scope.get("path"))
            if started:
                raise
            detail = f"{type(error).__name__} while answering"
            answer = problem(500, "internal", detail, "The collector's log says more.")
            await answer(scope, receive, send)
