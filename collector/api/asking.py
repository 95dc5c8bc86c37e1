"""Questions to the backend: in worker threads, a few at a time, each with a deadline, and only as
long as whoever asked is there."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import Depends, Request
from fastapi.responses import Response

from collector import giving_up
from collector.api.backend import Backend
from collector.api.errors import ApiError

P = ParamSpec("P")
T = TypeVar("T")

HEALTH_SECONDS = 5.0
JSON = "application/json"


class Asking:
    """The backend, and the threads that ask it.

    A question that is given up keeps its thread until the query returns that is under way: the
    number of questions in the engine never grows beyond the workers.
    """

    def __init__(self, backend: Backend, *, workers: int, deadline: float) -> None:
        self.backend = backend
        self.deadline = deadline
        self._closed = False
        self._asked: set[asyncio.Future[Any]] = set()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="flowtap-api")
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="flowtap-api-health")

    async def ask(self, question: Callable[[], T], hung_up: Awaitable[None]) -> T:
        """The answer of a blocking function, which is given up at the deadline, and when whoever
        asked has hung up. Raises ApiError 503, and 499, which nobody hears."""
        given_up = threading.Event()

        def asked() -> T:
            with giving_up.unless(given_up):
                self.backend.attend()
                return question()

        gone = asyncio.ensure_future(hung_up)
        try:
            return await self._run(self._pool, self.deadline, asked, gone)
        finally:
            given_up.set()
            gone.cancel()

    async def carry_out(self, task: Callable[[], T]) -> T:
        """The same for what changes something: once begun it is done to its end."""
        return await self._run(self._pool, self.deadline, task)

    async def quickly(self, question: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """The same for what must answer while all workers are busy."""
        asked = functools.partial(question, *args, **named)
        return await self._run(self._aside, HEALTH_SECONDS, asked)

    async def _run(
        self,
        pool: ThreadPoolExecutor,
        seconds: float,
        question: Callable[[], T],
        gone: asyncio.Future[None] | None = None,
    ) -> T:
        if self._closed:
            raise _stopping()
        answer = asyncio.get_running_loop().run_in_executor(pool, question)
        self._asked.add(answer)
        answer.add_done_callback(self._asked.discard)
        waited = (answer,) if gone is None else (answer, gone)
        try:
            await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.cancelled():
                raise _stopping()
            if answer.done():
                return answer.result()
        finally:
            # Takes it out of those that still wait for a worker.
            answer.cancel()
        if gone is not None and gone.done():
            raise ApiError(499, "gone", "nobody waits for the answer any more")
        raise ApiError(
            503,
            "deadline",
            f"no answer within {seconds:g} seconds",
            "Ask for less: a shorter window, a smaller limit or depth.",
            headers={"Retry-After": "5"},
        )

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


@dataclass(frozen=True, slots=True)
class Asker:
    """One request, which asks as long as its client is there."""

    asking: Asking
    request: Request

    @property
    def backend(self) -> Backend:
        return self.asking.backend

    @property
    def deadline(self) -> float:
        return self.asking.deadline

    async def ask(self, question: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """As `Asking.ask`, until this request's client hangs up."""
        asked = functools.partial(question, *args, **named)
        return await self.asking.ask(asked, self._hung_up())

    async def _hung_up(self) -> None:
        while (await self.request.receive())["type"] != "http.disconnect":
            pass


def _asker(request: Request) -> Asker:
    return Asker(request.app.state.asking, request)


Asked = Annotated[Asker, Depends(_asker)]
"""What a handler asks with."""


def json_bytes(answer: Any) -> bytes:
    """Encoded here, in the worker: a long chain would hold up the event loop."""
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def json_answer(body: bytes, status: int = 200) -> Response:
    """A response of JSON that is already encoded."""
    return Response(body, status, media_type=JSON)
