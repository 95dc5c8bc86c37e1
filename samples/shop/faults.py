"""What goes wrong in the shop, how often, and how to switch it: by argument or by environment.

Each field of `Faults` is a variable, `SHOP_` and its name: `SHOP_POISON=0.1`,
`SHOP_SLOW=analytics=0.5,points=0.1`, `SHOP_DOWN=` for nobody. What flowtap says of each is told in
docs/findings.md.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace


@dataclass(frozen=True, slots=True)
class Faults:
    """Rates are shares of the orders, evenly spread, so that a short run has its share too."""

    payment_failures: float = 0.2
    """The payment provider declines; the saga compensates."""
    poison: float = 0.04
    """Orders that inventory cannot handle and dead-letters."""
    lost: float = 0.0
    """Registrations that storefront hands to its producer, which forgets them before the broker
    has them."""
    skipped: int = 0
    """Messages that order-view goes past, as soon as there is a backlog: once it was `down`."""
    sent_twice: float = 0.0
    """Orders whose points are told twice, under the same id."""
    overtaken: float = 0.0
    """Orders that come as two in one basket, of which inventory handles the second one first."""
    locked: float = 0.0
    """Completed orders whose points account is locked for a while; points tries until it is not."""
    hanging: float = 0.0
    """Orders that payment takes and never answers."""
    unread: float = 0.0
    """Orders of which payment also sends a receipt, which nobody reads."""
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
    stuck: str = ""
    """A service that never gets done with the first messages it takes, and stays in its group:
    recommendation, or payment."""
    restless: Mapping[str, float] = field(default_factory=dict)
    """Seconds after which a service leaves its group, to join it again: inventory, notification,
    points."""
    contextless: str = ""
    """A service that drops the trace context of the messages it handles: inventory, or points."""
    clock: Mapping[str, float] = field(default_factory=dict)
    """Seconds by which a service's clock is ahead; `*` stands for those that are not named."""
    down: str = "order-view"
    """A service that is stopped now and then and comes back to a backlog."""
    down_after: float = 8.0
    down_for: float = 4.0
    down_every: float = 60.0

    @classmethod
    def none(cls) -> Faults:
        """Not even a card is refused."""
        return cls(payment_failures=0, poison=0, redelivery={}, slow={}, down="")

    @classmethod
    def healthy(cls) -> Faults:
        """Cards are refused as they always are, which is no fault of the shop's."""
        return replace(cls.none(), payment_failures=cls().payment_failures)

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
        if isinstance(default, int | float):
            return type(default)(text)
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
