"""Keeps a profile of what each user likes. Produces nothing; slow by default."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

from samples.shop import flow, telemetry
from samples.shop.clients import aio
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.service import Service, run


class Recommendation:
    def __init__(self) -> None:
        self._profiles: defaultdict[str, Counter[str]] = defaultdict(Counter)

    async def handle(self, record: Record) -> Outcome:
        data = record.data
        profile = self._profiles[str(data["user_id"])]
        if record.type == "order.created":
            profile[str(data["item"])] += 1
        return Outcome.HANDLED


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "aiokafka")
    try:
        asyncio.run(aio.consume_batches(service, Recommendation().handle))
    finally:
        end_telemetry()


if __name__ == "__main__":
    run(flow.RECOMMENDATION, main)
