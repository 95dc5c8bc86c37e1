"""A question to a source, which whoever asked can give up: what its thread waits for then ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tui.source import GivenUp

NOBODY_WAITS = "nobody waits for the answer any more"


class Question:
    """Asked in one thread, given up in another."""

    def __init__(self) -> None:
        self.given_up = threading.Event()
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None

    def give_up(self) -> None:
        """Nobody waits for the answer any more: what is asked for it raises GivenUp."""
        with self._lock:
            self.given_up.set()
            if self._end is not None:
                self._end()

    @contextmanager
    def asked(self) -> Iterator[None]:
        """What this thread asks inside is part of the question."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    @contextmanager
    def _waits(self, end: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            if self.given_up.is_set():
                raise GivenUp(NOBODY_WAITS)
            self._end = end
        try:
            yield
        except Exception as error:
            if self.given_up.is_set():
                raise GivenUp(NOBODY_WAITS) from error
            raise
        finally:
            with self._lock:
                self._end = None


_current: ContextVar[Question | None] = ContextVar("question", default=None)


def current() -> Question | None:
    """The question that this thread asks, where it can be given up."""
    return _current.get()


@contextmanager
def waiting(end: Callable[[], None]) -> Iterator[None]:
    """This thread waits inside for what `end` ends, which is called once the question is given
    up. Raises GivenUp where it has been."""
    question = current()
    if question is None:
        yield
        return
    with question._waits(end):
        yield
