"""Where somebody has been, as a browser keeps it: back, forward, and from there somewhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 100
"""Places behind; the oldest are forgotten."""


class History(Generic[T]):
    """Places before and after the one that shows, which the caller knows as it is now."""

    def __init__(self, kept: int = KEPT) -> None:
        self.past: deque[T] = deque(maxlen=kept)
        self.future: list[T] = []

    def left(self, place: T) -> None:
        """Somebody goes on from here: what was ahead is not any more."""
        self.past.append(place)
        self.future.clear()

    def back(self, here: T) -> T | None:
        """The place before; None when there is none."""
        if not self.past:
            return None
        self.future.append(here)
        return self.past.pop()

    def forward(self, here: T) -> T | None:
        """The place that was gone back from; None when there is none."""
        if not self.future:
            return None
        self.past.append(here)
        return self.future.pop()

    def __iter__(self) -> Iterator[T]:
        return iter((*self.past, *self.future))
