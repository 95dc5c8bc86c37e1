"""confluent-kafka: polled records one by one, or several at once.

Its instrumentation replaces `confluent_kafka.Producer` and `.Consumer`, so they are looked up when
they are used. A process span stays open, and current, from one poll to the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import confluent_kafka

from samples.shop import clock
from samples.shop.entries import Outcome
from samples.shop.events import Outgoing, Record, record
from samples.shop.service import SESSION_SECONDS, Service, log

Handler = Callable[[Record], Outcome]

BATCH = 20
POLL_SECONDS = 0.2


def consume(service: Service, handle: Handler, address: str = "") -> None:
    """Handles messages until the service stops; each is committed once it is handled."""
    consumer = _consumer(service)
    try:
        while not service.stopping.is_set():
            message = consumer.poll(POLL_SECONDS)
            if message is not None and not _failed(message):
                taken = _record(message)
                _handle(service, taken, handle)
                if service.loses_place(taken):
                    consumer.seek(confluent_kafka.TopicPartition(*taken.position))
                else:
                    _commit(consumer, service, [taken])
            _announce(consumer, service, address)
    finally:
        consumer.close()


def consume_batches(service: Service, handle: Handler) -> None:
    """The same, but several messages are taken at once and committed together."""
    consumer = _consumer(service)
    to_skip = service.settings.faults.skipped
    try:
        while not service.stopping.is_set():
            # A batch could take all that came of a topic meanwhile, and leave nothing to go past.
            most = 1 if to_skip else BATCH
            messages = consumer.consume(num_messages=most, timeout=POLL_SECONDS)
            taken = [_record(message) for message in messages if not _failed(message)]
            for each in taken:
                _handle(service, each, handle)
            if taken:
                if to_skip and (skipped := _gone_past(consumer, service, taken)):
                    taken.append(skipped)
                    to_skip -= 1
                _commit(consumer, service, taken)
            _announce(consumer, service)
    finally:
        consumer.close()


def _gone_past(consumer: Any, service: Service, taken: Sequence[Record]) -> Record | None:
    """The fault `skipped`: goes past an order that comes next, if others lie behind it already."""
    last = {each.position[:2]: each.position.offset for each in taken}
    for (topic, partition), offset in last.items():
        after = confluent_kafka.TopicPartition(topic, partition, offset + 2)
        if topic != "order.created" or consumer.get_watermark_offsets(after, cached=True)[1] <= (
            after.offset
        ):
            continue
        consumer.seek(after)
        skipped = record(topic, partition, offset + 1, None, None, None)
        service.skipped(skipped.position)
        return skipped
    return None


def _consumer(service: Service) -> Any:
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": service.settings.bootstrap,
            "group.id": service.role.group,
            "client.id": service.role.client_id or service.role.name,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": SESSION_SECONDS * 1000,
            "log_level": 3,
        }
    )
    consumer.subscribe(list(service.role.consumes))
    return consumer


def _announce(consumer: Any, service: Service, address: str = "") -> None:
    if consumer.assignment():
        service.ready(address)


def _failed(message: Any) -> bool:
    if message.error():
        log.warning("consumer: %s", message.error())
    return bool(message.error())


def _record(message: Any) -> Record:
    return record(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        message.headers(),
    )


def _handle(service: Service, taken: Record, handle: Handler) -> None:
    with service.delivery(taken) as delivery:
        if service.delay:
            service.stopping.wait(service.delay)
        delivery.outcome = handle(taken)


def _commit(consumer: Any, service: Service, taken: Sequence[Record]) -> None:
    nexts = {
        (each.position.topic, each.position.partition): each.position.offset + 1 for each in taken
    }
    offsets = [
        confluent_kafka.TopicPartition(topic, partition, offset)
        for (topic, partition), offset in nexts.items()
    ]
    try:
        consumer.commit(offsets=offsets, asynchronous=False)
    except confluent_kafka.KafkaException as error:
        # The next commit covers it; if none comes, the messages are delivered again.
        log.warning("no commit of %s: %s", offsets, error)
    else:
        service.committed(taken)


class Outbox:
    """Sends and waits until the broker has it. Safe to share between threads."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._producer = self._connected(linger=0)

    def send(self, message: Outgoing) -> None:
        done = threading.Event()
        result: list[Any] = []

        def delivered(error: Any, stored: Any) -> None:
            result[:] = [error, stored]
            done.set()

        # The instrumentation appends its context to this very list.
        headers = list(message.headers)
        self._producer.produce(
            message.topic,
            message.value,
            key=message.key,
            headers=headers,
            on_delivery=delivered,
            timestamp=clock.milliseconds(),
        )
        while not done.is_set():
            self._producer.poll(0.05)
        error, stored = result
        if error:
            raise confluent_kafka.KafkaException(error)
        self._service.sent(message, stored.partition(), stored.offset())

    def lose(self, message: Outgoing) -> None:
        """Sends it as `send` does, but with a producer that is gone before it has sent anything:
        as that of a process which ends without a flush."""
        headers = list(message.headers)
        producer = self._connected(linger=60_000)
        producer.produce(message.topic, message.value, key=message.key, headers=headers)
        producer.purge()
        producer.poll(0)
        _, trace, span, _ = dict(headers)["traceparent"].decode().split("-")
        self._service.lost(message, f"{trace}/{span}")

    def _connected(self, linger: int) -> Any:
        """A producer that waits so many milliseconds for more messages."""
        return confluent_kafka.Producer(
            {
                "bootstrap.servers": self._service.settings.bootstrap,
                "client.id": self._service.role.client_id or self._service.role.name,
                "linger.ms": linger,
                "log_level": 3,
            }
        )

    def close(self) -> None:
        self._producer.flush(5)
