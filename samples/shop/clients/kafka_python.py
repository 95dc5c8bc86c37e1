"""kafka-python: an iterator of records, committed one by one.

Its instrumentation wraps `KafkaProducer.send` and `KafkaConsumer.__next__`; the consumer span has
ended before the record is returned.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import kafka
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from samples.shop import clock, telemetry
from samples.shop.entries import Outcome
from samples.shop.events import Outgoing, Record, record
from samples.shop.service import SESSION_SECONDS, Service, log

AWAY_SECONDS = 0.5
"""For which a restless service is not in its group."""
AGAIN_SECONDS = 0.1
"""After which what could not be handled now is tried again."""
ATTEMPTS = 2
"""Handlings of a message before it is given up."""

Handler = Callable[[Record], Outcome]
GiveUp = Callable[[Record, Exception], Outcome]
"""Takes a message that cannot be handled, and says what became of it."""


class NotNow(Exception):
    """The message can be handled later, for which it is tried again and again."""


class Unprocessable(Exception):
    """The message cannot be handled, now or later: poison."""


def consume(
    service: Service,
    handle: Handler,
    around: telemetry.Around = telemetry.nothing,
    give_up: GiveUp | None = None,
) -> None:
    """Handles messages until the service stops; each is committed once it is handled.

    `around` is opened around each handling. A handler that raises NotNow is called until it does
    not. One that raises Unprocessable is called again, and at last `give_up` takes the message;
    without one the error ends the service.
    """
    while not service.stopping.is_set():
        consumer = kafka.KafkaConsumer(
            *service.role.consumes,
            bootstrap_servers=service.settings.bootstrap,
            group_id=service.role.group,
            client_id=service.role.client_id or service.role.name,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=SESSION_SECONDS * 1000,
            consumer_timeout_ms=200,
            reconnect_backoff_max_ms=1000,
        )
        leaves = time.monotonic() + service.stays
        try:
            _learn_partitions(consumer, service)
            while not service.stopping.is_set() and time.monotonic() < leaves:
                for fetched in consumer:  # Ends when nothing came for consumer_timeout_ms.
                    _take(consumer, service, fetched, handle, around, give_up)
                    if service.stopping.is_set() or time.monotonic() > leaves:
                        break
                if consumer.assignment():
                    service.ready()
        finally:
            consumer.close()
        if not service.stopping.is_set():
            service.left()
            service.stopping.wait(AWAY_SECONDS)


def _take(
    consumer: kafka.KafkaConsumer,
    service: Service,
    fetched: Any,
    handle: Handler,
    around: telemetry.Around,
    give_up: GiveUp | None,
) -> None:
    """Handles one record, or more in another order than they came, and commits."""
    taken = record(
        fetched.topic,
        fetched.partition,
        fetched.offset,
        fetched.key,
        fetched.value,
        fetched.headers,
    )
    if service.delay:
        service.stopping.wait(service.delay)
    for each in service.in_order(taken):
        _handle(service, each, handle, around, give_up)
    if service.loses_place(taken):
        topic, partition, offset = taken.position
        consumer.seek(TopicPartition(topic, partition), offset)
    elif service.may_commit(taken):
        _commit(consumer, service, taken)


def _learn_partitions(consumer: kafka.KafkaConsumer, service: Service) -> None:
    """Waits for the topics' metadata before the group is joined.

    A leader that assigns partitions before it knows any assigns none, and when the metadata come
    at just that moment (kafka-python 3.0) it does not notice that there are some now.
    """
    while not all(consumer.partitions_for_topic(topic) for topic in service.role.consumes):
        if service.stopping.wait(0.1):
            return


def _handle(
    service: Service,
    taken: Record,
    handle: Handler,
    around: telemetry.Around,
    give_up: GiveUp | None,
) -> None:
    for attempt in itertools.count(1):
        with service.delivery(taken) as delivery, around(taken):
            try:
                delivery.outcome = handle(taken)
            except NotNow as error:
                telemetry.fail(error)
                delivery.outcome = Outcome.FAILED
                service.stopping.wait(AGAIN_SECONDS)
            except Unprocessable as error:
                if give_up is None:
                    raise
                telemetry.fail(error)
                delivery.outcome = Outcome.FAILED
                if attempt >= ATTEMPTS:
                    delivery.outcome = give_up(taken, error)
        if delivery.outcome.final:
            return


def _commit(consumer: kafka.KafkaConsumer, service: Service, taken: Record) -> None:
    topic, partition, offset = taken.position
    try:
        consumer.commit({TopicPartition(topic, partition): OffsetAndMetadata(offset + 1, "", -1)})
    except KafkaError as error:
        # The next commit covers it; if none comes, the message is delivered again.
        log.warning("no commit of %s: %r", taken.position, error)
    else:
        service.committed([taken])


class Outbox:
    """Sends and waits until the broker has it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._producer = kafka.KafkaProducer(
            bootstrap_servers=service.settings.bootstrap,
            client_id=service.role.client_id or service.role.name,
            reconnect_backoff_max_ms=1000,
        )

    def send(self, message: Outgoing) -> None:
        # The instrumentation appends its context to this very list.
        headers = list(message.headers)
        stored = self._producer.send(
            message.topic,
            value=message.value,
            key=message.key,
            headers=headers,
            timestamp_ms=clock.milliseconds(),
        ).get(timeout=60)
        self._service.sent(message, stored.partition, stored.offset)

    def close(self) -> None:
        self._producer.close()
