"""What it costs to be left on: while hardly anything happens, and under a steady load, with and
without somebody who looks."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc

from tests.benchmarks.collector import Collector
from tests.benchmarks.figures import Figure, Goal, Report
from tests.benchmarks.machine import memory
from tests.benchmarks.messages import shop_topics
from tests.benchmarks.payload import orders, requests
from tests.benchmarks.sender import EXPORT
from tests.benchmarks.steps import SHOP
from tests.benchmarks.world import World, say
from tests.soak.watch import Sender

RATE = 5_000
"""Spans a second, and messages."""

SECONDS = 15.0
"""Of each figure: some inserts, however seldom they are."""

WARM_SECONDS = 15.0


def left_on(world: World) -> Report:
    """Cores that a collector takes."""
    bootstrap = world.broker.bootstrap
    shop_topics(bootstrap)
    folder = world.folder()
    world.before_run()
    say("left_on: nothing, a few spans, and a steady load")
    rest, trickle, alone, watched = (list[float]() for _ in range(4))
    made = list(requests(SHOP, orders(1_000, start=time.time_ns()), 10))
    with Collector(folder, kafka={"bootstrap": bootstrap}) as collector:
        collector.wait_quiet()
        with grpc.insecure_channel(f"127.0.0.1:{collector.ports['otlp_grpc']}") as channel:
            export = channel.unary_unary(EXPORT)
            rest.append(_cores(collector, lambda: None))
            for _ in range(world.sizes.runs):
                trickle.append(_cores(collector, lambda: export(made.pop())))
        sender = Sender(collector, bootstrap, RATE / len(SHOP))
        try:
            time.sleep(WARM_SECONDS)
            before, began = sender.told, time.monotonic()
            for _ in range(world.sizes.runs):
                alone.append(_cores(collector, lambda: None))
            for _ in range(world.sizes.runs):
                watched.append(_cores(collector, lambda: collector.get("/events?limit=1")))
            seconds = time.monotonic() - began
            told, mib = sender.told, memory(collector.pid)
        finally:
            sender.stop()
    world.forget(folder)
    spans, messages = (
        Figure(f"{name} came in", "1/s", (count / seconds,), Goal(0.95 * RATE))
        for name, count in (
            ("spans", told.spans - before.spans),
            ("messages", told.messages - before.messages),
        )
    )
    figures = (
        Figure("nothing comes in", "cores", tuple(rest)),
        Figure("a request of 10 spans, ten times a second", "cores", tuple(trickle)),
        spans,
        messages,
        Figure("a steady load, nobody asks", "cores", tuple(alone), Goal(1.0, at_least=False)),
        Figure("a steady load, somebody asks ten times a second", "cores", tuple(watched)),
        Figure("memory at the end", "MiB", (mib,), Goal(1000, at_least=False)),
    )
    did = f"{RATE:,} spans and as many messages a second; {SECONDS:.0f} s each"
    return Report("left_on", did, figures)


def _cores(collector: Collector, each: Callable[[], object]) -> float:
    """What a collector takes on average while something is done ten times a second."""
    before, began = collector.cpu_seconds, time.monotonic()
    while (passed := time.monotonic() - began) < SECONDS:
        each()
        time.sleep(0.1)
    return (collector.cpu_seconds - before) / passed
