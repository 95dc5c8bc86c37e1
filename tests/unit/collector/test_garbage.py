"""What points at itself is given back, though nothing else looks for it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from collector import garbage
from tests.spools import Story, request


class Node:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def nobody_looks() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("nobody_looks")
def test_what_points_at_itself_is_given_back() -> None:
    async def until_swept() -> None:
        gone = asyncio.Event()
        left = weakref.ref(Node(), lambda _: gone.set())
        assert left() is not None
        sweeping = asyncio.create_task(garbage.sweep(0.01))
        await asyncio.wait_for(gone.wait(), 10)
        sweeping.cancel()

    asyncio.run(until_swept())


@pytest.mark.usefixtures("nobody_looks")
def test_a_segment_needs_no_look(story: Story) -> None:
    spool = story.spool()
    spool.append_sync(request("a"))
    segment = story.due(spool)
    segment.done()
    left = weakref.ref(segment)
    del segment

    assert left() is None
