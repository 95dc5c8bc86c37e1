"""How soon what was sent is found, while much else comes in."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

import grpc
from confluent_kafka import Producer

from tests.benchmarks.collector import Collector, CollectorFailed
from tests.benchmarks.figures import Figure, Goal, Report, percentile
from tests.benchmarks.messages import shop_topics
from tests.benchmarks.payload import READINGS, Order, orders, reading, requests
from tests.benchmarks.sender import EXPORT
from tests.benchmarks.steps import SHOP, TOPICS
from tests.benchmarks.world import World, say
from tests.soak.watch import Sender

RATE = 20_000
"""Spans and messages a second, half of each."""

WARM_SECONDS = 10.0
GIVE_UP_SECONDS = 30.0
LOOK_SECONDS = 0.01
APART_SECONDS = (0.05, 0.35)
"""Between two that are looked for: they are not to fall into step with the inserts."""


def visible(world: World) -> Report:
    """Send one span, or one message, and ask for its chain until it is told."""
    bootstrap = world.broker.bootstrap
    shop_topics(bootstrap)
    folder = world.folder()
    world.before_run()
    say(f"visible: {RATE:,} spans and messages a second")
    kafka = {"bootstrap": bootstrap, "include": [READINGS, *TOPICS]}
    taken: dict[str, list[list[float]]] = {"span": [], "message": []}
    with Collector(folder, kafka=kafka) as collector:
        collector.wait_quiet()
        probing = _Probing(collector, bootstrap)
        sender = Sender(collector, bootstrap, RATE / 2 / len(SHOP))
        try:
            time.sleep(WARM_SECONDS)
            before, began = sender.told, time.monotonic()
            for _ in range(world.sizes.runs):
                for kind, prepare in (("span", probing.span), ("message", probing.message)):
                    taken[kind].append([probing.look(prepare) for _ in range(world.sizes.asked)])
            seconds = time.monotonic() - began
            sent = sender.told.spans + sender.told.messages - before.spans - before.messages
        finally:
            sender.stop()
            probing.close()
    world.forget(folder)
    figures = [Figure("came in meanwhile", "1/s", (sent / seconds,), Goal(0.95 * RATE))]
    for kind, rounds in taken.items():
        for share, goal in ((0.5, 250), (0.99, 1_000)):
            values = tuple(percentile(each, share) for each in rounds)
            name = f"a {kind} is found after, p{share * 100:.0f}"
            figures.append(Figure(name, "ms", values, Goal(goal, at_least=False)))
    did = (
        f"{world.sizes.asked} spans and messages, one at a time, each asked for by its id every "
        f"{LOOK_SECONDS * 1000:.0f} ms from its sending until the API tells its chain"
    )
    return Report("visible", did, tuple(figures))


class _Probing:
    """Sends what nothing else has sent, and looks for it."""

    def __init__(self, collector: Collector, bootstrap: str) -> None:
        self._collector = collector
        self._channel = grpc.insecure_channel(f"127.0.0.1:{collector.ports['otlp_grpc']}")
        self._export = self._channel.unary_unary(EXPORT)
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
        self._random = random.Random(2)

    def close(self) -> None:
        self._channel.close()
        self._producer.flush(10)

    def span(self) -> tuple[str, Callable[[], object]]:
        """Sends an order's spans but the last service's; returns the last one's id, and what
        sends it."""
        order = self._order()
        *others, last = requests(SHOP, [order], 512)
        for request in others:
            self._export(request)
        return order.span(len(SHOP) - 1).hex(), partial(self._export, last)

    def message(self) -> tuple[str, Callable[[], object]]:
        """The id of a message that no span tells of, and what sends it."""
        made = reading(self._order(), 0, 1)

        def send() -> None:
            self._producer.produce(made.topic, made.value, made.key, headers=list(made.headers))
            self._producer.flush(10)

        return dict(made.headers)["ce_id"].decode(), send

    def look(self, prepare: Callable[[], tuple[str, Callable[[], object]]]) -> float:
        """Milliseconds from the sending until it is told."""
        time.sleep(self._random.uniform(*APART_SECONDS))
        id, send = prepare()
        began = time.perf_counter()
        send()
        while self._collector.get(f"/chain/{id}?bodies=false")[0] != HTTPStatus.OK:
            if time.perf_counter() - began > GIVE_UP_SECONDS:
                raise CollectorFailed(f"{id} is not found after {GIVE_UP_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
        return (time.perf_counter() - began) * 1000

    def _order(self) -> Order:
        """One that nothing else is of."""
        seed = self._random.getrandbits(64)
        return next(orders(1, start=time.time_ns(), seed=seed, first=10**7))
