# mypy: allow-untyped-decorators
"""FastStream on Kafka with its telemetry middleware.

A payment is what the handler of an order returns, to its publisher; the tally is published by
hand out of the handler of a batch. Ids are those that FastStream writes by itself.
"""

from __future__ import annotations

import asyncio
import sys

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage, KafkaResponse
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware
from story import BOOTSTRAP, LIBRARY, ORDERS, A, B, C, Trouble, coming_in, start

provider = start()
broker = KafkaBroker(
    BOOTSTRAP,
    client_id=sys.argv[1],
    middlewares=(KafkaTelemetryMiddleware(tracer_provider=provider),),
)
app = FastStream(broker)


async def a() -> None:
    async with broker:
        for order in ORDERS:
            with coming_in(order):
                await broker.publish(
                    {"order": order.name},
                    A,
                    key=order.customer.encode(),
                    partition=order.partition,
                    correlation_id=order.cart or None,
                )


async def b() -> None:
    trouble = Trouble()
    waiting = len(ORDERS)

    @broker.subscriber(
        A,
        group_id=f"{LIBRARY}-b",
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    @broker.publisher(B)
    async def pay(order: dict[str, str], message: KafkaMessage) -> KafkaResponse:
        nonlocal waiting
        trouble.meet(order["order"])
        waiting -= 1
        if not waiting:
            asyncio.get_running_loop().call_later(2, app.exit)
        payment = order["order"].replace("order", "payment")
        return KafkaResponse({"payment": payment}, key=message.raw_message.key)

    await app.run()


async def c() -> None:
    @broker.subscriber(
        B,
        group_id=f"{LIBRARY}-c",
        auto_offset_reset="earliest",
        batch=True,
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def tally(payments: list[dict[str, str]]) -> None:
        assert len(payments) == len(ORDERS), payments
        await broker.publish({"tally": "tally-1"}, C)
        asyncio.get_running_loop().call_later(2, app.exit)

    await app.run()


if __name__ == "__main__":
    asyncio.run({"a": a, "b": b, "c": c}[sys.argv[1]]())
    provider.shutdown()
