"""Opens a points account for each user and awards points for completed orders. Idempotent."""

from __future__ import annotations

from collections import Counter

from samples.shop import flow, telemetry
from samples.shop.clients import kafka_python
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.service import Service, run


class Points:
    def __init__(self, service: Service, outbox: kafka_python.Outbox) -> None:
        self._service = service
        self._outbox = outbox
        self._accounts: Counter[str] = Counter()

    def handle(self, record: Record) -> Outcome:
        if not self._service.first_time(record):
            return Outcome.DUPLICATE
        data = record.data
        user = str(data["user_id"])
        if record.type == "user.registered":
            self._accounts[user] = 0
            return Outcome.HANDLED
        points = 10 * int(data["quantity"])
        self._accounts[user] += points
        awarded = {"user_id": user, "number": data["number"], "points": points}
        self._outbox.send(
            self._service.event("points.awarded", awarded, record.correlation, record)
        )
        return Outcome.HANDLED


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "kafka-python")
    outbox = kafka_python.Outbox(service)
    try:
        kafka_python.consume(
            service,
            Points(service, outbox).handle,
            around=telemetry.linking(service.role.group),
        )
    finally:
        outbox.close()
        end_telemetry()


if __name__ == "__main__":
    run(flow.POINTS, main)
