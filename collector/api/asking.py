"""Questions to the backend: in worker threads, a few at a time, each with a deadline."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import Depends, Request
from fastapi.responses import Response

from collector.api.backend import Backend
from collector.api.errors import ApiError

P = ParamSpec("P")
T = TypeVar("T")

HEALTH_SECONDS = 5.0
JSON = "application/json"


class Asking:
    """The backend, and the threads that ask it.

    A question that is given up keeps its thread until the backend returns: the number of
    questions in the engine never grows beyond the workers.
    """

    def __init__(self, backend: Backend, *, workers: int, deadline: float) -> None:
        self.backend = backend
        self.deadline = deadline
        self._closed = False
        self._asked: set[asyncio.Future[Any]] = set()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="flowtap-api")
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="flowtap-api-health")

    async def ask(self, question: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """The answer of a blocking function. Raises ApiError 503 at the deadline, and once it
        is closed."""
        return await self._run(
            self._pool, self.deadline, functools.partial(question, *args, **named)
        )

    async def quickly(self, question: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """The same for what must answer while all workers are busy."""
        return await self._run(
            self._aside, HEALTH_SECONDS, functools.partial(question, *args, **named)
        )

    async def _run(self, pool: ThreadPoolExecutor, seconds: float, question: Callable[[], T]) -> T:
        if self._closed:
            raise _stopping()
        asked = asyncio.get_running_loop().run_in_executor(pool, question)
        self._asked.add(asked)
        asked.add_done_callback(self._asked.discard)
        try:
            async with asyncio.timeout(seconds):
                return await asked
        except asyncio.CancelledError:
            if self._closed:
                raise _stopping() from None
            raise
        except TimeoutError:
            raise ApiError(
                503,
                "deadline",
                f"no answer within {seconds:g} seconds",
                "Ask for less: a shorter window, a smaller limit or depth.",
                headers={"Retry-After": "5"},
            ) from None

    def close(self) -> None:
        """Take no more questions, and wait no longer for those that were asked."""
        self._closed = True
        for asked in tuple(self._asked):
            asked.cancel()
        for pool in (self._pool, self._aside):
            pool.shutdown(wait=False, cancel_futures=True)


def _stopping() -> ApiError:
    return ApiError(
        503,
        "stopping",
        "the collector is stopping",
        "Ask again once it runs.",
        headers={"Retry-After": "5"},
    )


def _asking(request: Request) -> Asking:
    asking: Asking = request.app.state.asking
    return asking


Asked = Annotated[Asking, Depends(_asking)]
"""What a handler asks with."""


def json_bytes(answer: Any) -> bytes:
    """Encoded here, in the worker: a long chain would hold up the event loop."""
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def json_answer(body: bytes, status: int = 200) -> Response:
    """A response of JSON that is already encoded."""
    return Response(body, status, media_type=JSON)
