"""Statements of the edges wait for inserts, and not for ever."""

from __future__ import annotations

import time
from typing import Any

import pytest

from collector.store.rollup import giving_way
from collector.store.rollup.giving_way import GivingWay, Statements


class Time:
    """A clock that only sleeping and statements move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.pass_by)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class Client:
    """Each statement takes a second."""

    def __init__(self, clock: Time) -> None:
        self.began: list[float] = []
        self._clock = clock

    def command(self, sql: str, parameters: Any) -> str:
        self.began.append(self._clock.now)
        self._clock.pass_by(1.0)
        return f"{sql} {parameters}"

    query = command


def test_a_statement_begins_when_no_insert_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Time(monkeypatch)
    client = Client(clock)
    busy_until = 101.5
    way = GivingWay(lambda: clock.now < busy_until)
    statements = Statements(client, way)
    assert statements.command("INSERT", {"a": 1}) == "INSERT {'a': 1}"
    assert statements.query("SELECT") == "SELECT None"
    statements.command("INSERT")
    assert client.began == pytest.approx([100, 101.5, 102.5], abs=2 * giving_way.LOOK_SECONDS)
    assert way.waited == pytest.approx(0.5, abs=2 * giving_way.LOOK_SECONDS)


def test_it_waits_no_longer_than_all_of_them_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Time(monkeypatch)
    client = Client(clock)
    way = GivingWay(lambda: True)
    for _ in range(5):
        Statements(client, way).command("INSERT")
    assert client.began == pytest.approx([100, 102, 104, 106, 108], abs=0.1)
    assert way.waited == pytest.approx(4, abs=0.1)


def test_what_holds_up_inserts_waits_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Time(monkeypatch)
    client = Client(clock)
    statements = Statements(client, None)
    for _ in range(3):
        statements.command("INSERT")
    assert client.began == [100, 101, 102]
