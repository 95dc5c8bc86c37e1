"""Fixtures that several kinds of tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samples.kafka.broker import Broker


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """One real Kafka for the whole run; tests keep apart by names of topics and groups."""
    with Broker() as broker:
        yield broker
