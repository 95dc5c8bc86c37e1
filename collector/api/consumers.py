"""GET /consumers: consumer groups as their brokers tell them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from graph.wire.listing import consumer_to_dict

router = APIRouter(tags=["consumers"])


def _consumers(backend: Backend) -> bytes:
    return json_bytes({"consumers": [consumer_to_dict(one) for one in backend.consumers()]})


@router.get("/consumers", responses={200: {"model": schemas.Consumers}})
async def consumers(asked: Asked) -> Response:
    """Consumer groups with members, committed offsets and lag, by cluster and group."""
    return json_answer(await asked.ask(_consumers, asked.backend))
