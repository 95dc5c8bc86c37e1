"""GET /findings: what did not happen, or not as it should."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from collector import questions
from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.api.window import AskedWindow
from graph.findings.model import Kind, State
from graph.findings.wanted import Wanted
from graph.wire.findings import findings_to_dict

router = APIRouter(tags=["findings"])


@router.get("/findings", responses={200: {"model": schemas.Findings}})
async def findings(
    asked: Asked,
    request: Request,
    window: AskedWindow,
    kind: Annotated[list[Kind], Query(description="Only these kinds; can be repeated.")] = [],  # noqa: B006 - FastAPI copies it
    service: Annotated[
        list[str],
        Query(description="Shell patterns in any case, of services and groups; can be repeated."),
    ] = [],  # noqa: B006 - as above
    destination: Annotated[
        list[str], Query(description="Shell patterns of destinations; can be repeated.")
    ] = [],  # noqa: B006 - as above
    state: State | None = None,
    muted: Annotated[bool, Query(description="Also those that are muted.")] = False,
    limit: Annotated[int, Query(ge=1)] = 200,
) -> Response:
    """Findings that were seen in the window, the open and worst first; without one, in the last
    day. `until` tells how far minutes were looked at."""
    wanted = Wanted(
        since=window.start,
        until=window.end,
        kinds=tuple(kind),
        services=tuple(service),
        destinations=tuple(destination),
        state=state,
        muted=muted,
        limit=min(limit, request.app.state.limits.rows),
    )
    return json_answer(await asked.ask(_findings, asked.backend, wanted))


def _findings(backend: Backend, wanted: Wanted) -> bytes:
    return json_bytes(findings_to_dict(questions.findings(backend, wanted)))
