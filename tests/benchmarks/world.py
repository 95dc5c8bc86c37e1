"""What the benchmarks share: sizes, a folder, files of requests, one Kafka, child processes."""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ParamSpec, TypeVar

from samples.kafka.broker import Broker
from tests.benchmarks import sender
from tests.benchmarks.machine import fixed_work
from tests.benchmarks.payload import orders, requests
from tests.benchmarks.steps import MIXED, SHOP

P = ParamSpec("P")
T = TypeVar("T")

RECIPES = {"shop": SHOP, "mixed": MIXED}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    runs: int
    orders: int
    """Sent in each run, of eleven or twelve spans."""
    small_orders: int
    """Sent in each run of small requests."""
    messages: int
    """Read in each run of a tap."""
    stored_orders: int
    """In the store that is looked into; each has eleven spans and three messages."""
    readings: int
    """Messages beside each of them, without spans."""
    asked: int
    """Questions of each kind in each run."""
    batches: int
    """Of 31 histories with faults each."""
    pairs: int
    """Of minutes with and without something."""
    after: float
    """Seconds of merges and edges that are watched after the last insert."""


QUICK = Sizes(1, 4_000, 800, 40_000, 3_000, 8, 10, 1, 1, 1.0)
DEFAULT = Sizes(3, 12_000, 2_000, 120_000, 15_000, 8, 25, 8, 2, 2.0)
FULL = Sizes(3, 181_820, 20_000, 1_000_000, 909_100, 8, 400, 16, 3, 20.0)
"""Those that the goals are about."""


@dataclass(frozen=True, slots=True)
class Requests:
    """A file of requests, and how many spans and orders are in it."""

    path: Path
    orders: int
    spans: int
    requests: int


class World:
    """Everything that lasts longer than one run. A context manager: it leaves nothing behind."""

    def __init__(self, folder: Path, sizes: Sizes, keep: Path | None = None) -> None:
        self.sizes = sizes
        self.keep = keep
        """Where what takes long to make stays for the next time."""
        self.works: list[float] = []
        """Seconds that the same piece of work took, before each run."""
        self._folder = folder
        self._stack = ExitStack()
        self._runs = 0
        self._made: dict[tuple[str, int, int], Requests] = {}

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def broker(self) -> Broker:
        """A real Kafka, started when it is first wanted."""
        say("starting Kafka")
        return self._stack.enter_context(Broker(progress=say))

    def folder(self) -> Path:
        """A fresh folder for one run."""
        self._runs += 1
        folder = self._folder / f"run-{self._runs}"
        folder.mkdir(parents=True)
        return folder

    def forget(self, folder: Path) -> None:
        """Give back what a run took of the disk."""
        shutil.rmtree(folder, ignore_errors=True)

    def before_run(self) -> None:
        """Note how fast the machine is now."""
        self.works.append(fixed_work())

    def requests(self, recipe: str, count: int, size: int) -> Requests:
        """A file of that many orders in requests of that many spans; made once."""
        key = (recipe, count, size)
        if key not in self._made:
            say(f"making {count:,} orders ({recipe}, {size} spans a request)")
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{recipe}-{count}-{size}.requests"
            steps = RECIPES[recipe]
            made = orders(count, start=time.time_ns(), interval=200_000)
            number = sender.write(path, requests(steps, made, size))
            self._made[key] = Requests(path, count, count * len(steps), number)
        return self._made[key]


def apart(function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Call a function in a process of its own: the engine opens one directory a process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *args, **named).result()


def say(what: str) -> None:
    """Narration, beside the figures."""
    print(f"... {what}", file=sys.stderr, flush=True)
