"""What looking for findings takes of the collector's CPU, under a steady load."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.benchmarks.collector import Collector
from tests.benchmarks.figures import Figure, Goal, Report
from tests.benchmarks.messages import shop_topics
from tests.benchmarks.payload import READINGS
from tests.benchmarks.steps import SHOP, TOPICS
from tests.benchmarks.visible import RATE
from tests.benchmarks.world import World, say
from tests.soak.watch import Sender

SECONDS = 300.0
"""From the first message on, since looks come in turns with long rests: minutes are complete after
two, and each is looked at once all that is sent with it had time to come, and once more later."""

MOST = 0.1
"""Of the collector's CPU."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One collector's minutes."""

    cpu_each: float
    """CPU-seconds of the collector for a million spans and messages."""
    per_second: float
    """Spans and messages that came in."""
    own_share: float
    """Of its CPU, by the account that findings keep of themselves: at most."""
    behind: float
    """Seconds since the last minute that was looked at; 0 where none are looked for."""


def cost(world: World) -> Report:
    """Collectors that look for findings and that do not, in turns, and their CPU."""
    bootstrap = world.broker.bootstrap
    shop_topics(bootstrap)
    taken: dict[bool, list[Measured]] = {True: [], False: []}
    for pair in range(world.sizes.pairs):
        # What drifts is not to hit always the same one.
        for looking in (True, False) if pair % 2 else (False, True):
            taken[looking].append(_measure(world, bootstrap, looking))
    with_, without = taken[True], taken[False]
    more = tuple(
        one.cpu_each / other.cpu_each - 1 for one, other in zip(with_, without, strict=True)
    )

    def figure(name: str, unit: str, what: str, goal: Goal | None = None) -> Figure:
        return Figure(name, unit, tuple(getattr(one, what) for one in with_), goal)

    figures = (
        Figure("CPU with findings, more than without", "", more, Goal(MOST, at_least=False)),
        figure("their own account, of the CPU", "", "own_share", Goal(MOST, at_least=False)),
        figure("CPU with findings", "s/1M", "cpu_each"),
        Figure("CPU without", "s/1M", tuple(one.cpu_each for one in without)),
        figure("came in meanwhile", "1/s", "per_second", Goal(0.95 * RATE)),
        Figure("came in without", "1/s", tuple(one.per_second for one in without)),
        figure("minutes were looked at after", "s", "behind"),
    )
    did = (
        f"{RATE:,} spans and messages a second for {SECONDS:.0f} s, in turns with and without "
        "findings: the collector's CPU"
    )
    return Report("findings_cost", did, figures)


def _measure(world: World, bootstrap: str, looking: bool) -> Measured:
    folder = world.folder()
    world.before_run()
    say(f"findings_cost: {RATE:,} a second, {'with' if looking else 'without'} findings")
    kafka = {"bootstrap": bootstrap, "include": [READINGS, *TOPICS]}
    settings = {} if looking else {"FLOWTAP_LIMITS_FINDINGS_SHARE": "0"}
    with Collector(folder, kafka=kafka, settings=settings) as collector:
        collector.wait_quiet()
        sender = Sender(collector, bootstrap, RATE / 2 / len(SHOP))
        try:
            began, cpu = time.monotonic(), collector.cpu_seconds
            time.sleep(SECONDS)
            seconds, came_in = time.monotonic() - began, sender.told
            until = collector.component("findings").get("until_ns", 0) / 1e9
            behind = time.time() - until if until else 0.0
            sender.stop()
            told = sender.told
            # What was sent and is not stored yet has not cost what it will.
            collector.wait(lambda: _stored(collector) >= told.messages, 300, "messages wait")
            collector.wait_inserted(300)
            collector.wait_quiet(30)
            used, found = collector.cpu_seconds - cpu, collector.component("findings")
        finally:
            sender.stop()
    world.forget(folder)
    came = told.spans + told.messages
    own = found.get("cost_seconds_in_all", 0.0)
    per_second = (came_in.spans + came_in.messages) / seconds
    return Measured(used / came * 1e6, per_second, own / used, behind)


def _stored(collector: Collector) -> int:
    return int(collector.component("intake").get("kafka", {}).get("stored", 0))
