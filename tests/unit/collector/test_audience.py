"""Who comes has stored what waited for nobody; who stays waits for nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from collector import audience, giving_up
from collector.audience import STAYS_SECONDS, Audience


class Part:
    """Stores what waits once it was told to hurry so often."""

    def __init__(self, times: float) -> None:
        self.hurried = 0
        self._times = times

    def waiting(self) -> Callable[[], bool]:
        return lambda: self.hurried < self._times

    def hurry(self) -> None:
        self.hurried += 1


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_who_asks_is_there_for_a_while() -> None:
    clock, part = Clock(), Part(0)
    everybody = Audience(clock=clock)
    everybody.parts = [part]
    assert not everybody.there()
    for ask in (everybody.asks, everybody.follows):
        hurried = part.hurried
        ask()
        assert everybody.there()
        assert part.hurried == hurried + 1, "also where nothing waits yet"
        clock.now += STAYS_SECONDS - 0.1
        ask()
        clock.now += STAYS_SECONDS - 0.1
        assert everybody.there(), "each question counts"
        assert part.hurried == hurried + 1, "who stays hurries nobody"
        clock.now += 0.2
        assert not everybody.there()


def test_who_comes_waits_for_what_waits_and_so_does_who_comes_meanwhile() -> None:
    part = Part(5)
    everybody = Audience()
    everybody.parts = [part]
    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(everybody.asks) for _ in range(4)]:
            one.result()
            assert part.hurried >= 5
    hurried = part.hurried
    everybody.asks()
    assert part.hurried == hurried


def test_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "COMES_SECONDS", 0.05)
    everybody = Audience()
    everybody.parts = [Part(float("inf"))]
    began = time.monotonic()
    everybody.asks()
    assert time.monotonic() - began >= 0.05
    assert everybody.there()


def test_who_hung_up_does_not_wait() -> None:
    gone = threading.Event()
    gone.set()
    everybody = Audience()
    everybody.parts = [Part(float("inf"))]
    with giving_up.unless(gone), pytest.raises(giving_up.GivenUp):
        everybody.asks()


def test_who_follows_does_not_wait_at_all() -> None:
    part = Part(float("inf"))
    everybody = Audience()
    everybody.parts = [part]
    everybody.follows()
    assert part.hurried == 1
