"""Opens a points account for each user and awards points for completed orders. Idempotent.

What it cannot handle waits on a retry topic, or is given up without a dead letter (`Faults`).
"""

from __future__ import annotations

from collections import Counter

from samples.shop import events, flow, telemetry
from samples.shop.clients import kafka_python
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.faults import strikes
from samples.shop.service import Service, run


class Points:
    def __init__(self, service: Service, outbox: kafka_python.Outbox) -> None:
        self._service = service
        self._outbox = outbox
        self._accounts: Counter[str] = Counter()

    def handle(self, record: Record) -> Outcome:
        if self._struck(record, "points_given_up") or self._struck(record, "points_retried"):
            raise kafka_python.Unprocessable("the account is locked")
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

    def give_up(self, record: Record, error: Exception) -> Outcome:
        if self._struck(record, "points_given_up"):
            return Outcome.GIVEN_UP
        self._outbox.send(
            events.retry(record, "order.completed.retry", error, kafka_python.ATTEMPTS)
        )
        return Outcome.RETRIED

    def _struck(self, record: Record, fault: str) -> bool:
        settings = self._service.settings
        rate: float = getattr(settings.faults, fault)
        number = record.data.get("number") if record.type == "order.completed" else None
        return isinstance(number, int) and strikes(settings.seed, fault, rate, number)


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "kafka-python")
    outbox = kafka_python.Outbox(service)
    points = Points(service, outbox)
    try:
        kafka_python.consume(
            service,
            points.handle,
            around=telemetry.linking(service.role.group),
            give_up=points.give_up,
        )
    finally:
        outbox.close()
        end_telemetry()


if __name__ == "__main__":
    run(flow.POINTS, main)
