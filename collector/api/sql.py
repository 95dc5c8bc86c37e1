"""POST /sql: a question of a person in SQL, read only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from collector.api import schemas
from collector.api.asking import Asked, json_answer, json_bytes
from collector.api.backend import Backend
from collector.store.console import LENGTH, ROWS
from graph.table import table_to_dict

router = APIRouter(tags=["collector"])


class Statement(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(max_length=LENGTH)]
    """One statement: SELECT, EXPLAIN of one, DESCRIBE, SHOW TABLES, SHOW CREATE TABLE."""
    limit: Annotated[int, Field(ge=1, le=ROWS)] = 1_000
    """Rows of the answer, at most."""


@router.post(
    "/sql",
    responses={
        200: {"model": schemas.Table},
        400: {"model": schemas.Problem, "description": "The body is no text."},
        401: {"model": schemas.Problem, "description": "It wants a token, always."},
        429: {"model": schemas.Problem, "description": "Another statement is running."},
    },
)
async def sql(asked: Asked, statement: Statement) -> Response:
    """Rows of one statement that only reads the store's own tables; one at a time, ten seconds.

    It wants a token also where nothing else does, as /prune.
    """

    def found(backend: Backend) -> bytes:
        return json_bytes(table_to_dict(backend.sql(statement.query, statement.limit)))

    return json_answer(await asked.ask(found, asked.backend))
