"""A question that nobody waits for any more asks the store for nothing more.

It stops between two queries. What the engine computes just then goes on to its end, or to its
`max_execution_time`: embedded it has no call that would end it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_given_up: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)


class GivenUp(Exception):
    """Nobody waits for the answer."""


@contextmanager
def unless(given_up: threading.Event | None) -> Iterator[None]:
    """What this thread asks inside is asked only as long as the event is not set; with None it
    is asked whatever happens, as what serves others too has to be."""
    token = _given_up.set(given_up)
    try:
        yield
    finally:
        _given_up.reset(token)


def check() -> None:
    """Raises GivenUp when what this thread asks for has been given up."""
    given_up = _given_up.get()
    if given_up is not None and given_up.is_set():
        raise GivenUp
