"""What goes wrong in the shop, how often, and how to switch it: by argument or by environment.

| fault             | environment              | default              |
|-------------------|--------------------------|----------------------|
| payment_failures  | SHOP_PAYMENT_FAILURES    | 0.2 of the orders    |
| poison            | SHOP_POISON              | 0.04 of the orders   |
| points_given_up   | SHOP_POINTS_GIVEN_UP     | 0 of the completed orders |
| points_retried    | SHOP_POINTS_RETRIED      | 0 of the completed orders |
| redelivery        | SHOP_REDELIVERY          | notification=0.05,points=0.05 |
| slow              | SHOP_SLOW                | recommendation=0.1 (seconds a message) |
| down              | SHOP_DOWN                | order-view; empty: nobody |
| down_after, down_for, down_every | SHOP_DOWN_AFTER, ... | 8, 4, 60 seconds |
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Faults:
    """Rates are shares of the orders, evenly spread, so that a short run has its share too."""

    payment_failures: float = 0.2
    """The payment provider declines; the saga compensates."""
    poison: float = 0.04
    """Orders that inventory cannot handle and dead-letters."""
    points_given_up: float = 0.0
    """Completed orders that points cannot handle and goes on without."""
    points_retried: float = 0.0
    """Completed orders that points cannot handle and puts on its retry topic, where they wait:
    nobody reads it while the shop is open."""
    redelivery: Mapping[str, float] = field(
        default_factory=lambda: {"notification": 0.05, "points": 0.05}
    )
    """Services that lose their place between handling and commit, and handle a message again.

    Only services that take one message at a time can: not recommendation, order-view, analytics.
    """
    slow: Mapping[str, float] = field(default_factory=lambda: {"recommendation": 0.1})
    """Seconds that a service takes longer for each message."""
    down: str = "order-view"
    """A service that is stopped now and then and comes back to a backlog."""
    down_after: float = 8.0
    down_for: float = 4.0
    down_every: float = 60.0

    @classmethod
    def none(cls) -> Faults:
        return cls(payment_failures=0, poison=0, redelivery={}, slow={}, down="")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Faults:
        """The defaults, changed by what the environment says; ValueError names a bad variable."""
        default = cls()
        changed: dict[str, object] = {}
        for each in fields(cls):
            name = f"SHOP_{each.name.upper()}"
            if name in environment:
                changed[each.name] = _parse(
                    name, environment[name].strip(), getattr(default, each.name)
                )
        return cls(**changed)  # type: ignore[arg-type]  # each as its default

    def environment(self) -> dict[str, str]:
        """The same faults as variables for a service's process."""
        return {
            f"SHOP_{each.name.upper()}": _format(getattr(self, each.name)) for each in fields(self)
        }


def strikes(seed: int, fault: str, rate: float, number: int) -> bool:
    """Whether a fault of this rate hits the order of this number: evenly spread, same every run."""
    phase = random.Random(f"{seed}:{fault}").random()
    return math.floor(number * rate + phase) > math.floor((number - 1) * rate + phase)


def _parse(name: str, text: str, default: object) -> object:
    try:
        if isinstance(default, str):
            return text
        if isinstance(default, float):
            return float(text)
        return parse_pairs(text)
    except ValueError as error:
        raise ValueError(f"{name}={text!r}: {error}") from None


def parse_pairs(text: str) -> dict[str, float]:
    """`notification=0.05,points=0.1` as a mapping; raises ValueError."""
    pairs = {}
    for part in filter(None, text.split(",")):
        service, separator, number = part.partition("=")
        if not separator:
            raise ValueError(f"{part!r} is not SERVICE=NUMBER")
        pairs[service.strip()] = float(number)
    return pairs


def _format(value: object) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{service}={number}" for service, number in value.items())
    return str(value)
