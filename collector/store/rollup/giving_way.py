"""Statements that give way to inserts.

What came in is waited for by somebody; edges are not, or not for long. Both together take all cores
of a small machine, and an insert beside a run of edges takes twice its time. So each statement of a
run begins when no insert is under way, as far as that does not make the run twice as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

LOOK_SECONDS = 0.005


class GivingWay:
    """One run's pace."""

    def __init__(self, busy: Callable[[], object]) -> None:
        """`busy` says whether an insert is under way."""
        self.waited = 0.0
        """Seconds."""
        self._ran = 0.0
        self._busy = busy

    def run(self, statement: Callable[[], Any]) -> Any:
        """Run it once no insert is under way, or enough was waited."""
        began = time.monotonic()
        while self._busy() and self.waited + time.monotonic() - began < self._ran:
            time.sleep(LOOK_SECONDS)
        begun = time.monotonic()
        self.waited += begun - began
        try:
            return statement()
        finally:
            self._ran += time.monotonic() - begun


class Statements:
    """A client of the engine, as far as it runs statements, with a pace or without."""

    def __init__(self, client: Any, way: GivingWay | None) -> None:
        self._client = client
        self._run: Callable[[Callable[[], Any]], Any] = way.run if way else _at_once

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        return self._run(lambda: self._client.command(sql, parameters=parameters))

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        return self._run(lambda: self._client.query(sql, parameters=parameters))


def _at_once(statement: Callable[[], Any]) -> Any:
    return statement()
