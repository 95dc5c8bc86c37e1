"""The demo's shop while it runs, and a finished order of it: what a person looks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from samples.shop import entries
from samples.shop.entries import Produced
from tests.running import eventually
from tui.demo.stage import Stage
from tui.remote import ApiClient
from tui.source import NotFound

ORDER_SECONDS = 60.0
"""How long it may take until spans and messages of a finished order are all stored."""

EFFECTS = frozenset({"order.created", "stock.reserved", "payment.completed", "order.completed"})


@dataclass(frozen=True)
class LiveShop:
    """A shop that goes on making orders, and the collector that watches it."""

    url: str
    token: str
    order: str
    """The `ce_id` of an `order.created` that was completed: the ledger says so."""
    position: str
    """`topic/partition/offset` of its message, by the ledger."""

    @property
    def environment(self) -> dict[str, str]:
        """With which a command asks its collector."""
        rest = {name: value for name, value in os.environ.items() if name[:8] != "FLOWTAP_"}
        return {**rest, "FLOWTAP_URL": self.url, "FLOWTAP_API_TOKEN": self.token}


@contextmanager
def live_shop(directory: Path) -> Iterator[LiveShop]:
    """Kafka, collector and shop, as long as the block lasts."""
    with Stage(directory) as stage:
        assert stage.runtime is not None
        client = ApiClient(stage.runtime.url, stage.runtime.token)

        def whole() -> Produced | None:
            for order in _created(directory / "shop"):
                try:
                    seen = {event.destination for event in client.chain(order.ce_id).events}
                except NotFound:
                    continue
                if seen >= EFFECTS:
                    return order
            return None

        order = eventually(whole, ORDER_SECONDS, every=0.5)
        yield LiveShop(stage.runtime.url, stage.runtime.token, order.ce_id, str(order.position))


def _created(ledger: Path) -> list[Produced]:
    return [
        entry
        for entry in entries.read(ledger)
        if isinstance(entry, Produced) and entry.topic == "order.created"
    ]
