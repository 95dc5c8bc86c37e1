"""aiokafka with its instrumentation: `getone`, and a batch by `getmany`.

Consumer spans end before the record is handled. Headers are plain ones.
"""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from story import BOOTSTRAP, LIBRARY, ORDERS, A, B, C, Trouble, coming_in, partition, start

Headers = list[tuple[str, bytes]]


def headers_of(name: str, correlation: str) -> Headers:
    said = {"message-id": name, "event-type": name.split("-")[0]}
    if correlation:
        said["correlation-id"] = correlation
    return [(key, value.encode()) for key, value in said.items()]


def consumer(group: str, *topics: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=BOOTSTRAP,
        group_id=f"{LIBRARY}-{group}",
        client_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )


async def a() -> None:
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, client_id="a") as producer:
        for order in ORDERS:
            with coming_in(order):
                await producer.send_and_wait(
                    A,
                    b"{}",
                    key=order.customer.encode(),
                    partition=order.partition,
                    headers=headers_of(order.name, order.cart),
                )


async def b() -> None:
    trouble = Trouble()
    orders = consumer("b")
    mine = TopicPartition(A, partition() or 0)
    orders.assign([mine])
    waiting = sum(order.partition == mine.partition for order in ORDERS)
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, client_id="b") as producer, orders:
        while waiting:
            record = await orders.getone()
            headers = {name: value.decode() for name, value in record.headers}
            try:
                trouble.meet(headers["message-id"])
            except RuntimeError:
                orders.seek(mine, record.offset)
                continue
            payment = headers["message-id"].replace("order", "payment")
            said = headers_of(payment, headers.get("correlation-id", ""))
            await producer.send_and_wait(B, b"{}", key=record.key, headers=said)
            await orders.commit()
            waiting -= 1


async def c() -> None:
    payments = consumer("c", B)
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, client_id="c") as producer, payments:
        taken = 0
        while taken < len(ORDERS):
            taken += sum(map(len, (await payments.getmany(timeout_ms=1000)).values()))
        await producer.send_and_wait(C, b"{}", headers=headers_of("tally-1", ""))
        await payments.commit()


if __name__ == "__main__":
    provider = start()
    AIOKafkaInstrumentor().instrument()
    asyncio.run({"a": a, "b": b, "c": c}[sys.argv[1]]())
    provider.shutdown()
