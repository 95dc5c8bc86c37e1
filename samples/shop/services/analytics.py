"""Counts everything and publishes a tally. Bought in long ago: no instrumentation, no headers."""

from __future__ import annotations

import json
from collections import Counter

from samples.shop import flow
from samples.shop.clients import confluent
from samples.shop.entries import Outcome
from samples.shop.events import Outgoing, Record
from samples.shop.service import Service, run

TALLY_EVERY = 10
"""Completed and cancelled orders that make a tally."""


class Analytics:
    def __init__(self, outbox: confluent.Outbox) -> None:
        self._outbox = outbox
        self._counts: Counter[str] = Counter()

    def handle(self, record: Record) -> Outcome:
        self._counts[record.type] += 1
        ended = self._counts["order.completed"] + self._counts["order.cancelled"]
        if record.type in ("order.completed", "order.cancelled") and ended % TALLY_EVERY == 0:
            self._outbox.send(
                Outgoing(topic="sales.tally", value=json.dumps(dict(self._counts)).encode())
            )
        return Outcome.HANDLED


def main(service: Service) -> None:
    outbox = confluent.Outbox(service)
    try:
        confluent.consume(service, Analytics(outbox).handle)
    finally:
        outbox.close()


if __name__ == "__main__":
    run(flow.ANALYTICS, main)
