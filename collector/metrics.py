"""What came in and what became of it, per source.

For each source and unit, once nothing is under way:

    received = stored + rejected + dropped

`stored` was made durable, `rejected` will never be accepted, `dropped` was turned away and may
come again, to be received anew. What is not ours to keep is `ignored` and not received.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

Unit = Literal["requests", "spans", "messages"]
Outcome = Literal["received", "stored", "rejected", "dropped", "ignored"]

_HELP: dict[Outcome, str] = {
    "received": "came in",
    "stored": "were made durable",
    "rejected": "can never be accepted",
    "dropped": "were turned away and may come again",
    "ignored": "are not kept by flowtap and were not received",
}


class _Counted(Collector):
    """Counters of what somebody else counts, read when somebody looks."""

    def __init__(
        self, name: str, said: str, label: str, counted: Mapping[str, Callable[[], int]]
    ) -> None:
        self._name, self._said, self._label = name, said, label
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        counter = CounterMetricFamily(self._name, self._said, labels=[self._label])
        for value, read in self._counted.items():
            counter.add_metric([value], read())
        yield counter


class Counters:
    """Counters and gauges of one collector, in a registry of its own. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._open = Gauge(
            "flowtap_findings_open",
            "Findings that were there at the last look and are not muted.",
            ["kind"],
            registry=self.registry,
        )
        self._found: dict[str, Callable[[], int]] = {}
        self.registry.register(
            _Counted(
                "flowtap_findings", "Findings that began and are not muted.", "kind", self._found
            )
        )
        self._counters: dict[tuple[Unit, Outcome], Counter] = {
            (unit, outcome): Counter(
                f"flowtap_{unit}_{outcome}",
                f"{unit.capitalize()} that {said}.",
                ["source"],
                registry=self.registry,
            )
            for unit in get_args(Unit)
            for outcome, said in _HELP.items()
        }
        # Each request counts several times, and to find a label costs more than to add.
        self._labelled: dict[tuple[Unit, str, Outcome], Counter] = {}

    def count(self, unit: Unit, source: str, outcome: Outcome, amount: int = 1) -> None:
        """Add to one counter."""
        if amount:
            key = unit, source, outcome
            counter = self._labelled.get(key)
            if counter is None:
                counter = self._counters[unit, outcome].labels(source)
                self._labelled[key] = counter
            counter.inc(amount)

    def watch_finding(self, kind: str, counts: Mapping[str, int]) -> None:
        """Show how many findings of a kind are `open`, and how many were `found` since the start;
        read when somebody looks."""
        self._open.labels(kind).set_function(lambda: counts["open"])
        self._found[kind] = lambda: counts["found"]

    def watch_webhook(self, counts: Mapping[str, int], waiting: Callable[[], float]) -> None:
        """Show what became of the webhook's messages, and how many wait; read when somebody
        looks."""
        self.registry.register(
            _Counted(
                "flowtap_webhook_messages",
                "Messages delivered or dropped, and attempts that failed.",
                "outcome",
                {outcome: partial(counts.__getitem__, outcome) for outcome in counts},
            )
        )
        self.watch("webhook_waiting", "Messages that wait for the webhook's receiver.", waiting)

    def watch(self, name: str, said: str, read: Callable[[], float]) -> None:
        """Show a value that is read when somebody looks; the name gets the prefix `flowtap_`."""
        Gauge(f"flowtap_{name}", said, registry=self.registry).set_function(read)

    def snapshot(self) -> dict[str, dict[str, dict[str, int]]]:
        """Unit -> source -> outcome -> count; every outcome of a source that was seen."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for (unit, outcome), counter in self._counters.items():
            for metric in counter.collect():
                for sample in metric.samples:
                    if sample.name.endswith("_total"):
                        source = found.setdefault(unit, {}).setdefault(
                            sample.labels["source"], dict.fromkeys(_HELP, 0)
                        )
                        source[outcome] = int(sample.value)
        return found

    def under_way(self, unit: Unit, source: str) -> int:
        """Received and not yet stored, rejected or dropped; 0 when the equation holds."""
        outcomes = self.snapshot().get(unit, {}).get(source)
        if outcomes is None:
            return 0
        return outcomes["received"] - sum(
            outcomes[outcome] for outcome in ("stored", "rejected", "dropped")
        )

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
