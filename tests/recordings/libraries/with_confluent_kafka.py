"""confluent-kafka with its instrumentation: `poll`, and a batch by `consume`.

A process span stays open, and current, until the next poll. Messages are CloudEvents in binary
mode.
"""

from __future__ import annotations

import sys

import confluent_kafka
from confluent_kafka import TopicPartition
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor
from story import BOOTSTRAP, LIBRARY, ORDERS, A, B, C, Trouble, coming_in, start

Headers = list[tuple[str, bytes]]


def cloud_event(name: str, source: str, correlation: str) -> Headers:
    said = {"ce_id": name, "ce_source": source, "ce_type": name.split("-")[0]}
    if correlation:
        said["ce_correlationid"] = correlation
    return [("ce_specversion", b"1.0"), *((key, value.encode()) for key, value in said.items())]


def producer(client: str) -> confluent_kafka.Producer:
    return confluent_kafka.Producer({"bootstrap.servers": BOOTSTRAP, "client.id": client})


def consumer(group: str, topic: str) -> confluent_kafka.Consumer:
    made = confluent_kafka.Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": f"{LIBRARY}-{group}",
            "client.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    made.subscribe([topic])
    return made


def a() -> None:
    sending = producer("a")
    for order in ORDERS:
        with coming_in(order):
            sending.produce(
                A,
                value=b"{}",
                key=order.customer.encode(),
                partition=order.partition,
                headers=cloud_event(order.name, "a", order.cart),
            )
    sending.flush()


def b() -> None:
    trouble = Trouble()
    sending = producer("b")
    orders = consumer("b", A)
    waiting = len(ORDERS)
    while waiting:
        record = orders.poll(1)
        if record is None:
            continue
        headers = {name: value.decode() for name, value in record.headers()}
        try:
            trouble.meet(headers["ce_id"])
        except RuntimeError:
            orders.seek(TopicPartition(A, record.partition(), record.offset()))
            continue
        payment = headers["ce_id"].replace("order", "payment")
        said = cloud_event(payment, "b", headers.get("ce_correlationid", ""))
        sending.produce(B, value=b"{}", key=record.key(), headers=said)
        sending.flush()
        orders.commit(record)
        waiting -= 1
    orders.close()


def c() -> None:
    sending = producer("c")
    payments = consumer("c", B)
    taken: list[object] = []
    while not taken:
        taken = payments.consume(len(ORDERS), 30)
    assert len(taken) == len(ORDERS), taken
    sending.produce(C, value=b"{}", headers=cloud_event("tally-1", "c", ""))
    sending.flush()
    payments.commit()
    payments.close()


if __name__ == "__main__":
    provider = start()
    ConfluentKafkaInstrumentor().instrument()
    {"a": a, "b": b, "c": c}[sys.argv[1]]()
    provider.shutdown()
