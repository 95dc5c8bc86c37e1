"""Chains of a known size among many others, and how long each takes to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from collector.store.client import Store
from tests.builders import Flow
from tests.poured import pour


@dataclass(frozen=True, slots=True)
class Planted:
    """A chain that was put into the store."""

    id: str
    """The message id of its first event."""
    events: int
    deliveries: int


def plant(folder: Path, copies: int) -> dict[str, list[Planted]]:
    """So many of each kind, each from a story of its own."""
    kinds: Mapping[str, Callable[[int], tuple[Flow, Planted]]] = {
        "chain of 12 events": _order,
        "chain of 1,000 events in 10 traces": _collection,
    }
    planted: dict[str, list[Planted]] = {}
    with Store(folder) as store:
        for kind, story in kinds.items():
            planted[kind] = []
            for number in range(copies):
                flow, told = story(number)
                pour(flow, store)
                planted[kind].append(told)
    return planted


def _order(number: int) -> tuple[Flow, Planted]:
    """Four steps one after the other, each with two that come of it besides."""
    name = f"planted-order-{number}"
    flow = Flow(cluster=name, first_id=(number + 1) << 40)
    step = flow.send("shop", "planted.0", message_id=name, correlation_id=name, key=name)
    deliveries = 0
    for generation in range(4):
        handling = flow.process(f"service-{generation}", step, lasts=1)
        deliveries += 1
        for beside in ("audit", "mail"):
            flow.send(
                f"service-{generation}",
                f"planted.{beside}",
                inside=handling,
                message_id=f"{name}-{generation}-{beside}",
                correlation_id=name,
            )
        if generation < 3:
            step = flow.send(
                f"service-{generation}",
                f"planted.{generation + 1}",
                inside=handling,
                message_id=f"{name}-{generation}",
                correlation_id=name,
            )
    return flow, Planted(name, 12, deliveries)


def _collection(number: int) -> tuple[Flow, Planted]:
    """One that leads to nine deliveries in traces of their own, each to 111 events."""
    name = f"planted-collection-{number}"
    flow = Flow(cluster=name, first_id=(number + 1) << 48)
    first = flow.send("shop", "planted.collections", message_id=name, correlation_id=name)
    for worker in range(9):
        handling = flow.process(f"worker-{worker}", first, by="link", lasts=1)
        for item in range(111):
            flow.send(
                f"worker-{worker}",
                "planted.items",
                inside=handling,
                message_id=f"{name}-{worker}-{item}",
                correlation_id=name,
            )
    return flow, Planted(name, 1_000, 9)
