"""GET /tail: what is being stored, as server-sent events.

One look at the store serves all who follow the same. Who reads too slowly misses some and is told
so, and so does everybody where more is stored at once than is looked at.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from collector.api import schemas
from collector.api.asking import Asking
from collector.api.backend import Stored
from collector.api.errors import ApiError
from collector.api.wanted import AskedFilter
from collector.store.client import StoreError
from collector.store.following import Mark
from graph.listing import Activity, EventFilter
from graph.wire.listing import activity_to_dict

log = logging.getLogger(__name__)

router = APIRouter(tags=["events"])

LOOK_SECONDS = 0.5
AWAY_SECONDS = 2.0
PING_SECONDS = 15.0
ROWS = 2_000
"""At one look; also how many may wait for one follower."""
FOLLOWERS = 100
TOGETHER = 100
"""Sent at once: each piece on its own would cost more than what is in it."""


class Follower:
    """One who follows: a bounded queue that drops its oldest."""

    def __init__(self) -> None:
        self.waiting: deque[Activity] = deque()
        self.missed = 0
        self.changed = asyncio.Event()

    def offer(self, found: Stored) -> None:
        self.waiting.extend(found.activity)
        self.missed += found.missed
        while len(self.waiting) > ROWS:
            self.waiting.popleft()
            self.missed += 1
        if found.activity or found.missed:
            self.changed.set()


@dataclass(slots=True)
class Following:
    """All who follow the same, and how far they have been told."""

    mark: Mark | None = None
    followers: set[Follower] = field(default_factory=set)


class Tail:
    """Looks at the store while somebody follows, and tells all of them."""

    def __init__(self, asking: Asking, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._asking = asking
        self._look_seconds = look_seconds
        self._following: dict[tuple[EventFilter, bool], Following] = {}
        self._looking: asyncio.Task[None] | None = None
        self.closed = False

    async def follow(self, wanted: EventFilter, listed: bool = False) -> AsyncIterator[bytes]:
        """Server-sent events until the tail is closed."""
        follower = Follower()
        same = self._following.setdefault((wanted, listed), Following())
        same.followers.add(follower)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="flowtap-tail")
        try:
            yield format_sse_event(comment="following", retry=2000)
            while not self.closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PING_SECONDS):
                        await follower.changed.wait()
                follower.changed.clear()
                if follower.missed:
                    yield _event("missed", {"count": follower.missed})
                    follower.missed = 0
                if not follower.waiting and not self.closed:
                    yield format_sse_event(comment="ping")
                while follower.waiting:
                    yield b"".join(islice(_told(follower.waiting), TOGETHER))
        finally:
            same.followers.discard(follower)
            if not same.followers:
                del self._following[wanted, listed]
            if not self._following and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    @property
    def full(self) -> bool:
        return sum(len(same.followers) for same in self._following.values()) >= FOLLOWERS

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self.closed = True
        for same in self._following.values():
            for follower in same.followers:
                follower.changed.set()

    async def _look(self) -> None:
        while True:
            more = False
            try:
                for (wanted, listed), same in tuple(self._following.items()):
                    more |= await self._look_once(same, wanted, listed)
            except (StoreError, ApiError) as error:
                if self.closed:
                    return
                log.warning("following: %s", error)
                await asyncio.sleep(AWAY_SECONDS)
                continue
            if not more:
                await asyncio.sleep(self._look_seconds)

    async def _look_once(self, same: Following, wanted: EventFilter, listed: bool) -> bool:
        """Says whether there is more."""
        stored = self._asking.backend.stored
        found = await self._asking.quickly(stored, same.mark, ROWS, wanted, listed=listed)
        same.mark = found.mark
        for follower in same.followers:
            follower.offer(found)
        return found.more


def _told(waiting: deque[Activity]) -> Iterator[bytes]:
    """Each one that waits, taken out, as a server-sent event."""
    while waiting:
        told = activity_to_dict(waiting.popleft())
        yield _event(told["kind"], told)


def _event(name: str, data: dict[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return format_sse_event(event=name, data_str=text)


@router.get(
    "/tail",
    response_class=StreamingResponse,
    responses={
        200: {
            "model": schemas.Activity,
            "content": {"text/event-stream": {}},
            "description": "Events named `message` and `operation` with that data, and `missed` "
            "with a `count` for those who read too slowly.",
        }
    },
)
async def tail(
    request: Request,
    filter: AskedFilter,
    listed: Annotated[
        bool, Query(description="Only events, as GET /events has them, and no other operations.")
    ] = False,
) -> StreamingResponse:
    """Messages and operations from now on, as they are stored.

    Handling fails later: of an event, `error` only tells here whether sending it failed.
    """
    following: Tail = request.app.state.tail
    if following.full:
        raise ApiError(503, "too_many", f"{FOLLOWERS} follow already", "Try again later.")
    return StreamingResponse(
        following.follow(filter, listed),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
