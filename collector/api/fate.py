"""GET /fate/{id}: what became of one event at each consumer that should have had it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from collector import questions
from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.api.chain import RESPONSES, Id, answer, limits_of
from graph.wire.fate import fates_to_dict

router = APIRouter(tags=["events"])


@router.get("/fate/{id:path}", responses={200: {"model": schemas.Fates}, **RESPONSES}, name="fate")
async def fate(asked: Asked, request: Request, id: Id) -> Response:
    """What became of one event at each consumer of its destinations: handled, failed, pending, ...

    Each with its evidence, the time of that, and what would be needed to know more. Where an id
    names several events it is the earliest; `others` says how many more there are.
    """
    limits = limits_of(request.app.state.limits, asked.deadline, None, None)

    def found(backend: Backend) -> tuple[int, bytes]:
        return answer(
            backend,
            id,
            lambda: questions.fate(backend, id, limits=limits),
            lambda told: json_bytes(fates_to_dict(told)),
        )

    status, body = await asked.ask(found, asked.backend)
    return json_answer(body, status)
