"""GET /topology: the graph of who produces, consumes and calls."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from collector import questions
from collector.api import schemas
from collector.api.asking import JSON, Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.api.errors import ApiError
from collector.api.window import AskedWindow, Window
from graph.edges import MOST_EDGES, View
from graph.export import FORMATS
from graph.model import Evidence
from graph.topology import NodeKey, NodeKind
from graph.wire.topology import minute_to_dict, topology_to_dict

router = APIRouter(tags=["topology"])

OTHERS = [one for one in FORMATS.values() if one.media_type != JSON]

Patterns = Annotated[list[str], Query(description="Shell patterns in any case; can be repeated.")]


@router.get(
    "/topology",
    responses={
        200: {
            "model": schemas.Topology,
            "content": {one.media_type: {"schema": {"type": "string"}} for one in OTHERS},
        }
    },
)
async def topology(
    request: Request,
    asked: Asked,
    window: AskedWindow,
    service: Patterns = [],  # noqa: B006 - FastAPI copies it
    destination: Patterns = [],  # noqa: B006 - as above
    event_type: Annotated[
        list[str], Query(alias="type", description="Shell patterns of event types.")
    ] = [],  # noqa: B006 - as above
    environment: Patterns = [],  # noqa: B006 - as above
    evidence: Annotated[
        list[Evidence], Query(description="Only what rests on one of these; can be repeated.")
    ] = [],  # noqa: B006 - as above
    view: Annotated[
        View | None,
        Query(
            description="What stands between services: `destinations`; `events`, their types; "
            "`services`: nothing, with counts by the contexts that messages carry. Some formats "
            "are of one view only."
        ),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=1_000_000, description="Rows of edges, at most; the busiest are kept.")
    ] = MOST_EDGES,
    format: Annotated[
        str | None,
        Query(
            pattern=f"^({'|'.join(FORMATS)})$",
            description="Another format; `json` is networkx's node-link form, which "
            "`flowtap diff` and `flowtap check` read.",
        ),
    ] = None,
) -> Response:
    """Services and destinations with their edges: counts, errors, latency, evidence. `left` tells
    what there was no room for; `limits.edges` is the most, whatever is asked for.

    Whole minutes of the window, the running one included; without a window, all that is stored.
    """
    written = FORMATS[format] if format else None
    possible = written.views if written else tuple(View)
    shown = view or possible[0]
    if shown not in possible:
        raise ApiError(422, "invalid", f"{format} is of the view {' or '.join(possible)}")
    most = min(limit, request.app.state.limits.edges)

    def found(backend: Backend, window: Window) -> bytes:
        topology = questions.topology(
            backend,
            start=window.start,
            end=window.end,
            services=service,
            destinations=destination,
            event_types=event_type,
            environments=environment,
            evidence=evidence,
            view=shown,
            limit=most,
        )
        if written is not None:
            topology = replace(topology, end=topology.end or time.time_ns())
            if written.payloads:
                told = questions.payloads(backend, start=window.start, end=window.end)
                topology = replace(topology, payloads=told)
            return written.function(topology).encode("utf-8", "replace")
        return json_bytes(topology_to_dict(topology))

    body = await asked.ask(found, asked.backend, window)
    return Response(body, media_type=written.media_type if written else JSON)


@router.get("/topology/series", responses={200: {"model": schemas.Series}})
async def series(
    asked: Asked,
    window: AskedWindow,
    kind: NodeKind,
    name: str,
    environment: str = "",
    system: str = "",
    cluster: str = "",
) -> Response:
    """What went over one node's edges minute by minute; of a service what it did itself.

    The node is named as in the topology's `nodes`. Without a window, all that is stored.
    """
    node = NodeKey(kind, name, environment, system, cluster)

    def found(backend: Backend, window: Window) -> bytes:
        counts = questions.minutes(backend, node, start=window.start, end=window.end)
        return json_bytes({"minutes": [minute_to_dict(one) for one in counts]})

    return json_answer(await asked.ask(found, asked.backend, window))
