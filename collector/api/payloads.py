"""GET /payloads: what the bodies of messages look like."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from collector import questions
from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.api.window import AskedWindow, Window
from graph.wire.payloads import payloads_to_dict

router = APIRouter(tags=["topology"])


def _payloads(backend: Backend, window: Window) -> bytes:
    found = questions.payloads(backend, start=window.start, end=window.end)
    return json_bytes(payloads_to_dict(found))


@router.get("/payloads", responses={200: {"model": schemas.Payloads}})
async def payloads(asked: Asked, window: AskedWindow) -> Response:
    """JSON Schemas, inferred from the newest bodies of each event type on each destination in the
    window. Bodies that are not stored, or are no JSON, have none; no schema holds a value."""
    return json_answer(await asked.ask(_payloads, asked.backend, window))
