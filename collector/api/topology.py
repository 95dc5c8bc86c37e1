"""GET /topology: the graph of who produces, consumes and calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from collector import questions
from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.api.window import AskedWindow, Window
from graph.wire.topology import topology_to_dict

router = APIRouter(tags=["topology"])

Patterns = Annotated[list[str], Query(description="Shell patterns in any case; can be repeated.")]


@router.get("/topology", responses={200: {"model": schemas.Topology}})
async def topology(
    asked: Asked,
    window: AskedWindow,
    service: Patterns = [],  # noqa: B006 - FastAPI copies it
    destination: Patterns = [],  # noqa: B006
    event_type: Annotated[
        list[str], Query(alias="type", description="Shell patterns of event types.")
    ] = [],  # noqa: B006
    environment: Patterns = [],  # noqa: B006
) -> Response:
    """Services and destinations with their edges: counts, errors, latency, evidence.

    Whole minutes of the window, the running one included; without a window, all that is stored.
    """

    def found(backend: Backend, window: Window) -> bytes:
        topology = questions.topology(
            backend,
            start=window.start,
            end=window.end,
            services=service,
            destinations=destination,
            event_types=event_type,
            environments=environment,
        )
        return json_bytes(topology_to_dict(topology))

    return json_answer(await asked.ask(found, asked.backend, window))
