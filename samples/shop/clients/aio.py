"""aiokafka: coroutines, one record at a time or several at once.

Its instrumentation wraps `send`, `getone` and `getmany`; consumer spans have ended before the
records are returned. `getmany` makes a span for the poll, one for each partition, and one for each
record, which alone belongs to the record's trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import aiokafka
from aiokafka.errors import KafkaError

from samples.shop import clock
from samples.shop.entries import Outcome
from samples.shop.events import Outgoing, Record, record
from samples.shop.service import SESSION_SECONDS, Service, log

Handler = Callable[[Record], Awaitable[Outcome]]

BATCH = 5
POLL_SECONDS = 0.2


async def consume(service: Service, handle: Handler) -> None:
    """Handles messages until the service stops; each is committed once it is handled."""
    consumer = _consumer(service)
    await consumer.start()
    taking: asyncio.Future[aiokafka.ConsumerRecord] | None = None
    try:
        while taking or not service.stopping.is_set():
            # Cancelled only at the end and while it waits: what was taken must be handled.
            taking = taking or asyncio.ensure_future(consumer.getone())
            await asyncio.wait({taking}, timeout=POLL_SECONDS)
            if consumer.assignment():
                service.ready()
            if not taking.done():
                if service.stopping.is_set():
                    break
                continue
            fetched, taking = taking.result(), None
            taken = _record(fetched)
            if service.is_stuck:
                await _never_done(service)
                break
            await _handle(service, taken, handle)
            if service.loses_place(taken):
                position = taken.position
                consumer.seek(
                    aiokafka.TopicPartition(position.topic, position.partition), position.offset
                )
            else:
                await _commit(consumer, service, taken)
    finally:
        if taking:
            taking.cancel()
        await consumer.stop()


async def consume_batches(service: Service, handle: Handler) -> None:
    """The same, but several messages are taken at once; they are still committed one by one."""
    consumer = _consumer(service)
    await consumer.start()
    try:
        while not service.stopping.is_set():
            batches: Mapping[object, list[aiokafka.ConsumerRecord]] = await consumer.getmany(
                timeout_ms=int(POLL_SECONDS * 1000), max_records=BATCH
            )
            if consumer.assignment():
                service.ready()
            if batches and service.is_stuck:
                await _never_done(service)
                break
            for taken in [_record(fetched) for batch in batches.values() for fetched in batch]:
                await _handle(service, taken, handle)
                await _commit(consumer, service, taken)
    finally:
        await consumer.stop()


def _consumer(service: Service) -> aiokafka.AIOKafkaConsumer:
    return aiokafka.AIOKafkaConsumer(
        *service.role.consumes,
        bootstrap_servers=service.settings.bootstrap,
        group_id=service.role.group,
        client_id=service.role.client_id or service.role.name,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=SESSION_SECONDS * 1000,
    )


def _record(fetched: aiokafka.ConsumerRecord) -> Record:
    return record(
        fetched.topic,
        fetched.partition,
        fetched.offset,
        fetched.key,
        fetched.value,
        fetched.headers,
    )


async def _handle(service: Service, taken: Record, handle: Handler) -> None:
    with service.delivery(taken) as delivery:
        if service.delay:
            await asyncio.sleep(service.delay)
        delivery.outcome = await handle(taken)


async def _never_done(service: Service) -> None:
    """The fault `stuck`; the client goes on telling its group that it is there."""
    await asyncio.to_thread(service.stopping.wait)


async def _commit(consumer: aiokafka.AIOKafkaConsumer, service: Service, taken: Record) -> None:
    topic, partition, offset = taken.position
    try:
        await consumer.commit({aiokafka.TopicPartition(topic, partition): offset + 1})
    except KafkaError as error:
        # The next commit covers it; if none comes, the message is delivered again.
        log.warning("no commit of %s: %r", taken.position, error)
    else:
        service.committed([taken])


class Outbox:
    """Sends and waits until the broker has it; a context manager."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=service.settings.bootstrap,
            client_id=service.role.client_id or service.role.name,
        )

    async def __aenter__(self) -> Outbox:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def send(self, message: Outgoing) -> None:
        # The instrumentation appends its context to this very list.
        headers = list(message.headers)
        stored = await self._producer.send_and_wait(
            message.topic,
            value=message.value,
            key=message.key,
            headers=headers,
            timestamp_ms=clock.milliseconds(),
        )
        self._service.sent(message, stored.partition, stored.offset)
