"""The window of time that a request asks for."""

from __future__ import annotations

import time
from typing import Annotated, NamedTuple

from fastapi import Depends, Query

from collector.api.errors import ApiError
from graph.moments import EXAMPLES, moment


class Window(NamedTuple):
    """start <= time < end, nanoseconds since the Unix epoch; 0 is not bounded."""

    start: int
    end: int


def _window(
    since: Annotated[str | None, Query(description=f"Until now, from: {EXAMPLES}.")] = None,
    from_: Annotated[
        str | None, Query(alias="from", description="Start, inclusive; written like `since`.")
    ] = None,
    to: Annotated[str | None, Query(description="End, exclusive; written like `since`.")] = None,
) -> Window:
    """Raises MomentError."""
    if since and (from_ or to):
        raise ApiError(422, "invalid", "since and from/to exclude each other")
    now = time.time_ns()
    start = moment(since or from_ or "", now) if since or from_ else 0
    end = moment(to, now) if to else 0
    if end and end <= start:
        raise ApiError(422, "invalid", "the window ends before it starts")
    return Window(start, end)


AskedWindow = Annotated[Window, Depends(_window)]
