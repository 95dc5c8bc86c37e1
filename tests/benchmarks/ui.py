"""Benchmark of the terminal UI: keys while two thousand messages a second pass by."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graph.listing import Activity, EventFilter, EventRow
from graph.wire.listing import activity_to_dict
from tests.benchmarks.figures import Figure, Goal, Report, percentile
from tests.benchmarks.world import World, apart, say
from tui.commands.tui import FRAMES
from tui.screens.events import EventsScreen
from tui.widgets.canvas import Canvas

RATE = 2_000
"""Messages a second."""
PIECES = 100
"""In so many pieces a second."""
SECONDS = 10.0
SIZE = (200, 50)
PAUSE = 0.05
"""Seconds between an answer and the next key."""
TYPES = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one run."""

    milliseconds: Sequence[float]
    """From each key until its effect was drawn."""
    worked: Sequence[float]
    """CPU milliseconds of the process meanwhile; the rest it waited, for a frame or for a CPU."""
    cores: float
    """That the whole process took, drawing and decoding included."""
    shown: int
    missed: int


class Passing:
    """The bytes of `/tail`, as they would come from a collector."""

    def __init__(self, seconds: float) -> None:
        numbers = iter(range(round(seconds * RATE)))
        self._pieces = iter(
            [
                b"".join(map(_told, itertools.islice(numbers, RATE // PIECES)))
                for _ in range(round(seconds * PIECES))
            ]
        )
        self._due = 0.0

    def read1(self, most: int) -> bytes:
        """The next piece, when it is due."""
        self._due = (
            max(self._due, time.monotonic() - 1) + 1 / PIECES if self._due else (time.monotonic())
        )
        time.sleep(max(0.0, self._due - time.monotonic()))
        return next(self._pieces, b"")

    sock = None

    def close(self) -> None:
        """Nothing is open."""


def _told(number: int) -> bytes:
    now = time.time_ns()
    row = EventRow(
        f"orders.{number % TYPES}/{number % 3}/{number}",
        now,
        f"orders.{number % TYPES}",
        "kafka",
        "shop",
        event_type=f"com.shop.order.changed.{number % TYPES}",
        key=f"order-{number // 4}",
        message_id=f"7c1f0d9e-1d5e-4c6f-8a7b-{number:012x}",
        correlation_id=f"cart-{number // 8}",
        service=f"storefront-{number % 7}",
        received=now,
        size=312,
    )
    told = json.dumps(activity_to_dict(Activity(row)), ensure_ascii=False)
    return f"event: message\ndata: {told}\n\n".encode()


def run(seconds: float) -> Outcome:
    """Follow, and press keys; in a process of its own, for its CPU is looked at."""
    return asyncio.run(_run(seconds))


async def _run(seconds: float) -> Outcome:
    from textual import events
    from textual.drivers.headless_driver import HeadlessDriver

    from tests.tui.fake import FakeSource
    from tui.app import FlowtapApp, favour_keys
    from tui.remote import Stream

    # What is drawn is encoded for a terminal too, though nobody looks. A class's property is no
    # place to assign to, as far as types go.
    HeadlessDriver.is_headless = property(lambda self: False)  # type: ignore[assignment,method-assign]

    class Busy(FakeSource):
        def follow(self, wanted: EventFilter, *, listed: bool = False) -> Any:
            return Stream(cast(Any, passing), cast(Any, passing))

    passing = Passing(seconds + 2)
    favour_keys()  # As the command does.
    app = FlowtapApp(Busy())
    taken: list[float] = []
    worked: list[float] = []
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2")
        screen = app.screen
        assert isinstance(screen, EventsScreen)
        while screen.passing.seen < RATE // 2:
            await pilot.pause(0.01)
        keys = itertools.cycle(_keys(screen))
        cpu, began, seen = time.process_time(), time.monotonic(), screen.passing.seen
        while time.monotonic() - began < seconds - 1:
            key, answered = next(keys)
            before = screen.query_one("#main", Canvas).selected
            pressed, busy = time.perf_counter(), time.process_time()
            app.post_message(events.Key(key, None))
            async with asyncio.timeout(10):
                while not answered(before):  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.001)
                await _drawn(screen)
            taken.append((time.perf_counter() - pressed) * 1000)
            worked.append((time.process_time() - busy) * 1000)
            await asyncio.sleep(PAUSE)
        cores = (time.process_time() - cpu) / (time.monotonic() - began)
        shown = screen.passing.seen - seen
        missed = screen.passing.missed
    return Outcome(taken, worked, cores, shown, missed)


def _keys(screen: EventsScreen) -> list[tuple[str, Callable[[Hashable], bool]]]:
    """Keys, and whether each has had its effect; what was selected before is told."""
    main = screen.query_one("#main", Canvas)

    def held(before: Hashable) -> bool:
        return screen.passing.held

    def follows(before: Hashable) -> bool:
        return not screen.passing.held

    def moved(before: Hashable) -> bool:
        return main.selected != before

    walk = [("up", moved), ("pageup", moved), ("down", moved)]
    return [("up", held), *walk, ("p", follows), ("space", held), *walk, ("end", follows)]


async def _drawn(screen: EventsScreen) -> None:
    """Until what has changed is on the screen."""
    done = asyncio.Event()
    screen.call_after_refresh(done.set)
    await done.wait()


def follows(world: World) -> Report:
    """Keys are answered while messages pass by."""
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)  # As the command does, for the process apart.
    seconds = SECONDS if world.sizes.runs > 1 else SECONDS / 2
    outcomes = []
    for _ in range(world.sizes.runs):
        world.before_run()
        say(f"ui: {RATE:,} messages a second for {seconds:.0f} s")
        outcomes.append(apart(run, seconds))
    keys = [
        Figure(
            f"a key is answered, p{round(share * 100)}",
            "ms",
            tuple(percentile(outcome.milliseconds, share) for outcome in outcomes),
            Goal(50, at_least=False) if share == 0.95 else None,
        )
        for share in (0.5, 0.95, 0.99)
    ]
    worked = Figure(
        "work for a key, p95",
        "CPU-ms",
        tuple(percentile(outcome.worked, 0.95) for outcome in outcomes),
    )
    cores = Figure("of the UI", "cores", tuple(one.cores for one in outcomes), Goal(1, False))
    missed = Figure("dropped", "messages", tuple(float(one.missed) for one in outcomes))
    shown = sum(outcome.shown for outcome in outcomes)
    count = sum(len(outcome.milliseconds) for outcome in outcomes)
    did = f"{shown:,} messages of {TYPES} types at {SIZE[0]}x{SIZE[1]}, {count} keys"
    return Report("ui", did, (*keys, worked, cores, missed))
