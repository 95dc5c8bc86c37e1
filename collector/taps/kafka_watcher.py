"""What watches a broker beside the reading: rounds of questions, in a thread of their own."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import closing

from collector.taps.kafka_reader import BrokerAway
from collector.taps.kafka_settings import KafkaSettings, SecretError
from collector.taps.tap import Sink

log = logging.getLogger(__name__)

Rounds = Generator[Mapping[str, object]]
"""Yields after each round what is new in the watcher's status; closes its client at the end."""


class Watcher(ABC):
    """Asks every so often until stopped. It only ever describes: it joins nothing, commits
    nothing, creates nothing."""

    def __init__(
        self, settings: KafkaSettings, stopped: threading.Event, interval: float, what: str
    ) -> None:
        self._settings = settings
        self._stopped = stopped
        self._interval = interval
        self._what = what
        self._status: dict[str, object] = {"connected": False, "error": ""}

    def status(self) -> dict[str, object]:
        """connected, error, and what the last round told."""
        return dict(self._status)

    def run(self, sink: Sink) -> None:
        """Watches until stopped; every trouble is tried again in the next round."""
        while not self._stopped.is_set():
            try:
                with closing(self._rounds(sink)) as rounds:
                    for news in rounds:
                        self._status = {"connected": True, "error": "", **news}
                        if self._stopped.wait(self._interval):
                            return
            except (BrokerAway, SecretError) as reason:
                self._trouble(str(reason))
            except Exception as error:
                log.exception("watching the %s of %s failed", self._what, self._settings.bootstrap)
                self._trouble(f"{type(error).__name__}: {error}")
            self._stopped.wait(self._interval)

    @abstractmethod
    def _rounds(self, sink: Sink) -> Rounds:
        """One client's life. Raises BrokerAway."""

    def _trouble(self, text: str) -> None:
        self._status = {**self._status, "connected": False, "error": text}
