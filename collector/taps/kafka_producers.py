"""Watches who produces: producer ids and transactional ids, and transactions that stay open."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

from collector.taps.kafka_reader import ActiveProducer, BrokerAway, Partition, Untold
from collector.taps.kafka_settings import KafkaSettings
from collector.taps.kafka_transactions import ProducerLook, Producers, next_partitions
from collector.taps.kafka_watcher import Rounds, Watcher
from collector.taps.tap import Sink

PARTITIONS_A_ROUND = 200
"""A cluster of thousands is asked in turns: what is known of it is some minutes old then."""
TRANSACTIONS_A_ROUND = 100
REFUSED_SECONDS = 600.0
"""How long a topic that refuses to tell is left alone."""


class ProducerWatcher(Watcher):
    """Asks the broker every `producers_interval` seconds.

    In `status` are, as last seen: partitions (tapped ones), asked (how many of them in the last
    round), producers (how many those have), refused (a topic, "producers" or "transactions" to
    why), open_transactions (a sentence for each that is open for long).
    """

    def __init__(
        self,
        settings: KafkaSettings,
        stopped: threading.Event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, stopped, settings.producers_interval, "producers")
        self._clock = clock
        self._known: dict[str, Producers] = {}

    def _rounds(self, sink: Sink) -> Rounds:
        with closing(_Asked(self._settings)) as asked:
            while True:
                look, partitions = asked.look(int(self._clock() * 1000), self._known)
                known = self._known[look.cluster]
                if rows := known.rows(look):
                    sink.producers(rows)
                known.began(asked.begun(known.lasting()[:TRANSACTIONS_A_ROUND]))
                yield {
                    "partitions": partitions,
                    "asked": len(look.producers),
                    "producers": len(
                        {each.id for some in look.producers.values() for each in some}
                    ),
                    "refused": asked.refused,
                    "open_transactions": known.long_open(look.time_ms),
                }


class _Asked:
    """The questions of one round; remembers whose turn it is and who refuses."""

    def __init__(self, settings: KafkaSettings) -> None:
        try:
            from collector.taps import kafka_python_admin, kafka_python_transactions
        except ImportError:
            raise BrokerAway("kafka-python is not installed: producers are not watched") from None
        self._ask = kafka_python_transactions
        self._admin_ask = kafka_python_admin
        self._settings = settings
        self._after: Partition | None = None
        self._silent: dict[str, tuple[float, str]] = {}
        self._untold: dict[str, str] = {}
        self._admin = kafka_python_admin.open_admin(settings)

    @property
    def refused(self) -> dict[str, str]:
        """What is not told, and why."""
        return {topic: why for topic, (_, why) in self._silent.items()} | self._untold

    def look(self, time_ms: int, known: dict[str, Producers]) -> tuple[ProducerLook, int]:
        """One round of questions, and how many partitions are tapped."""
        cluster = self._admin_ask.cluster_id(self._admin)
        seen, led = self._admin_ask.described(self._admin, None, cluster)
        topics = {name: each for name, each in seen.topics.items() if self._settings.wants(name)}
        tapped = {each for each in led if each.topic in topics}
        before = known.setdefault(cluster, Producers())
        self._untold = {}
        producers = self._producers(tapped, before)
        # Asked for after the producers: each of them has been listed by now.
        return ProducerLook(time_ms, cluster, topics, producers, self._ids()), len(tapped)

    def begun(self, ids: list[str]) -> dict[str, int]:
        """When these transactions began, as far as they are open and it is told."""
        try:
            return self._ask.begun(self._admin, ids)
        except Untold as why:
            self._untold["transactions"] = str(why)
            return {}

    def close(self) -> None:
        self._admin.close()

    def _producers(
        self, tapped: set[Partition], known: Producers
    ) -> dict[Partition, list[ActiveProducer]]:
        now = time.monotonic()
        self._silent = {
            topic: (since, why)
            for topic, (since, why) in self._silent.items()
            if now - since < REFUSED_SECONDS
        }
        turn, self._after = next_partitions(
            [each for each in tapped if each.topic not in self._silent],
            known.held,
            self._after,
            PARTITIONS_A_ROUND,
        )
        try:
            told, refused = self._ask.active_producers(self._admin, turn)
        except Untold as why:
            self._untold["producers"] = str(why)
            return {}
        self._silent |= {topic: (now, why) for topic, why in refused.items()}
        return told

    def _ids(self) -> dict[int, str]:
        try:
            return self._ask.transactional_ids(self._admin)
        except Untold as why:
            self._untold["transactions"] = str(why)
            return {}
