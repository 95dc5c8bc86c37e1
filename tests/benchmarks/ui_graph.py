"""Benchmark of the graph's screen with a large system: opening, moving, searching, changing views.

A pause is how long the screen answers nothing: from a key to the screen that it leads to, and the
longest time in which the event loop did nothing else, whatever it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from textual import events
from textual.pilot import Pilot

from graph.topology import Topology
from tests.benchmarks.figures import Figure, Goal, Report, percentile
from tests.benchmarks.world import World, say
from tests.tui.large import LargeSource
from tui.app import FlowtapApp, favour_keys

SIZE = (140, 40)
PAUSE = Goal(200, at_least=False)
"""Milliseconds."""
BEAT = 0.002
PATIENCE = 30.0

SEQUENCES: Sequence[tuple[str, Sequence[str]]] = (
    ("move down", ["down"] * 40),
    ("page through", ["pagedown"] * 15),
    ("to the end and back", ["end", "home"] * 3),
    ("search, each key", ["f", *"payment-ser"]),
    ("go to a match", ["enter"]),
    ("put it in the middle", ["enter"]),
    ("more and fewer hops", ["+", "+", "+", "-", "-"]),
    ("move on and back", ["right", "enter", "escape", "escape", "escape"]),
    ("to a table", ["t"]),
    ("sort by each column", ["s"] * 9),
    ("move in the table", ["down"] * 20),
    ("back to the graph", ["t"]),
    ("hide what is quiet", ["i", "i"]),
)
"""What is done, one after the other."""


class _WatchedApp(FlowtapApp):
    """Knows when it has painted."""

    def __init__(self, source: LargeSource) -> None:
        super().__init__(source, clock=source.clock)
        self.painted = 0.0
        self.paint = asyncio.Event()

    def _display(self, *arguments: Any) -> None:
        super()._display(*arguments)
        self.painted = time.perf_counter()
        self.paint.set()


class _Pause(NamedTuple):
    """Milliseconds in which the event loop did not turn."""

    wall: float
    cpu: float
    """That its thread worked meanwhile; the rest was other processes', or another thread's."""


class _Heart:
    """Beats on the event loop; knows the longest time between two beats."""

    def __init__(self) -> None:
        self._longest, self._busiest = 0.0, 0.0
        self._task = asyncio.ensure_future(self._beat())

    async def _beat(self) -> None:
        before, worked = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(BEAT)
            now, cpu = time.perf_counter(), time.thread_time()
            self._longest = max(self._longest, now - before - BEAT)
            self._busiest = max(self._busiest, cpu - worked)
            before, worked = now, cpu

    def since(self) -> _Pause:
        """The longest pause since this was asked for last."""
        pause = _Pause(self._longest * 1000, self._busiest * 1000)
        self._longest = self._busiest = 0.0
        return pause

    def stop(self) -> None:
        self._task.cancel()


def screen(world: World) -> Report:
    """Open a large graph and use it, some times over."""
    opened: list[float] = []
    pauses: dict[str, list[_Pause]] = {}
    keys: dict[str, list[float]] = {}
    source = LargeSource()
    topology = source.topology()
    favour_keys()
    for _ in range(world.sizes.runs):
        world.before_run()
        say("ui_graph: opening and using it")
        asyncio.run(_used(source, topology, opened, pauses, keys))
    figures = [Figure("open, from the first answer asked for", "ms", tuple(opened))]
    for name, taken in keys.items():
        figures.append(Figure(f"{name}: key to screen, p95", "ms", tuple(taken), PAUSE))
    for name, found in pauses.items():
        wall, cpu = tuple(one.wall for one in found), tuple(one.cpu for one in found)
        figures.append(Figure(f"{name}: longest pause", "ms", wall, PAUSE))
        figures.append(Figure(f"{name}: work in one turn of the loop", "CPU-ms", cpu, PAUSE))
    kinds = [node.kind.value for node in topology.nodes]
    did = (
        f"{kinds.count('service'):,} services, {kinds.count('destination'):,} destinations, "
        f"{len(topology.edges):,} edges at {SIZE[0]}x{SIZE[1]}; answers are read meanwhile"
    )
    return Report("ui_graph", did, tuple(figures))


async def _used(
    source: LargeSource,
    topology: Topology,
    opened: list[float],
    pauses: dict[str, list[_Pause]],
    keys: dict[str, list[float]],
) -> None:
    app = _WatchedApp(source)
    began = time.perf_counter()
    async with app.run_test(size=SIZE) as pilot:
        heart = _Heart()
        await _until(pilot, lambda: app.screen.query_one("#main").virtual_size.height > 1_000)
        opened.append((time.perf_counter() - began) * 1000)
        pauses.setdefault("open", []).append(heart.since())
        # What is known from before comes after the first answer, with another layout.
        await asyncio.sleep(1.5)
        pauses.setdefault("the next answers", []).append(heart.since())
        for name, pressed in SEQUENCES:
            taken = [await _press(app, key) for key in pressed]
            keys.setdefault(name, []).append(percentile(taken, 0.95))
            pauses.setdefault(name, []).append(heart.since())
        heart.stop()


async def _press(app: _WatchedApp, key: str) -> float:
    """Milliseconds from a key until the last paint that it led to."""
    named = {"+": "plus", "-": "minus"}.get(key, key)
    began = app.painted = time.perf_counter()
    app.post_message(events.Key(named, key if len(key) == 1 else None))
    patience = 1.0
    with suppress(TimeoutError):
        while True:
            app.paint.clear()
            await asyncio.wait_for(app.paint.wait(), patience)
            # A key may paint a line first, and the drawing right after.
            patience = 0.03
    return (app.painted - began) * 1000


async def _until(pilot: Pilot[None], condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(Exception):
            if condition():
                return
        if time.monotonic() > deadline:
            raise TimeoutError("the graph was never drawn")
        await asyncio.sleep(BEAT)
