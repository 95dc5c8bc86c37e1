"""Rounds of a collector's life that end badly or in order, and the reckoning after the last."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from confluent_kafka.admin import AdminClient, NewTopic

from graph.listing import EventFilter
from tests.chaos.found import found
from tests.chaos.load import Load
from tests.integration.outside import ends
from tests.running import RunningCollector, eventually

STOPS_WITHIN = 10.0
"""Seconds that a SIGTERM may take, whatever the load."""

LONGEST_ROUND = 20.0
"""Seconds after which it ends although little was acknowledged."""

End = Literal[
    "killed", "killed while it started", "stopped", "stopped twice", "killed as it stopped"
]


@dataclass(frozen=True, slots=True)
class Round:
    """How one life ends, and when."""

    end: End
    requests: int
    """Acknowledged before it."""
    after: float
    """Seconds: of the start until a kill in it, or from one signal to the next."""
    seen: bool = True
    """Somebody looks: what comes is stored in small inserts."""


def drawn(count: int, chance: random.Random) -> list[Round]:
    """Rounds of all kinds, most of them kills."""
    kinds: tuple[End, ...] = (
        *("killed",) * 6,
        "killed while it started",
        *("stopped",) * 2,
        "stopped twice",
        "killed as it stopped",
    )
    return [
        Round(
            chance.choice(kinds),
            chance.randrange(1, 200),
            chance.uniform(0.0, 1.5),
            seen=chance.random() < 0.7,
        )
        for _ in range(count)
    ]


@contextmanager
def topic(bootstrap: str) -> Iterator[str]:
    """A topic of its own, of two partitions."""
    name = f"chaos-{random.randrange(2**32):08x}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(20)
    yield name
    admin.delete_topics([name])[name].result(20)


def run(
    rounds: Sequence[Round],
    bootstrap: str,
    folder: Path,
    chance: random.Random,
    *,
    most_orders: int = 5,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Raises AssertionError where something acknowledged is lost, anything is counted twice, or
    a stop takes too long."""
    with topic(bootstrap) as name:
        # The broker is shared: what others left on it is none of this one's business.
        collector = RunningCollector(folder / "store", tap(bootstrap, name))
        load = Load(bootstrap, name, chance, most_orders=most_orders)
        try:
            for number, one in enumerate(rounds, 1):
                took = _live(collector, load, one)
                tell(
                    f"{number}/{len(rounds)}: {one.end}, gone after {took:.1f} s; "
                    f"{len(load.acknowledged):,} spans and {len(load.records):,} messages so far"
                )
            load.ports = dict(collector.start().runtime.ports)
            load.stop()
            eventually(lambda: settled(collector, load, name), 60)
            stop_in_time(collector)
        finally:
            load.abandon()
            collector.kill()
        reckon(collector.store, load, bootstrap, name)
        tell(
            f"all is there once: {len(load.spans):,} spans in {load.requests:,} requests "
            f"({load.repeated:,} sent again), {len(load.records):,} messages, edges exact"
        )


def tap(bootstrap: str, name: str) -> dict[str, str]:
    """The settings of a collector that taps this topic alone."""
    tapped = f'[{{"bootstrap": "{bootstrap}", "include": ["{name}"], "since": "beginning"}}]'
    return {"FLOWTAP_KAFKA": tapped, "FLOWTAP_RECEIVERS_ZIPKIN": "off"}


def _live(collector: RunningCollector, load: Load, one: Round) -> float:
    """One life of the collector; seconds from its first signal until it was gone."""
    if one.end == "killed while it started":
        collector.launch()
        time.sleep(one.after)  # a moment to be killed at, not a wait for a condition
        return collector.kill()
    load.ports = dict(collector.start().runtime.ports)
    if one.seen:
        collector.client().events(EventFilter(limit=1))
    enough = load.requests + one.requests
    until = time.monotonic() + LONGEST_ROUND
    while load.requests < enough and time.monotonic() < until:
        time.sleep(0.002)
    if one.end == "killed":
        return collector.kill()
    if one.end == "stopped":
        return stop_in_time(collector)
    began = time.monotonic()
    collector.signal(signal.SIGTERM)
    time.sleep(one.after)
    if one.end == "killed as it stopped":
        collector.kill()
    else:
        collector.signal(signal.SIGTERM)
        code = collector.wait(STOPS_WITHIN)
        assert code in (0, -signal.SIGTERM), f"exit code {code}"
    return time.monotonic() - began


def stop_in_time(collector: RunningCollector) -> float:
    """SIGTERM; seconds until it was gone."""
    began = time.monotonic()
    code = collector.stop(STOPS_WITHIN)
    assert code == 0, f"exit code {code}: {collector.log.read_text()[-2000:]}"
    return time.monotonic() - began


def settled(collector: RunningCollector, load: Load, name: str) -> bool:
    """Whether the last record of each partition is stored, and nothing waits in the spool."""
    client = collector.client()
    parts = {part["name"]: part for part in client.health()["components"]}
    stored = {one.id for one in client.events(EventFilter(destination=name, limit=1000)).rows}
    last: dict[str, int] = {}
    for partition, offset in load.records.copy():
        last[partition] = max(offset, last.get(partition, 0))
    wanted = {f"{name}/{partition}/{offset}" for partition, offset in last.items()}
    return wanted <= stored and not parts["spool"]["figures"]["bytes"]


def reckon(store: Path, load: Load, bootstrap: str, name: str) -> None:
    """What senders were told and what the broker holds, against what is stored."""
    there = found(store)
    held = {
        (str(partition), offset)
        for (_, partition), end in ends(bootstrap, [name]).items()
        for offset in range(end)
    }
    assert load.records <= held
    lost = load.acknowledged - there.spans
    assert not lost, f"{len(lost)} acknowledged spans are lost"
    assert there.spans == load.spans
    assert there.operations == there.counted_spans == len(load.spans)
    missing = held - there.records
    assert not missing, f"{len(missing)} messages are lost"
    assert there.records == held
    assert there.counted_messages == len(held)
    assert there.edges == {
        "shop produce orders observed": len(load.spans) // 2,
        "payment consume orders observed": len(load.spans) // 2,
        f"legacy produce {name} declared": len(held),
    }
