"""Who comes has stored what waited for nobody; who stays waits for nothing."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from collector import audience, giving_up
from collector.audience import STAYS_SECONDS, Audience
from tests.storing import Slow


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_who_asks_is_there_for_a_while() -> None:
    clock, part = Clock(), Slow(0)
    everybody = Audience(clock=clock)
    everybody.parts = [part]
    assert not everybody.there()
    for ask in (everybody.asks, everybody.follows):
        hurried = part.hurried
        ask()
        assert everybody.there()
        assert everybody.came == clock.now
        assert part.hurried == hurried + 1, "also where nothing waits yet"
        for _ in range(2):
            clock.now += STAYS_SECONDS - 1.1
            ask()
        clock.now += STAYS_SECONDS - 0.1
        assert everybody.there(), "each question counts"
        assert everybody.came < clock.now - STAYS_SECONDS
        assert part.hurried == hurried + 1, "who stays hurries nobody"
        clock.now += 0.2
        assert not everybody.there()


def test_who_asks_just_before_he_counts_as_gone_hurries_all_the_same() -> None:
    clock, part = Clock(), Slow(0)
    everybody = Audience(clock=clock)
    everybody.parts = [part]
    everybody.asks()
    clock.now += STAYS_SECONDS - 0.5
    everybody.asks()
    assert part.hurried == 2, "what rests from now on may have seen nobody"


def test_who_comes_waits_for_what_waits_and_so_does_who_comes_meanwhile() -> None:
    part = Slow(5)
    everybody = Audience()
    everybody.parts = [part]

    def ask() -> int:
        everybody.asks()
        return part.hurried

    with ThreadPoolExecutor(4) as pool:
        seen = [one.result() for one in [pool.submit(ask) for _ in range(4)]]
    assert min(seen) >= 5
    assert ask() == part.hurried == max(seen)


def test_who_asks_waits_also_where_another_one_hung_up_or_only_follows() -> None:
    part = Slow(5)
    everybody = Audience()
    everybody.parts = [part]
    gone = threading.Event()
    gone.set()
    with giving_up.unless(gone), pytest.raises(giving_up.GivenUp):
        everybody.asks()
    everybody.follows()
    assert part.hurried < 5
    everybody.asks()
    assert part.hurried >= 5


def test_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "COMES_SECONDS", 0.05)
    part = Slow(float("inf"))
    everybody = Audience()
    everybody.parts = [part]
    began = time.monotonic()
    everybody.asks()
    assert time.monotonic() - began >= 0.05
    hurried = part.hurried
    everybody.asks()
    assert part.hurried == hurried, "nor twice"


def test_who_follows_does_not_wait_at_all() -> None:
    part = Slow(float("inf"))
    everybody = Audience()
    everybody.parts = [part]
    everybody.follows()
    assert part.hurried == 1
