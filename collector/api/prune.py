"""POST /prune: let old rows leave the store."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from collector import questions
from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend

router = APIRouter(tags=["collector"])


class Wanted(BaseModel):
    """What is to leave; of both what is more."""

    model_config = ConfigDict(extra="forbid")

    older_than_days: Annotated[int | None, Field(ge=0, le=36_500)] = None
    """Weeks that ended more days ago leave whole."""
    to_bytes: Annotated[int | None, Field(ge=0)] = None
    """The oldest leave until store and spool together have so many."""
    dry_run: bool = False
    """Only say what would leave."""


@router.post(
    "/prune",
    responses={
        200: {"model": schemas.Pruned},
        400: {"model": schemas.Problem, "description": "The body is no text."},
        401: {"model": schemas.Problem, "description": "It wants a token, always."},
    },
)
async def prune(asked: Asked, wanted: Wanted) -> Response:
    """Lets weeks leave by age, the oldest parts by size, and says what it was.

    It wants a token also where nothing else does: api.token, or the one in collector.json beside
    the store, which only the collector's user can read.
    """

    def done(backend: Backend) -> bytes:
        return json_bytes(
            questions.pruned(
                backend,
                days=wanted.older_than_days,
                most=wanted.to_bytes,
                dry_run=wanted.dry_run,
            )
        )

    return json_answer(await asked.asking.carry_out(lambda: done(asked.backend)))
