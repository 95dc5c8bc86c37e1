"""Questions to the backend, and what becomes of them when the collector stops."""

from __future__ import annotations

import asyncio
import threading

import pytest

from collector.api.asking import Asking
from collector.api.errors import ApiError
from tests.memory_backend import MemoryBackend


async def test_who_still_waits_for_an_answer_is_told_to_come_again() -> None:
    begun, finish = threading.Event(), threading.Event()

    def question() -> str:
        begun.set()
        finish.wait(20)
        return "an answer"

    asking = Asking(MemoryBackend(), workers=1, deadline=20)
    asked = [asyncio.create_task(asking.carry_out(question)) for _ in range(2)]
    await asyncio.to_thread(begun.wait, 20)
    asking.close()
    answers = [*await asyncio.gather(*asked, return_exceptions=True)]
    with pytest.raises(ApiError) as after:
        await asking.quickly(question)
    for refused in (*answers, after.value):
        assert isinstance(refused, ApiError)
        assert (refused.status, refused.error) == (503, "stopping")
        assert refused.headers == {"Retry-After": "5"}
    finish.set()
