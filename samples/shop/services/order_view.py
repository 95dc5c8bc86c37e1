"""The read model (CQRS): each order with the furthest state that was seen of it."""

from __future__ import annotations

from samples.shop import flow, telemetry
from samples.shop.clients import confluent
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.service import Service, run

STATES = (
    "order.created",
    "stock.reserved",
    "payment.completed",
    "payment.failed",
    "stock.released",
    "order.completed",
    "order.cancelled",
)
"""In the order of the saga: topics have no order among each other, so a state never goes back."""


class OrderView:
    def __init__(self) -> None:
        self._orders: dict[str, str] = {}

    def handle(self, record: Record) -> Outcome:
        known = self._orders.get(record.correlation, STATES[0])
        self._orders[record.correlation] = max(known, record.type, key=STATES.index)
        return Outcome.HANDLED


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "confluent-kafka")
    try:
        confluent.consume_batches(service, OrderView().handle)
    finally:
        end_telemetry()


if __name__ == "__main__":
    run(flow.ORDER_VIEW, main)
