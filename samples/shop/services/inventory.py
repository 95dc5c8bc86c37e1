"""Reserves stock for orders, and gives it back when the payment failed.

Orders that make no sense go to a dead letter topic after the second attempt.
"""

from __future__ import annotations

from collections import Counter

from samples.shop import events, flow, telemetry
from samples.shop.clients import kafka_python
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.service import Service, run


class Inventory:
    """Stock by item; what is missing is ordered at once, so that it never runs out."""

    def __init__(self, service: Service, outbox: kafka_python.Outbox) -> None:
        self._service = service
        self._outbox = outbox
        self._reserved: Counter[str] = Counter()

    def handle(self, record: Record) -> Outcome:
        data = record.data
        quantity = data["quantity"]
        if not isinstance(quantity, int):
            raise kafka_python.Unprocessable(f"{quantity!r} is no quantity")
        if not self._service.first_time(record):
            return Outcome.DUPLICATE
        if record.type == "order.created":
            type, sign = "stock.reserved", 1
        else:
            type, sign = "stock.released", -1
        self._reserved[str(data["item"])] += sign * quantity
        self._outbox.send(self._service.event(type, data, record.correlation, record))
        return Outcome.HANDLED

    def give_up(self, record: Record, error: Exception) -> Outcome:
        self._outbox.send(events.dead_letter(record, "order.created.dlt", error))
        return Outcome.DEAD_LETTERED


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "kafka-python")
    outbox = kafka_python.Outbox(service)
    inventory = Inventory(service, outbox)
    around = telemetry.alone if service.drops_context else telemetry.continuing
    try:
        kafka_python.consume(
            service,
            inventory.handle,
            around=around(service.role.group),
            give_up=inventory.give_up,
        )
    finally:
        outbox.close()
        end_telemetry()


if __name__ == "__main__":
    run(flow.INVENTORY, main)
