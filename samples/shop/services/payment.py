"""Charges for reserved orders. The bank says no at times, or (`Faults.hanging`) nothing."""

from __future__ import annotations

import asyncio

from samples.shop import flow, telemetry
from samples.shop.clients import aio
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.faults import strikes
from samples.shop.service import Service, run


class Payment:
    def __init__(self, service: Service, outbox: aio.Outbox) -> None:
        self._service = service
        self._outbox = outbox

    async def handle(self, record: Record) -> Outcome:
        if not self._service.first_time(record):
            return Outcome.DUPLICATE
        data = record.data
        settings = self._service.settings
        await asyncio.sleep(0.005)  # The bank takes its time.
        declined = strikes(
            settings.seed, "payment", settings.faults.payment_failures, data["number"]
        )
        if self._service.struck("hanging", record):
            return Outcome.HANDLED
        if self._service.struck("unread", record):
            receipt = self._service.event("payment.receipt", data, record.correlation, record)
            await self._outbox.send(receipt)
        type = "payment.failed" if declined else "payment.completed"
        await self._outbox.send(self._service.event(type, data, record.correlation, record))
        return Outcome.HANDLED


async def serve(service: Service) -> None:
    async with aio.Outbox(service) as outbox:
        await aio.consume(service, Payment(service, outbox).handle)


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "aiokafka")
    try:
        asyncio.run(serve(service))
    finally:
        end_telemetry()


if __name__ == "__main__":
    run(flow.PAYMENT, main)
