"""How often one address may ask."""

from __future__ import annotations

from collector.api.rate import ADDRESSES, Rate


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_twice_the_rate_at_once_and_then_as_time_passes() -> None:
    clock = Clock()
    rate = Rate(2, monotonic=clock)
    assert [rate.wait("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert rate.wait("b") == 0, "another address has its own"
    clock.now = 0.5
    assert [rate.wait("a") for _ in range(2)] == [0, 0.5]
    clock.now = 100
    assert [rate.wait("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]


def test_less_than_one_a_second_still_lets_one_pass() -> None:
    rate = Rate(0.1, monotonic=Clock())
    assert rate.wait("a") == 0
    assert rate.wait("a") > 9


def test_the_addresses_that_are_remembered_are_bounded() -> None:
    rate = Rate(1, monotonic=Clock())
    for number in range(ADDRESSES * 3):
        rate.wait(str(number))
    assert len(rate._left) == ADDRESSES
