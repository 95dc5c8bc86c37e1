"""GET /chain/{id} and /events/{id}: what happened to one event, and because of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from collector import questions
from collector.api import schemas
from collector.api.asking import JSON, Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.config import Limits as Caps
from graph.chain import Chain, Limits
from graph.direction import Direction
from graph.export import CHAIN_FORMATS
from graph.lookup import SeveralMeanings, Unknown
from graph.wire.chain import chain_to_dict
from graph.wire.listing import candidate_to_dict

T = TypeVar("T")

router = APIRouter(tags=["events"])

Id = Annotated[
    str,
    Path(
        description="An id of any kind, or destination/partition/offset, or trace id/span id, or "
        "KIND:ID with a kind of message, correlation, key, trace, span, position.",
        min_length=1,
    ),
]

OTHERS = [one for one in CHAIN_FORMATS.values() if one.media_type != JSON]

CATCH_UP_SECONDS = 1.0
"""For which who asks for an id that is not known yet waits for what has come in."""

RESPONSES: dict[int | str, dict[str, Any]] = {
    300: {"model": schemas.Ambiguous, "description": "The id could mean several events."},
    404: {"model": schemas.Problem, "description": "Nothing is known by that id."},
}


@router.get(
    "/chain/{id:path}",
    responses={
        200: {
            "model": schemas.Chain,
            "content": {one.media_type: {"schema": {"type": "string"}} for one in OTHERS},
        },
        **RESPONSES,
    },
    name="chain",
)
async def chain(
    asked: Asked,
    request: Request,
    id: Id,
    direction: Direction = Direction.BOTH,
    depth: Annotated[int | None, Query(ge=0, description="Generations either way.")] = None,
    limit: Annotated[int | None, Query(ge=1, description="Events at most.")] = None,
    seconds: Annotated[
        float | None,
        Query(gt=0, description="The answer is what was found by then."),
    ] = None,
    bodies: Annotated[bool, Query(description="With headers and values of messages.")] = True,
    explain: Annotated[
        bool, Query(description="With what was tried for each join, and why it won or is missing.")
    ] = False,
    format: Annotated[
        str | None, Query(pattern=f"^({'|'.join(CHAIN_FORMATS)})$", description="Another format.")
    ] = None,
) -> Response:
    """The chain of one event: its causes, its effects, every delivery, and the evidence."""
    limits = limits_of(request.app.state.limits, asked.deadline, depth, limit, seconds)
    written = CHAIN_FORMATS[format] if format else None

    def told(chain: Chain) -> bytes:
        if written is not None:
            return written.function(chain).encode("utf-8", "replace")
        return json_bytes(chain_to_dict(chain, bodies=bodies))

    def found(backend: Backend) -> tuple[int, bytes]:
        return answer(
            backend,
            id,
            lambda: questions.chain(
                backend, id, direction=direction, limits=limits, explained=explain
            ),
            told,
        )

    status, body = await asked.ask(found, asked.backend)
    media_type = written.media_type if written and status == 200 else JSON
    return Response(body, status, media_type=media_type)


@router.get(
    "/events/{id:path}", responses={200: {"model": schemas.Event}, **RESPONSES}, name="event"
)
async def event(asked: Asked, request: Request, id: Id) -> Response:
    """One event: its messages, operations and deliveries, without causes and effects."""
    limits = limits_of(request.app.state.limits, asked.deadline, 0, None)

    def found(backend: Backend) -> tuple[int, bytes]:
        return answer(backend, id, lambda: questions.event(backend, id, limits=limits), _one)

    status, body = await asked.ask(found, asked.backend)
    return json_answer(body, status)


def limits_of(
    caps: Caps,
    deadline: float,
    depth: int | None,
    limit: int | None,
    seconds: float | None = None,
) -> Limits:
    """What was asked for, within what is allowed; half of the time is for what comes after."""
    limits = Limits(events=caps.chain_events, seconds=deadline / 2)
    if depth is not None:
        limits = replace(limits, depth=depth)
    if limit is not None:
        limits = replace(limits, events=min(limit, caps.chain_events))
    if seconds is not None:
        limits = replace(limits, seconds=min(seconds, limits.seconds))
    return limits


def answer(
    backend: Backend, text: str, find: Callable[[], T], told: Callable[[T], bytes]
) -> tuple[int, bytes]:
    """Status and body of what is known by an id."""
    try:
        return 200, told(_caught_up(backend, find))
    except Unknown:
        detail = f"nothing is known by {text}"
        hint = questions.searched(backend, text)
        return 404, json_bytes({"error": "not_found", "detail": detail, "hint": hint})
    except SeveralMeanings as several:
        return 300, json_bytes(
            {
                "error": "ambiguous",
                "detail": f"{text} could mean {len(several.candidates):,} things",
                "hint": "Ask again with one of the candidates' `ask`.",
                "candidates": [candidate_to_dict(one) for one in several.candidates],
            }
        )


def _one(chain: Chain) -> bytes:
    """The event asked for and its deliveries, as the chain tells them."""
    whole = chain_to_dict(chain)
    focus = whole["focus"]
    return json_bytes(
        {
            "format": whole["format"],
            "id": focus,
            "event": next(event for event in whole["events"] if event["id"] == focus),
            "deliveries": [one for one in whole["deliveries"] if one["event"] == focus],
        }
    )


def _caught_up(backend: Backend, find: Callable[[], T]) -> T:
    """What is found, if need be once that is stored which waited for it."""
    try:
        return find()
    except Unknown:
        if not backend.catch_up(CATCH_UP_SECONDS):
            raise
        return find()
