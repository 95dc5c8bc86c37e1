"""Opens a points account for each user and awards points for completed orders. Idempotent.

What it cannot handle waits on a retry topic, or is given up without a dead letter (`Faults`).
"""

from __future__ import annotations

from collections import Counter

from samples.shop import events, flow, telemetry
from samples.shop.clients import kafka_python
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.service import Service, run

UNLOCKED_AFTER = 6
"""Attempts that fail while an account is locked for a while."""


class Points:
    def __init__(self, service: Service, outbox: kafka_python.Outbox) -> None:
        self._service = service
        self._outbox = outbox
        self._accounts: Counter[str] = Counter()
        self._tries: Counter[str] = Counter()

    def handle(self, record: Record) -> Outcome:
        if self._struck(record, "points_given_up") or self._struck(record, "points_retried"):
            raise kafka_python.Unprocessable("the account is locked")
        if self._struck(record, "locked") and self._tries[record.ce_id] < UNLOCKED_AFTER:
            self._tries[record.ce_id] += 1
            raise kafka_python.NotNow("the account is locked for a while")
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
        event = self._service.event("points.awarded", awarded, record.correlation, record)
        self._outbox.send(event)
        if self._struck(record, "sent_twice"):
            self._outbox.send(event)
        return Outcome.HANDLED

    def give_up(self, record: Record, error: Exception) -> Outcome:
        if self._struck(record, "points_given_up"):
            return Outcome.GIVEN_UP
        self._outbox.send(
            events.retry(record, "order.completed.retry", error, kafka_python.ATTEMPTS)
        )
        return Outcome.RETRIED

    def _struck(self, record: Record, fault: str) -> bool:
        return record.type == "order.completed" and self._service.struck(fault, record)


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "kafka-python")
    outbox = kafka_python.Outbox(service)
    points = Points(service, outbox)
    around = telemetry.alone if service.drops_context else telemetry.linking
    try:
        kafka_python.consume(
            service,
            points.handle,
            around=around(service.role.group),
            give_up=points.give_up,
        )
    finally:
        outbox.close()
        end_telemetry()


if __name__ == "__main__":
    run(flow.POINTS, main)
