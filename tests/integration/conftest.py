"""What integration tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samples.kafka.broker import Broker
from tests.integration import shop_run
from tests.integration.live_shop import LiveShop, live_shop


@pytest.fixture(scope="session")
def run(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> shop_run.Run:
    """The shop, run once for all."""
    return shop_run.begin(kafka.bootstrap, tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveShop]:
    """The demo's shop as it runs, on a Kafka of its own, and one of its orders."""
    with live_shop(tmp_path_factory.mktemp("live")) as running:
        yield running
