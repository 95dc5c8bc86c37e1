"""Wiring of the HTTP API: resources, errors, guard."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Security
from fastapi.security import HTTPBearer

from collector.api import (
    chain,
    consumers,
    destinations,
    events,
    fate,
    findings,
    gaps,
    health,
    payloads,
    prune,
    sql,
    tail,
    topology,
)
from collector.api.asking import Asking
from collector.api.backend import Backend
from collector.api.errors import LastResort, handle_errors
from collector.api.guard import Guard
from collector.api.rate import Rate
from collector.api.schemas import PROBLEMS
from collector.config import Api, Limits

PREFIX = "/api/v1"

DESCRIPTION = """What happened to an event, and because of it.

Times are two fields: `..._ns`, an integer of nanoseconds since the Unix epoch, and an ISO 8601
text in UTC (null for 0, which means unknown). Fields may be added."""


def create_app(
    backend: Backend,
    settings: Api | None = None,
    limits: Limits | None = None,
    *,
    owner_token: str = "",
) -> FastAPI:
    """The API over a backend. Whoever serves it closes `app.state.tail` and `app.state.asking`.

    Changes want the token of the settings, or `owner_token`; without either there are none.
    """
    api = settings or Api()
    app = FastAPI(
        title="flowtap",
        version=version("flowtap"),
        description=DESCRIPTION,
        docs_url=f"{PREFIX}/docs",
        redoc_url=None,
    )
    app.state.limits = limits or Limits()
    app.state.asking = Asking(backend, workers=api.workers, deadline=api.deadline)
    app.state.tail = tail.Tail(app.state.asking)
    # The guard asks for the token, of every path; this describes it.
    described = HTTPBearer(auto_error=False, description="Only where api.token is set.")
    resources = APIRouter(prefix=PREFIX, responses=PROBLEMS, dependencies=[Security(described)])
    told = (
        *(events, chain, fate, topology, destinations, consumers, findings, gaps),
        *(payloads, sql, tail, health, prune),
    )
    for resource in told:
        resources.include_router(resource.router)
    app.include_router(resources)
    handle_errors(app)
    app.add_middleware(LastResort)
    rate = Rate(api.requests_per_second)
    app.add_middleware(
        Guard, access=api.access(), rate=rate, owner=owner_token, version=app.version
    )
    return app
