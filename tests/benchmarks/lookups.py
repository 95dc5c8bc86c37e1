"""Benchmarks of answers: by the API of a collector, from the shell, and the edges behind them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from tests.benchmarks import engine
from tests.benchmarks.chains import Planted
from tests.benchmarks.collector import FLOWTAP, Collector
from tests.benchmarks.figures import Figure, Goal, Report, percentile
from tests.benchmarks.payload import Order
from tests.benchmarks.steps import CREATED, PAID, SHOP, TOPICS
from tests.benchmarks.stored import filled
from tests.benchmarks.world import World, apart, say

SHELL_RUNS = 10
CHAIN_GOALS = {"chain of 12 events": 60, "chain of 1,000 events in 10 traces": 500}
"""Median milliseconds."""
HOUR = 3600 * 10**9

FOUND = (HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
"""A trace id names several events: the answer is the choice between them."""

Asking = Callable[[Order], str]

IDS: tuple[tuple[str, Asking], ...] = (
    ("message id", lambda order: order.message_id(PAID)),
    ("span id", lambda order: order.span(5).hex()),
    ("trace id", lambda order: order.trace.hex()),
    ("position", lambda order: f"{CREATED}/{order.partition}/{order.offset}"),
)


class WrongAnswer(Exception):
    """What came back is not what was asked for."""


def answers(world: World) -> Report:
    """Ask for any id, for chains and for the graph, and run `flowtap trace`."""
    count, asked, rounds = world.sizes.stored_orders, world.sizes.asked, world.sizes.runs
    readings = world.sizes.readings
    stored = filled(world)
    kept = stored.orders[: asked * rounds]
    world.before_run()
    collector = Collector(stored.folder)
    samples = [kept[number::rounds] for number in range(rounds)]
    say("look-ups: asking")
    p50, p99 = Goal(10, at_least=False), Goal(25, at_least=False)
    with collector:
        collector.wait_quiet()
        figures: list[Figure] = []
        for kind, id in IDS:
            asking = partial(_event, id)
            figures += _timed(collector, f"event by {kind}", asking, samples, p50, p99)
        figures += _timed(collector, "chain of an order", _chain, samples)
        _whole(collector, kept[0])
        for kind, told in stored.planted.items():
            figures += _planted(collector, kind, told, rounds)
        figures += _timed(
            collector,
            "graph of the last hour",
            lambda _: f"/topology?start={stored.end - HOUR}",
            samples,
            p99=Goal(30, False),
        )
        figures.append(_shell(collector, kept))
    found = apart(engine.resolve, collector.store, {kind: [*map(id, kept)] for kind, id in IDS})
    for kind, taken in found.items():
        rounds_of_kind = [taken[number::rounds] for number in range(rounds)]
        figures += _figures(f"{kind} found in the store", rounds_of_kind, p99=Goal(20, False))
    if not stored.kept:
        world.forget(stored.folder)
    did = (
        f"{count * len(SHOP):,} spans and {count * (len(TOPICS) + readings):,} messages received "
        f"over 30 days; "
        f"{asked} questions of a kind, one at a time"
    )
    return Report("lookup", did, tuple(figures))


def _event(id: Asking, order: Order) -> str:
    return f"/events/{quote(id(order))}"


def _chain(order: Order) -> str:
    return f"/chain/{order.message_id(CREATED)}"


def _timed(
    collector: Collector,
    name: str,
    path: Asking,
    samples: Sequence[Sequence[Order]],
    p50: Goal | None = None,
    p99: Goal | None = None,
) -> list[Figure]:
    """The median and the slow end of each round, in milliseconds."""
    collector.get(path(samples[0][0]))
    rounds = [[_ask(collector, path(order)) for order in sample] for sample in samples]
    return _figures(name, rounds, p50, p99)


def _figures(
    name: str,
    rounds: Sequence[Sequence[float]],
    p50: Goal | None = None,
    p99: Goal | None = None,
) -> list[Figure]:
    return [
        Figure(f"{name}, p50", "ms", tuple(percentile(each, 0.5) for each in rounds), p50),
        Figure(f"{name}, p99", "ms", tuple(percentile(each, 0.99) for each in rounds), p99),
    ]


def _ask(collector: Collector, path: str) -> float:
    began = time.perf_counter()
    status, body = collector.get(path)
    taken = (time.perf_counter() - began) * 1000
    if status not in FOUND:
        raise WrongAnswer(f"{path}: {status} {body[:300]!r}")
    return taken


def _whole(collector: Collector, order: Order) -> None:
    """The chain that is timed is all of the order: its three events, at all seven consumers."""
    _, body = collector.get(_chain(order))
    chain = json.loads(body)
    consumers = sum(step.consumes for step in SHOP)
    if (len(chain["events"]), len(chain["deliveries"])) != (len(TOPICS), consumers):
        raise WrongAnswer(f"{len(chain['events'])} events, {len(chain['deliveries'])} deliveries")


def _planted(
    collector: Collector, kind: str, planted: Sequence[Planted], rounds: int
) -> list[Figure]:
    """How long a chain of a known size takes, which has to be whole."""
    taken: list[list[float]] = []
    for _ in range(rounds):
        taken.append([])
        for one in planted:
            path = f"/chain/{one.id}?bodies=false"
            taken[-1].append(_ask(collector, path))
            _, body = collector.get(path)
            chain = json.loads(body)
            if (len(chain["events"]), len(chain["deliveries"])) != (one.events, one.deliveries):
                raise WrongAnswer(
                    f"{one}: {len(chain['events'])} events, {len(chain['deliveries'])} deliveries"
                )
    p50 = Goal(CHAIN_GOALS[kind], at_least=False)
    return _figures(kind, taken, p50)


def _shell(collector: Collector, orders: Sequence[Order]) -> Figure:
    taken = []
    for order in orders[:SHELL_RUNS]:
        began = time.perf_counter()
        said = subprocess.run(
            [*FLOWTAP, "trace", order.message_id(CREATED)],
            env=collector.environment,
            capture_output=True,
            text=True,
        )
        taken.append((time.perf_counter() - began) * 1000)
        if said.returncode or PAID not in said.stdout:
            raise WrongAnswer(f"flowtap trace: {said.stdout}{said.stderr}")
    return Figure("flowtap trace, from the shell", "ms", tuple(taken), Goal(350, at_least=False))


def edges(world: World) -> Report:
    """How long the running minute takes, which is computed again and again while it runs."""
    count = world.sizes.orders
    folder = world.folder()
    world.before_run()
    say(f"edges: storing {count:,} orders in one minute")
    found = apart(engine.compute, folder, count, max(3, world.sizes.runs))
    world.forget(folder)
    operations = count * sum(bool(step.topic) for step in SHOP)
    figures = (
        Figure("the running minute", "ms", tuple(each * 1000 for each in found.seconds)),
        Figure("the running minute", "CPU-ms", tuple(each * 1000 for each in found.cpu_seconds)),
    )
    did = (
        f"{operations:,} operations and {count * len(TOPICS):,} messages in the minute, "
        f"{found.edges} edges"
    )
    return Report("edges", did, figures)
