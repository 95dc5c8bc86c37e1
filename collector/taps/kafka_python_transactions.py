"""What kafka-python's admin client is asked about producers and their transactions (KIP-664)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import (
    AuthorizationError,
    BrokerResponseError,
    KafkaError,
    RetriableError,
    UnsupportedVersionError,
)

from collector.taps.kafka_python_admin import text
from collector.taps.kafka_reader import ActiveProducer, BrokerAway, Partition, Untold

OPEN = ("Ongoing", "PrepareCommit", "PrepareAbort")
"""States in which a transaction still holds back who reads committed records only."""

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def active_producers(
    admin: KafkaAdminClient, partitions: Collection[Partition]
) -> tuple[dict[Partition, list[ActiveProducer]], dict[str, str]]:
    """The producers that each partition's leader remembers, and the topics that refuse to tell
    and why; a partition that cannot answer now is missing. Raises BrokerAway, Untold."""
    refused: dict[str, str] = {}

    def ask(some: Sequence[Partition]) -> dict[Partition, list[ActiveProducer]]:
        answer = admin.describe_producers([TopicPartition(*each) for each in some])
        return {
            Partition(*at): [
                ActiveProducer(
                    each.producer_id,
                    each.producer_epoch,
                    each.last_timestamp,
                    each.current_transaction_start_offset,
                )
                for each in told.active_producers
            ]
            for at, told in answer.items()
        }

    def failed(partition: Partition, error: BrokerResponseError) -> None:
        if isinstance(error, AuthorizationError):
            refused[partition.topic] = type(error).__name__

    return _asked(list(partitions), ask, failed), refused


def transactional_ids(admin: KafkaAdminClient) -> dict[int, str]:
    """Transactional ids by producer id, as far as this user may see them. Raises BrokerAway,
    Untold."""
    try:
        answer = admin.list_transactions()
    except (UnsupportedVersionError, AuthorizationError) as error:
        raise Untold(text(error)) from error
    except KafkaError as error:
        raise BrokerAway(text(error)) from error
    return {each.producer_id: each.transactional_id for some in answer.values() for each in some}


def begun(admin: KafkaAdminClient, ids: Collection[str]) -> dict[str, int]:
    """When those of these transactions that are open began, by transactional id: milliseconds
    since the Unix epoch, by the broker's clock. Raises BrokerAway, Untold.

    To be asked of ids that the broker listed only: asking for another one's coordinator could
    make the broker create the topic of transactions.
    """

    def ask(some: Sequence[str]) -> Mapping[str, int]:
        answer = admin.describe_transactions(list(some))
        return {
            name: told.transaction_start_time_ms
            for name, told in answer.items()
            if told.state.value in OPEN
        }

    def failed(_: str, error: BrokerResponseError) -> None:
        if isinstance(error, RetriableError):
            # The library remembers coordinators for good; another client asks for them anew.
            raise BrokerAway(text(error)) from error

    return _asked(list(ids), ask, failed)


def _asked(
    items: list[Asked],
    ask: Callable[[Sequence[Asked]], Mapping[Asked, Answer]],
    failed: Callable[[Asked, BrokerResponseError], None],
) -> dict[Asked, Answer]:
    """Answers by item. The library fails a whole question for one item: halves find it."""
    if not items:
        return {}
    try:
        return dict(ask(items))
    except UnsupportedVersionError as error:
        raise Untold(text(error)) from error
    except BrokerResponseError as error:
        if len(items) == 1:
            failed(items[0], error)
            return {}
        middle = len(items) // 2
        return _asked(items[:middle], ask, failed) | _asked(items[middle:], ask, failed)
    except KafkaError as error:
        raise BrokerAway(text(error)) from error
