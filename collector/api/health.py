"""GET /health and /metrics: how the collector itself is doing."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from collector import questions
from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend

router = APIRouter(tags=["collector"])

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def _health(backend: Backend) -> bytes:
    return json_bytes(questions.health(backend))


@router.get("/health", responses={200: {"model": schemas.Health}})
async def health(asked: Asked) -> Response:
    """Each component's state; 200 as long as the collector answers, also when degraded."""
    body = await asked.asking.quickly(_health, asked.backend)
    return json_answer(body)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {PROMETHEUS: {"schema": {"type": "string"}}}}},
)
async def metrics(asked: Asked) -> Response:
    """The collector's counters, in Prometheus' text format."""
    text = await asked.asking.quickly(asked.backend.metrics_text)
    return Response(text, media_type=PROMETHEUS)
