"""GET /events: the newest events."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.api.window import AskedWindow
from graph.listing import EventFilter
from graph.wire.listing import event_row_to_dict

router = APIRouter(tags=["events"])


@router.get("/events", responses={200: {"model": schemas.Events}})
async def events(
    asked: Asked,
    request: Request,
    window: AskedWindow,
    destination: str = "",
    event_type: Annotated[str, Query(alias="type")] = "",
    key: str = "",
    service: Annotated[str, Query(description="Who produced it.")] = "",
    environment: str = "",
    limit: Annotated[int, Query(ge=1)] = 100,
) -> Response:
    """The newest events that fit, newest first. Names compare exactly."""
    wanted = EventFilter(
        destination=destination,
        event_type=event_type,
        key=key,
        service=service,
        environment=environment,
        since=window.start,
        until=window.end,
        limit=min(limit, request.app.state.limits.rows),
    )
    return json_answer(await asked.ask(_recent, asked.backend, wanted))


def _recent(backend: Backend, wanted: EventFilter) -> bytes:
    rows = backend.recent(replace(wanted, limit=wanted.limit + 1))
    return json_bytes(
        {
            "events": [event_row_to_dict(row) for row in rows[: wanted.limit]],
            "more": len(rows) > wanted.limit,
        }
    )
