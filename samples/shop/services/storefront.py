"""The shop's door: takes orders over HTTP, and closes them when the saga has ended.

POST /users {name, number} and POST /orders {user_id, item, quantity, number} answer 201 with ids;
orders may name their basket.
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import confluent_kafka

from samples.shop import flow, telemetry
from samples.shop.clients import confluent
from samples.shop.entries import Outcome
from samples.shop.events import Record
from samples.shop.faults import strikes
from samples.shop.service import Service, run


class Storefront:
    """What the HTTP side and the messages' side do."""

    def __init__(self, service: Service, outbox: confluent.Outbox) -> None:
        self._service = service
        self._outbox = outbox
        self._registered = 0

    def register(self, body: dict[str, object]) -> dict[str, str]:
        user = f"user-{uuid.uuid4().hex[:12]}"
        event = self._service.event("user.registered", {"user_id": user, **body}, user)
        self._registered += 1
        settings = self._service.settings
        if strikes(settings.seed, "lost", settings.faults.lost, self._registered):
            self._outbox.lose(event)
        else:
            self._outbox.send(event)
        return {"user_id": user, "event_id": event.ce_id}

    def order(self, body: dict[str, object]) -> dict[str, str]:
        # Nobody looks at the quantity here: that is how poison gets in.
        order = f"order-{uuid.uuid4().hex[:12]}"
        event = self._service.event("order.created", {"order_id": order, **body}, order)
        if basket := body.get("basket"):
            # Orders of one basket are to be handled in order, and so they have one key.
            event = replace(event, key=str(basket).encode())
        self._outbox.send(event)
        return {"order_id": order, "event_id": event.ce_id}

    def handle(self, record: Record) -> Outcome:
        """The saga's end: a paid order is complete, an order without stock is off."""
        if not self._service.first_time(record):
            return Outcome.DUPLICATE
        type = "order.completed" if record.type == "payment.completed" else "order.cancelled"
        self._outbox.send(self._service.event(type, record.data, record.correlation, record))
        return Outcome.HANDLED


def main(service: Service) -> None:
    end_telemetry = telemetry.start(service.role.name, "confluent-kafka")
    outbox = confluent.Outbox(service)
    storefront = Storefront(service, outbox)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(storefront))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        confluent.consume(
            service, storefront.handle, address=f"http://127.0.0.1:{server.server_port}"
        )
    finally:
        server.shutdown()
        server.server_close()
        outbox.close()
        end_telemetry()


def _handler(storefront: Storefront) -> type[BaseHTTPRequestHandler]:
    routes = {"/users": storefront.register, "/orders": storefront.order}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            action = routes.get(self.path)
            if action is None:
                self.send_error(404)
                return
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with telemetry.serving("POST", self.path, dict(self.headers)) as span:
                status, answer = 201, {}
                try:
                    answer = action(body)
                except confluent_kafka.KafkaException as error:
                    telemetry.fail(error)
                    status = 503
                span.set_attribute("http.response.status_code", status)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Spans tell it already."""

    return Handler


if __name__ == "__main__":
    run(flow.STOREFRONT, main)
