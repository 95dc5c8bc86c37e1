"""The traffic: people who register and order over HTTP, `rate` orders a second."""

from __future__ import annotations

import http.client
import json
import random
import time
from urllib.parse import urlsplit

from opentelemetry import trace

from samples.shop import flow, telemetry
from samples.shop.entries import Called
from samples.shop.faults import strikes
from samples.shop.service import Service, log, run

ITEMS = ("kettle", "lamp", "book", "chair", "socks")
ORDERS_PER_USER = 4


class Customer:
    """One HTTP client that plays all people."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._base = service.settings.storefront
        self._address = urlsplit(self._base)
        self._connection: http.client.HTTPConnection | None = None

    def post(self, route: str, body: dict[str, object]) -> dict[str, str] | None:
        """The answer, or None when there was none; only answered calls go into the ledger."""
        host, port = self._address.hostname or "", self._address.port or 80
        with telemetry.calling("POST", self._base + route, host, port) as (span, headers):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(host, port, timeout=60)
                self._connection.request("POST", route, json.dumps(body), headers)
                answer = self._connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                telemetry.fail(error)
                log.warning("no answer from %s: %r", route, error)
                return None
            span.set_attribute("http.response.status_code", answer.status)
            if answer.status >= 400:
                span.set_status(trace.StatusCode.ERROR)
        self._service.write(Called("customer", "storefront", route, answer.status))
        result: dict[str, str] | None = json.loads(content) if answer.status == 201 else None
        return result


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name)
    try:
        _shop(service)
    finally:
        end_telemetry()


def _shop(service: Service) -> None:
    settings = service.settings
    dice = random.Random(settings.seed)
    customer = Customer(service)
    users: list[str] = []
    service.ready()
    due = time.monotonic()
    number = 0
    while not service.stopping.is_set():
        if number >= len(users) * ORDERS_PER_USER:
            user = customer.post("/users", {"name": f"user {len(users) + 1}"})
            users += [user["user_id"]] if user else []
        # Both orders of a basket are there, though the service is to stop in between.
        basket = f"basket {number + 1}"
        two = strikes(settings.seed, "overtaken", settings.faults.overtaken, number + 1)
        for _ in range(1 + two if users else 0):
            number += 1
            poison = strikes(settings.seed, "poison", settings.faults.poison, number)
            order: dict[str, object] = {
                "user_id": dice.choice(users),
                "item": dice.choice(ITEMS),
                "quantity": "two" if poison else dice.randint(1, 3),
                "number": number,
                **({"basket": basket} if two else {}),
            }
            customer.post("/orders", order)
        due = max(due + 1 / settings.rate, time.monotonic() - 1)
        service.stopping.wait(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    run(flow.CUSTOMER, main)
