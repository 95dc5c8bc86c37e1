"""Sends SMS, and says so. Not idempotent: a message delivered twice is an SMS sent twice.

Its team instrumented the consumer and forgot the producer, which is another library: messages of
this service carry a correlation id, and no trace context.
"""

from __future__ import annotations

from samples.shop import flow, telemetry
from samples.shop.clients import confluent, kafka_python
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.service import Service, run

TEXTS = {
    "order.created": "We have your order.",
    "order.completed": "Your order is on its way.",
    "order.cancelled": "We are sorry: your order is off.",
}
GATEWAY_SECONDS = 0.01
"""How long the SMS gateway takes."""


class Notification:
    def __init__(self, service: Service, outbox: confluent.Outbox) -> None:
        self._service = service
        self._outbox = outbox

    def handle(self, record: Record) -> Outcome:
        self._service.stopping.wait(GATEWAY_SECONDS)
        data = record.data
        sms = {"user_id": data["user_id"], "number": data["number"], "text": TEXTS[record.type]}
        self._outbox.send(self._service.event("notification.sent", sms, record.correlation, record))
        return Outcome.HANDLED


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "kafka-python")
    outbox = confluent.Outbox(service)
    try:
        kafka_python.consume(service, Notification(service, outbox).handle)
    finally:
        outbox.close()
        end_telemetry()


if __name__ == "__main__":
    run(flow.NOTIFICATION, main)
