"""What the stories in Python have in common: who they are, what they send, and what goes wrong.

Service `a` takes three orders. `b` answers each with a payment: it is slow with the first and
fails once with the second. `c` takes the payments together and writes one tally. Only the first
and the third order come in by a request; these two are of one customer and one cart.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

BOOTSTRAP = os.environ.get("BOOTSTRAP", "")
LIBRARY = os.environ.get("LIBRARY", "")
"""Prefix of topics and groups."""
A, B, C = (f"{LIBRARY}.{name}" for name in "abc")


@dataclass(frozen=True)
class Order:
    name: str
    customer: str
    cart: str
    """Empty: nobody gave it a correlation id."""
    instance: int = 0
    """Which one of two is to handle it."""

    @property
    def partition(self) -> int:
        return self.instance % int(os.environ["PARTITIONS"])

    @property
    def requested(self) -> bool:
        return bool(self.cart)


ORDERS = (
    Order("order-1", "customer-1", "cart-1"),
    Order("order-2", "customer-2", ""),
    Order("order-3", "customer-1", "cart-1", instance=1),
)
SLOW, FAILING = "order-1", "order-2"


def start() -> TracerProvider:
    """The SDK as its environment variables say, with the exporter for OTLP over HTTP."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


@contextmanager
def coming_in(order: Order) -> Iterator[None]:
    """A request from outside, where the order came by one."""
    if not order.requested:
        yield
        return
    attributes = {"http.request.method": "POST", "http.route": "/orders"}
    with trace.get_tracer("story").start_as_current_span(
        "POST /orders", kind=trace.SpanKind.SERVER, attributes=attributes
    ):
        yield


class Trouble:
    """The one order that takes its time, and the one that fails when it is first tried."""

    def __init__(self) -> None:
        self._failed = False

    def meet(self, order: str) -> None:
        """Raises RuntimeError, once. Waits until whoever runs the story lets it go on."""
        if order == SLOW and "WAITS" in os.environ:
            print("waiting", flush=True)
            sys.stdin.readline()
        if order == FAILING and not self._failed:
            self._failed = True
            raise RuntimeError("the bank does not answer")


def partition() -> int | None:
    """The one that this instance of `b` reads; None for all."""
    said = os.environ.get("PARTITION", "")
    return int(said) if said else None
