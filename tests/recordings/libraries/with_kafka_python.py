"""kafka-python with its instrumentation: a record at a time, and a batch by `poll`.

Only iterating makes spans, which end before the record is handled. `poll` makes none. Messages
are CloudEvents in binary mode.
"""

from __future__ import annotations

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from opentelemetry.instrumentation.kafka import KafkaInstrumentor
from story import BOOTSTRAP, LIBRARY, ORDERS, A, B, C, Trouble, coming_in, partition, start

Headers = list[tuple[str, bytes]]


def cloud_event(name: str, source: str, correlation: str) -> Headers:
    said = {"ce_id": name, "ce_source": source, "ce_type": name.split("-")[0]}
    if correlation:
        said["ce_correlationid"] = correlation
    return [("ce_specversion", b"1.0"), *((key, value.encode()) for key, value in said.items())]


def consumer(group: str) -> KafkaConsumer:
    return KafkaConsumer(
        bootstrap_servers=BOOTSTRAP,
        group_id=f"{LIBRARY}-{group}",
        client_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )


def a() -> None:
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, client_id="a")
    for order in ORDERS:
        with coming_in(order):
            producer.send(
                A,
                b"{}",
                key=order.customer.encode(),
                headers=cloud_event(order.name, "a", order.cart),
                partition=order.partition,
            ).get(30)
    producer.close()


def b() -> None:
    trouble = Trouble()
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, client_id="b")
    orders = consumer("b")
    mine = TopicPartition(A, partition() or 0)
    orders.assign([mine])
    waiting = sum(order.partition == mine.partition for order in ORDERS)
    while waiting:
        record = next(orders)
        headers = {name: value.decode() for name, value in record.headers}
        try:
            trouble.meet(headers["ce_id"])
        except RuntimeError:
            orders.seek(mine, record.offset)
            continue
        payment = headers["ce_id"].replace("order", "payment")
        said = cloud_event(payment, "b", headers.get("ce_correlationid", ""))
        producer.send(B, b"{}", key=record.key, headers=said).get(30)
        orders.commit()
        waiting -= 1
    orders.close()
    producer.close()


def c() -> None:
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, client_id="c")
    payments = consumer("c")
    payments.subscribe([B])
    taken = 0
    while taken < len(ORDERS):
        taken += sum(map(len, payments.poll(timeout_ms=1000).values()))
    producer.send(C, b"{}", headers=cloud_event("tally-1", "c", "")).get(30)
    payments.commit()
    payments.close()
    producer.close()


if __name__ == "__main__":
    provider = start()
    KafkaInstrumentor().instrument()
    {"a": a, "b": b, "c": c}[sys.argv[1]]()
    provider.shutdown()
