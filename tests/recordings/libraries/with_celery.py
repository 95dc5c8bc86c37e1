# mypy: allow-untyped-decorators
"""Celery on Redis with its instrumentation: a task, its subtask, and a retry.

The third order is sent by the task's name alone, as by a code base that does not have the task.
"""

from __future__ import annotations

import os
import socket
import sys

# Celery writes the name of the machine into every message; ours is nobody's business.
socket.gethostname = lambda: "shop"

from celery import Celery, Task  # noqa: E402
from opentelemetry.instrumentation.celery import CeleryInstrumentor  # noqa: E402
from story import LIBRARY, ORDERS, Trouble, coming_in, start  # noqa: E402

A, B = (f"{LIBRARY}.{name}" for name in "ab")

app = Celery("shop", broker=os.environ["REDIS"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    task_acks_late=True,
    broker_connection_retry_on_startup=True,
    worker_redirect_stdouts=False,
)
trouble = Trouble()


def settle(self: Task, order: str) -> None:
    try:
        trouble.meet(order)
    except RuntimeError as error:
        raise self.retry(exc=error, countdown=0) from error
    book.apply_async([order.replace("order", "payment")])
    print("done", order, flush=True)


pay = app.task(settle, name="b.pay", bind=True, queue=A)


@app.task(name="c.book", queue=B)
def book(payment: str) -> None:
    print("done", payment, flush=True)


def a() -> None:
    for order in ORDERS:
        with coming_in(order):
            if order is ORDERS[-1]:
                app.send_task("b.pay_by_name", [order.name], queue=A)
            else:
                pay.apply_async([order.name])


if __name__ == "__main__":
    provider = start()
    CeleryInstrumentor().instrument()
    role = sys.argv[1]
    if role == "a":
        a()
    else:
        app.task(settle, name="b.pay_by_name", bind=True, queue=A)
        queue = {"b": A, "c": B}[role]
        app.worker_main(
            ["worker", "--pool=solo", f"--queues={queue}", f"--hostname={role}@shop",
             "--loglevel=warning", "--without-gossip", "--without-mingle"]
        )  # fmt: skip
    provider.shutdown()
