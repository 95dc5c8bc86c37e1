"""GET /events: the newest events, or the oldest."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.api.wanted import AskedFilter
from collector.api.window import AskedWindow
from graph.listing import EventFilter
from graph.wire.facts import times
from graph.wire.listing import event_row_to_dict

router = APIRouter(tags=["events"])


@router.get("/events", responses={200: {"model": schemas.Events}})
async def events(
    asked: Asked,
    request: Request,
    window: AskedWindow,
    filter: AskedFilter,
    limit: Annotated[int, Query(ge=1)] = 100,
    order: Annotated[
        Literal["newest", "oldest"] | None,
        Query(description="Which come first, and are kept; else as `q` says, else the newest."),
    ] = None,
) -> Response:
    """The events that fit everything, newest first, or oldest first where asked for; `more` tells
    whether others fit beyond the limit. Names compare exactly, but in `q`."""
    ends = [end for end in (filter.until, window.end) if end]
    wanted = replace(
        filter,
        since=max(filter.since, window.start),
        until=min(ends, default=0),
        limit=min(limit, request.app.state.limits.rows),
        oldest=order == "oldest" if order else filter.oldest,
    )
    return json_answer(await asked.ask(_recent, asked.backend, wanted))


def _recent(backend: Backend, wanted: EventFilter) -> bytes:
    rows = backend.recent(replace(wanted, limit=wanted.limit + 1))
    return json_bytes(
        {
            "events": [event_row_to_dict(row) for row in rows[: wanted.limit]],
            "more": len(rows) > wanted.limit,
            **times("covered_from", backend.covered_from()),
        }
    )
