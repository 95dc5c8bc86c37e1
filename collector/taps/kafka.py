"""Taps Kafka: every wanted topic by assignment, without a group, a commit or a new topic."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from collector.taps.kafka_groups import GroupWatcher
from collector.taps.kafka_plan import Plan
from collector.taps.kafka_producers import ProducerWatcher
from collector.taps.kafka_reader import SYSTEM, BrokerAway, Reader, WouldCreateTopic
from collector.taps.kafka_session import Reopen, Session
from collector.taps.kafka_settings import KafkaSettings, SecretError
from collector.taps.tap import Sink

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0
"""Seconds between attempts while the broker is away: doubled each time."""


class KafkaTap:
    """A tap on one Kafka cluster (`collector.taps.tap.Tap`).

    The records of a topic that is there at the first start begin at `settings.since`; of a
    topic or partition that appears later, at offset 0. The tap resumes from `sink.positions`.
    confluent-kafka reads where it is installed, kafka-python otherwise, and also as long as the
    cluster has never seen a consumer group: librdkafka would make it create its topic of
    committed offsets.
    """

    def __init__(self, settings: KafkaSettings, clock: Callable[[], float] = time.time) -> None:
        self.name = SYSTEM
        self._settings = settings
        self._clock = clock
        self._stopped = threading.Event()
        self._plan: Plan | None = None
        self._lock = threading.Lock()
        self._status: dict[str, object] = {
            "connected": False,
            "since": clock(),
            "error": "",
            "bootstrap": settings.bootstrap,
        }

        self._groups = GroupWatcher(settings, self._stopped, clock)
        self._producers = ProducerWatcher(settings, self._stopped, clock)

    def run(self, sink: Sink) -> None:
        """Reads until `stop`; whatever fails is tried again, with back-off, from where it was."""
        watchers = [
            threading.Thread(target=watcher.run, args=(sink,), name=f"kafka-{name}")
            for name, watcher, wanted in (
                ("groups", self._groups, self._settings.groups),
                ("producers", self._producers, self._settings.producers),
            )
            if wanted
        ]
        for thread in watchers:
            thread.start()
        wait = FIRST_WAIT
        try:
            while not self._stopped.is_set():
                trouble = self._read(sink)
                if trouble is None:
                    wait = FIRST_WAIT
                    continue
                if self._status["connected"]:
                    wait = FIRST_WAIT
                self._report(False, error=trouble)
                self._stopped.wait(wait)
                wait = min(wait * 2, LONGEST_WAIT)
        finally:
            self._stopped.set()
            for thread in watchers:
                thread.join()

    def stop(self) -> None:
        """Makes `run` return, after the read or hand-over that is under way."""
        self._stopped.set()

    def status(self) -> dict[str, object]:
        """connected, since (epoch seconds of the last change of that), error, bootstrap; and,
        as last seen: cluster, reader, destinations, partitions, lag (messages), refused (topics
        that may not be read), groups and producers (see their watchers), open_transactions (a
        sentence for each that holds back consumers for long)."""
        producers = self._producers.status()
        held = producers.pop("open_transactions", [])
        with self._lock:
            return {
                **self._status,
                "groups": self._groups.status(),
                "producers": producers,
                "open_transactions": held,
            }

    def _read(self, sink: Sink) -> str | None:
        """One reader's life. None when another may follow at once, else what went wrong."""
        reader: Reader | None = None
        try:
            reader, stand_in = self._open()
            session = Session(reader, sink, self._settings, self._plan, stand_in)
            self._plan = session.plan
            self._report(True, session, reader.name)
            self._loop(session, reader.name)
        except Reopen as reason:
            log.info("a new reader takes over: %s", str(reason))
        except (BrokerAway, SecretError) as reason:
            log.warning("%s is away: %s", self._settings.bootstrap, str(reason))
            return str(reason)
        except Exception as error:
            log.exception("the tap on %s failed and starts again", self._settings.bootstrap)
            return f"{type(error).__name__}: {error}"
        finally:
            if reader is not None:
                reader.close()
        return None

    def _loop(self, session: Session, reader: str) -> None:
        look_at = time.monotonic() + self._settings.metadata_interval
        while not self._stopped.is_set():
            session.step()
            if time.monotonic() >= look_at:
                session.look()
                self._report(True, session, reader)
                look_at = time.monotonic() + self._settings.metadata_interval

    def _open(self) -> tuple[Reader, bool]:
        """A reader, and whether it only stands in until another one may read."""
        wish = self._settings.reader
        stand_in = False
        if wish != "kafka-python":
            try:
                from collector.taps.kafka_confluent import ConfluentReader

                return ConfluentReader(self._settings), False
            except WouldCreateTopic:
                stand_in = True
            except ImportError:
                if wish == "confluent-kafka":
                    raise BrokerAway("confluent-kafka is not installed") from None
        try:
            from collector.taps.kafka_python import PythonReader
        except ImportError:
            raise BrokerAway("kafka-python is not installed, and nothing else may read") from None
        return PythonReader(self._settings), stand_in

    def _report(
        self, connected: bool, session: Session | None = None, reader: str = "", error: str = ""
    ) -> None:
        news: dict[str, object] = {"connected": connected, "error": error}
        if session is not None:
            news |= {
                "cluster": session.plan.cluster,
                "reader": reader,
                "destinations": len(session.plan.topics),
                "partitions": len(session.plan.reading),
                "lag": session.lag,
                "refused": session.refused,
            }
        with self._lock:
            if connected != self._status["connected"]:
                self._status["since"] = self._clock()
            self._status |= news
