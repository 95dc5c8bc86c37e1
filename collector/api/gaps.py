"""GET /gaps: what the taps could not read."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from graph.wire.gaps import gap_to_dict

router = APIRouter(tags=["collector"])


def _gaps(backend: Backend) -> bytes:
    return json_bytes({"gaps": [gap_to_dict(gap) for gap in backend.gaps()]})


@router.get("/gaps", responses={200: {"model": schemas.Gaps}})
async def gaps(asked: Asked) -> Response:
    """Offsets that taps missed: retention or a deletion took them, or nobody can read them."""
    return json_answer(await asked.ask(_gaps, asked.backend))
