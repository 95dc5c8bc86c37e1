"""The events that a request asks for: exact names, and a text in the filter language."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query

from graph.filter import parse
from graph.listing import EventFilter

DESCRIPTION = """Terms that must all fit: `topic:`, `type:`, `key:`, `service:` (who produced it),
`error:yes`, `environment:`, `id:`, `correlation:`, `since:15m`, `until:`, `order:oldest`; any other
text is the beginning of an id, a key or a correlation id. Values are whole, in any case; `*`
stands for anything, `a,b` for either, `-` before a term for not that; quotes take a sign's
meaning away."""


def _wanted(
    q: Annotated[
        str,
        Query(
            description=DESCRIPTION,
            examples=["topic:order.* -type:order.viewed error:yes since:10m"],
            max_length=4_000,
        ),
    ] = "",
    destination: str = "",
    event_type: Annotated[str, Query(alias="type")] = "",
    key: str = "",
    service: Annotated[str, Query(description="Who produced it; at /tail also who did it.")] = "",
    environment: str = "",
) -> EventFilter:
    """Raises FilterError."""
    return replace(
        parse(q, time.time_ns()),
        destination=destination,
        event_type=event_type,
        key=key,
        service=service,
        environment=environment,
    )


AskedFilter = Annotated[EventFilter, Depends(_wanted)]
"""A filter without a limit; times only where the text has them."""
